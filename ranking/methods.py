"""Names of the methods that place a slot and are no recommender of the registry."""

from recommendations.selectors import PRUNED_METHOD, SEARCH_METHOD

RANKER = "ranker"
"""A ranker gave the order."""

SEARCH = SEARCH_METHOD
"""The answer to a search; its order is no recommendation."""

PRUNED = PRUNED_METHOD
"""The list is past its use, and its slots are gone."""

EXPLORATION = "exploration"
"""Chance filled the slot."""

PIN = "pin"
"""A rule of staff put the item there; also the source of an item that nothing else brought."""
