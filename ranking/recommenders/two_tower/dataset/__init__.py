"""The dataset that the two towers learn from."""
