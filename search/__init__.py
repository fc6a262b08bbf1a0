"""Text search: index, query analysis, and results personalized for one person."""
