"""Webhooks: what happened to models and lists, told to other programs until they have heard it."""
