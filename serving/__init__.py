"""The request path: from a person to the recorded list, and the views that answer with it."""
