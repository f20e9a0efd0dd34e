"""Single objects of a real project are what the import of the complete project sends about them."""

from collections import Counter

import pytest

from app.ingest.load.batches import ImportItem
from app.ingest.load.source_asset import AbsentObjectError
from app.ingest.sources.dbt.artifacts import Artifacts
from app.ingest.sources.dbt.dbt_names import DbtNames
from app.ingest.sources.dbt.dbt_object import DbtProject
from app.ingest.sources.dbt.mapping import map_artifacts
from app.ingest.sources.openlineage.event_names import EventNames
from graphql_schema.catalog.thin_event_rules import OBJECT_TYPES

ORDERS = "mlg://dataset/duckdb/shop.duckdb/shop.main_raw.orders"
DAILY = "model.shop.daily_orders"


@pytest.fixture(scope="module")
def project(shop: Artifacts, names: DbtNames) -> DbtProject:
    """Return the project `shop` with its owners."""
    return DbtProject(shop, names, with_owners=True)


def test_all_objects_together_are_the_import(shop: Artifacts, names: DbtNames, project: DbtProject) -> None:
    """Each event, item, owner and check is sent for some object, and none is another than in the import."""
    complete = map_artifacts(shop, names, with_owners=True)
    types = set(OBJECT_TYPES["dbt"])
    found = [
        project.read_object(each["resource_type"], uid)
        for uid, each in shop.resources.items()
        if each["resource_type"] in types
    ]
    assert {each["resource_type"] for each in shop.resources.values()} >= types
    for part in ("events", "items", "owners", "checks"):
        expected: list[ImportItem] = getattr(complete, part)
        sent = [item for each in found for item in getattr(each.content, part)]
        assert expected
        assert {repr(item) for item in sent} == {repr(item) for item in expected}
    owned = [each.content.owned for each in found]
    assert frozenset().union(*(each.present for each in owned)) == complete.owned.present
    assert {each.marker for each in owned} == {complete.owned.marker}


def test_a_table_has_what_is_about_it(project: DbtProject) -> None:
    """A model has its table, workflow, run and checks, and the parents of workflow and run; nothing of other tables."""
    found = project.read_object("model", DAILY)
    table, dataset = "shop.main_marts.daily_orders", "mlg://dataset/duckdb/shop.duckdb/shop.main_marts.daily_orders"
    assert (found.location, found.asset) == (table, dataset)
    content = found.content
    assert [each.location for each in content.events] == [table]
    assert content.subjects == {table: dataset}
    kinds = Counter((each.location, *each.value) for each in content.items)
    assert kinds == Counter(
        {
            ("project", "workflow"): 1,
            ("invocation", "run"): 1,
            (DAILY, "workflow"): 1,
            (DAILY, "run"): 1,
        }
    )
    assert {each.value["asset"] for each in content.checks} <= {dataset}
    checked = project.read_object("seed", "seed.shop.orders").content
    assert {each.value["asset"] for each in checked.checks} == {ORDERS}


def test_a_source_is_its_table_alone(project: DbtProject) -> None:
    """The source that names a seed has the same table, and no workflow."""
    found = project.read_object("source", "source.shop.raw.purchases")
    assert (found.asset, [*found.content.items]) == (ORDERS, [])


def test_an_exposure_is_a_report(project: DbtProject) -> None:
    """It has its item and its owners, and is the asset of the event."""
    found = project.read_object("exposure", "exposure.shop.order_dashboard")
    assert found.asset == "mlg://report/dbt/shop/exposure.shop.order_dashboard"
    assert [each.location for each in found.content.items] == [found.location]
    assert [each.location for each in found.content.owners] == [f"owners of {found.location}"]
    assert not found.content.events


def test_an_ephemeral_model_is_no_asset(project: DbtProject) -> None:
    """Nothing is sent for it, and no asset is reported."""
    found = project.read_object("model", "model.shop.stg_orders")
    assert (found.asset, found.location, [*found.content.items], [*found.content.events]) == (None, "", [], [])


@pytest.mark.parametrize(
    ("kind", "uid"), [("model", "model.shop.gone"), ("seed", "model.shop.daily_orders"), ("source", "")]
)
def test_an_absent_object_is_an_error(project: DbtProject, kind: str, uid: str) -> None:
    """An unknown id, and the id of an object of another type, have a code that the event keeps as its reason."""
    with pytest.raises(AbsentObjectError, match="no "):
        project.read_object(kind, uid)


def test_an_object_without_an_id_has_its_failure(shop: Artifacts) -> None:
    """An event about it fails with the reason, and events about other objects do not."""
    uid = "source.shop.raw.purchases"
    nameless = {"database": "", "schema": "", "identifier": "", "name": ""}
    sources = {**shop.manifest["sources"], uid: {**shop.manifest["sources"][uid], **nameless}}
    artifacts = Artifacts({**shop.manifest, "sources": sources}, {}, {}, {})
    project = DbtProject(artifacts, DbtNames(artifacts, "duckdb://shop.duckdb", EventNames()), with_owners=True)
    lost, kept = project.read_object("source", uid), project.read_object("model", DAILY)
    assert (lost.asset, [*lost.content.events], dict(lost.content.subjects)) == (None, [], {})
    assert [each.outcome for each in lost.content.failures] == ["INVALID"]
    assert (kept.content.failures, [each.location for each in kept.content.events]) == ([], [kept.location])
