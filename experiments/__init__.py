"""Controlled experiments: starting and stopping, outcomes, reports, and their admin."""
