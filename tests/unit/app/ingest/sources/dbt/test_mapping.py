"""All that is sent for a project is valid by the contract of the API, and nothing is left out without a word."""

import pytest
from graphql import GraphQLInputObjectType, GraphQLSchema
from graphql.utilities import coerce_input_value

from app.ingest.sources.dbt.artifacts import Artifacts
from app.ingest.sources.dbt.dbt_names import DbtNames
from app.ingest.sources.dbt.mapping import map_artifacts
from app.ingest.sources.openlineage.event_names import EventNames
from app.ingest.sources.openlineage.lineage_event import checked_event
from app.ingest.sources.openlineage.mapping import map_event
from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.ports.record import Json
from policies.errors import InvalidError


def test_every_item_follows_the_contract(
    shop: Artifacts, names: DbtNames, contract: GraphQLSchema, asset_input: GraphQLInputObjectType
) -> None:
    """Items, owners and results of checks are inputs of the contract."""
    content = map_artifacts(shop, names, with_owners=True)
    for item in (*content.items, *content.owners):
        coerce_input_value(item.value, asset_input)
    check = contract.get_type("ReportCheckInput")
    assert isinstance(check, GraphQLInputObjectType)
    for item in content.checks:
        coerce_input_value(item.value, check)
    assert (len(content.items), len(content.owners), len(content.checks)) == (22, 4, 6)


def test_every_event_is_mapped_without_a_rest(shop: Artifacts, names: DbtNames) -> None:
    """The receiver of events maps each facet, and makes the expected id of each table."""
    content = map_artifacts(shop, names, with_owners=True)
    for event in content.events:
        mapped = run_at_once(map_event(checked_event(event.value, 1 << 50), EventNames()))
        assert mapped.ignored == ()
        assert mapped.subject == content.subjects[event.location]
    assert len(content.events) == len(content.subjects) == 8


def test_what_is_left_out_is_counted(shop: Artifacts, names: DbtNames) -> None:
    """The summary names what did not run, absent files, and resources that are no data."""
    assert map_artifacts(shop, names, with_owners=True).skipped == {"model skipped": 1, "test skipped": 3}
    nodes = {**shop.manifest["nodes"], "analysis.shop.a": {"unique_id": "analysis.shop.a", "resource_type": "analysis"}}
    parsed = Artifacts({**shop.manifest, "nodes": nodes}, {}, {}, {})
    content = map_artifacts(parsed, names, with_owners=False)
    assert content.skipped == {
        "analysis": 1, "catalog.json absent": 1, "run_results.json absent": 1, "sources.json absent": 1
    }  # fmt: skip
    assert content.owners == ()
    assert not any("ownership" in event.value["dataset"]["facets"] for event in content.events)


def test_workflows_and_reports_are_the_projects_own(shop: Artifacts, names: DbtNames) -> None:
    """They are what a later import may end; tables and runs are not."""
    owned = map_artifacts(shop, names, with_owners=False).owned
    assert (owned.source, owned.namespace, owned.marker) == ("dbt", "shop", "dbt.project")
    assert {urn.split("/")[2] for urn in owned.present} == {"workflow", "report"}
    assert len(owned.present) == 16


def test_what_makes_no_id_fails_alone(shop: Artifacts) -> None:
    """A table without a name is a failure, as is an empty tag; without an invocation no run is sent. The rest is."""
    expected = map_artifacts(shop, names_of(shop), with_owners=True)
    project = without_names(shop)
    content = map_artifacts(project, names_of(project), with_owners=True)
    assert [(each.location, each.outcome) for each in content.failures] == [
        ("", "INVALID"),
        (EXPOSURE, "INVALID"),
    ]
    assert {*expected.subjects} - {*content.subjects} == {"shop.main_raw.orders"}
    assert [each.location for each in content.events] == [*content.subjects]
    lost = {each.location for each in expected.items} - {each.location for each in content.items}
    runs = {each.location for each in expected.items if "run" in each.value and each.location != "invocation"}
    assert lost == {"invocation"}
    assert not [each for each in content.items if "run" in each.value]
    assert content.skipped["run without an invocation id"] == 1 + len(runs)
    reports = {each.location: each.value["report"] for each in content.items if "report" in each.value}
    assert reports[EXPOSURE]["tags"] == ["mlg://tag/catalog/default/ok"]
    named = str([each.value for each in (*content.items, *content.checks)])
    assert "main_raw.orders'" not in named
    assert content.skipped["reference without an id"] > 0
    assert content.owned.present == expected.owned.present


def test_resources_with_one_id_are_not_sent_and_do_not_end(shop: Artifacts) -> None:
    """The workflow of a model that has the name of the project is contested, and so is the project."""
    uid = "model.shop.daily_orders"
    nodes = {**shop.manifest["nodes"], uid: {**shop.manifest["nodes"][uid], "unique_id": "shop"}}
    project = Artifacts({**shop.manifest, "nodes": nodes}, shop.catalog, shop.run_results, shop.freshness)
    content = map_artifacts(project, names_of(project), with_owners=True)
    urn = "mlg://workflow/dbt/shop/shop"
    assert [each.location for each in content.failures] == ["project", "shop"]
    assert urn not in [body["id"] for each in (*content.items, *content.owners) for body in each.value.values()]
    assert (content.owned.withheld, urn in content.owned.present) == (frozenset([urn]), False)
    assert {each.value["workflow"]["partOf"] for each in content.items if "workflow" in each.value} == {urn}


@pytest.mark.parametrize(
    ("member", "value"), [("package_name", None), ("config", "x"), ("columns", [1]), ("tags", 5), ("depends_on", "x")]
)
def test_a_manifest_of_another_form_is_an_expected_error(shop: Artifacts, member: str, value: Json) -> None:
    """A member with a value of another type, or none, does not end the command with a traceback."""
    uid = "model.shop.customer_orders"
    other = {key: each for key, each in shop.manifest["nodes"][uid].items() if key != member}
    other |= {member: value} if value is not None else {}
    nodes = {**shop.manifest["nodes"], uid: other}
    project = Artifacts({**shop.manifest, "nodes": nodes}, shop.catalog, shop.run_results, shop.freshness)
    with pytest.raises(InvalidError, match="of shop cannot be read: a value does not have the form that dbt writes"):
        map_artifacts(project, names_of(project), with_owners=True)


EXPOSURE = "exposure.shop.churn_model"


def names_of(artifacts: Artifacts) -> DbtNames:
    """Return the names of a project, of which none was made yet."""
    return DbtNames(artifacts, "duckdb://shop.duckdb", EventNames())


def without_names(shop: Artifacts) -> Artifacts:
    """Return the project with an empty tag, an invocation without an id, and a table without a name."""
    nameless = {"database": "", "schema": "", "alias": "", "identifier": "", "name": ""}
    exposures = {**shop.manifest["exposures"]}
    exposures[EXPOSURE] = {**exposures[EXPOSURE], "tags": ["", "ok"]}
    raw = {"nodes": "seed.shop.orders", "sources": "source.shop.raw.purchases"}
    sections = {
        section: {**shop.manifest[section], uid: {**shop.manifest[section][uid], **nameless}}
        for section, uid in raw.items()
    }
    metadata = {**shop.run_results["metadata"], "invocation_id": ""}
    manifest = {**shop.manifest, **sections, "exposures": exposures}
    return Artifacts(manifest, shop.catalog, {**shop.run_results, "metadata": metadata}, shop.freshness)
