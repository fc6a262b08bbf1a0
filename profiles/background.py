"""Storing profiles in the background, so that no list waits for the writing."""

from core.refresher import Refresher, RefreshJob
from profiles.catching_up import catch_up

THREAD = "taste-profiles"


def catch_up_later(user_id: int) -> None:
    """Has the profile of a person stored soon.

    Should that fail, what readers see is right all the same; the next with much to catch up on asks again.
    """
    _refresher.request(user_id)


def _store(user_id: int) -> None:
    catch_up(user_id=user_id)


_refresher: Refresher[int] = Refresher(
    RefreshJob(name=THREAD, refresh=_store, failure="a taste profile could not be stored")
)
