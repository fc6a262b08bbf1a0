"""Novelty: what was published last."""
