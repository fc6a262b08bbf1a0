"""The taste vector: items near to what a person likes, by Manhattan distance."""
