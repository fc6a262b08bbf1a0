"""Rows to files: what an installation holds, written for other programs to read."""
