"""Django's backend for SQLite, with writers who ask for the lock often enough to get it."""
