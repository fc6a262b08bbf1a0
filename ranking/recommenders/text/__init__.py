"""Nearness by text: what reads like what the person chose last, from sentence embeddings of the items."""
