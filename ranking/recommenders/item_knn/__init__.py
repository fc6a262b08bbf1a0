"""Item-to-item neighbors: what goes with what a person approved, by who chose both."""
