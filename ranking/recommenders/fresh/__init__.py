"""Novelty: the items published last."""
