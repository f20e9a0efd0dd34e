"""Where sensitivity flows from and to in the store: the neighbours of many vertices in one request.

Hops are data, as in :mod:`app.graph.reading.level.level_statement`: ``{d: "out" | "in", ls: labels, ks: far kinds, p:
-1 or the hop whose far ends are its sources, xs: sources}``. The text answers ``{e: [[source, far, far kind, …] per
hop], v: [id, record, …]}`` over edges that have not ended and are not declassified; ``v`` has the points and the far
vertices, and nothing when they are more than ``most``.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import P

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render, spread
from app.graph.driver.prepared_statement import PreparedStatement
from graphql_schema.catalog.kinds import ASSETS, KIND, KINDS
from graphql_schema.catalog.relations import CARRYING, CHILD_HOPS, PARENT_HOPS, Hop
from policies.sensitivity import RANK

Record = Mapping[str, Any]


AT_ONCE: Final = 1_000
"""Vertices whose neighbours one request reads."""


_EVERY: Final = 2**31 - 1


def _edges(direction: str) -> str:
    start = g.V(param("xs"))
    edges = start.out_e(spread("ls")) if direction == "out" else start.in_e(spread("ls"))
    kept = edges.has("validTo", P.gt(param("now"))).not_(__.has("declassified", P.within([True])))
    return str(render(kept.has("toKind" if direction == "out" else "fromKind", P.within(param("ks")))))


FLOW: Final = PreparedStatement.of(
    f"""
def seen = new LinkedHashSet(points)
def sets = []
def edges = hops.collect {{ h ->
  def xs = h.p < 0 ? h.xs : new ArrayList(sets[h.p])
  def ls = h.ls; def ks = h.ks
  def rows = []
  def reached = new LinkedHashSet()
  if (xs) {{
    def out = h.d == 'out'
    (out ? {_edges("out")} : {_edges("in")}).each {{ e ->
      def f = out ? e.inVertex().id() : e.outVertex().id()
      rows << (out ? e.outVertex().id() : e.inVertex().id()); rows << f; reached << f
      rows << e.value(out ? 'toKind' : 'fromKind')
    }}
  }}
  sets << reached
  seen.addAll(reached)
  rows
}}
def v = []
def xs = seen.size() <= most ? seen as List : []
if (xs) {render(g.V(param("xs")))}.each {{ v << it.id(); v << it.value('record') }}
[[e: edges, v: v]]
""",
    "points",
    "hops",
    "now",
    "most",
)


@dataclass(frozen=True, slots=True)
class Step:
    """A step from whole to part or back: its edge, and the kinds at both ends."""

    direction: str
    label: str
    near: list[str]
    far: list[str]


Arriving = tuple[int, int]
"""What flows somewhere, and the vertex whose edge it flows over: itself, or the whole that it speaks through."""


@dataclass(slots=True)
class Sources:
    """From each vertex to those that its sensitivity comes from, and the records of all of them."""

    of: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    records: dict[int, Record] = field(default_factory=dict)

    def rank(self, vid: int) -> int:
        """How strict a vertex is stored."""
        return RANK[self.records[vid]["sensitivity"]]


@dataclass(frozen=True, slots=True)
class StoredFlows:
    """Reads where sensitivity flows at the instant ``now``; ``stops`` are the kinds that nothing flows to.

    ``kinds`` are those met so far: what is known to be no part or no whole is not asked for its whole or its parts.
    """

    client: GremlinClient
    stops: frozenset[str]
    now: int
    kinds: dict[int, str] = field(default_factory=dict)

    async def targets(
        self, vertices: Iterable[int], spoken_for: Iterable[int] = (), most: int = _EVERY
    ) -> tuple[set[int], dict[int, Record]]:
        """What ``vertices`` flow to, and the carrying edges of ``spoken_for`` alone; no records beyond ``most``."""
        found: set[int] = set()
        records: dict[int, Record] = {}
        own, wholes = list(vertices), list(spoken_for)
        for xs, ws in [*((some, []) for some in _some(own)), *(([], some) for some in _some(wholes))]:
            hops = self._out(xs, ws)
            answer = await self._ask([], hops, most)
            for hop, rows in zip(hops, answer["e"], strict=True):
                if hop["flows"]:
                    found.update(rows[1::3])
            records |= _records(answer)
        return found, records

    async def sources(self, vertices: Iterable[int]) -> Sources:
        """What flows to each of the vertices."""
        sources = Sources()
        for xs in _some(list(vertices)):
            await self._add_sources(xs, sources)
        for vid in [vid for vid in sources.of if KIND[sources.records[vid]["kind"]] in self.stops]:
            del sources.of[vid]
        return sources

    async def parts(self, wholes: Iterable[int]) -> Sources:
        """The parts of each whole, as what speaks for it."""
        found = Sources()
        for xs in _some(list(wholes)):
            hops = self._beside(_PARTS, xs)
            answer = await self._ask([], hops, _EVERY)
            found.records |= _records(answer)
            for rows in answer["e"]:
                for whole, part in _pairs(rows):
                    found.of[whole].add(part)
        return found

    async def arrivals(self, vertices: Iterable[int]) -> dict[int, set[Arriving]]:
        """What flows to each of the vertices, and through what; without records, and whatever the stops are."""
        found: dict[int, set[Arriving]] = defaultdict(set)
        for xs in _some(list(vertices)):
            await self._arriving(xs, found, most=0)
        return found

    async def _add_sources(self, xs: Sequence[int], sources: Sources) -> None:
        found: dict[int, set[Arriving]] = defaultdict(set)
        sources.records |= await self._arriving(xs, found, most=_EVERY)
        for vid, arriving in found.items():
            sources.of[vid] |= {source for source, _ in arriving}

    async def _arriving(self, xs: Sequence[int], found: dict[int, set[Arriving]], most: int) -> dict[int, Record]:
        hops = [
            _hop("in", CARRYING, ASSETS, xs),
            *self._beside(_PARTS, [], 0),
            *self._beside(_WHOLES, xs),
        ]
        answer = await self._ask(xs, hops, most)
        carried, *beside = answer["e"]
        parts: dict[int, set[int]] = defaultdict(set)
        for rows in beside[: len(_PARTS)]:
            for whole, part in _pairs(rows):
                parts[whole].add(part)
        for vid, source in _pairs(carried):
            found[vid] |= {(source, source), *((part, source) for part in parts[source])}
        for rows in beside[len(_PARTS) :]:
            for vid, whole in _pairs(rows):
                found[vid].add((whole, whole))
        return _records(answer)

    def _out(self, xs: Sequence[int], ws: Sequence[int]) -> list[dict[str, Any]]:
        open_kinds = [name for name in ASSETS if name not in self.stops]
        wholes = self._beside(_WHOLES, xs)
        flowing = [
            _hop("out", CARRYING, open_kinds, [*xs, *ws]),
            *(_hop("out", CARRYING, open_kinds, [], number) for number in range(len(wholes))),
            *self._beside(_PARTS, xs, without=self.stops),
        ]
        return [*({**hop, "flows": False} for hop in wholes), *({**hop, "flows": True} for hop in flowing)]

    def _beside(
        self, steps: Iterable[Step], xs: Sequence[int], parent: int = -1, without: Container[str] = ()
    ) -> list[dict[str, Any]]:
        """The hops from parts to wholes, or back, from those of the vertices that may be such."""
        return [
            _hop(
                step.direction,
                [step.label],
                [name for name in step.far if name not in without],
                [vid for vid in xs if self.kinds.get(vid, step.near[0]) in step.near],
                parent,
            )
            for step in steps
        ]

    async def _ask(self, points: Sequence[int], hops: Sequence[Mapping[str, Any]], most: int) -> dict[str, Any]:
        bindings = {"points": points, "hops": hops, "now": self.now, "most": most}
        answer: dict[str, Any] = (await self.client.submit(FLOW, bindings))[0]
        for rows in answer["e"]:
            self.kinds.update(zip(rows[1::3], map(KIND.__getitem__, rows[2::3]), strict=True))
        return answer


def _by_label(hops: Mapping[str, Hop]) -> list[Step]:
    """The steps over hops by the kind that they start from, each label once."""
    alike: dict[tuple[str, str], list[tuple[str, Hop]]] = defaultdict(list)
    for near, hop in hops.items():
        alike[hop.direction.value, hop.relation.name].append((near, hop))
    return [
        Step(*step, [near for near, _ in found], [name for _, hop in found for name in hop.kinds])
        for step, found in alike.items()
    ]


_PARTS: Final = _by_label(CHILD_HOPS)


_WHOLES: Final = _by_label(PARENT_HOPS)


def _hop(
    direction: str, labels: Sequence[str], kinds: Iterable[str], xs: Sequence[int], parent: int = -1
) -> dict[str, Any]:
    codes = [KINDS[name].code for name in kinds]
    return {"d": direction, "ls": list(labels), "ks": codes, "p": parent, "xs": list(xs)}


def _some(vids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (vids[start : start + AT_ONCE] for start in range(0, len(vids), AT_ONCE))


def _pairs(flat: Sequence[Any]) -> Iterator[tuple[int, int]]:
    return zip(flat[::3], flat[1::3], strict=True)


def _records(answer: Mapping[str, Any]) -> dict[int, Record]:
    flat = answer["v"]
    return {vid: orjson.loads(text) for vid, text in zip(flat[::2], flat[1::2], strict=True)}
