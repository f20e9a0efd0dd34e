"""A real registry, read by MLflow's own client: all of it in pages, nothing written, and errors that say what to do."""

import importlib
import shutil
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from support.estates.mlflow_registry import make_registry, open_to_write

from app.ingest.load.source_asset import SourceAsset
from app.ingest.sources.mlflow import registry_client
from app.ingest.sources.mlflow.mapping import RegistryMapping
from app.ingest.sources.mlflow.registry_client import RegistryClient, RegistryError, open_registry
from app.ingest.sources.mlflow.registry_import import RegistryImport
from app.ingest.sources.mlflow.registry_records import RegisteredModelRecord, RunRecord
from policies.errors import Code

T = TypeVar("T")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the database of a registry."""
    return make_registry(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def registry(file: Path) -> RegistryClient:
    """Return the open registry."""
    return open_registry(f"sqlite:///{file}")


def flat(pages: Iterable[list[T]]) -> Iterator[T]:
    """Yield the records of all pages."""
    return (each for page in pages for each in page)


def all_runs(registry: RegistryClient) -> dict[str, RunRecord]:
    """Return all runs by name."""
    experiments = [*flat(registry.experiments())]
    return {run.name: run for each in experiments for run in flat(registry.runs(each.id))}


def test_small_pages_give_the_same(registry: RegistryClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """With pages of two, every list has the same records as with one page, each once."""

    def content() -> list[list[str]]:
        experiments = [*flat(registry.experiments())]
        models = [*flat(registry.registered_models())]
        found: list[list[Any]] = [
            experiments,
            [run for each in experiments for run in flat(registry.runs(each.id))],
            [model for each in experiments for model in flat(registry.logged_models(each.id))],
            models,
            [version for each in models for version in flat(registry.versions(each))],
        ]
        return [[*map(repr, records)] for records in found]  # as texts, because NaN equals nothing

    complete = content()
    assert [len(each) for each in complete] == [4, 9, 7, 5, 9]
    monkeypatch.setattr(registry_client, "PAGE", 2)
    assert content() == complete


def test_a_history_is_read_in_pages(registry: RegistryClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The points of a metric come in their order, a page at a time."""
    run = all_runs(registry)["churn-forest-1"].id
    monkeypatch.setattr(registry_client, "HISTORY_PAGE", 2)
    pages = [[each.value for each in page] for page in registry.history(run, "loss")]
    assert pages == [[0.9, 0.6], [0.41]]


def test_what_a_registry_has_is_looked_up(registry: RegistryClient) -> None:
    """Objects of each kind are found by their ids, a deleted run too; others are absent."""
    runs = all_runs(registry)
    logged = runs["churn-logreg"].models_made[0].id
    present = [
        ("workflow", "1"),
        ("run", runs["fraud-deleted"].id),
        ("model", "copy of churn"),
        ("modelVersion", "models:/fraud.eu v1/3"),
        ("modelVersion", logged),
        ("alias", "models:/fraud.eu v1@champion"),
    ]
    absent = [
        ("workflow", "77"),
        ("run", "0" * 32),
        ("model", "gone"),
        ("modelVersion", "models:/churn/9"),
        ("modelVersion", "m-gone"),
        ("alias", "models:/churn@gone"),
        ("alias", "models:/gone@champion"),
        ("alias", "champion"),
    ]
    assert [registry.has(*each) for each in (*present, *absent)] == [True] * 6 + [False] * 8


def test_a_run_is_completed_with_extremes(registry: RegistryClient) -> None:
    """Of a metric with several steps the least and the greatest value are read, and the number of points."""
    source, mapping = RegistryImport(registry, RegistryMapping()), RegistryMapping()
    (experiment,) = [each for each in flat(registry.experiments()) if each.name == "churn"]
    runs = all_runs(registry)
    full = source.completed(mapping.run(runs["churn-forest-2"], experiment)).value["run"]
    assert full["metrics"] == [
        {"name": "auc", "value": 0.83},
        {"name": "loss", "value": 0.33},
        {"name": "loss", "value": 0.33, "slice": "min"},
        {"name": "loss", "value": 0.8, "slice": "max"},
    ]
    assert {"key": "mlflow.points", "value": '{"loss":3}'} in full["properties"]
    short = mapping.run(runs["churn-broken"], experiment)
    assert source.completed(short) == short


def test_a_registry_is_never_written(file: Path, registry: RegistryClient) -> None:
    """Reading everything leaves the file as it is, byte for byte, and makes no folder for artifacts."""
    before = file.read_bytes()
    assert len([*RegistryImport(registry, RegistryMapping()).pages()]) > 9
    assert file.read_bytes() == before
    assert not Path("mlruns").exists()


@pytest.mark.parametrize("name", ["a'b\"c", 'a\'" AND name LIKE "%', "a'b", 'a"b'])
def test_a_name_of_a_model_is_never_a_part_of_a_filter(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A model of any name has its versions and no others, and what comes after it is read, too.

    Run and logged model of a version are texts of its author, which have quotes here.
    """
    other = tmp_path / "other.db"
    shutil.copy(file, other)
    client = open_to_write(other)
    client.create_registered_model(name)
    for run in ("r'\"x", "r') OR (run_id != '", None, None):
        client.create_model_version(name, "s3://bucket/m", run_id=run, model_id=run and "m-1'\"")
    client.delete_model_version(name, "3")
    client.set_registered_model_alias(name, "champion", "4")
    monkeypatch.setattr(registry_client, "PAGE", 2)
    registry = open_registry(f"sqlite:///{other}")
    assert [*flat(registry.experiments())]
    versions = {model.name: [*flat(registry.versions(model))] for model in flat(registry.registered_models())}
    assert [(each.model, each.version, each.aliases) for each in versions[name]] == [
        (name, "1", ()),
        (name, "2", ()),
        (name, "4", ("champion",)),
    ]
    assert [(each.run, each.logged) for each in versions[name]] == [(None, None)] * 3
    assert {model: len(found) for model, found in versions.items() if model != name} == {
        "abandoned": 0,
        "churn": 3,
        "copy of churn": 1,
        "fraud.eu v1": 3,
        "ltv": 2,
    }


def test_a_model_that_is_gone_has_no_versions(registry: RegistryClient) -> None:
    """It was deleted after it was listed."""
    for name in ("gone", "g'o\"ne"):
        assert [*registry.versions(RegisteredModelRecord(name, None, 0, {}, {}))] == []


def test_versions_one_by_one_are_those_of_a_search(registry: RegistryClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a name that no filter can have, the records are equal."""
    models = [*flat(registry.registered_models())]
    assert [*flat(registry.experiments())]
    searched = [repr(each) for model in models for each in flat(registry.versions(model))]
    monkeypatch.setattr(registry_client, "literal", lambda _: None)
    assert [repr(each) for model in models for each in flat(registry.versions(model))] == searched


def test_no_text_that_makes_no_id_ends_an_import(file: Path, tmp_path: Path) -> None:
    """Users of MLflow write the sources of versions, and the names, digests and places of data."""
    other = tmp_path / "other.db"
    shutil.copy(file, other)
    client, entities = open_to_write(other), importlib.import_module("mlflow.entities")
    (churn,) = [each for each in client.search_experiments() if each.name == "churn"]
    run = client.create_run(churn.experiment_id, run_name="odd").info.run_id
    data = [("", "d", "{}"), ("n", "", "{}"), ("far", "d", f'{{"uri": "s3://{"b" * 600}/x"}}')]
    for name, digest, source in data:
        used = entities.Dataset(name, digest, "s3", source)
        client.log_inputs(run, datasets=[entities.DatasetInput(used, [])])
    logged = client.search_logged_models([churn.experiment_id])[0].model_id
    client.log_metric(run, "odd", 0.5, model_id=logged, dataset_name="far", dataset_digest="d" * 600)
    for source in ("models:/churn/3?/", f"models:/churn/{'0' * 600}3"):
        client.create_model_version("abandoned", source)
    pages = RegistryImport(open_registry(f"sqlite:///{other}"), RegistryMapping()).pages()
    found = {each.location: each for page in pages for each in page if isinstance(each, SourceAsset)}
    made_of = [found[f"model abandoned version {each}"].value["modelVersion"].get("basedOn") for each in (1, 2)]
    assert made_of == [["mlg://model-version/mlflow/default/churn@3"], None]
    assert [next(iter(each)) for each in found[f"run odd ({run})"].parts] == ["datasetVersion", "link"]


def refusal(uri: str) -> RegistryError:
    """Return the error of opening a registry."""
    with pytest.raises(RegistryError) as caught:
        open_registry(uri)
    return caught.value


def test_another_uri_is_refused(tmp_path: Path) -> None:
    """A scheme that is none, or a file that does not exist, is INVALID; no file is made, and no password printed."""
    assert refusal("ftp://u:secret@host/x").code is Code.INVALID
    for uri in ("ftp://u:secret@host/x", "ftp://host/x?password=secret", "u:secret@host", "postgresq:u:secret@[host"):
        assert "secret" not in str(refusal(uri))
    assert refusal(f"sqlite:///{tmp_path}/none.db").code is Code.INVALID
    assert [*tmp_path.iterdir()] == []


def test_a_database_of_another_version_is_refused(file: Path, tmp_path: Path) -> None:
    """The client would migrate it, so it is not opened: the file stays as it is, and the message names the version."""
    other = tmp_path / "other.db"
    shutil.copy(file, other)
    with sqlite3.connect(other) as database:
        database.execute("UPDATE alembic_version SET version_num = 'abc'")
        database.execute("DROP TABLE input_tags")
    before = other.read_bytes()
    found = refusal(f"sqlite:///{other}")
    assert found.code is Code.CONFIGURATION
    assert "another version (abc)" in str(found)
    assert other.read_bytes() == before


def test_a_database_without_a_registry_is_refused(tmp_path: Path) -> None:
    """The client would create tables in it, so it is not opened."""
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE a (b)")
    assert refusal(f"sqlite:///{other}").code is Code.INVALID
    other.write_text("no database" * 100)
    assert refusal(f"sqlite:///{other}").code is Code.STORE_UNAVAILABLE


def test_a_server_that_is_away_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the address without the password."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for uri in ("http://user:secret@127.0.0.1:9", "http://127.0.0.1:9?token=secret"):
        found = refusal(uri)
        assert found.code is Code.STORE_UNAVAILABLE
        assert "http://127.0.0.1:9" in str(found)
        assert "secret" not in str(found)


class Endless(list[object]):
    """A page of a list without an end: its token is the next one of ``tokens``."""

    def __init__(self, tokens: Iterator[str]) -> None:
        super().__init__()
        self.token = next(tokens)


@pytest.mark.parametrize("tokens", [(str(number) for number in range(200)), (each for each in "abab")])
def test_a_list_without_an_end_is_an_error(
    registry: RegistryClient, monkeypatch: pytest.MonkeyPatch, tokens: Iterator[str]
) -> None:
    """A server whose pages stay empty, or that names a page again, ends the reading with what to check."""
    monkeypatch.setattr(registry._client, "search_experiments", lambda **_: Endless(tokens))  # noqa: SLF001 - the server
    with pytest.raises(RegistryError, match=r"pages without an end: .* Check that the address") as caught:
        [*registry.experiments()]
    assert caught.value.code is Code.STORE_UNAVAILABLE


def test_the_client_must_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the client the message says what to install."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    found = refusal("http://127.0.0.1:9")
    assert found.code is Code.CONFIGURATION
    assert "requirements/mlflow.txt" in str(found)


class RestError(Exception):
    """An error as MLflow's client raises it."""

    def __init__(self, error_code: str, message: str) -> None:
        super().__init__(message)
        self.error_code, self.message = error_code, message


@pytest.mark.parametrize(
    ("error_code", "message", "code"),
    [
        ("UNAUTHENTICATED", "who are you", Code.UNAUTHENTICATED),
        ("INTERNAL_ERROR", "request failed with error code 401 != 200", Code.UNAUTHENTICATED),
        ("PERMISSION_DENIED", "no", Code.FORBIDDEN),
        ("INTERNAL_ERROR", "request failed with error code 403 != 200", Code.FORBIDDEN),
        ("ENDPOINT_NOT_FOUND", "no such endpoint", Code.CONFIGURATION),
        ("INTERNAL_ERROR", "request failed with error code 404 != 200", Code.CONFIGURATION),
        ("INTERNAL_ERROR", "request failed with error code 500 != 200", Code.STORE_UNAVAILABLE),
    ],
)
def test_an_error_of_the_server_has_a_code(
    registry: RegistryClient, monkeypatch: pytest.MonkeyPatch, error_code: str, message: str, code: Code
) -> None:
    """The code says whether credentials, rights, the version or the server are at fault."""
    monkeypatch.setattr(registry_client, "_errors_of_client", lambda: (RestError,))

    def fail(**_: object) -> None:
        raise RestError(error_code, message)

    monkeypatch.setattr(registry._client, "search_experiments", fail)  # noqa: SLF001 - the client that fails
    with pytest.raises(RegistryError) as caught:
        next(registry.experiments())
    assert caught.value.code is code
