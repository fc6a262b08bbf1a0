"""Recommenders: one folder for each way of retrieving or scoring items."""
