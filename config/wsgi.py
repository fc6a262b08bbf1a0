"""The WSGI application that gunicorn serves."""

import os

# A worker answers one request per core: BLAS and OpenMP threads inside it only fight each other.
# They read this once, when NumPy is first imported, so it must stand before everything else.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from contextlib import suppress

from django.conf import settings

# What a worker counts is shared with the others through files; the library looks for the folder when it is
# loaded. Without one /metrics tells of one worker alone, which is no reason not to serve.
with suppress(OSError):
    settings.METRICS_DIR.mkdir(parents=True, exist_ok=True)
    if os.access(settings.METRICS_DIR, os.W_OK):
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(settings.METRICS_DIR))

from django.core.wsgi import get_wsgi_application

from core.middleware import without_charset

application = without_charset(get_wsgi_application())
