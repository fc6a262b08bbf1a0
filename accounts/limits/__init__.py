"""Limits on how often one person, program or address may do what costs others: `rules` has the list.

A worker lets the first requests of somebody through by its own count and asks the shared store only of
those who go on: so an ordinary person costs no query, and all workers let at most a tenth too much through.
"""
