"""Reading a target folder: what is there, what is no table, and what depends on what."""

import json
from pathlib import Path

import pytest

from app.ingest.sources.dbt.artifacts import Artifacts, is_table, meta_of, read_artifacts, tags_of
from policies.errors import InvalidError

MANIFEST = {"metadata": {"project_name": "p", "generated_at": "2026-01-01T00:00:00Z"}, "nodes": {}}


def ids(found: object) -> list[str]:
    """Return the unique ids of resources."""
    return [each["unique_id"] for each in found]  # type: ignore[attr-defined]


def test_a_project_is_read(shop: Artifacts) -> None:
    """Project, adapter and the instant of the newer file are those of the files; every table is found."""
    assert (shop.project, shop.adapter) == ("shop", "duckdb")
    assert shop.generated_at == shop.catalog["metadata"]["generated_at"] > shop.manifest["metadata"]["generated_at"]
    assert sorted(ids(shop.tables())) == [
        "model.shop.broken",
        "model.shop.customer_orders",
        "model.shop.daily_orders",
        "model.shop.stg_customers",
        "model.shop.time_spine",
        "seed.shop.customers",
        "seed.shop.orders",
        "snapshot.shop.orders_history",
        "source.shop.raw.customers",
        "source.shop.raw.purchases",
    ]


def test_parents_of_an_ephemeral_model_take_its_place(shop: Artifacts) -> None:
    """A model that reads an ephemeral one depends on what that one reads; a metric depends on a semantic model."""
    assert not is_table(shop.resources["model.shop.stg_orders"])
    assert ids(shop.parents(shop.resources["model.shop.customer_orders"])) == [
        "model.shop.stg_customers",
        "source.shop.raw.purchases",
    ]
    assert ids(shop.parents(shop.resources["metric.shop.revenue"])) == ["semantic_model.shop.daily"]


def test_parents_ignore_unknown_ids_and_cycles() -> None:
    """An id that the manifest does not have is left out, and ephemeral models that name each other end."""
    ephemeral = {"resource_type": "model", "config": {"materialized": "ephemeral"}}
    nodes = {
        "a": {**ephemeral, "depends_on": {"nodes": ["b", "gone"]}},
        "b": {**ephemeral, "depends_on": {"nodes": ["a", "t"]}},
        "t": {"unique_id": "t", "resource_type": "source"},
    }
    artifacts = Artifacts({**MANIFEST, "nodes": nodes}, {}, {}, {})
    assert ids(artifacts.parents({"depends_on": {"nodes": ["a"]}})) == ["t"]
    assert artifacts.parents({}) == []


def test_meta_and_tags_of_both_places_count() -> None:
    """The configuration replaces the older members of the same key, and tags are joined."""
    both = {"meta": {"a": 1, "b": 1}, "tags": ["x"], "config": {"meta": {"b": 2}, "tags": ["x", "y"]}}
    assert (meta_of(both), tags_of(both)) == ({"a": 1, "b": 2}, ["x", "y"])
    assert (meta_of({}), tags_of({"tags": None})) == ({}, [])


def test_a_catalog_entry_is_found_by_id(shop: Artifacts) -> None:
    """Tables and sources have an entry, a table that was not built has none."""
    assert shop.cataloged("model.shop.daily_orders")["metadata"]["schema"] == "main_marts"
    assert shop.cataloged("source.shop.raw.customers")["metadata"]["name"] == "customers"
    assert shop.cataloged("model.shop.broken") == {}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "run `dbt build`"),
        ({"manifest.json": "{"}, "is not JSON"),
        ({"manifest.json": "[]"}, "no artifact of dbt"),
        ({"manifest.json": '{"metadata": {}}'}, "metadata.project_name"),
        ({"manifest.json": json.dumps(MANIFEST), "catalog.json": "{}"}, "catalog.json is no artifact"),
    ],
)
def test_a_folder_without_artifacts_is_refused(files: dict[str, str], message: str, tmp_path: Path) -> None:
    """The message names the file and says what to do."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InvalidError, match=message):
        read_artifacts(tmp_path)


def test_all_files_but_the_manifest_may_be_absent(tmp_path: Path) -> None:
    """The others are empty then."""
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    found = read_artifacts(tmp_path)
    assert (found.catalog, found.run_results, found.freshness) == ({}, {}, {})
    assert (found.adapter, found.generated_at) == ("", "2026-01-01T00:00:00Z")
