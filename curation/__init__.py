"""The rules of staff: what they say, who wrote them when, and what of them is in force for a list."""
