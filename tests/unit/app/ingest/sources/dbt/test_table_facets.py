"""The event of a table: each facet, and the seed and source that are one table."""

from typing import Any

import pytest

from app.ingest.sources.dbt.artifacts import Artifacts
from app.ingest.sources.dbt.dbt_names import DbtNames
from app.ingest.sources.dbt.table_facets import TABLE_RULES, Table, owner_names, table_event, tables_of
from app.ingest.sources.openlineage.facet_table import DATASET


def facets(shop: Artifacts, names: DbtNames, name: str, *, with_owners: bool = True) -> dict[str, Any]:
    """Return the facets of a table."""
    (table,) = (each for each in tables_of(shop) if each.name == f"shop.{name}")
    found: dict[str, Any] = table_event(table, names, with_owners=with_owners)["dataset"]["facets"]
    return found


def table(*resources: dict[str, Any], **catalog: Any) -> Table:
    """Return a table with one catalog entry."""
    named = tuple({"unique_id": f"model.p.{at}", "package_name": "p", **each} for at, each in enumerate(resources))
    return Table("t", named, Artifacts({"metadata": {}}, {"nodes": {"model.p.0": catalog}}, {}, {}))


def made(facet: str, of: Table) -> Any:
    """Return what the rule of a facet makes."""
    return next(rule for rule in TABLE_RULES if rule.facet == facet).make(of)


def test_an_event_has_name_and_instant(shop: Artifacts, names: DbtNames) -> None:
    """There is one event for each table in the warehouse, at the instant of the artifacts."""
    events = [table_event(each, names, with_owners=True) for each in tables_of(shop)]
    assert len(events) == 8
    assert {event["eventTime"] for event in events} == {shop.generated_at}
    assert {event["dataset"]["namespace"] for event in events} == {"duckdb://shop.duckdb"}


def test_a_model_has_all_facets(shop: Artifacts, names: DbtNames) -> None:
    """Types come from the catalog and descriptions from the project."""
    assert facets(shop, names, "main_staging.stg_customers") == {
        "documentation": {"description": "Customers without their addresses."},
        "schema": {
            "fields": [
                {"name": "customer_id", "type": "INTEGER", "description": "The key."},
                {"name": "country", "type": "VARCHAR"},
            ]
        },
        "datasetType": {"datasetType": "VIEW", "subType": "view"},
        "ownership": {"owners": [{"name": "data-platform"}]},
        "dbt": {
            "uniqueIds": ["model.shop.stg_customers"],
            "path": "shop://models/staging/stg_customers.sql",
            "materialized": "view",
            "access": "protected",
        },
    }


def test_a_seed_and_its_source_are_one_table(shop: Artifacts, names: DbtNames) -> None:
    """The event has what both say: the seed builds the table, the source describes and tags it."""
    found = facets(shop, names, "main_raw.customers", with_owners=False)
    assert found["dbt"]["uniqueIds"] == ["seed.shop.customers", "source.shop.raw.customers"]
    assert found["dbt"]["materialized"] == "seed"
    assert found["documentation"] == {"description": "One row per customer, as loaded."}
    assert found["tags"]["tags"] == [
        {"key": "pii", "value": "true"},
        {"key": "pii", "value": "true", "field": "email"},
    ]
    described = [field for field in found["schema"]["fields"] if "description" in field]
    assert described == [{"name": "email", "type": "VARCHAR", "description": "The address that the customer gave."}]
    assert "ownership" not in found


def test_a_group_owns_its_models(shop: Artifacts) -> None:
    """The owner of the group counts if `meta` names none."""
    assert owner_names(shop.resources["model.shop.customer_orders"], shop) == ["ranking"]
    assert owner_names(shop.resources["model.shop.daily_orders"], shop) == []


@pytest.mark.parametrize(
    ("meta", "owners"),
    [
        ({"owner": "a"}, ["a"]),
        ({"owner": ["a", "b", "a"]}, ["a", "b"]),
        ({"owner": {"email": "a@x"}, "owner_team": "t"}, ["a@x", "t"]),
        ({"owner": " "}, []),
        ({"owner": 7}, []),
    ],
)
def test_meta_names_owners_in_several_forms(meta: dict[str, Any], owners: list[str]) -> None:
    """A text, a list of texts, an object; each owner once, and every other value is none."""
    assert owner_names({"meta": meta}, Artifacts({"metadata": {}}, {}, {}, {})) == owners


def test_columns_are_compared_without_case() -> None:
    """The catalog's spelling and order are used, a column that only the project has comes last."""
    of = table(
        {"columns": {"ID": {"name": "ID", "description": "Key."}, "extra": {"name": "extra", "data_type": "int"}}},
        columns={"b": {"name": "b", "index": 2, "type": "T", "comment": "Note."}, "id": {"name": "id", "index": 1}},
    )
    assert made("schema", of) == {
        "fields": [
            {"name": "id", "description": "Key."},
            {"name": "b", "type": "T", "description": "Note."},
            {"name": "extra", "type": "int"},
        ]
    }


@pytest.mark.parametrize(
    ("materialized", "cataloged", "kind"),
    [
        ("incremental", None, "TABLE"),
        ("table", "BASE TABLE", "TABLE"),
        ("materialized_view", None, "MATERIALIZED_VIEW"),
    ],
)
def test_the_type_is_that_of_the_catalog_else_of_the_materialization(
    materialized: str, cataloged: str | None, kind: str
) -> None:
    """Names of adapters for a plain table become TABLE."""
    of = table({"config": {"materialized": materialized}}, metadata={"type": cataloged})
    assert made("datasetType", of) == {"datasetType": kind, "subType": materialized}


def test_a_table_without_values_has_no_facets() -> None:
    """Nothing is said of what dbt does not know, so that an event replaces nothing by nothing."""
    of = table({})
    assert {rule.facet for rule in TABLE_RULES if rule.make(of)} == {"dbt"}


def test_a_long_meta_is_left_out() -> None:
    """The rest of the facet remains, because a property holds 2,000 characters."""
    of = table({"meta": {"text": "x" * 1_900, "owner": "o"}})
    assert made("dbt", of) == {"uniqueIds": ["model.p.0"], "path": "p://None"}
    short = table({"meta": {"text": "x", "owner": "o"}})
    assert made("dbt", short)["meta"] == {"text": "x"}


def test_a_table_of_many_resources_has_a_short_facet() -> None:
    """Without `meta`, and also with it, the ids are left out if they are too long, because the rest remains then."""
    for own in ({}, {"meta": {"text": "x" * 1_900}}):
        of = table(*[{**own, "unique_id": f"source.p.{'x' * 100}.{number}"} for number in range(20)])
        assert made("dbt", of) == {"path": "p://None"}


def test_every_facet_has_a_rule_on_the_other_side() -> None:
    """The facets are those of the specification, but `dbt`, which is kept as a property."""
    assert {rule.facet for rule in TABLE_RULES} - {rule.name for rule in DATASET} == {"dbt"}
