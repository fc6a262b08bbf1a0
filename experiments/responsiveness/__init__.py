"""The worth of a no: how much of what is like a refused item it keeps out of lists, and for how long."""
