"""Tests of sequence models."""
