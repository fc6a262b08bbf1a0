"""Asks this container whether it is ready; the exit code says so."""

import http.client
import os
import sys

connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=4)
# A name that the server answers to, and as if its proxy had ended TLS: it is not what is asked here.
host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".") or "localhost"
try:
    connection.request("GET", "/ready", headers={"Host": host, "X-Forwarded-Proto": "https"})
    sys.exit(0 if connection.getresponse().status == http.HTTPStatus.OK else 1)
except OSError:
    sys.exit(1)
