# The API and its commands, installed as a checkout installs them: locked, with hashes. The image runs as a user without a
# name, on a read-only root file system: /data is for the logs and /tmp for Python. Nothing in it needs a shell or pip.
# compose.yaml has the options of a container; tests/architecture/test_container.py compares both.
FROM python:3.12-slim AS build
WORKDIR /srv
RUN ["python", "-m", "venv", "/srv/.venv"]
COPY requirements/bootstrap.txt requirements/base.txt requirements/
RUN [".venv/bin/pip", "install", "--no-cache-dir", "--require-hashes", "-r", "requirements/bootstrap.txt", "-r", "requirements/base.txt"]
COPY pyproject.toml README.md ./
COPY app app
COPY graphql_schema graphql_schema
COPY policies policies
COPY web web
RUN [".venv/bin/pip", "install", "--no-cache-dir", "--no-deps", "--no-build-isolation", "-e", "."]
# The root file system is read-only later, so the sources are compiled now.
RUN [".venv/bin/python", "-m", "compileall", "-q", "app", "graphql_schema", "policies"]
RUN [".venv/bin/pip", "uninstall", "--yes", "pip", "uv", "uv-build"]
RUN ["install", "-d", "-o", "65532", "-g", "65532", "-m", "700", "/data", "/schema"]

FROM python:3.12-slim
WORKDIR /srv
COPY --from=build /srv /srv
# Volumes get the owner of these folders.
COPY --from=build --chown=65532:65532 /data /data
COPY --from=build --chown=65532:65532 /schema /schema
ENV PATH=/srv/.venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MLG_DATA_DIR=/data \
    MLG_CACHE_DIR=/cache
USER 65532:65532
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=6s --start-period=20s --retries=6 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/ready', timeout=5)"]
CMD ["mlg", "serve"]
