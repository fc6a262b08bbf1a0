"""Text search: index, query analysis, and results personalised for one person."""
