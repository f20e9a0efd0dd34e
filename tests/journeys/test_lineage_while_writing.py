"""Pages of a lineage result concatenate to the graph as of the first page, despite concurrent writes."""

import os
from collections.abc import Iterator
from itertools import count, pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.documents.lineage_questions import Round, as_of, differences, lineages
from support.estates.lineage_graphs import UNLINKED, WalkGraph, walk_graphs
from support.servers.in_process import Api
from support.stores.lineage_loader import WalkStore

from graphql_schema.catalog.relations import LINEAGE

GRAPHS = int(os.environ.get("GRAPHS", "200")) // 16
_numbers = count()

LINK = "mutation ($input: LinkInput!) { link(input: $input) { changed errors { code } } }"
UNLINK = "mutation ($input: UnlinkInput!) { unlink(input: $input) { changed errors { code } } }"
DELETE = "mutation ($input: DeleteAssetInput!) { deleteAsset(input: $input) { changed errors { code } } }"
RESTORE = "mutation ($input: RestoreAssetInput!) { restoreAsset(input: $input) { changed errors { code } } }"


class Writer:
    """Changes a stored graph at random through the API, and leaves the expected graph of the test unchanged."""

    def __init__(self, api: Api, graph: WalkGraph, seed: int) -> None:
        self._api = api
        self._random = Random(seed)
        self._ids = [*graph.things]
        self._arcs = graph.arcs
        self._fresh = list(_missing(graph))
        self.changed = 0

    async def write(self) -> None:
        """Send one random write, which may be rejected."""
        what, given = self._random.choice(
            [self._link, self._link, self._unlink, self._again, self._delete, self._new]
        )()
        if what == "register":
            payload = await self._api.register("root", given)
            self.changed += payload["created"]
            return
        data = await self._api.ask("root", what, input=given)
        (payload,) = data.values()
        self.changed += payload["changed"]

    def _link(self) -> tuple[str, dict[str, Any]]:
        """Return a new edge, sometimes with a valid time in the past; an edge that existed if all exist."""
        if not self._fresh:
            return self._again()
        relation, source, target = self._random.choice(self._fresh)
        since = self._random.choice([{}, {"validFrom": as_of(5)}])
        return LINK, {"relation": relation, "from": source, "to": target, **since}

    def _unlink(self) -> tuple[str, dict[str, Any]]:
        """Return the end of an existing edge, sometimes at a time in the past."""
        arc = self._random.choice(self._arcs)
        until = self._random.choice([{}, {"validTo": as_of(UNLINKED)}])
        return UNLINK, {"relation": arc.relation, "from": arc.source, "to": arc.target, **until}

    def _again(self) -> tuple[str, dict[str, Any]]:
        """Return an edge that existed before, of the same origin: filters compare the present one (docs/lineage.md)."""
        arc = self._random.choice(self._arcs)
        sure = {} if arc.confidence is None else {"confidence": arc.confidence}
        return LINK, {"relation": arc.relation, "from": arc.source, "to": arc.target, "origin": arc.origin, **sure}

    def _delete(self) -> tuple[str, dict[str, Any]]:
        """Return the deletion or the restoration of an asset."""
        return self._random.choice([DELETE, DELETE, RESTORE]), {"asset": self._random.choice(self._ids)}

    def _new(self) -> tuple[str, dict[str, Any]]:
        """Return a dataset derived from an existing one, with a creation time before all others."""
        name = f"mlg://dataset/test/late/d{next(_numbers)}"
        sources = [urn for urn in self._ids if "://dataset" in urn]
        made = {"id": name, "sourceCreatedAt": as_of(1), "derivedFrom": [self._random.choice(sources)]}
        return "register", {"dataset": made}


def _missing(graph: WalkGraph) -> Iterator[tuple[str, str, str]]:
    """Yield the edges that the catalog allows and the graph does not have."""
    there = {arc.key for arc in graph.arcs}
    for relation in LINEAGE:
        for one in graph.things.values():
            for other in graph.things.values():
                if relation.allows(one.kind, other.kind) and (one.urn, other.urn, relation.name) not in there:
                    yield relation.name, one.urn, other.urn


@pytest.mark.timeout(0)
@settings(
    max_examples=-(-GRAPHS // 4),
    deadline=None,
    phases=[Phase.generate],  # shrinking over the store takes minutes, and a failure prints its graph
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(graphs=st.lists(walk_graphs(), min_size=4, max_size=4), data=st.data())
async def test_pages_equal_the_graph_at_the_first_page(api: Api, graphs: list[WalkGraph], data: st.DataObject) -> None:
    """Random writes between the pages of lineage, backdated ones included, change none of these pages."""
    graphs = [graph.named(f"p{next(_numbers)}") for graph in graphs]
    await WalkStore(api).load(*graphs)
    for graph in graphs:
        day = data.draw(st.sampled_from([None, None, 13, 16]))
        requested = Round(
            "root", day, tuple(data.draw(st.lists(lineages([*graph.things], [1, 2, 3]), min_size=1, max_size=2)))
        )
        writer = Writer(api, graph, data.draw(st.integers(0, 99)))
        found = await differences(api, graph, requested, writer.write)
        assert not found, "\n".join([*found, graph.text])


WALK = """query ($root: ID!, $filter: LineageFilter, $after: Cursor, $asOf: DateTime) {
  lineage(
    roots: [$root], direction: DOWNSTREAM, filter: $filter, maxDepth: 9, first: 2, after: $after, asOf: $asOf
  ) {
    nodes { nodes { asset { id } } pageInfo { hasNextPage endCursor } }
    edges { from to } completeness { asOf visited } } }"""


def urn(name: str) -> str:
    """Return the id of a dataset."""
    return f"mlg://dataset/test/pinned/{name}"


async def rest(api: Api, page: dict[str, Any], **requested: Any) -> tuple[list[str], dict[str, Any]]:
    """Return the names of the nodes from this page on, and the last page with the edges of all these pages."""
    found = [node["asset"]["id"].rpartition("/")[2] for node in page["nodes"]["nodes"]]
    edges = page["edges"]
    while page["nodes"]["pageInfo"]["hasNextPage"]:
        page = (await api.ask("root", WALK, after=page["nodes"]["pageInfo"]["endCursor"], **requested))["lineage"]
        found += [node["asset"]["id"].rpartition("/")[2] for node in page["nodes"]["nodes"]]
        edges = edges + page["edges"]
    return found, {**page, "edges": edges}


@pytest.mark.parametrize("as_of", [None, "2026-01-15T00:00:00Z"])
async def test_each_kind_of_write_between_pages_is_invisible(api: Api, as_of: str | None) -> None:
    """Links, other begins, unlinks, deletions and new assets after the first page are absent from the later ones."""
    name = "now" if as_of is None else "then"
    ids = [urn(f"{name}{number}") for number in range(7)]
    made = {"sourceCreatedAt": "2026-01-01T00:00:00Z"}
    await api.load(*({"dataset": {"id": each, **made}} for each in [*ids, urn(f"{name}-side")]))
    since = {"relation": "DERIVES", "validFrom": "2026-01-02T00:00:00Z"}
    await api.load(*({"link": {**since, "from": one, "to": other}} for one, other in pairwise(ids)))
    first = (await api.ask("root", WALK, root=ids[0], asOf=as_of))["lineage"]
    writes = [
        (LINK, {**since, "from": ids[0], "to": urn(f"{name}-side")}),
        (UNLINK, {"relation": "DERIVES", "from": ids[2], "to": ids[3]}),
        (UNLINK, {"relation": "DERIVES", "from": ids[4], "to": ids[5], "validTo": "2026-01-03T00:00:00Z"}),
        (LINK, {"relation": "DERIVES", "from": ids[4], "to": ids[5]}),
        (LINK, {**since, "from": ids[5], "to": ids[6], "validFrom": "2026-01-04T00:00:00Z"}),
        (DELETE, {"asset": ids[6]}),
    ]
    for what, requested in writes:
        (payload,) = (await api.ask("root", what, input=requested)).values()
        assert payload == {"changed": True, "errors": []}
    assert (await api.register("root", {"dataset": {"id": urn(f"{name}-new"), **made, "derivedFrom": [ids[1]]}}))[
        "created"
    ]
    found, last = await rest(api, first, root=ids[0], asOf=as_of)
    assert found == [f"{name}{number}" for number in range(7)]
    assert last["completeness"] == first["completeness"]
    assert sorted((edge["from"], edge["to"]) for edge in last["edges"]) == list(pairwise(ids))
    again, _ = await rest(
        api, (await api.ask("root", WALK, root=ids[0], asOf=as_of))["lineage"], root=ids[0], asOf=as_of
    )
    side, new = f"{name}-side", f"{name}-new"
    chain = [f"{name}{number}" for number in range(5)]
    assert again == ([chain[0], side, chain[1], new, chain[2]] if as_of is None else [chain[0], side, *chain[1:]])


async def test_a_filter_compares_the_present_origin_on_each_page(api: Api) -> None:
    """A declared edge that is observed after the first page is followed by no later page of declared edges."""
    ids = [urn(f"origin{number}") for number in range(5)]
    await api.load(*({"dataset": {"id": each}} for each in ids))
    await api.load(*({"link": {"relation": "DERIVES", "from": one, "to": other}} for one, other in pairwise(ids)))
    requested = {"root": ids[0], "filter": {"origins": ["DECLARED"]}}
    first = (await api.ask("root", WALK, **requested))["lineage"]
    observed = {"relation": "DERIVES", "from": ids[2], "to": ids[3], "origin": "OBSERVED"}
    assert (await api.ask("root", LINK, input=observed))["link"] == {"changed": True, "errors": []}
    found, _ = await rest(api, first, **requested)
    assert found == ["origin0", "origin1", "origin2"]


INFERRED = """query ($root: ID!, $after: Cursor) {
  lineage(roots: [$root], direction: DOWNSTREAM, filter: {origins: [INFERRED]}, maxDepth: 9, first: 2, after: $after) {
    nodes { nodes { asset { id } } pageInfo { hasNextPage endCursor } } edges { from to confidence } } }"""


async def test_changes_of_inferred_edges_between_pages_are_invisible(api: Api) -> None:
    """Inferred edges changed after the first page are unchanged on later pages, and current in a new query."""
    feature, run = "mlg://feature/test/pinned/amount", "mlg://run/test/pinned/training"
    made = [f"mlg://model-version/test/pinned/model@{number}" for number in range(7)]
    into = {"relation": "INPUT_TO", "from": feature, "to": run}
    await api.load({"run": {"id": run, "state": "COMPLETE", "outputs": made[:6]}}, {"link": into})
    await api.wait_for_jobs()

    async def walked(after: str | None = None) -> dict[str, Any]:
        return dict((await api.ask("root", INFERRED, root=feature, after=after))["lineage"])

    async def pages(page: dict[str, Any]) -> tuple[list[str], list[str]]:
        nodes, edges = list[str](), list[str]()
        while True:
            nodes += [node["asset"]["id"] for node in page["nodes"]["nodes"]]
            edges += [edge["to"] for edge in page["edges"]]
            if not page["nodes"]["pageInfo"]["hasNextPage"]:
                return nodes, sorted(edges)
            page = await walked(page["nodes"]["pageInfo"]["endCursor"])

    def produces(number: int) -> dict[str, Any]:
        return {"relation": "PRODUCES", "from": run, "to": made[number]}

    first = await walked()
    for writes in (
        [(UNLINK, into), (UNLINK, produces(3))],
        [(LINK, into), (LINK, produces(6)), (LINK, {**produces(4), "confidence": 0.5})],
        [(UNLINK, produces(5))],
    ):
        for what, requested in writes:
            (payload,) = (await api.ask("root", what, input=requested)).values()
            assert payload == {"changed": True, "errors": []}
        await api.wait_for_jobs()
        assert await pages(first) == ([feature, *made[:6]], made[:6])
    left = [made[number] for number in (0, 1, 2, 4, 6)]
    assert await pages(await walked()) == ([feature, *left], left)
