# Heed as one image: the web, the schedule and every command of manage.py (docs/how-to/install.md, "Containers").
FROM python:3.11-slim-bookworm AS build
WORKDIR /srv/heed
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements.lock ./
RUN python -m venv /opt/heed && /opt/heed/bin/pip install --require-hashes --only-binary :all: -r requirements.lock

FROM python:3.11-slim-bookworm
# LightGBM and implicit share the threads of GNU's OpenMP.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin heed \
    && install -d -o heed -g heed /var/lib/heed
COPY --from=build /opt/heed /opt/heed
WORKDIR /srv/heed
COPY . .
ENV PATH=/opt/heed/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MODEL_DIR=/var/lib/heed/models \
    DATASET_DIR=/var/lib/heed/datasets \
    REPORT_DIR=/var/lib/heed/reports \
    LOCK_DIR=/var/lib/heed/locks \
    METRICS_DIR=/tmp/heed-metrics \
    SHARED_MODEL_DIR=/tmp/heed-models
# The static files are part of the image, so that a start writes nothing outside of /var/lib/heed and /tmp.
RUN SECRET_KEY=only-while-the-image-is-built python manage.py collectstatic --noinput --verbosity 0
USER 10001
VOLUME /var/lib/heed
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "deploy/healthcheck.py"]
CMD ["gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4", "--worker-tmp-dir", "/dev/shm"]
