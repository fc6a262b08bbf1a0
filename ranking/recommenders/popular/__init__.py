"""Popularity: what most people want, older demand counting less."""
