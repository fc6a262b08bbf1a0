"""Implicit ALS, with dislikes as negative preference and people folded in at request time."""
