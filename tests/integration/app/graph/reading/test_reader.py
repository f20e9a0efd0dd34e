"""The reads of each caller on random estates, page by page, equal an oracle in plain Python."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from support.estates.random_estates import NAMES, TEAM, TEAMS, Estate, random_estate
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

CALLERS = tuple(TEAMS)
ABREAST = 12
"""Sources of one request."""

Response = list[tuple[Any, ...]]
Expected = Callable[[Estate, str, str], Iterable[Any]]


@dataclass(frozen=True)
class Twin:
    """An estate, and the API over it; ``created`` is when each asset was registered."""

    api: Api
    estate: Estate
    created: dict[str, str]


@pytest.fixture(scope="module")
async def twin(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Twin]:
    """Load one random estate."""
    estate = random_estate(20)
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        await api.load(*estate.items)
        query = "{ a: assets(first: 500) { nodes { id createdAt } pageInfo { hasNextPage } } }"
        data = await api.ask("root", query)
        await api.wait_for_jobs()
        assert not data["a"]["pageInfo"]["hasNextPage"]
        yield Twin(api, estate, {node["id"]: node["createdAt"] for node in data["a"]["nodes"]})


def _via(estate: Estate, who: str, starts: Iterable[str], *hops: tuple[str, bool, str]) -> set[str]:
    """Return the assets reached over hops through rows that the caller reads."""
    reached = set(starts)
    for relations, out, kinds in hops:
        reached = {
            far
            for urn in estate.readable(who, reached)
            for far in estate.far(who, urn, relations, out=out, kinds=kinds)
        }
    return set(estate.visible(who, reached))


DATA = "Dataset DatasetVersion"
RELATED: dict[tuple[str, str, str], Expected] = {
    ("Model", "versions", ""): lambda e, who, urn: e.newest(who, e.parts(urn)),
    ("Dataset", "versions", ""): lambda e, who, urn: e.newest(who, e.parts(urn)),
    ("Workflow", "runs", ""): lambda e, who, urn: e.newest(who, _runs(e, urn)),
    ("Workflow", "runs", "state: FAIL"): lambda e, who, urn: e.newest(who, e.readable(who, _runs(e, urn, "FAIL"))),
    ("Dataset", "feeds", ""): lambda e, who, urn: _via(e, who, [urn], ("DERIVES FEEDS INPUT_TO", True, "")),
    ("Dataset", "derivedFrom", ""): lambda e, who, urn: _via(e, who, [urn], ("DERIVES", False, "Dataset")),
    ("ModelVersion", "trainedOn", ""): lambda e, who, urn: (
        _via(e, who, [urn], ("FEEDS", False, DATA))
        | _via(e, who, [urn], ("PRODUCES", False, "Run"), ("INPUT_TO", False, DATA))
    ),
    ("ModelVersion", "derivedModels", ""): lambda e, who, urn: _via(e, who, [urn], ("BASE_OF", True, "ModelVersion")),
    ("Model", "services", ""): lambda e, who, urn: _via(
        e, who, e.parts(urn), ("DEPLOYED_AS", True, ""), ("SERVED_BY", True, "")
    ),
    ("Service", "deployments", "activeOnly: false"): lambda e, who, urn: _via(
        e, who, [urn], ("SERVED_BY", False, "Deployment")
    ),
    ("Service", "deployments", ""): lambda e, who, urn: {
        far
        for far in e.readable(who, _via(e, who, [urn], ("SERVED_BY", False, "Deployment")))
        if e.assets[far]["status"] == "ACTIVE"
    },
    ("FeatureSet", "features", ""): lambda e, who, urn: set(e.visible(who, e.parts(urn))),
}


def _runs(estate: Estate, workflow: str, state: str = "") -> list[str]:
    return [
        urn
        for urn in estate.of("Run")
        if estate.assets[urn]["workflow"] == workflow and state in {"", estate.assets[urn]["state"]}
    ]


@dataclass(frozen=True)
class Field:
    """A connection field: its path, the selection on its nodes, and its pagination."""

    kind: str
    name: str
    args: str
    nodes: str
    size: int
    total: bool


async def _paged(twin: Twin, who: str, field: Field, urns: list[str]) -> dict[str, Any]:
    """Read all nodes of a connection for each source in parallel pages; return them with the total of every page."""
    found: dict[str, Any] = {urn: ([], set()) for urn in urns}
    cursors: dict[str, str | None] = dict.fromkeys(urns)
    total = "totalCount" if field.total else ""
    while cursors:
        requested = list(cursors)[:ABREAST]
        document = " ".join(
            f'n{number}: node(id: "{urn}") {{ ... on {field.kind} {{ '
            f"f: {field.name}(first: {field.size} {_after(cursors[urn])} {field.args}) {{ "
            f"{total} nodes {{ {field.nodes} }} pageInfo {{ hasNextPage endCursor }} }} }} }}"
            for number, urn in enumerate(requested)
        )
        data = await twin.api.ask(who, f"{{ {document} }}")
        for number, urn in enumerate(requested):
            page = data[f"n{number}"]["f"]
            assert len(page["nodes"]) <= field.size
            assert page["nodes"] or not page["pageInfo"]["hasNextPage"]
            found[urn][0].extend(page["nodes"])
            found[urn][1].add(page.get("totalCount"))
            cursors[urn] = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                del cursors[urn]
    return found


def _after(cursor: str | None) -> str:
    return "" if cursor is None else f'after: "{cursor}"'


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize(("kind", "name", "args"), RELATED)
async def test_relations(twin: Twin, kind: str, name: str, args: str, who: str) -> None:
    """Small pages of a relation concatenate to the oracle's rows without repetition; lists by time are in order."""
    estate, expected = twin.estate, RELATED[kind, name, args]
    sources = estate.readable(who, estate.of(kind))
    if kind == "ModelVersion":
        sources = sources[:24]
    for size, total in ((4, False), (7, True)):
        found = await _paged(twin, who, Field(kind, name, args, "id", size, total), sources)
        for urn in sources:
            wanted = expected(estate, who, urn)
            ids = [node["id"] for node in found[urn][0]]
            assert (ids if isinstance(wanted, list) else sorted(ids)) == (
                wanted if isinstance(wanted, list) else sorted(wanted)
            ), (urn, size)
            assert found[urn][1] == {len(list(wanted)) if total else None}


FILTERS: dict[str, Callable[[Estate, str, dict[str, Any], bool], bool]] = {
    "": lambda _e, _urn, _edge, _read: True,
    "kinds: [MODEL_VERSION, DATASET]": lambda e, urn, _, _read: e.assets[urn]["kind"] in {"ModelVersion", "Dataset"},
    "stages: [ACTIVE]": lambda e, urn, _, read: read and e.assets[urn]["stage"] == "ACTIVE",
    "origins: [INFERRED], minConfidence: 0.5": lambda _e, _u, edge, read: (
        edge["origin"] == "INFERRED" and (not read or edge["confidence"] >= 0.5)
    ),
    "minConfidence: 0.5": lambda _e, _u, edge, read: not read or edge.get("confidence", 1) >= 0.5,
}
"""What a filter keeps of a far asset over an edge, and whether the caller reads that asset: else it has no values."""


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("out", [True, False])
async def test_neighbours(twin: Twin, who: str, *, out: bool) -> None:
    """Direct neighbours follow rule 3.3, one row per edge and never the asset itself, under every filter."""
    estate, random = twin.estate, Random(3)
    name = "downstream" if out else "upstream"
    for where, holds in FILTERS.items():
        parents = estate.readable(who, estate.of("Dataset", "Model", "FeatureSet", "Service"))
        parts = estate.readable(who, estate.of("DatasetVersion", "Feature", "Run"))
        sources = [*parents[:14], *random.sample(parts, 10)]
        args = f"filter: {{{where}}}" if where else ""
        rows = "relation from to asset { id }"
        found = await _paged(twin, who, Field("Asset", name, args, rows, 9, not out), sources)
        for urn in sources:
            wanted = {
                (far, key)
                for far, key in estate.neighbours(who, urn, out=out)
                if holds(estate, far, estate.joined(who)[key], estate.reads(who, far))
            }
            found_rows = [(row["asset"]["id"], (row["relation"], row["from"], row["to"])) for row in found[urn][0]]
            assert sorted(found_rows) == sorted(wanted), (urn, where)
            assert found[urn][1] == {None if out else len(wanted)}


def _random_filter(
    random: Random, twin: Twin, who: str, depth: int = 2
) -> tuple[dict[str, Any], Callable[[str], bool]]:
    """Return a filter and the condition it means: an unreadable asset has no stage, no time and no owners."""

    def read(urn: str) -> bool:
        return twin.estate.reads(who, urn)

    assets, owner = twin.estate.assets, twin.estate.owner
    name, team = random.choice(NAMES), TEAM + random.choice(("ranking", "ads"))
    created = random.choice(sorted(set(twin.created.values())))
    some = random.sample(sorted(assets), 9)
    leaves: list[tuple[dict[str, Any], Callable[[str], bool]]] = [
        ({"kinds": ["MODEL", "RUN"]}, lambda urn: assets[urn]["kind"] in {"Model", "Run"}),
        ({"name": {"eq": name}}, lambda urn: assets[urn]["name"] == name),
        ({"name": {"prefix": name[:2]}}, lambda urn: assets[urn]["name"].startswith(name[:2])),
        ({"name": {"prefix": "\U0010ffff"}}, lambda _urn: False),
        ({"stages": ["ACTIVE", "DRAFT"]}, lambda urn: read(urn) and assets[urn]["stage"] in {"ACTIVE", "DRAFT"}),
        ({"ownerTeams": [team]}, lambda urn: owner(urn) == team),
        ({"owners": [team]}, lambda urn: read(urn) and team in assets[urn]["owners"]),
        ({"owned": False}, lambda urn: not owner(urn)),
        ({"createdAfter": created}, lambda urn: read(urn) and twin.created[urn] > created),
        ({"createdBefore": created}, lambda urn: read(urn) and twin.created[urn] < created),
        ({"ids": some}, lambda urn: urn in some),
        ({"kinds": []}, lambda _urn: False),
    ]
    shape = random.choice(("leaf", "and", "or", "not")) if depth else "leaf"
    if shape == "leaf":
        return random.choice(leaves)
    parts = [_random_filter(random, twin, who, depth - 1) for _ in range(1 if shape == "not" else 2)]
    given, tests = [part for part, _ in parts], [test for _, test in parts]
    if shape == "and":
        return {"and": given}, lambda urn: all(test(urn) for test in tests)
    if shape == "or":
        return {"or": given}, lambda urn: any(test(urn) for test in tests)
    return {"not": given[0]}, lambda urn: not tests[0](urn)


ORDERS: dict[str, Callable[[Twin, str], Any]] = {
    "ID": lambda _twin, _urn: "",
    "NAME": lambda twin, urn: twin.estate.assets[urn]["name"],
    "CREATED_AT": lambda twin, urn: twin.created[urn],
}
LIST = """query ($filter: AssetFilter, $order: AssetOrder, $first: Int, $after: Cursor) {
  assets(filter: $filter, orderBy: $order, first: $first, after: $after) {
    totalCount nodes { id } pageInfo { hasNextPage endCursor } } }"""


def _sorted(twin: Twin, who: str, urns: list[str], order: str, *, down: bool) -> list[str]:
    """Return ids in the order of the query; assets whose time is hidden come last, by id."""
    last = [] if order in {"ID", "NAME"} else [urn for urn in urns if not twin.estate.reads(who, urn)]
    first = [urn for urn in urns if urn not in last]
    return [*sorted(first, key=lambda urn: (ORDERS[order](twin, urn), urn), reverse=down), *sorted(last)]


@pytest.mark.parametrize("who", CALLERS)
async def test_listings(twin: Twin, who: str) -> None:
    """Random filters and orders over equal names and times: pages concatenate to the sorted list, with its total."""
    random = Random(who)
    for _ in range(24):
        where, holds = _random_filter(random, twin, who)
        order, down = random.choice(sorted(ORDERS)), random.random() < 0.5
        matching = [urn for urn in twin.estate.visible(who, twin.estate.assets) if holds(urn)]
        wanted = _sorted(twin, who, matching, order, down=down)
        variables = {"filter": where, "order": {"field": order, "direction": "DESC" if down else "ASC"}}
        ids, after, more = [], None, True
        size = random.choice((17, 40, 150)) if len(wanted) > 60 else random.choice((5, 9))
        while more:
            page = (await twin.api.ask(who, LIST, **variables, first=size, after=after))["assets"]
            assert page["totalCount"] == len(wanted), (where, order)
            ids += [node["id"] for node in page["nodes"]]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert ids == wanted, (where, order, down)


@pytest.mark.parametrize("who", CALLERS)
async def test_short_pages_are_filled_together(twin: Twin, who: str) -> None:
    """Pages left short by policy and filter are filled together: more sources take no more requests.

    Where rows may hide the time of their order, one more request reads them last.
    """
    hubs = twin.estate.of("Workflow")[:2]
    fields = [
        f'n{number}: node(id: "{urn}") {{ ... on Workflow {{ runs(first: 25, state: FAIL) {{ nodes {{ id }} }} }} }}'
        for number, urn in enumerate(hubs)
    ]
    counts = [
        await twin.api.count(who, f"{{ {' '.join(requested)} }}") for requested in (fields[:1], fields[1:], fields)
    ]
    assert counts[2] == max(counts[:2]) == (3 if TEAMS[who] is None else 4)
