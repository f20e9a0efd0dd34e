"""Workflows and reports: what they read, what they build, and who owns them."""

import json
from pathlib import Path
from typing import Any

import networkx as nx
import pytest

from app.ingest.sources.dbt.artifacts import Artifacts
from app.ingest.sources.dbt.dbt_names import DbtNames
from app.ingest.sources.dbt.own_assets import own_items, owner_items
from app.ingest.sources.openlineage.event_names import EventNames

EXPECTED = json.loads((Path(__file__).parents[5] / "data/openlineage/expected.json").read_text())["dbt_churn_artifacts"]
DATASET = "mlg://dataset/duckdb/shop.duckdb/shop."


def bodies(artifacts: Artifacts, names: DbtNames) -> dict[str, dict[str, Any]]:
    """Return the bodies of all items by the name in their id."""
    found = (body for _, item in own_items(artifacts, names) for body in item.values())
    return {body["id"].rpartition("/")[2]: body for body in found}


def test_lineage_is_that_of_a_plain_script(churn: Artifacts) -> None:
    """What is upstream of each exposure, and downstream of a source, equals the closures in `expected.json`."""
    names = DbtNames(churn, "duckdb://w", EventNames())
    flow: nx.DiGraph[str] = nx.DiGraph()
    for _, item in own_items(churn, names):
        ((_, body),) = item.items()
        flow.add_edges_from((source, body["id"]) for source in body.get("inputs", ()))
        flow.add_edges_from((body["id"], target) for target in body.get("outputs", ()))
    own = {names.own(kind, uid): uid for uid in churn.resources for kind in ("workflow", "report")}
    for uid, exposure in EXPECTED["exposures"].items():
        above = {own[urn] for urn in nx.ancestors(flow, names.own("report", uid)) if urn in own}
        tables = {each for each in exposure["upstream"] if not each.startswith("source.")}
        assert {each for each in above if not each.startswith("seed.")} == tables
    source = names.dataset(churn.resources["source.churn.raw.customers"])
    below = {own[urn] for urn in nx.descendants(flow, source) if urn in own}
    assert below == {each for each in EXPECTED["downstream_of_source_customers"] if not each.startswith("test.")}


def test_a_workflow_reads_and_builds_tables(shop: Artifacts, names: DbtNames) -> None:
    """Parents of an ephemeral model are its inputs, and it is a step of the project."""
    assert bodies(shop, names)["model.shop.customer_orders"] == {
        "id": "mlg://workflow/dbt/shop/model.shop.customer_orders",
        "displayName": "customer_orders",
        "description": "One row per customer with the orders so far.",
        "workflowKind": "dbt model",
        "codeRef": "shop://models/marts/customer_orders.sql",
        "inputs": [f"{DATASET}main_staging.stg_customers", f"{DATASET}main_raw.orders"],
        "outputs": [f"{DATASET}main_marts.customer_orders"],
        "partOf": "mlg://workflow/dbt/shop/shop",
        "properties": [
            {"key": "dbt.project", "value": "shop"},
            {"key": "dbt.uniqueId", "value": "model.shop.customer_orders"},
            {"key": "dbt.materialized", "value": "incremental"},
        ],
    }


def test_every_resource_has_one_item(shop: Artifacts, names: DbtNames) -> None:
    """The project, each builder that is no ephemeral model, each exposure, metric, semantic model and saved query."""
    assert sorted(bodies(shop, names)) == [
        "exposure.shop.churn_model",
        "exposure.shop.order_dashboard",
        "metric.shop.average_order",
        "metric.shop.order_count",
        "metric.shop.revenue",
        "model.shop.broken",
        "model.shop.customer_orders",
        "model.shop.daily_orders",
        "model.shop.stg_customers",
        "model.shop.time_spine",
        "saved_query.shop.revenue_by_day",
        "seed.shop.customers",
        "seed.shop.orders",
        "semantic_model.shop.daily",
        "shop",
        "snapshot.shop.orders_history",
    ]


@pytest.mark.parametrize(
    ("uid", "kind", "inputs"),
    [
        ("exposure.shop.order_dashboard", "dashboard", ["main_marts.customer_orders", "main_marts.daily_orders"]),
        ("exposure.shop.churn_model", "ml", ["main_marts.customer_orders"]),
        ("semantic_model.shop.daily", "semantic model", ["main_marts.daily_orders"]),
        ("metric.shop.revenue", "metric", ["semantic_model.shop.daily"]),
        ("metric.shop.average_order", "metric", ["metric.shop.order_count", "metric.shop.revenue"]),
        ("saved_query.shop.revenue_by_day", "saved query", ["metric.shop.revenue"]),
    ],
)
def test_a_report_is_fed_by_what_it_depends_on(
    shop: Artifacts, names: DbtNames, uid: str, kind: str, inputs: list[str]
) -> None:
    """Tables, semantic models and metrics feed it."""
    report = bodies(shop, names)[uid]
    expected = {DATASET + each if each.startswith("main") else f"mlg://report/dbt/shop/{each}" for each in inputs}
    assert (report["reportKind"], set(report["inputs"])) == (kind, expected)


def test_an_exposure_has_its_values(shop: Artifacts, names: DbtNames) -> None:
    """Label, description, address and owner are kept."""
    report = bodies(shop, names)["exposure.shop.order_dashboard"]
    shown = (report["displayName"], report["description"], report["url"])
    assert shown == ("Orders", "What customers order.", "https://bi.example.com/orders")
    properties = {each["key"]: each["value"] for each in report["properties"]}
    assert json.loads(properties["dbt.owner"])["email"] == "ranking@example.com"


def test_owners_are_items_of_their_own(shop: Artifacts, names: DbtNames) -> None:
    """The owner of an exposure is its own, that of a model is in `meta` or its group."""
    found = {
        body["id"].rpartition("/")[2]: body["owners"] for _, item in owner_items(shop, names) for body in item.values()
    }
    assert found == {
        "model.shop.stg_customers": [{"owner": "mlg://team/catalog/default/data-platform"}],
        "model.shop.customer_orders": [{"owner": "mlg://team/catalog/default/ranking"}],
        "exposure.shop.order_dashboard": [{"owner": "mlg://team/catalog/default/ranking"}],
        "exposure.shop.churn_model": [{"owner": "mlg://user/catalog/default/ml%40example.com"}],
    }
