"""The propagation rules over the store: the neighbours of up to 1,000 vertices in one request.

The text FLOW gets its hops as data. Parameters and keys:

| name     | content                                                                          |
|----------|----------------------------------------------------------------------------------|
| points   | vertex ids whose records are returned too                                        |
| hops     | list of the hops below                                                           |
| hops.d   | direction, ``out`` or ``in``                                                     |
| hops.ls  | edge labels                                                                      |
| hops.ks  | codes of the kinds of the far ends                                               |
| hops.p   | index of the hop whose far ends this hop starts from, or -1 to start from ``xs`` |
| hops.xs  | vertex ids where the hop starts, if ``p`` is -1                                  |
| now      | epoch milliseconds; edges that have ended by then are left out                   |
| most     | maximal number of records; if there are more vertices, no record is returned     |
| size     | number of characters of complete records at which no further record is read      |
| only     | keys that the returned records have, or no keys for all of theirs                |

The response is one object. Declassified edges are left out, and so are edges with an empty interval, such as
unconfirmed edges: these may begin, and so end, later than ``now``.

| name | content                                                                                |
|------|----------------------------------------------------------------------------------------|
| e    | for each hop a flat list ``[start, far end, kind code of the far end, …]``             |
| v    | a flat list ``[vertex id, record, …]`` of the points and of the far ends of all hops   |
| w    | vertex ids of those whose records are left out because of ``size``                     |
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gremlin_python.process.graph_traversal import GraphTraversal, __
from gremlin_python.process.traversal import P

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render, spread
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.propagation.sources import Sources, group_of
from app.graph.records.record_text import record_of
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.kinds import ASSETS, KINDS, NAME_OF_CODE
from graphql_schema.catalog.relations import CARRYING, CHILD_HOPS, PARENT_HOPS, Hop
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Json, JsonObject, Record

AT_ONCE: Final = 1_000
"""Maximal number of vertices whose neighbours one request reads."""

PART_SIZE: Final = 4 * 1024 * 1024
"""Number of characters of complete records at which a request ends, whatever keys it returns."""

MANY_EDGES: Final = 5_000
"""Number of edges from which on those of a response are processed in the side thread."""

_EVERY: Final = 2**31 - 1


def propagating_edges(direction: str) -> str:
    """Return the text of the edges of one direction that propagate, as read inside the loop of FLOW."""
    start = g.V(param("xs"))
    edges = start.out_e(spread("ls")) if direction == "out" else start.in_e(spread("ls"))
    kept = edges.has("validTo", P.gt(param("now"))).not_(__.has("declassified", P.within([True])))
    return str(render(kept.has("toKind" if direction == "out" else "fromKind", P.within(param("ks")))))


FLOW: Final = PreparedStatement.of(
    f"""
def found = new LinkedHashSet(points)
def sets = []
def edges = hops.collect {{ h ->
  def xs = h.p < 0 ? h.xs : new ArrayList(sets[h.p])
  def ls = h.ls; def ks = h.ks
  def rows = []
  def reached = new LinkedHashSet()
  if (xs) {{
    def out = h.d == 'out'
    (out ? {propagating_edges("out")} : {propagating_edges("in")}).each {{ e ->
      if (e.value('validFrom') >= e.value('validTo')) return
      def f = out ? e.inVertex().id() : e.outVertex().id()
      rows << (out ? e.outVertex().id() : e.inVertex().id()); rows << f; reached << f
      rows << e.value(out ? 'toKind' : 'fromKind')
    }}
  }}
  sets << reached
  found.addAll(reached)
  rows
}}
def v = []
def w = []
def left = size as long
def json = new groovy.json.JsonSlurper()
def xs = found.size() <= most ? found as List : []
if (xs) {render(g.V(param("xs")))}.each {{
  if (left > 0) {{
    def r = it.value('record')
    left -= r.length()
    v << it.id(); v << (only ? groovy.json.JsonOutput.toJson(json.parseText(r).subMap(only)) : r)
  }} else w << it.id()
}}
[[e: edges, v: v, w: w]]
""",
    "points",
    "hops",
    "now",
    "most",
    "size",
    "only",
    name="flows",
)


def _ending(edges: GraphTraversal) -> str:
    """Return the text of those of the edges that end after ``since``, and not never."""
    return str(render(edges.has("validTo", P.gt(param("since"))).has("validTo", P.lt(param("never")))))


_NEXT_END: Final = PreparedStatement.of(
    f"""
def next = never
def look = {{ e ->
  def end = e.value('validTo')
  if (end < next && e.value('validFrom') < end) next = end
}}
{_ending(g.V(param("x")).in_e(spread("inward")))}.each(look)
{_ending(g.V(param("x")).out_e(spread("outward")))}.each(look)
[next]
""",
    "x",
    "inward",
    "outward",
    "since",
    "never",
    name="flows",
)
"""Reads the first end after ``since`` of the edges at the vertex ``x``, ``never`` without one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One edge label between parents and children of asset groups, with the kinds at both ends.

    ``near`` are the kinds where the step starts and ``far`` those where it ends; ``direction`` is ``out`` or ``in``.
    """

    direction: str
    label: str
    near: list[str]
    far: list[str]


@dataclass(frozen=True, slots=True)
class StoredFlows:
    """Reads the propagation neighbours of vertices at the instant ``now``, in epoch milliseconds.

    Nothing propagates to a vertex whose kind is in ``stops``. ``kinds`` has the kinds of all far ends read so far. A
    hop to parents does not start from a vertex whose kind is known to have none; a hop to children likewise.
    """

    client: GremlinClient
    stops: frozenset[str]
    now: int
    kinds: dict[int, str] = field(default_factory=dict)

    async def targets(
        self, vertices: Iterable[int], parents: Iterable[int] = (), max_records: int = _EVERY
    ) -> tuple[set[int], dict[int, Record]]:
        """Return the direct targets of ``vertices`` and of ``parents``, and the records read, by vertex id.

        Records are those of the targets, and of the parents whose edges count for ``vertices``. Of ``parents`` only the
        carrying edges count. A request (of up to AT_ONCE vertices) that finds more than ``max_records`` vertices
        returns their ids without records.
        """
        found: set[int] = set()
        records: dict[int, Record] = {}
        own, bearers = list(vertices), list(parents)
        for xs, ps in [*((batch, []) for batch in _batches(own)), *(([], batch) for batch in _batches(bearers))]:
            hops = self._outward_hops(xs, ps)
            edges, read = await self._fetch([], hops, max_records)
            for hop, rows in zip(hops, edges, strict=True):
                if hop["flows"]:
                    found.update(rows[1::3])
            records |= read
        return found, records

    async def sources(self, vertices: Sequence[int]) -> Sources:
        """Return the sources of the vertices, and all records read; a vertex of a kind in ``stops`` has no sources."""
        sources = Sources()
        for xs in _batches(vertices):
            edges, records = await self._fetch(xs, self._source_hops(xs), _EVERY)
            sources.records |= records
            await _add(edges, sources)
        for vid in vertices:
            if vid in sources.of and NAME_OF_CODE[sources.records[vid]["kind"]] in self.stops:
                del sources.of[vid]
        return sources

    async def first_sources(
        self, vertices: Sequence[int], keys: Sequence[str], max_records: int
    ) -> tuple[Sources, list[int]]:
        """Return the sources of at most AT_ONCE vertices, with the records that one request reads.

        The records have only ``keys``. Also return the ids of vertices whose records are left out because of PART_SIZE.
        If there are more than ``max_records`` vertices, neither these ids nor records are returned. Vertices of the
        kinds in ``stops`` have their sources, too, because the request may leave out their records.
        """
        edges, records, left = await self._read(vertices, self._source_hops(vertices), max_records, keys)
        sources = Sources(records=records)
        await _add(edges, sources)
        return sources, left

    async def first_records(self, vertices: Sequence[int], keys: Sequence[str]) -> tuple[dict[int, Record], list[int]]:
        """Return the records that one request reads of some vertices, and the vertices left out because of PART_SIZE.

        The records have only ``keys``. A vertex that is not stored is in neither result.
        """
        _, records, left = await self._read(vertices, [], _EVERY, keys)
        return records, left

    async def source_ids(self, vertices: Sequence[int]) -> Mapping[int, set[int]]:
        """Return the sources of vertices as :class:`Sources` has them, by vertex id and group.

        Reads no records, and therefore also returns the sources of vertices of the kinds in ``stops``.
        """
        sources = Sources()
        for xs in _batches(vertices):
            edges, _ = await self._fetch(xs, self._source_hops(xs), max_records=0)
            await _add(edges, sources)
        return sources.of

    async def children(self, parents: Iterable[int]) -> Sources:
        """Return the children of each of the parents, with their records; those of the parents are not read."""
        found = Sources()
        for xs in _batches(list(parents)):
            hops = self._group_hops(CHILD_STEPS, xs)
            edges, records = await self._fetch([], hops, _EVERY)
            found.records |= records
            for rows in edges:
                for parent, child in _pairs(rows):
                    found.of[parent].add(child)
        return found

    def _source_hops(self, xs: Sequence[int]) -> list[JsonObject]:
        """Return the hops to the sources of ``xs``, as :func:`_add_edges` takes their rows."""
        return [
            hop_row("in", CARRYING, ASSETS, xs),
            *self._group_hops(CHILD_STEPS, [], 0),
            *self._group_hops(_PARENT_STEPS, xs),
        ]

    def _outward_hops(self, xs: Sequence[int], ps: Sequence[int]) -> list[JsonObject]:
        """Return the hops from ``xs``, and from the parents ``ps`` over carrying edges alone.

        ``flows`` of a hop is true if its far ends are targets, and false if it only leads to the parents in between.
        """
        open_kinds = [name for name in ASSETS if name not in self.stops]
        parents = self._group_hops(_PARENT_STEPS, xs)
        flowing = [
            hop_row("out", CARRYING, open_kinds, [*xs, *ps]),
            *(hop_row("out", CARRYING, open_kinds, [], number) for number in range(len(parents))),
            *self._group_hops(CHILD_STEPS, xs, without=self.stops),
        ]
        return [*({**hop, "flows": False} for hop in parents), *({**hop, "flows": True} for hop in flowing)]

    def _group_hops(
        self, steps: Iterable[Step], xs: Sequence[int], source_hop: int = -1, without: Container[str] = ()
    ) -> list[JsonObject]:
        """Return the hops over ``steps``, each from the vertices in ``xs`` that may be of a kind where it starts.

        ``source_hop`` is the index of the hop whose far ends the hops start from instead of ``xs``. Kinds in
        ``without`` are left out at the far ends.
        """
        return [
            hop_row(
                step.direction,
                [step.label],
                [name for name in step.far if name not in without],
                [vid for vid in xs if self.kinds.get(vid, step.near[0]) in step.near],
                source_hop,
            )
            for step in steps
        ]

    async def _fetch(
        self, points: Sequence[int], hops: Sequence[Record], max_records: int
    ) -> tuple[list[list[Json]], dict[int, Record]]:
        """Return the rows of each hop, and the records by vertex id, of which further requests read many characters."""
        edges, records, left = await self._read(points, hops, max_records)
        while left:
            _, more, left = await self._read(left, [], _EVERY)
            records |= more
        return edges, records

    async def _read(
        self, points: Sequence[int], hops: Sequence[Record], max_records: int, keys: Sequence[str] = ()
    ) -> tuple[list[list[Json]], dict[int, Record], list[int]]:
        """Return what one request reads: the rows of each hop, the records by vertex id, and the vertices left out.

        The kinds of the vertices at far ends are recorded. The records have only ``keys``; without keys they are
        complete.
        """
        bindings = {"points": points, "hops": hops, "now": self.now, "most": max_records, "size": PART_SIZE}
        (response,) = await self.client.submit(FLOW, {**bindings, "only": [*keys]})
        edges: list[list[Json]] = response["e"]
        await run_in_turn(self._add_kinds, _are_many(edges), edges)
        flat = zip(response["v"][::2], response["v"][1::2], strict=True)
        records = {vid: record_of(text) async for vid, text in OperationBudget().in_turns(flat)}
        return edges, records, response["w"]

    def _add_kinds(self, edges: Iterable[list[Json]]) -> None:
        for rows in edges:
            self.kinds.update(zip(rows[1::3], map(NAME_OF_CODE.__getitem__, rows[2::3]), strict=True))


def _by_label(hops: Mapping[str, Hop]) -> list[Step]:
    """Return the steps over hops that are given by the kind where they start: one step per direction and label."""
    by_edge: dict[tuple[str, str], list[tuple[str, Hop]]] = defaultdict(list)
    for near, hop in hops.items():
        by_edge[hop.direction.value, hop.relation.name].append((near, hop))
    return [
        Step(*step, [near for near, _ in found], [name for _, hop in found for name in hop.kinds])
        for step, found in by_edge.items()
    ]


CHILD_STEPS: Final = _by_label(CHILD_HOPS)


_PARENT_STEPS: Final = _by_label(PARENT_HOPS)


async def next_end(client: GremlinClient, vid: int, after: int) -> int:
    """Return the first instant after ``after`` when an edge ends that carries to a vertex, or leads to its parent.

    Instants are in epoch milliseconds; FOREVER if no edge ends. Declassified edges count, too.
    """
    inward = [*CARRYING, *(step.label for step in _PARENT_STEPS if step.direction == "in")]
    outward = [step.label for step in _PARENT_STEPS if step.direction == "out"]
    bindings = {"x": vid, "inward": inward, "outward": outward, "since": after, "never": FOREVER}
    (found,) = await client.submit(_NEXT_END, bindings)
    return int(found)


async def _add(edges: Sequence[list[Json]], sources: Sources) -> None:
    """Add the sources in the rows of some hops, in the side thread if these are many."""
    await run_in_turn(_add_edges, _are_many(edges), sources.of, edges)


def _add_edges(of: dict[int, set[int]], edges: Sequence[list[Json]]) -> None:
    """Add the sources in the rows of carrying edges, of edges to children of their starts, and of edges to parents."""
    carried, children, parents = edges[0], edges[1 : 1 + len(CHILD_STEPS)], edges[1 + len(CHILD_STEPS) :]
    for rows in children:
        for parent, child in _pairs(rows):
            of[group_of(parent)].update((parent, child))
    for vid, source in _pairs(carried):
        group = group_of(source)
        of[vid].add(group if group in of else source)
    for rows in parents:
        for vid, parent in _pairs(rows):
            of[vid].add(parent)


def _are_many(edges: Iterable[list[Json]]) -> bool:
    """Return whether the rows of a response are to be processed in the side thread."""
    return sum(map(len, edges)) > 3 * MANY_EDGES


def hop_row(
    direction: str, labels: Sequence[str], kinds: Iterable[str], xs: Sequence[int], source_hop: int = -1
) -> JsonObject:
    """Return one hop in the form that FLOW takes."""
    codes = [KINDS[name].code for name in kinds]
    return {"d": direction, "ls": list(labels), "ks": codes, "p": source_hop, "xs": list(xs)}


def _batches(vids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield consecutive parts of at most AT_ONCE vertices."""
    return (vids[start : start + AT_ONCE] for start in range(0, len(vids), AT_ONCE))


def _pairs(flat: Sequence[Json]) -> Iterator[tuple[int, int]]:
    """Yield start and far end from the flat rows of one hop."""
    return zip(flat[::3], flat[1::3], strict=True)
