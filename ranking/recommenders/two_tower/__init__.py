"""Two towers: a person and an item as vectors made from what is known of each."""
