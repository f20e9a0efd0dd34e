"""One store request per query level, for every shape of query and every caller, on both paths of execution."""

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
from support.servers.in_process import Api
from support.stores.observed_requests import ObservedRequests

from app.graph.driver.gremlin_client import GremlinClient
from app.ingest.demo.estate import demo_estate

SHAPES: dict[str, tuple[int, str]] = {
    "one asset": (1, '{ asset(id: "mlg://team/x/y/z") { id } teams(first: 1) { nodes { name } } }'),
    "a list and its total": (1, "{ assets(first: 30) { totalCount nodes { id } } }"),
    "several lists side by side": (
        1,
        "{ assets(first: 5) { nodes { id } } teams { nodes { id } } tags { totalCount } domains { nodes { name } } }",
    ),
    "one relation": (
        2,
        "{ assets(filter: {kinds: [MODEL]}) { nodes { ... on Model { versions { nodes { id } } } } } }",
    ),
    "several relations of one type side by side": (
        2,
        """{ assets(filter: {kinds: [MODEL_VERSION]}, first: 50) { nodes { domain { name } tags { tag { name } }
        ... on ModelVersion { model { name } features { nodes { name } } featureSets { nodes { name } }
        trainingRun { state } evaluations { totalCount nodes { verdict } } deployments { nodes { status } } } } } }""",
    ),
    "a relation over several hops": (
        2,
        "{ assets(filter: {kinds: [MODEL]}) { nodes { ... on Model { services { totalCount nodes { name } } } } } }",
    ),
    "inherited owners": (
        2,
        """{ assets(filter: {kinds: [MODEL_VERSION, FEATURE, DATASET]}, first: 200) { nodes {
        owners { inherited owner { ... on Team { name } ... on User { email } } } ownerTeam { name } } } }""",
    ),
    "direct neighbours, parts included": (
        2,
        """{ assets(first: 40) { nodes { upstream { totalCount nodes { relation asset { id } } }
        downstream(filter: {relations: [FEEDS, DERIVES]}) { nodes { asset { displayName } } } } } }""",
    ),
    "model to team, the main job": (
        4,
        """{ assets(filter: {kinds: [MODEL]}, first: 50) { nodes { ... on Model { versions(first: 5) { nodes {
        trainedOn(first: 5) { nodes { displayName owners { owner { ... on Team { name } } } } } } } } } } }""",
    ),
    "one type at several depths, where what was read once is not read again": (
        3,
        """{ assets(filter: {kinds: [MODEL]}) { nodes { ...Latest ... on Model { latestVersion { model { ...Latest
        ... on Model { latestVersion { model { displayName } } } } } } } } }
        fragment Latest on Model { latestVersion { version domain { name } } }""",
    ),
    "uneven depths": (
        4,
        """{ assets(filter: {kinds: [MODEL]}) { nodes { ownerTeam { parent { displayName } } ... on Model {
        latestVersion { trainingRun { workflow { name } } metrics { value } } services { nodes { name } } } } } }""",
    ),
    "the same relation with different pages": (
        2,
        """{ assets(filter: {kinds: [MODEL]}) { nodes { ... on Model { a: versions(first: 1) { nodes { id } }
        b: versions(first: 2) { nodes { id } pageInfo { hasNextPage } } c: versions { totalCount } } } } }""",
    ),
    "people": (3, "{ teams { nodes { parent { name } members { nodes { email teams { name } } } } } }"),
    "fragments and interfaces": (
        3,
        """{ assets(filter: {kinds: [MODEL, DATASET]}) { nodes { ...Who
          ... on Versioned { latestVersion { id version ... on Asset { ...Who } } } } } }
        fragment Who on Asset { ownerTeam { name } domain { name } }""",
    ),
}
PERSONAS = ("ada", "bo", "root")


@pytest.fixture(scope="module")
async def api(api: Api) -> AsyncIterator[Api]:
    """Return the API over the demo estate, without a graph cache."""
    await api.load(*demo_estate())
    with api.without_cache():
        yield api


@pytest.fixture(autouse=True, params=[True, False], ids=["over vectors", "by graphql-core"])
def path(request: pytest.FixtureRequest, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Execute the queries of each test over vectors, and by graphql-core."""
    monkeypatch.setattr(api.contexts, "vectored", request.param)


@pytest.mark.parametrize("who", PERSONAS)
@pytest.mark.parametrize("shape", SHAPES)
async def test_one_request_per_level(api: Api, shape: str, who: str) -> None:
    """The number of store requests is the number of levels, for every shape and every caller."""
    levels, query = SHAPES[shape]
    assert await api.count(who, query) == levels


async def test_requests_do_not_grow_with_width(api: Api) -> None:
    """Three models take as many requests as all models: the number of rows does not matter."""
    query = SHAPES["model to team, the main job"][1]
    assert await api.count("root", query.replace("first: 50", "first: 3")) == await api.count("root", query)


async def test_number_of_texts_is_constant(api: Api) -> None:
    """All shapes, filters and orders together send one statement text, so the store compiles nothing new."""
    requests = ObservedRequests()
    api.client.observers.append(requests)
    filters = ("", '(filter: {name: {prefix: "a"}})', "(filter: {or: [{owned: true}, {not: {stages: [DRAFT]}}]})")
    for _, query in SHAPES.values():
        await api.ask("ada", query)
    for where in (*filters, "(orderBy: {field: NAME, direction: DESC})"):
        await api.ask("ada", f"{{ assets{where} {{ nodes {{ id }} }} }}")
    assert len(requests.of_operations) == 1


async def test_requests_do_not_depend_on_latencies(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Responses of unequal latency, with other operations in parallel, change neither number of requests nor result."""
    levels, query = SHAPES["uneven depths"]
    calm = await api.ask("ada", query)
    random, submit = Random(7), GremlinClient.submit

    async def uneven(self: GremlinClient, *args: object, **more: object) -> object:
        for _ in range(random.randrange(200)):
            await asyncio.sleep(0)
        return await submit(self, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(GremlinClient, "submit", uneven)
    requests = ObservedRequests()
    api.client.observers.append(requests)
    responses = await asyncio.gather(*(api.ask("ada", query) for _ in range(6)))
    assert all(response == calm for response in responses)
    assert requests.texts.total() == 6 * levels


async def test_two_operations_share_nothing(api: Api) -> None:
    """Two concurrent callers get what each gets alone: loaders and rows belong to one operation."""
    _, query = SHAPES["several relations of one type side by side"]
    alone = [await api.send(who, query) for who in PERSONAS]
    together = await asyncio.gather(*(api.send(who, query) for who in PERSONAS))
    assert list(together) == alone


async def test_contamination_of_a_hundred_evaluations_takes_one_request_a_level(api: Api) -> None:
    """A list of 100 evaluations of different versions takes 4 requests, like one of 3.

    These are the list, the evaluations, the versions with the data, and the level above. The dataset at the top is read
    with the latter, because both lineages have it.
    """
    names = [f"contaminated-{number}" for number in range(100)]
    await api.load(*(item for name in names for item in _contaminated(name)))
    query = """query ($first: Int!) {
      assets(first: $first, filter: {name: {prefix: "contaminated-"}, kinds: [EVALUATION]}) {
        nodes { ... on Evaluation { contamination { verdict } } } } }"""
    found = await api.ask("ada", query, first=100)
    assert [each["contamination"]["verdict"] for each in found["assets"]["nodes"]] == ["DERIVED"] * 100
    assert [await api.count("ada", query, first=first) for first in (100, 3)] == [4, 4]


def _contaminated(name: str) -> list[dict[str, Any]]:
    """Return an evaluation of a version, whose data and training data are derived from one dataset."""
    raw, train, test = (f"mlg://dataset/test/default/{name}-{part}" for part in ("raw", "train", "test"))
    version = f"mlg://model-version/test/default/{name}@1"
    return [
        *({"dataset": {"id": each, "derivedFrom": [raw]}} for each in (train, test)),
        {"modelVersion": {"id": version, "trainedOn": [train]}},
        {
            "evaluation": {
                "id": f"mlg://evaluation/test/default/{name}",
                "name": name,
                "modelVersion": version,
                "evaluatedOn": [test],
            }
        },
    ]
