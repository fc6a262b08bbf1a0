"""The names of what gave a slot its place, where that is no retrieving recommender of the registry."""

from recommendations.selectors import SEARCH_METHOD

RANKER = "ranker"
"""A ranker gave the order."""

SEARCH = SEARCH_METHOD
"""The answer to a search; its order is no recommendation."""

EXPLORATION = "exploration"
"""Chance filled the slot."""
