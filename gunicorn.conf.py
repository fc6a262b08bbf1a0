"""Acts of gunicorn around its workers; it finds this file in the folder that it is started in."""

import gc
from typing import Any

from config import settings

# Threads that get whole requests: who sends slowly holds up nobody.
worker_class = "config.server.WholeRequestsWorker"
# Longer than a proxy keeps a connection that rests (nginx: 60 seconds). Else a request comes to one that is
# just being closed, and has no answer.
keepalive = 75


def on_starting(server: Any) -> None:
    """Forgets what the workers of an earlier start counted: counters begin at 0, as Prometheus expects."""
    for file in settings.METRICS_DIR.glob("*.db"):
        file.unlink(missing_ok=True)


def post_worker_init(worker: Any) -> None:
    """Leaves out of every later look for garbage what a worker has loaded, which stays as long as it lives.

    A full look stops all its threads; of these objects alone it takes a tenth of a second.
    """
    gc.collect()
    gc.freeze()
