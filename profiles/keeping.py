"""Profiles that a reader found far behind, stored by a thread so that no list waits for the writing."""

import logging
import threading

from django.db import connection

from profiles.catching_up import catch_up

logger = logging.getLogger(__name__)

KEEPER = "taste-keeper"


class Keeper:
    """Brings profiles up to date one after another, in a thread that lives while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: set[int] = set()
        self._is_running = False

    def ask(self, user_id: int) -> None:
        """Has the profile of a person brought up to date soon; asking twice does no more than once."""
        with self._lock:
            self._waiting.add(user_id)
            if self._is_running:
                return
            self._is_running = True
        threading.Thread(target=self._run, name=KEEPER, daemon=True).start()

    def _run(self) -> None:
        try:
            while (user_id := self._next()) is not None:
                _keep(user_id)
        finally:
            # The connection is this thread's own, and the thread ends here.
            connection.close()

    def _next(self) -> int | None:
        with self._lock:
            if self._waiting:
                return self._waiting.pop()
            self._is_running = False
            return None


def _keep(user_id: int) -> None:
    try:
        catch_up(user_id=user_id)
    except Exception:
        # What readers see is right all the same; the next one that has much to fold asks again.
        logger.exception("the taste of user %s could not be stored", user_id)


_keeper = Keeper()


def catch_up_later(user_id: int) -> None:
    """Has the profile of a person stored in the background."""
    _keeper.ask(user_id)
