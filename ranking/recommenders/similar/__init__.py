"""Items like those that a person approved, by their facets."""
