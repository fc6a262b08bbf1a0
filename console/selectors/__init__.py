"""Reads for the pages of staff: querysets as frozen dataclasses, in a fixed number of queries."""
