"""The WSGI application that gunicorn serves."""

import os

# A worker answers one request per core: BLAS and OpenMP threads inside it only fight each other.
# They read this once, when NumPy is first imported, so it must stand before everything else.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.wsgi import get_wsgi_application

from core.middleware import without_charset

application = without_charset(get_wsgi_application())
