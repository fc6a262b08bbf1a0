"""Acts of gunicorn around its workers; it finds this file in the folder that it is started in."""

import gc
from typing import Any

from config import settings

# Threads that get whole requests: who sends slowly holds up nobody.
worker_class = "config.server.WholeRequestsWorker"
# Longer than a proxy keeps a connection that rests (nginx: 60 seconds). Else a request comes to one that is
# just being closed, and has no answer.
keepalive = 75
# Workers are forked from a process that has loaded the code, and share its memory.
# New code takes a restart: the signal to reload gives new workers of the old code.
preload_app = True


def on_starting(server: Any) -> None:
    """Forgets what the workers of an earlier start counted: counters begin at 0, as Prometheus expects."""
    for file in settings.METRICS_DIR.glob("*.db"):
        file.unlink(missing_ok=True)


def when_ready(server: Any) -> None:
    """Loads, before there are workers, what their first list would load: code, models and the catalog.

    It stays as long as they live, so they leave it out of every look for garbage. A full look stops all
    threads for a tenth of a second. It also writes to all that it looks at, which ends the sharing.
    """
    from django.apps import apps
    from django.urls import get_resolver

    # Another application may be served with this worker, as in its tests.
    if apps.ready:
        from ranking.recommenders.ranker.library import load_lightgbm
        from serving.live import load_states

        _ = get_resolver().url_patterns
        load_lightgbm()
        load_states()
    gc.collect()
    gc.freeze()
