"""Assistants: programs that talk, and use a person's lists by the Model Context Protocol."""
