"""Announcements: one folder says that something happened, and other folders listen.

So what lies below tells what lies above of an event and knows nothing of it. An announcement that is made
within a transaction is heard within it: what a listener writes is taken back with the rest.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

Facts: TypeAlias = Mapping[str, str | int | float | None]
Listener: TypeAlias = Callable[[str, Facts], None]

MODEL_ACTIVATED = "model.activated"
MODEL_REJECTED = "model.rejected"
RETRAIN_FAILED = "retrain.failed"
ALERT_BEGAN = "alert.began"
ALERT_ENDED = "alert.ended"
# After each run of retraining, whatever came of it.
RETRAIN_ENDED = "retrain.ended"

_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Has a function called with the name and the facts of each announcement from now on."""
    if listener not in _listeners:
        _listeners.append(listener)


def announce(event: str, facts: Facts) -> None:
    """Tells every listener."""
    for listener in _listeners:
        listener(event, facts)
