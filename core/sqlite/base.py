"""The connection to SQLite: a transaction asks for the lock every few milliseconds until it has it.

SQLite itself asks ever more seldom, after a while only every tenth of a second. Beside an import, which
leaves the lock free for moments, and beside other writers, who take it in those, somebody can so come too
late many times in a row. Asking takes microseconds, and few ask at once: the threads of the workers.
"""

import sqlite3
from random import random
from time import monotonic, sleep

from django.db import OperationalError
from django.db.backends.sqlite3 import base

# Seconds between two questions, on average; not in step with those of others.
ASKED_EVERY = 0.005
_DEFAULT_TIMEOUT = 5.0


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose transactions wait as its `timeout` says, in steps that stay short."""

    def _start_transaction_under_autocommit(self) -> None:
        timeout = float(self.settings_dict["OPTIONS"].get("timeout", _DEFAULT_TIMEOUT))
        ends = monotonic() + timeout
        # Whether the lock is free SQLite says at once, and only here.
        self.connection.execute("PRAGMA busy_timeout = 0")
        try:
            while not self._is_begun(give_up=monotonic() >= ends):
                sleep(2.0 * ASKED_EVERY * random())
        finally:
            self.connection.execute(f"PRAGMA busy_timeout = {int(1000 * timeout)}")

    def _is_begun(self, *, give_up: bool) -> bool:
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # the stubs lack it
        except OperationalError as error:
            if give_up or not _is_busy(error):
                raise
            return False
        return True


def _is_busy(error: OperationalError) -> bool:
    code = getattr(error.__cause__, "sqlite_errorcode", None)
    # The lowest byte is the kind, the others say more of it.
    return code is not None and code & 0xFF == sqlite3.SQLITE_BUSY
