"""Popularity: the items that most people want, older demand counting less."""
