"""Estimates which strengths serve people best, from experiments and logged chances."""
