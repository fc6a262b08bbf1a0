"""The names of what gave a slot its place, where that is no retrieving recommender of the registry."""

RANKER = "ranker"
"""A ranker gave the order."""

SEARCH = "search"
"""The answer to a search; its order is no recommendation."""

EXPLORATION = "exploration"
"""Chance filled the slot."""
