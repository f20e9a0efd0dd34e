"""Names of tables and ids: they are those of OpenLineage, by events that its sender for dbt has written."""

import json
from pathlib import Path

import pytest

from app.ingest.sources.dbt.artifacts import Artifacts
from app.ingest.sources.dbt.dbt_names import NAMESPACES, DbtNames, namespace_of, table_name
from app.ingest.sources.openlineage.event_names import EventNames, namespace_patterns
from policies.errors import InvalidError

EXPECTED = json.loads((Path(__file__).parents[5] / "data/openlineage/expected.json").read_text())


def test_tables_have_the_names_that_the_sender_of_openlineage_gives(churn: Artifacts) -> None:
    """Namespace and name of every table, and no others, are in the recorded events."""
    found = {f"duckdb://warehouse.duckdb|{table_name(table)}" for table in churn.tables()}
    assert found == set(EXPECTED["dbt_churn"]["dataset_names"])


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ({"database": "db", "schema": "s", "alias": "a", "name": "n"}, "db.s.a"),
        ({"database": "db", "schema": "s", "identifier": "i", "name": "n"}, "db.s.i"),
        ({"database": None, "schema": "s", "name": "n"}, "s.n"),
        ({"database": "", "schema": "s", "alias": "a", "name": "n"}, "s.a"),
    ],
)
def test_a_name_has_the_parts_that_the_adapter_has(table: dict[str, str], name: str) -> None:
    """The table of a source is its identifier, and adapters without databases leave the database out."""
    assert table_name(table) == name


def test_ids_follow_the_patterns_of_namespaces(shop: Artifacts, names: DbtNames) -> None:
    """A dataset has the id that events have under the same patterns; what dbt defines has the project in its id."""
    table = shop.resources["source.shop.raw.purchases"]
    assert names.dataset(table) == "mlg://dataset/duckdb/shop.duckdb/shop.main_raw.orders"
    moved = DbtNames(shop, "duckdb://shop.duckdb", EventNames(namespace_patterns("duckdb://* => postgres://*:1")))
    assert moved.dataset(table) == "mlg://dataset/postgres/shop.duckdb%3A1/shop.main_raw.orders"
    assert names.own("report", "exposure.shop.x") == "mlg://report/dbt/shop/exposure.shop.x"


def test_datasets_are_those_of_tables_each_once(shop: Artifacts, names: DbtNames) -> None:
    """A seed and its source are one dataset, and a resource that is no table has none."""
    wanted = ("seed.shop.orders", "source.shop.raw.purchases", "model.shop.stg_orders", "metric.shop.revenue")
    expected = [names.dataset(shop.resources["seed.shop.orders"])]
    assert names.datasets((shop.resources[uid] for uid in wanted), "x") == expected


@pytest.mark.parametrize(("adapter", "form"), [("postgres", NAMESPACES["postgres"]), ("", "SCHEME://HOST:PORT")])
def test_a_missing_namespace_names_its_form(adapter: str, form: str) -> None:
    """The artifacts do not say where the warehouse is, so the message has the form for the adapter."""
    artifacts = Artifacts({"metadata": {"adapter_type": adapter}}, {}, {}, {})
    with pytest.raises(InvalidError, match=f"--namespace {form}"):
        namespace_of(artifacts, None)
    assert namespace_of(artifacts, "pg://x") == "pg://x"


def test_bigquery_needs_no_namespace() -> None:
    """Its namespace has no address."""
    assert namespace_of(Artifacts({"metadata": {"adapter_type": "bigquery"}}, {}, {}, {}), None) == "bigquery"
