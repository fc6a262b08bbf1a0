"""The connection to PostgreSQL; Django finds its `DatabaseWrapper` by the name of this module."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own connection, which asks `SELECT 1` at the start of a request only where it has cause to."""

    def is_usable(self) -> bool:
        """True where the connection can be used.

        A server that ends a connection says so on it. So one that brought nothing since the last answer, and
        no error, is not asked.
        """
        server = self.connection
        # One that is closed has no socket to look at.
        if server is None or server.closed or self.errors_occurred or _has_news(server.fileno()):
            return super().is_usable()
        return True


def _has_news(file: int) -> bool:
    """True where something can be read from a socket, its end among it."""
    poll = select.poll()
    poll.register(file, select.POLLIN)
    return bool(poll.poll(0))
