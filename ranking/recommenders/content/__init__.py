"""Nearness by facets to what a person chose, with weights that are learned from what people chose next."""
