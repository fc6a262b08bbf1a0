"""A site that a benchmark sets up for itself: a database, folders and settings that touch no other."""

import os
import secrets
from pathlib import Path


def set_up(folder: str | Path, database: str | None, **settings: str) -> None:
    """Sets up Django on `database`, or on a SQLite file in `folder`, with all that it writes in `folder`.

    As in service, unless `settings` say otherwise: with DEBUG Django keeps the text of the last 9,000 queries
    of every thread. Processes that are started later find the same site in their environment.
    """
    os.environ.update(
        {
            "DEBUG": "0",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "HTTPS": "0",
            "LOG_LEVEL": "ERROR",
            "DATABASE_URL": database or f"sqlite:///{folder}/site.sqlite3",
            "MODEL_DIR": f"{folder}/models",
            "DATASET_DIR": f"{folder}/datasets",
            "LOCK_DIR": f"{folder}/locks",
            "METRICS_DIR": f"{folder}/metrics",
            "GATE_MARGIN": "-1",
            "GATE_MIN_PEOPLE": "1",
            "RATE_LIMIT_FACTOR": "0",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        | settings
    )
    import django

    django.setup()
