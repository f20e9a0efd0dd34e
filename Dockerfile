# The API and its commands, installed as a checkout installs them: locked, with hashes.
FROM python:3.12-slim
WORKDIR /srv
COPY requirements/bootstrap.txt requirements/base.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/bootstrap.txt -r requirements/base.txt
COPY pyproject.toml README.md ./
COPY app app
COPY graphql_schema graphql_schema
COPY policies policies
RUN pip install --no-cache-dir --no-deps --no-build-isolation -e .
USER nobody
CMD ["mlg", "serve"]
