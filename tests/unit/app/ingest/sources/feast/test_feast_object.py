"""Single objects of a real registry are what the import of the complete registry sends about them."""

from pathlib import Path

import pytest

from app.ingest.load.source_asset import AbsentObjectError
from app.ingest.sources.feast.feast_object import _SECTIONS, FeastProject
from app.ingest.sources.feast.mapping import FeastMapping, name_of
from app.ingest.sources.feast.registry import VIEWS, Registry, read_registry
from app.ingest.sources.openlineage.event_names import EventNames
from graphql_schema.catalog.thin_event_rules import OBJECT_TYPES
from graphql_schema.ports.record import Record

FILE = Path(__file__).parents[5] / "data/feast/shop/registry.json"
SETS = "mlg://feature-set/feast/shop/"


@pytest.fixture(scope="module")
def mapping() -> FeastMapping:
    """Return the mapping of the registry."""
    return FeastMapping(read_registry(FILE), "snowflake://acme", EventNames())


@pytest.fixture(scope="module")
def project(mapping: FeastMapping) -> FeastProject:
    """Return the registry with its owners."""
    return FeastProject(mapping, with_owners=True)


def test_each_type_has_a_section() -> None:
    """The types are those that events may name, and each kind of view has one."""
    assert {*_SECTIONS} == {*OBJECT_TYPES["feast"]}
    assert {*VIEWS} <= {*_SECTIONS.values()}


def test_all_objects_together_are_the_import(mapping: FeastMapping, project: FeastProject) -> None:
    """Each event, item and owner is sent for some object, and none is another than in the import."""
    complete = mapping.content(with_owners=True)
    found = [
        project.read_object(kind, name_of(each))
        for kind, section in _SECTIONS.items()
        for each in mapping.registry.section(section)
    ]
    for part in ("events", "items", "owners"):
        sent = [item for each in found for item in getattr(each.content, part)]
        assert getattr(complete, part)
        assert {repr(item) for item in sent} == {repr(item) for item in getattr(complete, part)}
    assert frozenset().union(*(each.content.owned.present for each in found)) == complete.owned.present


def test_a_view_has_its_features(project: FeastProject) -> None:
    """It is a feature set with the features of the view, and with those of no other view."""
    found = project.read_object("feature_view", "order_features")
    assert (found.location, found.asset) == ("feature view order_features", f"{SETS}order_features")
    assert {each.location for each in found.content.items} == {
        "feature view order_features",
        "feature order_features:orders",
        "feature order_features:amount",
    }


def test_a_service_is_a_feature_set(project: FeastProject) -> None:
    """Its id has the prefix of services."""
    found = project.read_object("feature_service", "churn_v1")
    assert found.asset == f"{SETS}service%3Achurn_v1"
    assert [each.location for each in found.content.items] == ["feature service churn_v1"]


def test_an_on_demand_view_is_found_by_its_own_type(project: FeastProject) -> None:
    """The type of an event says in which section the name is looked for."""
    assert project.read_object("on_demand_feature_view", "basket_features").asset == f"{SETS}basket_features"
    with pytest.raises(AbsentObjectError):
        project.read_object("feature_view", "basket_features")


def test_an_entity_brings_the_views_that_have_it(project: FeastProject) -> None:
    """The entity itself is no asset: its key is a value of views."""
    found = project.read_object("entity", "customer")
    assert (found.asset, found.location) == (None, "")
    views = {each.location for each in found.content.items}
    assert views >= {"feature view order_features"}
    assert all(each.value["featureSet"]["entityKeys"] == ["customer_id"] for each in found.content.items)


def test_a_data_source_is_the_event_of_its_data(project: FeastProject) -> None:
    """The request source has no data, and therefore no asset."""
    found = project.read_object("data_source", "profile")
    assert found.asset == "mlg://dataset/openlineage/bigquery/acme.crm.profile"
    assert [each.location for each in found.content.events] == [found.location]
    assert found.content.subjects[found.location] == found.asset
    request = project.read_object("data_source", "basket")
    assert (request.asset, [*request.content.events]) == (None, [])


def test_an_absent_object_is_an_error(project: FeastProject) -> None:
    """An unknown name has a code that the event keeps as its reason."""
    with pytest.raises(AbsentObjectError, match="no feature_view 'gone'"):
        project.read_object("feature_view", "gone")


def project_of(content: Record) -> FeastProject:
    """Return a registry with this content."""
    return FeastProject(FeastMapping(Registry("p", content), None, EventNames()), with_owners=True)


def test_names_with_colons_and_spaces_are_no_other_object() -> None:
    """The feature `y` of the view `view x` is not the view `x:y`, nor is a view called `service:s` the service `s`."""
    views = [
        {"spec": {"name": "x:y", "owner": "a"}},
        {"spec": {"name": "view x", "owner": "b", "features": [{"name": "y"}]}},
        {"spec": {"name": "service", "features": [{"name": "s"}]}},
    ]
    project = project_of({"featureViews": views, "featureServices": [{"spec": {"name": "s", "owner": "c"}}]})
    found = [
        project.read_object(*each)
        for each in (("feature_view", "x:y"), ("feature_view", "view x"), ("feature_service", "s"))
    ]
    sets = "mlg://feature-set/feast/p/"
    assert [each.asset for each in found] == [f"{sets}x%3Ay", f"{sets}view%20x", f"{sets}service%3As"]
    ids = [[body["id"] for item in each.content.items for body in item.value.values()] for each in found]
    assert ids == [[f"{sets}x%3Ay"], [f"{sets}view%20x", "mlg://feature/feast/p/view%20x%3Ay"], [f"{sets}service%3As"]]
    assert [[item.value["featureSet"]["id"] for item in each.content.owners] for each in found] == [
        [each.asset] for each in found
    ]


def test_an_object_without_an_id_has_its_failure() -> None:
    """An event about it fails with the reason, and events about other objects do not."""
    source = {"name": "s", "type": "BATCH_FILE", "fileOptions": {"uri": f"s3://{'b' * 520}/x"}}
    views = [{"spec": {"name": "v", "batchSource": source}}, {"spec": {"name": ""}}]
    project = project_of({"dataSources": [source], "featureViews": views})
    lost = [project.read_object("data_source", "s"), project.read_object("feature_view", "")]
    assert [each.asset for each in lost] == [None, None]
    assert [[one.location for one in each.content.failures] for each in lost] == [
        ["data source s"],
        ["feature view ''"],
    ]
    kept = project.read_object("feature_view", "v")
    assert (kept.asset, [*kept.content.failures]) == ("mlg://feature-set/feast/p/v", [])
