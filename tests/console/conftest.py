"""A database for threads."""

from tests.threads import threads_db

__all__ = ["threads_db"]
