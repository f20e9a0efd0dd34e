"""Reads an MLflow tracking server, or the database behind one, through MLflow's own client, page by page.

Nothing is written there. A database is opened only if its schema is that of the installed client, because the client
would create and migrate tables in a database that lacks some. The client is an optional package, which is imported when
a registry opens.
"""

import importlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import quote, unquote

from app.ingest.shown_address import DATABASES, without_credentials, without_secrets
from app.ingest.sources.mlflow.registry_entities import (
    Entity,
    experiment_of,
    logged_key_of,
    logged_model_of,
    measuring_runs,
    metric_of,
    models_made,
    models_read,
    registered_model_of,
    run_of,
    version_of,
)
from app.ingest.sources.mlflow.registry_ids import (
    ReadObject,
    id_lists,
    literal,
    logged_id_of,
    logged_model,
    tracked_run,
)
from app.ingest.sources.mlflow.registry_records import (
    ExperimentRecord,
    LoggedModelKey,
    LoggedModelRecord,
    MetricPoint,
    RegisteredModelRecord,
    RunRecord,
    VersionRecord,
)
from policies.errors import Code, CodedError

PAGE: Final = 100
"""Maximal number of objects in one response of the registry, other than points of a history."""

HISTORY_PAGE: Final = 5000
"""Maximal number of points of the history of a metric in one response."""

EMPTY_PAGES: Final = 100
"""Number of empty pages in a row, each with the token of another one, after which a registry is not read on."""

_SERVERS: Final = ("http", "https")
_LIMITS: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "4",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}
"""Settings of MLflow's client unless the environment has them: its own defaults wait for minutes, and send usage."""

R = TypeVar("R")
ReadPage = Callable[[str | None], Entity]
"""Returns the page of a list behind a token; the page has the next token as ``token``."""


class RegistryError(CodedError):
    """The registry cannot be read: the message says why, and what to do."""

    code = Code.INVALID


class RegistryClient:
    """One open registry, read by one thread at a time; ``uri`` is without its credentials in messages."""

    def __init__(self, uri: str, client: Entity) -> None:
        self._uri = uri
        self._client = client
        self._view_all = importlib.import_module("mlflow.entities").ViewType.ALL
        self._experiments: list[str] = []

    def experiments(self) -> Iterator[list[ExperimentRecord]]:
        """Yield all experiments, deleted ones included, in pages.

        Read them first: other methods find runs and logged models by id only in experiments that were yielded.
        """
        self._experiments = []
        for page in self._pages(
            lambda token: self._client.search_experiments(
                view_type=self._view_all, max_results=PAGE, order_by=["experiment_id ASC"], page_token=token
            )
        ):
            records = [experiment_of(each) for each in page]
            self._experiments += [each.id for each in records]
            yield records

    def runs(self, experiment: str) -> Iterator[list[RunRecord]]:
        """Yield all runs of an experiment, deleted ones included, in pages, the oldest first."""
        for page in self._pages(
            lambda token: self._client.search_runs(
                [experiment],
                run_view_type=self._view_all,
                max_results=PAGE,
                order_by=["attributes.start_time ASC", "attributes.run_id ASC"],
                page_token=token,
            )
        ):
            yield self._run_records(page)

    def logged_models(self, experiment: str) -> Iterator[list[LoggedModelRecord]]:
        """Yield the logged models of an experiment in pages, the oldest first."""
        order = [{"field_name": "creation_timestamp", "ascending": True}]
        for page in self._pages(
            lambda token: self._client.search_logged_models(
                [experiment], max_results=PAGE, order_by=order, page_token=token
            )
        ):
            runs = self._runs_by_id(run for each in page for run in measuring_runs(each))
            yield [logged_model_of(each, runs) for each in page]

    def registered_models(self) -> Iterator[list[RegisteredModelRecord]]:
        """Yield the registered models by name, in pages; prompts are left out."""
        for page in self._pages(
            lambda token: self._client.search_registered_models(
                max_results=PAGE, order_by=["name ASC"], page_token=token
            )
        ):
            yield [registered_model_of(each) for each in page]

    def versions(self, model: RegisteredModelRecord) -> Iterator[list[VersionRecord]]:
        """Yield the versions of a registered model in pages, each with its run and logged model where they exist."""
        for page in self._version_pages(model.name):
            runs = self._runs_by_id(each.run_id for each in page if each.run_id)
            logged = {each.model_id: logged_model_of(each, {}) for each in self._logged(map(logged_id_of, page))}
            yield [
                version_of(
                    each,
                    (alias for alias, version in model.aliases.items() if version == str(each.version)),
                    runs.get(each.run_id),
                    logged.get(logged_id_of(each)),
                )
                for each in page
            ]

    def _version_pages(self, model: str) -> Iterator[Sequence[Entity]]:
        """Yield the versions of a registered model in pages; one by one if no filter can have the name of the model."""
        name = literal(model)
        if name is not None:
            yield from self._pages(
                lambda token: self._client.search_model_versions(
                    f"name={name}", max_results=PAGE, order_by=["version_number ASC"], page_token=token
                )
            )
            return
        entity = self.read_object(methodcaller("get_registered_model", model))
        last = max((int(each.version) for each in entity.latest_versions), default=0) if entity else 0
        for begin in range(1, last + 1, PAGE):
            numbers = map(str, range(begin, min(begin + PAGE, last + 1)))
            found = (self.read_object(methodcaller("get_model_version", model, number)) for number in numbers)
            yield [each for each in found if each is not None]

    def history(self, run: str, metric: str) -> Iterator[Sequence[MetricPoint]]:
        """Yield all points of a metric of a run, in pages."""
        store = self._client._tracking_client.store  # noqa: SLF001 - the public call holds the whole history
        for page in self._pages(
            lambda token: store.get_metric_history(run, metric, max_results=HISTORY_PAGE, page_token=token)
        ):
            yield [metric_of(each) for each in page]

    def has(self, kind: str, foreign_id: str) -> bool:
        """Return whether the registry still has the object of an item, deleted or not.

        ``kind`` is the key of the item, and the id that of its property ``mlflow.id``. The id of an ``alias`` is
        ``models:/NAME@ALIAS``.
        """
        if kind == "alias":
            return self._has_alias(foreign_id)
        name, _, version = foreign_id.removeprefix("models:/").rpartition("/")
        read: dict[str, ReadObject] = {
            "workflow": lambda client: client.get_experiment(foreign_id),
            "run": tracked_run(foreign_id),
            "model": lambda client: client.get_registered_model(foreign_id),
            "modelVersion": lambda client: (
                client.get_model_version(name, version) if name else logged_model(foreign_id)(client)
            ),
        }
        return self.read_object(read[kind]) is not None

    def _has_alias(self, foreign_id: str) -> bool:
        """Return whether an alias exists; false for the ids of older releases, which do not name the model."""
        name, _, alias = foreign_id.removeprefix("models:/").rpartition("@")
        model = self.read_object(lambda client: client.get_registered_model(name)) if name else None
        return model is not None and alias in model.aliases

    def read_object(self, read: ReadObject) -> Entity | None:
        """Return an object that a call of the client returns, None if the registry does not have it."""
        try:
            return read(self._client)
        except _errors_of_client() as error:
            if getattr(error, "error_code", "") in {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}:
                return None
            raise _failure(self._uri, error) from error

    def _run_records(self, page: Sequence[Entity]) -> list[RunRecord]:
        ids = (each for run in page for each in (*models_read(run), *models_made(run)))
        models: dict[str, LoggedModelKey] = {each.model_id: logged_key_of(each) for each in self._logged(ids)}
        return [run_of(each, models) for each in page]

    def _runs_by_id(self, ids: Iterable[str]) -> dict[str, RunRecord]:
        found: dict[str, RunRecord] = {}
        for listed in id_lists(ids, PAGE):
            given = (self._experiments, f"attributes.run_id IN ({listed})", self._view_all, PAGE)
            page = self._read(partial(self._client.search_runs, *given))
            found |= {each.info.run_id: run_of(each, {}) for each in page}
        return found

    def _logged(self, ids: Iterable[str]) -> list[Entity]:
        """Return the logged models with these ids, of those that exist."""
        found: list[Entity] = []
        for listed in id_lists(ids, PAGE):
            given = (self._experiments, f"model_id IN ({listed})")
            found += self._read(partial(self._client.search_logged_models, *given, max_results=PAGE))
        return found

    def _pages(self, read: ReadPage) -> Iterator[Sequence[Entity]]:
        """Yield the pages that are not empty; raises RegistryError if a token comes twice, or EMPTY_PAGES are empty."""
        token: str | None = None
        tokens, empty = set[str](), 0
        while True:
            page = self._read(partial(read, token))
            empty = 0 if page else empty + 1
            if page:
                yield page
            token = page.token or None
            if token is None:
                return
            if token in tokens or empty == EMPTY_PAGES:
                found = "the token of a page came twice" if token in tokens else f"{empty} pages in a row were empty"
                raise RegistryError(
                    f"{without_credentials(self._uri)} returned a list of pages without an end: {found}. "
                    "Check that the address is that of an MLflow server.",
                    Code.STORE_UNAVAILABLE,
                )
            tokens.add(token)

    def _read(self, read: Callable[[], R]) -> R:
        try:
            return read()
        except _errors_of_client() as error:
            raise _failure(self._uri, error) from error


def open_registry(uri: str) -> RegistryClient:
    """Return the registry behind a URI: ``http://HOST:PORT`` of a tracking server, or that of its database.

    Raises RegistryError. Its code is CONFIGURATION if the client or a driver is absent, the client has another version
    than the registry, or the address is no tracking server. It is INVALID for another URI, an absent file, and a
    database that is no registry. It is UNAUTHENTICATED or FORBIDDEN if the registry refuses the credentials, and
    STORE_UNAVAILABLE if it cannot be read for another reason.
    """
    for key, value in _LIMITS.items():
        os.environ.setdefault(key, value)
    scheme, separator, _ = uri.partition("://")
    kind = scheme.lower().partition("+")[0]
    if not separator or kind not in {*DATABASES, *_SERVERS}:
        shown = repr(without_credentials(uri)) if separator else "The argument"
        raise RegistryError(
            f"{shown} is no URI of a registry; give http://HOST:PORT of a tracking server, or the "
            "URI of its database, such as sqlite:////var/lib/mlflow/mlflow.db or postgresql://user:password@host/mlflow."
        )
    module = _client_module()
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    if kind in DATABASES:
        uri = _read_only(uri)
        _require_schema(uri)
    try:
        client = module.MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
        client.search_logged_models(["0"], max_results=1)
        client.search_registered_models(max_results=1)
    except _errors_of_client() as error:
        raise _failure(uri, error) from error
    return RegistryClient(uri, client)


def _client_module() -> Entity:
    """Return the module ``mlflow``; raises RegistryError if it or what it needs is not installed."""
    try:
        for name in ("mlflow", "sqlalchemy", "alembic"):
            importlib.import_module(name)
        return importlib.import_module("mlflow")
    except ImportError as error:
        raise RegistryError(
            f"The client of MLflow is not installed ({error}). Install the packages of requirements/mlflow.txt, or the "
            "extra of this package: pip install 'model-lifecycle-graph[mlflow]'.",
            Code.CONFIGURATION,
        ) from error


def _errors_of_client() -> tuple[type[Exception], ...]:
    """Return the errors that a request to the registry may raise."""
    return (
        importlib.import_module("mlflow.exceptions").MlflowException,
        importlib.import_module("sqlalchemy.exc").SQLAlchemyError,
        OSError,
    )


def _read_only(uri: str) -> str:
    """Return the URI of a database such that a file is opened for reading only.

    Its slashes are percent-encoded: the client creates the folder of what it takes for a path that begins with `file:`.
    The URI of a server, and that of a file with `file:`, remains as it is.

    Raises RegistryError if there is no such file.
    """
    scheme, _, path = uri.partition(":///")
    if not scheme.startswith("sqlite") or path.startswith("file:"):
        return uri
    file = Path(unquote(path))
    if not file.is_file():
        raise RegistryError(f"There is no file {file}; give the path of the database behind sqlite:///.")
    return f"{scheme}:///file:{quote(str(file.resolve()), safe='')}?mode=ro&uri=true"


def _require_schema(uri: str) -> None:
    """Raise RegistryError unless the database is a registry with the schema version of the installed client.

    If a database lacks some of the tables, the client would create and migrate tables when it opens the database.
    """
    alchemy, utils = importlib.import_module("sqlalchemy"), importlib.import_module("mlflow.store.db.utils")
    shown = without_credentials(uri)
    expected = utils._get_latest_schema_revision()  # noqa: SLF001 - the client has no public name for it
    try:
        engine = alchemy.create_engine(uri)
        with engine.connect() as connection:
            tables = set(alchemy.inspect(connection).get_table_names())
            found = (
                connection.execute(alchemy.text("SELECT version_num FROM alembic_version")).scalars().all()
                if ("alembic_version" in tables)
                else []
            )
        engine.dispose()
    except ImportError as error:
        raise RegistryError(
            f"The driver of {shown} is not installed ({error}); install it, such as psycopg2-binary for postgresql://.",
            Code.CONFIGURATION,
        ) from error
    except alchemy.exc.SQLAlchemyError as error:
        raise _failure(uri, error) from error
    if "experiments" not in tables:
        raise RegistryError(f"{shown} is no registry: it has no experiments; give the database of a tracking server.")
    if list(found) != [expected]:
        version = importlib.import_module("mlflow").__version__
        raise RegistryError(
            f"{shown} has another version ({', '.join(found) or 'none'}) than the installed client {version} expects "
            f"({expected}); install the version of MLflow that the server has, or give the address of the server.",
            Code.CONFIGURATION,
        )


def _failure(uri: str, error: Exception) -> RegistryError:
    """Return the error that says why a request to a registry failed, without the credentials of its URI."""
    shown, named = without_credentials(uri), str(getattr(error, "error_code", ""))
    text = without_secrets(" ".join(str(getattr(error, "message", error)).split()), uri)[:500]
    status = getattr(error, "get_http_status_code", lambda: 0)()
    if named in {"UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"} or "error code 401" in text:
        return RegistryError(
            f"{shown} refuses the credentials; set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and "
            f"MLFLOW_TRACKING_PASSWORD. {text}",
            Code.UNAUTHENTICATED,
        )
    if named == "PERMISSION_DENIED" or "error code 403" in text:
        return RegistryError(f"{shown} does not permit this account to read: {text}", Code.FORBIDDEN)
    if named == "ENDPOINT_NOT_FOUND" or "error code 404" in text or status == 404:  # noqa: PLR2004 - not found
        return RegistryError(
            f"{shown} does not have what was requested. Either it is no tracking server of MLflow 3 or later, or an "
            f"object was deleted meanwhile. Check the address and the version of the server, and try again. {text}",
            Code.CONFIGURATION,
        )
    return RegistryError(f"{shown} cannot be read: {text}. Check that it runs, and try again.", Code.STORE_UNAVAILABLE)
