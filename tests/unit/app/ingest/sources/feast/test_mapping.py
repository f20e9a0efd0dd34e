"""Feature sets, features and services of a real registry, compared with the repository that it was applied from."""

from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInputObjectType
from graphql.utilities import coerce_input_value

from app.ingest.load.source_load import SourceContent
from app.ingest.sources.feast.mapping import FeastMapping
from app.ingest.sources.feast.registry import Registry, read_registry
from app.ingest.sources.openlineage.event_names import EventNames
from app.ingest.sources.openlineage.lineage_event import checked_event
from app.ingest.sources.openlineage.mapping import map_event
from graphql_schema.execution.side_thread import run_at_once

FILE = Path(__file__).parents[5] / "data/feast/shop/registry.json"
SETS, FEATURES = "mlg://feature-set/feast/shop/", "mlg://feature/feast/shop/"


@pytest.fixture(scope="module")
def content() -> SourceContent:
    """Return what is sent for the registry."""
    return FeastMapping(read_registry(FILE), "snowflake://acme", EventNames()).content(with_owners=True)


@pytest.fixture(scope="module")
def bodies(content: SourceContent) -> dict[str, dict[str, Any]]:
    """Return the bodies of all items by id."""
    return {body["id"]: body for item in content.items for body in item.value.values()}


def test_every_item_follows_the_contract(content: SourceContent, asset_input: GraphQLInputObjectType) -> None:
    """Items and owners are inputs of the contract."""
    for item in (*content.items, *content.owners):
        coerce_input_value(item.value, asset_input)


def test_every_event_is_mapped_without_a_rest(content: SourceContent) -> None:
    """The receiver maps each facet, and makes the expected id; the request source has no data."""
    for event in content.events:
        mapped = run_at_once(map_event(checked_event(event.value, 1 << 50), EventNames()))
        assert (mapped.ignored, mapped.subject) == ((), content.subjects[event.location])
    assert set(content.subjects.values()) == {
        "mlg://dataset/s3/lake/features%2Fcustomer_orders.parquet",
        "mlg://dataset/feast/shop/orders_push",
        "mlg://dataset/openlineage/bigquery/acme.crm.profile",
        "mlg://dataset/snowflake/acme/SHOP.MARTS.SCORES",
    }
    assert content.skipped == {"request source": 1}


def test_a_view_is_a_feature_set(bodies: dict[str, dict[str, Any]]) -> None:
    """Keys, sources, tags and properties are those of the repository."""
    assert {**bodies[f"{SETS}order_features"], "sourceCreatedAt": None} == {
        "id": f"{SETS}order_features",
        "displayName": "order_features",
        "description": "Orders by customer.",
        "sourceCreatedAt": None,
        "tags": ["mlg://tag/catalog/default/tier%3A1"],
        "properties": [
            {"key": "feast.project", "value": "shop"},
            {"key": "feast.kind", "value": "feature view"},
            {"key": "feast.entities", "value": "customer"},
        ],
        "entityKeys": ["customer_id"],
        "online": True,
        "derivedFrom": [
            "mlg://dataset/s3/lake/features%2Fcustomer_orders.parquet",
            "mlg://dataset/feast/shop/orders_push",
        ],
    }
    assert bodies[f"{SETS}profile_features"]["online"] is False


def test_a_field_is_a_feature_of_its_view(bodies: dict[str, dict[str, Any]]) -> None:
    """Columns of entities and time are no features; the time to live is a duration."""
    assert {urn for urn in bodies if urn.startswith(FEATURES)} == {
        FEATURES + name
        for name in (
            "order_features%3Aorders",
            "order_features%3Aamount",
            "profile_features%3Acountry",
            "score_features%3Ascore",
            "basket_features%3Abasket_share",
        )
    }
    orders = bodies[f"{FEATURES}order_features%3Aorders"]
    assert (orders["dataType"], orders["freshnessSla"]) == ("INT64", "PT86400S")
    assert (orders["featureSet"], orders["tags"]) == (
        f"{SETS}order_features",
        ["mlg://tag/catalog/default/pii%3Ano"],
    )
    assert bodies[f"{FEATURES}score_features%3Ascore"]["freshnessSla"] is None


def test_on_demand_views_and_services_derive_from_features(bodies: dict[str, dict[str, Any]]) -> None:
    """Only the features that they name, and no data of a request."""
    assert bodies[f"{SETS}basket_features"]["derivedFrom"] == [f"{FEATURES}order_features%3Aamount"]
    service = bodies[f"{SETS}service%3Achurn_v1"]
    assert (service["displayName"], service["derivedFrom"]) == (
        "churn_v1",
        [
            f"{FEATURES}order_features%3Aorders",
            f"{FEATURES}order_features%3Aamount",
            f"{FEATURES}profile_features%3Acountry",
            f"{FEATURES}basket_features%3Abasket_share",
        ],
    )


def test_owners_are_items_of_their_own(content: SourceContent) -> None:
    """An e-mail address is a user, another name a team."""
    owned = [body for item in content.owners for body in item.value.values()]
    found = {body["id"].removeprefix(SETS): body["owners"][0]["owner"] for body in owned}
    assert found == {
        "order_features": "mlg://team/catalog/default/ranking",
        "profile_features": "mlg://user/catalog/default/crm%40example.com",
        "service%3Achurn_v1": "mlg://team/catalog/default/ranking",
    }
    assert FeastMapping(read_registry(FILE), None, EventNames()).content(with_owners=False).owners == ()


def test_all_items_are_the_projects_own(content: SourceContent, bodies: dict[str, dict[str, Any]]) -> None:
    """A later import may end each of them."""
    assert content.owned.present == set(bodies)
    assert (content.owned.source, content.owned.namespace, content.owned.marker) == ("feast", "shop", "feast.project")


def test_the_last_materialization_is_a_property() -> None:
    """Of several intervals the latest end counts."""
    ends = [{"endTime": f"2026-11-0{day}T00:00:00Z"} for day in (3, 5, 4)]
    view = {"spec": {"name": "v", "ttl": "1.5s"}, "meta": {"materializationIntervals": ends}}
    content = FeastMapping(Registry("p", {"featureViews": [view]}), None, EventNames()).content(with_owners=True)
    ((body,),) = (item.value.values() for item in content.items)
    assert {"key": "feast.materializedUntil", "value": "2026-11-05T00:00:00Z"} in body["properties"]
    assert content.skipped == {}


def views(*names: str, **spec: Any) -> list[dict[str, Any]]:
    """Return views with these names and one feature `f` each; the first one has the members of ``spec``."""
    return [
        {"spec": {"name": name, "features": [{"name": "f"}], **(spec if name == names[0] else {})}} for name in names
    ]


BUCKET = {"name": "s", "type": "BATCH_FILE", "fileOptions": {"uri": f"s3://{'b' * 520}/x"}}
TOPIC = {"name": "k", "type": "STREAM_KAFKA", "kafkaOptions": {"kafkaBootstrapServers": "k" * 500, "topic": "t"}}


@pytest.mark.parametrize(
    ("registry", "failed", "skipped", "sets"),
    [
        ({"featureViews": views("v", "w", tags={"": "true", "a": "b"})}, ["feature view v"], 0, ["v", "w"]),
        (
            {"dataSources": [BUCKET], "featureViews": views("v", "w", batchSource=BUCKET, streamSource=TOPIC)},
            ["data source s", "data source k"],
            2,
            ["v", "w"],
        ),
        ({"featureViews": views("", "w")}, ["feature view ''"], 1, ["w"]),
        (
            {
                "dataSources": [{"type": "PUSH_SOURCE"}],
                "featureViews": views("v", "w", features=[{"valueType": "INT64"}], batchSource={"type": "BATCH_FILE"}),
                "featureServices": [{"spec": {"features": [{"featureViewName": "v", "featureColumns": [{}]}]}}],
            },
            ["data source ''", "feature v:''", "feature service ''"],
            1,
            ["v", "w"],
        ),
        (
            {
                "featureViews": views("service:x", "w"),
                "featureServices": [{"spec": {"name": "x", "owner": "ranking"}}, {"spec": {"name": "y"}}],
            },
            ["feature view 'service:x'", "feature service x"],
            0,
            ["w", "service%3Ay"],
        ),
    ],
)
def test_what_makes_no_id_fails_alone(
    registry: dict[str, Any], failed: list[str], skipped: int, sets: list[str]
) -> None:
    """An object without an id is one failure, references to it are left out and counted, and the rest is sent."""
    content = FeastMapping(Registry("p", registry), None, EventNames()).content(with_owners=True)
    assert [(each.location, each.outcome) for each in content.failures] == [(where, "INVALID") for where in failed]
    assert content.skipped.get("reference without an id", 0) == skipped
    bodies = {body["id"]: body for item in content.items for body in item.value.values()}
    begin = "mlg://feature-set/feast/p/"
    assert [urn for urn in bodies if urn.startswith(begin)] == [begin + name for name in sets]
    assert content.owned.present == set(bodies)
    assert [*content.subjects, *content.events, *content.owners] == []
    for body in bodies.values():
        assert body["tags"] in ([], ["mlg://tag/catalog/default/a%3Ab"])
        assert body.get("derivedFrom", []) == []


def test_features_with_one_id_are_not_sent_and_do_not_end() -> None:
    """References to them stay, each once."""
    named = [
        {"spec": {"name": "a", "features": [{"name": "b:c"}]}},
        {"spec": {"name": "a:b", "features": [{"name": "c"}]}},
    ]
    used = [
        {"featureViewName": view, "featureColumns": [{"name": name}]} for view, name in (("a", "b:c"), ("a:b", "c"))
    ]
    registry = {"featureViews": named, "featureServices": [{"spec": {"name": "s", "features": used}}]}
    content = FeastMapping(Registry("p", registry), None, EventNames()).content(with_owners=True)
    urn = "mlg://feature/feast/p/a%3Ab%3Ac"
    assert [each.location for each in content.failures] == ["feature a:'b:c'", "feature 'a:b':c"]
    assert not [each for each in content.items if "feature" in each.value]
    (service,) = (item.value["featureSet"] for item in content.items if item.location == "feature service s")
    assert service["derivedFrom"] == [urn]
    assert (dict(content.skipped), content.owned.withheld, urn in content.owned.present) == (
        {},
        frozenset([urn]),
        False,
    )


@pytest.mark.parametrize("turned", [False, True])
def test_nothing_of_a_contested_view_is_sent_or_ends(turned: bool) -> None:  # noqa: FBT001 - as pytest gives it
    """Not its owner, nor its features, which may be in one of the two alone; what is stored of them stays."""
    names = ("featureViews", "streamFeatureViews")
    of_both = [
        {"spec": {"name": "v", "owner": owner, "features": [{"name": name} for name in features]}}
        for owner, features in (("ada", "ab"), ("mallory", "bc"))
    ]
    registry = {name: [view] for name, view in zip(names, of_both[::-1] if turned else of_both, strict=True)}
    mapping = FeastMapping(Registry("p", registry), None, EventNames())
    for content in (mapping.content(with_owners=True), mapping.content(with_owners=True)):
        assert [*content.items, *content.owners, *content.owned.present] == []
        features = {f"mlg://feature/feast/p/v%3A{name}" for name in "abc"}
        assert content.owned.withheld == {"mlg://feature-set/feast/p/v", *features}
        assert sorted(each.location for each in content.failures) == [
            "feature v:b",
            "feature v:b",
            "feature view v",
            "stream feature view v",
        ]
        assert content.skipped == {"feature of a contested view": 2}


@pytest.mark.parametrize("name", ["", "s"])
def test_data_sources_with_one_name_are_failures(name: str) -> None:
    """Thin events name them by it; references to their data stay, and a source of another name is sent."""
    sources = [
        {"name": each, "type": "BATCH_FILE", "fileOptions": {"uri": f"s3://b/{number}"}}
        for number, each in enumerate((name, name, "other"))
    ]
    sources += [{"name": name, "type": "REQUEST_SOURCE"}] * 2
    registry = {"dataSources": sources, "featureViews": views("v", batchSource=sources[1])}
    content = FeastMapping(Registry("p", registry), None, EventNames()).content(with_owners=True)
    where = f"data source {name or repr(name)}"
    assert [(each.location, each.outcome) for each in content.failures] == [(where, "INVALID")] * 2
    assert content.subjects == {"data source other": "mlg://dataset/s3/b/2"}
    assert [each.location for each in content.events] == [*content.subjects]
    (view,) = (item.value["featureSet"] for item in content.items if "featureSet" in item.value)
    assert view["derivedFrom"] == ["mlg://dataset/s3/b/1"]
    assert content.skipped == {"request source": 2}


def test_one_data_source_without_a_name_is_sent() -> None:
    """Its data has an id by its place."""
    source = {"type": "BATCH_FILE", "fileOptions": {"uri": "s3://b/1"}}
    content = FeastMapping(Registry("p", {"dataSources": [source]}), None, EventNames()).content(with_owners=True)
    assert (content.subjects, content.failures) == ({"data source ''": "mlg://dataset/s3/b/1"}, [])
