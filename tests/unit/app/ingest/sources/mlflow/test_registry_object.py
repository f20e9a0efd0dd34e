"""Single objects of a real registry are what the import of the whole registry makes of them."""

from types import SimpleNamespace
from typing import Any

import pytest
from support.estates.mlflow_registry import make_registry

from app.ingest.load.source_asset import AbsentObjectError, AliasTarget, SourceAsset
from app.ingest.sources.mlflow.mapping import RegistryMapping
from app.ingest.sources.mlflow.registry_client import RegistryClient, open_registry
from app.ingest.sources.mlflow.registry_import import RegistryImport
from app.ingest.sources.mlflow.registry_object import _READERS, RegistryObject
from graphql_schema.catalog.thin_event_rules import OBJECT_TYPES
from policies.errors import InvalidError

TYPES = {"workflow": "experiment", "run": "run", "model": "registered_model"}
TEAM = "mlg://team/catalog/default/ranking"


@pytest.fixture(scope="module")
def importing(tmp_path_factory: pytest.TempPathFactory) -> RegistryImport:
    """Return the import of a registry, whose tags name owners."""
    file = make_registry(tmp_path_factory.mktemp("registry"))
    return RegistryImport(open_registry(f"sqlite:///{file}"), RegistryMapping(owner=TEAM, owner_tag="team"))


def named(asset: SourceAsset) -> tuple[str, str]:
    """Return type and id of an event about an asset of the import."""
    if asset.kind != "modelVersion":
        return TYPES[asset.kind], asset.foreign_id
    is_logged = not asset.foreign_id.startswith("models:/")
    return ("logged_model" if is_logged else "model_version"), asset.foreign_id.removeprefix("models:/")


def test_each_object_is_that_of_the_import(importing: RegistryImport) -> None:
    """Item, parts, deletion and steps of metrics are equal, and so are the aliases of a model with their versions."""
    pages = [*importing.pages()]
    assets = [each for page in pages for each in page if isinstance(each, SourceAsset)]
    known = {each.id: repr(each) for each in assets}  # as texts, because NaN equals nothing
    aliases = [each for page in pages for each in page if isinstance(each, AliasTarget)]
    assert {named(each)[0] for each in assets} == {*_READERS} == {*OBJECT_TYPES["mlflow"]}
    found: list[AliasTarget] = []
    for asset in assets:
        source = RegistryObject(importing, *named(asset))
        (read,), *rest = source.pages()
        assert repr(read) == known[asset.id]
        assert source.asset is read
        assert source.has(asset.kind, asset.foreign_id)
        assert repr(source.completed(read)) == repr(importing.completed(asset))
        further = [each for page in rest for each in page]
        versions = [each for each in further if isinstance(each, SourceAsset)]
        assert [repr(each) for each in versions] == [known[each.id] for each in versions]
        own = [each for each in further if isinstance(each, AliasTarget)]
        assert {each.version for each in own} == {each.id for each in versions}
        assert source.aliases == (own if asset.kind == "model" else None)
        found += own
    assert found == aliases != []


@pytest.mark.parametrize("with_aliases", [True, False])
def test_aliases_may_be_left_out(importing: RegistryImport, *, with_aliases: bool) -> None:
    """They are in a page after their versions."""
    source = RegistryObject(
        RegistryImport(importing.registry, importing.mapping, with_aliases), "registered_model", "churn"
    )
    assert len([*source.pages()]) == (3 if with_aliases else 1)


@pytest.mark.parametrize(
    ("kind", "name", "error"),
    [
        ("experiment", "77", AbsentObjectError),
        ("run", "0" * 32, AbsentObjectError),
        ("logged_model", "m-gone", AbsentObjectError),
        ("registered_model", "gone", AbsentObjectError),
        ("model_version", "churn/99", AbsentObjectError),
        ("model_version", "gone/1", AbsentObjectError),
        ("model_version", "churn", InvalidError),
        ("model_version", "churn/latest", InvalidError),
    ],
)
def test_an_absent_object_is_an_error(importing: RegistryImport, kind: str, name: str, error: Any) -> None:
    """It has a code of its own, which an event keeps as its reason; an id of another form is invalid."""
    with pytest.raises(error):
        next(RegistryObject(importing, kind, name).pages())


@pytest.mark.parametrize("name", ["../../2.0/mlflow/users/get", "m-1?x=", "m-1/../m-2", "m-1#", "m-1\n", "%2e", ""])
def test_no_other_text_than_an_id_is_in_an_address(name: str) -> None:
    """The client of MLflow does not quote the id of a logged model: an event would name another address."""
    sent: list[str] = []
    registry = RegistryClient(
        "http://127.0.0.1:1", SimpleNamespace(get_logged_model=sent.append, get_model_version=lambda *_: None)
    )
    importing = RegistryImport(registry, RegistryMapping(owner=TEAM, owner_tag="team"))
    with pytest.raises(AbsentObjectError):
        next(RegistryObject(importing, "logged_model", name).pages())
    assert not importing.has("modelVersion", name)
    assert sent == []


def test_a_version_with_the_run_of_another_form_is_read(importing: RegistryImport) -> None:
    """The author of a version writes the id of its run, which the client refuses to look up if it is none."""
    client: Any = importing.registry._client  # noqa: SLF001 - the registry, one of whose versions has such a run

    def version(name: str, number: str) -> Any:
        found = client.get_model_version(name, number)
        found._run_id = "r'\"x"  # noqa: SLF001 - its author wrote it
        return found

    entities = SimpleNamespace(
        get_registered_model=client.get_registered_model,
        get_model_version=version,
        get_run=client.get_run,
        get_logged_model=client.get_logged_model,
    )
    registry = RegistryClient("sqlite://", entities)
    mapping = RegistryMapping()
    read = RegistryObject(RegistryImport(registry, mapping), "model_version", "churn/1").model_version("churn/1")
    assert read.value["modelVersion"]["trainingRun"] == mapping.names.run("r'\"x")
