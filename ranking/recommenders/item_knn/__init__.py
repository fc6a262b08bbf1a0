"""Item-to-item neighbors: items that were chosen by the people who chose what a person approved."""
