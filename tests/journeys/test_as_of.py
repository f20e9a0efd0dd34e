"""Reads with `asOf`: relations, owners and versions are those of the given instant."""

from typing import Any

import pytest
from support.estates.owned_items import owned, urn
from support.servers.in_process import Api
from support.stores.writers import Writers, person

from graphql_schema.catalog.relations import DEPLOYED_AS, FEEDS, OWNED_BY, SERVED_BY, Hop
from graphql_schema.ports.commands import (
    Command,
    DeclaredEdges,
    DeleteCommand,
    LinkCommand,
    RegisterCommand,
    UnlinkCommand,
)

EPOCH, DAY = 1_704_067_200_000, 86_400_000
DATA, OTHER = "mlg://dataset/test/past/events", "mlg://dataset/test/past/clicks"
MODEL = "mlg://model/test/past/ranker"
ONE, TWO = f"{MODEL.replace('/model/', '/model-version/')}@1", f"{MODEL.replace('/model/', '/model-version/')}@2"
SERVED = "mlg://deployment/test/past/live"
SERVICE, CALLER = "mlg://service/test/past/search", "mlg://service/test/past/app"
ADS, RANKING = (f"mlg://team/catalog/default/{name}" for name in ("ads", "ranking"))


def day(number: float) -> str:
    """Return a day of January 2024 as DateTime text; a half day is noon."""
    return f"2024-01-{int(number):02}T{'12' if number % 1 else '00'}:00:00Z"


def _of(declarer: str, hop: Hop, *targets: str, **details: Any) -> DeclaredEdges:
    return DeclaredEdges(hop, declarer, dict.fromkeys(targets, details))


HISTORY: dict[int, list[Command]] = {
    2: [
        RegisterCommand(ADS, {}),
        RegisterCommand(RANKING, {}),
        RegisterCommand(DATA, {}, (_of("Dataset.owners", OWNED_BY.out(), ADS, kinds=["TECHNICAL"]),)),
        RegisterCommand(OTHER, {}),
        RegisterCommand(MODEL, {}),
        RegisterCommand(SERVICE, {}),
        RegisterCommand(CALLER, {}),
    ],
    4: [RegisterCommand(ONE, {}, (_of("ModelVersion.trainedOn", FEEDS.into("Dataset"), DATA),))],
    6: [
        RegisterCommand(SERVED, {"status": "ACTIVE"}, (
            _of("Deployment.modelVersion", DEPLOYED_AS.into(), ONE),
            _of("Deployment.service", SERVED_BY.out(), SERVICE),
        )),
        LinkCommand("CALLED_BY", SERVICE, CALLER, {"origin": "DECLARED"}),
    ],
    8: [
        RegisterCommand(TWO, {"sourceCreatedAt": EPOCH + 6 * DAY}),
        RegisterCommand(DATA, {}, (_of("Dataset.owners", OWNED_BY.out(), RANKING, kinds=["TECHNICAL"]),)),
        RegisterCommand(ONE, {}, (_of("ModelVersion.trainedOn", FEEDS.into("Dataset"), OTHER),)),
    ],
    10: [UnlinkCommand("CALLED_BY", SERVICE, CALLER)],
    12: [LinkCommand("CALLED_BY", SERVICE, CALLER, {"origin": "DECLARED"})],
    14: [DeleteCommand(TWO)],
}  # fmt: skip
"""Commands by the day of January on which they were written."""

READ = """query ($data: ID!, $one: ID!, $model: ID!, $service: ID!, $two: ID!, $asOf: DateTime) {
  data: asset(id: $data, asOf: $asOf) { owners { owner { ... on Team { id } } } downstream { nodes { asset { id } } } }
  one: asset(id: $one, asOf: $asOf) { ... on ModelVersion {
    trainedOn { nodes { id } } deployments { nodes { id } } upstream { nodes { asset { id } } } } }
  model: asset(id: $model, asOf: $asOf) { ... on Model { versions { nodes { id } } latestVersion { id } } }
  service: asset(id: $service, asOf: $asOf) { ... on Service { callers { nodes { id } } deployments { nodes { id } } } }
  nodes(ids: [$data, $two], asOf: $asOf) { id }
}"""


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over a store with this history."""
    writers = Writers(api.client, api.process.policy, api.coordinator)
    for number, items in HISTORY.items():
        writer = writers.of(person("root", roles="admin auditor"), now=EPOCH + (number - 1) * DAY)
        done = await writer.write(items, dry_run=False, atomic=False)
        assert not [each.errors for each in done if each.errors]
    return api


async def read(api: Api, at: str | None) -> dict[str, Any]:
    """Return the response at an instant, each connection as the sorted names of its nodes."""
    ids = {"data": DATA, "one": ONE, "model": MODEL, "service": SERVICE, "two": TWO}
    response: dict[str, Any] = await api.ask("root", READ, asOf=at, **ids)
    found = {alias: _flat(value) for alias, value in response.items() if alias != "nodes"}
    return {**found, "nodes": [each and _last(each["id"]) for each in response["nodes"]]}


def _last(urn: str) -> str:
    return urn.rpartition("/")[2]


def _flat(value: Any) -> Any:
    return value and {name: sorted(_ids(found)) for name, found in value.items()}


def _ids(found: Any) -> list[str]:
    if isinstance(found, dict):
        return [_last(found["id"])] if "id" in found else [each for value in found.values() for each in _ids(value)]
    return [each for value in found or () for each in _ids(value)]


EARLY: dict[str, Any] = {
    "data": {"owners": ["ads"], "downstream": []},
    "one": None,
    "model": {"versions": [], "latestVersion": []},
    "service": {"callers": [], "deployments": []},
    "nodes": ["events", None],
}
TRAINED = {
    **EARLY,
    "data": {"owners": ["ads"], "downstream": ["ranker@1"]},
    "one": {"trainedOn": ["events"], "deployments": [], "upstream": ["events"]},
    "model": {"versions": ["ranker@1"], "latestVersion": ["ranker@1"]},
}
LIVE = {
    **TRAINED,
    "one": {"trainedOn": ["events"], "deployments": ["live"], "upstream": ["events"]},
    "service": {"callers": ["app"], "deployments": ["live"]},
}
MADE = {
    **LIVE,
    "model": {"versions": ["ranker@1", "ranker@2"], "latestVersion": ["ranker@2"]},
    "nodes": ["events", "ranker@2"],
}
CHANGED = {
    **MADE,
    "data": {"owners": ["ranking"], "downstream": []},
    "one": {"trainedOn": ["clicks"], "deployments": ["live"], "upstream": ["clicks"]},
}
ALONE = {**CHANGED, "service": {"callers": [], "deployments": ["live"]}}
DELETED = {**CHANGED, "model": TRAINED["model"]}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (day(2), EARLY),
        (day(3.5), EARLY),
        (day(4), TRAINED),
        (day(6), LIVE),
        (day(7), MADE),
        (day(8), CHANGED),
        (day(9.5), CHANGED),
        (day(10), ALONE),
        (day(12), CHANGED),
        (day(13.5), CHANGED),
        (day(14), DELETED),
        (None, DELETED),
    ],
)
async def test_relations_are_those_of_the_instant(api: Api, at: str | None, expected: dict[str, Any]) -> None:
    """Owners, training data, deployments, versions, callers and neighbours are those of the given instant.

    A version exists since its `sourceCreatedAt`, independent of its registration. A deleted asset is found by its id;
    it has relations before its deletion, and none afterwards.
    """
    assert await read(api, at) == expected


async def test_nothing_exists_before_registration(api: Api) -> None:
    """At an instant before its registration an asset is null."""
    nothing = dict.fromkeys(("data", "one", "model", "service"))
    assert await read(api, day(1)) == {**nothing, "nodes": [None, None]}


@pytest.mark.parametrize("other", ['asOf: "2024-01-05T00:00:00Z"', "asOf: null"])
async def test_two_instants_in_one_query_are_rejected(api: Api, other: str) -> None:
    """Two different instants in one query are INVALID, and so is an instant next to a field without one."""
    query = f'{{ a: asset(id: "{DATA}", asOf: "{day(4)}") {{ id }} b: asset(id: "{MODEL}", {other}) {{ id }} }}'
    body = await api.send("root", query)
    assert {error["extensions"]["code"] for error in body["errors"]} == {"INVALID"}


NESTED = """query ($asOf: DateTime, $model: ID!, $data: ID!) {
  asset(id: $model, asOf: $asOf) { ...Read ... on Model { versions { nodes { ...Read
    upstream { nodes { asset { ...Read } } } } } latestVersion { ...Read } }
    lineage(direction: UPSTREAM) { nodes { nodes { asset { ...Read } } } }
    impact { assets { nodes { asset { ...Read } } } }
    history(first: 1) { nodes { ...Read } } }
  nodes(ids: [$data], asOf: $asOf) { ...Read ... on Dataset { owners { owner { ...Read } } } }
  paths(from: $data, to: $model, asOf: $asOf) { paths { nodes { ...Read } } }
} fragment Read on Node { id asOf }"""


def keys(found: Any) -> list[tuple[str, str | None]]:
    """Return id and `asOf` of each object of a response, at any depth."""
    if isinstance(found, dict):
        own = [(found["id"], found["asOf"])] if "id" in found else []
        return own + [each for value in found.values() for each in keys(value)]
    return [each for value in found for each in keys(value)] if isinstance(found, list) else []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (day(9.5), day(9.5)),
        ("2024-01-09T14:00:00+02:00", day(9.5)),
        ("2024-01-09T12:00:00.250Z", "2024-01-09T12:00:00.250Z"),
        (None, None),
    ],
)
async def test_every_object_has_the_instant_of_its_operation(api: Api, given: str | None, expected: str | None) -> None:
    """`asOf` of every object at any depth is the instant, in one form for all forms of the argument; null is now."""
    found = keys(await api.ask("root", NESTED, asOf=given, model=MODEL, data=DATA))
    assert {DATA, MODEL, ONE, OTHER, RANKING} <= {each for each, _ in found}
    assert {at for _, at in found} == {expected}


async def test_the_instant_is_visible_wherever_the_id_is(api: Api) -> None:
    """A caller who may only discover an asset reads `asOf`; if hidden, it would be the cache key of the present."""
    draft = urn("dataset", "plan")
    await api.load(owned("dataset", "plan", stage="DRAFT", sourceCreatedAt=day(2)))
    query = f'{{ asset(id: "{draft}", asOf: "{day(4)}") {{ asOf stage viewerAccess {{ grade }} }} }}'
    expected = {"asOf": day(4), "stage": None, "viewerAccess": {"grade": "DISCOVER"}}
    assert await api.ask("bo", query) == {"asset": expected}


async def test_the_field_node_is_about_the_present(api: Api) -> None:
    """`node` has the argument `id` alone, as Relay's refetch queries need, and does not combine with an instant."""
    assert await api.ask("root", f'{{ node(id: "{TWO}") {{ id }} }}') == {"node": {"id": TWO}}
    query = f'{{ asset(id: "{DATA}", asOf: "{day(4)}") {{ id }} node(id: "{MODEL}") {{ id }} }}'
    for refused in (query, f'{{ node(id: "{DATA}", asOf: "{day(4)}") {{ id }} }}'):
        assert "errors" in await api.send("root", refused)


async def test_the_viewer_can_be_read_with_any_instant(api: Api) -> None:
    """The field `viewer` is always current, and is accepted next to any instant."""
    query = '{ viewer { subject } asset(id: "%s", asOf: "2024-01-04T00:00:00Z") { id } }'
    assert await api.ask("root", query % DATA) == {"viewer": {"subject": "root"}, "asset": {"id": DATA}}
