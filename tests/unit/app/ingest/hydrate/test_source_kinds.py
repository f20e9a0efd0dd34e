"""Each kind of source opens, and an option that would have no effect for it is refused."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.ingest.hydrate.source_kinds import OPENERS, SourceOptions, open_source
from app.ingest.load.team_map import TeamMap
from graphql_schema.catalog.thin_event_rules import OBJECT_TYPES
from policies.errors import CodedError, InvalidError

DATA = Path(__file__).parents[4] / "data"
ADDRESSES = {"dbt": str(DATA / "dbt/shop/target"), "feast": str(DATA / "feast/shop/registry.json")}


def options(**given: Any) -> SourceOptions:
    """Return options, those that are not given as without them on the command line."""
    none: Mapping[str, Any] = {
        "namespace": None,
        "owner": "",
        "owner_tag": "",
        "teams": TeamMap(),
        "aliases": True,
        "namespaces": "",
        "owners": True,
        "remove_aliases": False,
    }
    return SourceOptions(**{**none, **given})


def test_each_kind_of_events_has_a_source() -> None:
    """A kind of which the server accepts events can be read by the worker, and the other way round."""
    assert {*OPENERS} == {*OBJECT_TYPES}


@pytest.mark.parametrize(("kind", "namespace"), [("dbt", "duckdb://shop.duckdb"), ("feast", None)])
def test_files_of_a_source_open(kind: str, namespace: str | None) -> None:
    """Real files of the source are accepted."""
    assert callable(open_source(kind, ADDRESSES[kind], options(namespace=namespace)))


def test_a_project_needs_its_namespace_at_once() -> None:
    """The artifacts do not name the warehouse, and no event would ever succeed."""
    with pytest.raises(CodedError, match="give --namespace duckdb://PATH"):
        open_source("dbt", ADDRESSES["dbt"], options())


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("dbt", {"owner": "mlg://team/catalog/default/ranking"}),
        ("dbt", {"owner_tag": "team"}),
        ("feast", {"aliases": False}),
        ("dbt", {"remove_aliases": True}),
        ("feast", {"teams": TeamMap({"a": "b"})}),
        ("mlflow", {"namespaces": "a => b"}),
        ("mlflow", {"owners": False}),
        ("mlflow", {"aliases": False, "remove_aliases": True}),
    ],
)
def test_an_option_of_another_kind_is_refused(kind: str, given: dict[str, Any]) -> None:
    """Nothing is opened, and the message names the kinds that have the option."""
    with pytest.raises(InvalidError, match=r"leave .*out"):
        open_source(kind, ADDRESSES.get(kind, "sqlite:///none.db"), options(**given))
