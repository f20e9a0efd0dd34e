"""Reads chains of the inference rules page by page: upstream from where they may end, and downstream to where they end.

The text BEYOND reads a page of hops as :class:`app.graph.driver.edge_pages.EdgePages` has them, with ``ks``, the codes
of the kinds at the far ends. Its rows are ``[start, its kind code, far end, its kind code, …]``.

What is written between two pages leaves an outbox entry of its own. So chains may be read over several steps of a job.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.graph.driver.edge_pages import EdgePages, page_of_edges, read_edge_page
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.id_queue import IdQueue, take_first
from app.graph.jobs.inference_chains import Neighbourhood, changes
from app.graph.records.edge_record import UNCONFIRMED, EdgeKey
from app.graph.records.inferred_edge import LABEL
from app.graph.records.record_text import record_of, text_of
from graphql_schema.catalog.inference_rules import InferenceRule
from graphql_schema.catalog.kinds import KINDS, NAME_OF_CODE
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.record import Json, JsonObject, Record

ReachedPlace = tuple[InferenceRule, int, int]
"""A rule, a place in its chain, and the vertex id that is there."""

MANY: Final = 2_000
"""Number of edges from which on those of a response are processed in the side thread."""

LONG: Final = 100
"""Number of edges above which edges are derived from them in the side thread: they may be in 2,500 chains."""

AT_ONCE: Final = 10
"""Maximal number of vertices whose chains are read together."""

MAX_EDGES: Final = 2_500
"""Maximal number of edges that a batch writes while it holds the lock."""

MAX_CHARACTERS: Final = 4 * 1024 * 1024
"""Number of characters of edges after which a batch writes no further ones: the store refuses long requests."""

MAX_EXAMINED: Final = 50_000
"""Number of edges in chains after which a batch examines no further ones; those take half a second."""

_KEYS: Final = ("validFrom", "validTo", "earlier", "confidence", UNCONFIRMED)
"""Keys of the record of an edge that chains are derived from: a vertex may have a million chains."""

BEYOND: Final = PreparedStatement.of(
    f"""
def budget = page as long
def rest = []
def edges = hops.collect {{ h ->
  def out = true; def first = h.xs; def more = h.more; def ls = h.ls; def ks = h.ks as Set
  def rows = []
  def see = {{ e ->
    def k = e.property('toKind').orElse(null)
    if (ks.contains(k)) {{
      rows << e.outVertex().id(); rows << e.property('fromKind').orElse(null); rows << e.inVertex().id(); rows << k
    }}
    1
  }}
{page_of_edges("see")}
  rest << [unread, partly]
  rows
}}
[[e: edges, r: rest]]
""",
    "hops",
    "page",
    name="inference",
)


@dataclass(slots=True)
class ChainReading:
    """The reading of the edges upstream of ``ends`` that chains of ``rules`` may consist of, and of inferred edges.

    These are in ``around``, with the kinds of the vertices at these edges, and the native ``deletedAt`` of those in the
    middle of chains. ``size`` is the number of edges.
    """

    rules: Sequence[InferenceRule]
    ends: Sequence[int]
    around: Neighbourhood = field(init=False)
    size: int = 0
    _back: int = 1
    _labels: Sequence[str] = ()
    _pages: EdgePages | None = None
    _sources: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.around = Neighbourhood(self.ends)
        self._begin(self.ends)

    @property
    def is_read(self) -> bool:
        """Whether everything is read."""
        return self._pages is None

    async def advance(self, client: GremlinClient) -> int:
        """Read the next page by one request; return its number of edges."""
        if self._pages is None:
            return 0
        page = await read_edge_page(client, self._pages, deletions=self._back > 1)
        count = sum(map(len, page.rows)) // 5
        self.size += count
        await run_in_turn(self._add, count > MANY, page.rows, page.deletions)
        if self._pages.is_read:
            self._back, sources, self._sources = self._back + 1, self._sources, set()
            self._begin(sorted(sources))
        return count

    def _begin(self, starts: Sequence[int]) -> None:
        """Begin to read the edges to the vertices at one place of the chains."""
        chains = [rule.chain for rule in self.rules if self._back <= len(rule.chain)]
        relations = sorted({chain[-self._back].relation.name for chain in chains})
        self._labels = [*relations, *(LABEL.values() if self._back == 1 else ())]
        hops = [{"d": "in", "ls": [label], "xs": starts} for label in self._labels]
        self._pages = EdgePages(hops) if starts and hops else None

    def _add(self, rows: Sequence[Sequence[Json]], deletions: Sequence[Json]) -> None:
        """Add the rows of a page, and the native ``deletedAt`` of vertices in the middle."""
        around, derived = self.around, {*LABEL.values()}
        for label, flat in zip(self._labels, rows, strict=True):
            for near, near_kind, far, far_kind, text in zip(*(flat[place::5] for place in range(5)), strict=True):
                around.records.setdefault(near, {"kind": near_kind})
                around.records.setdefault(far, {"kind": far_kind})
                edge = record_of(text)
                if label in derived:
                    around.inferred[near][edge["relation"], far, near] = edge
                else:
                    around.into[label, near][far] = {key: edge[key] for key in _KEYS if key in edge}
                    self._sources.add(far)
        for vid, deleted in zip(deletions[::2], deletions[1::2], strict=True):
            around.records[vid] = {**around.records[vid], "deletedAt": deleted}


@dataclass(slots=True)
class EndSearch:
    """The search for the vertices at which chains of ``rules`` through the ``middles`` may end, into ``ends``.

    The part of the chain before the middle is not read, inactive edges count, and no records are read.
    """

    rules: Sequence[InferenceRule]
    middles: Sequence[int]
    ends: set[int] = field(default_factory=set)
    _reached: set[ReachedPlace] = field(default_factory=set)
    _further: set[ReachedPlace] = field(default_factory=set)
    _pages: EdgePages | None = None

    def __post_init__(self) -> None:
        places = ((rule, place) for rule in self.rules for place in range(1, len(rule.chain)))
        self._begin({(rule, place, vid) for rule, place in places for vid in self.middles})

    @property
    def is_read(self) -> bool:
        """Whether all ends are found."""
        return self._pages is None

    async def advance(self, client: GremlinClient) -> int:
        """Read the next page by one request; return its number of edges."""
        if self._pages is None:
            return 0
        (found,) = await client.submit(BEYOND, {"hops": self._pages.bindings(), "page": self._pages.page})
        count: int = sum(map(len, found["e"])) // 4
        self._pages.add((), found["r"])
        await run_in_turn(self._add, count + len(self._reached) > MANY, found["e"])
        if self._pages.is_read:
            await run_in_turn(self._begin, len(self._further) > MANY, self._further)
        return count

    def _begin(self, reached: set[ReachedPlace]) -> None:
        """Begin to follow the next relation of each rule from each vertex that is reached."""
        self._reached, self._further = reached, set()
        self._pages = EdgePages(_hops(reached)) if reached else None

    def _add(self, edges: Sequence[Sequence[Json]]) -> None:
        """Add the places and ends that a page reaches."""
        labels = [hop["ls"][0] for hop in self._pages.hops] if self._pages else []
        for rule, place, far in _further(self._reached, labels, edges):
            if place == len(rule.chain):
                self.ends.add(far)
            else:
                self._further.add((rule, place, far))


DerivedEdge = tuple[Neighbourhood, EdgeKey, Record]
"""What was read around an edge, the key of the edge, and its new record."""


@dataclass(slots=True)
class DerivedBatch:
    """Edges to write as one transaction. ``characters`` is the number of characters in their records.

    ``examined`` counts the steps of the derivation, of which a batch has at most MAX_EXAMINED.
    """

    edges: list[DerivedEdge] = field(default_factory=list)
    characters: int = 0
    examined: int = 0

    @property
    def is_full(self) -> bool:
        """Whether the edges are to be written before further ones are derived."""
        are_many = len(self.edges) >= MAX_EDGES or self.characters >= MAX_CHARACTERS
        return are_many or self.examined >= MAX_EXAMINED


@dataclass(slots=True)
class EndQueue:
    """Vertices to which the inferred edges are to be derived, a few at a time, over as many steps as these need.

    ``unwritten`` are edges that are derived, in the order in which they are to be written. The queue is false when
    nothing is left.
    """

    unwritten: list[DerivedEdge] = field(default_factory=list)
    _waiting: IdQueue = field(default_factory=dict)
    _reading: ChainReading | None = None
    _left: list[int] = field(default_factory=list)
    _changes: Iterator[tuple[EdgeKey, Record] | None] | None = None

    def __bool__(self) -> bool:
        return bool(self._waiting or self.unwritten) or self._reading is not None

    def add(self, ends: Iterable[int]) -> None:
        """Add vertices, unless they wait already."""
        self._waiting |= dict.fromkeys(ends)

    @property
    def must_read(self) -> bool:
        """Whether a page is to be read before more can be derived."""
        return self._reading is None or not self._reading.is_read

    @property
    def is_long(self) -> bool:
        """Whether so many edges were read that the derivation belongs in the side thread."""
        return self._reading is not None and self._reading.size > LONG

    async def read(self, client: GremlinClient, rules: Sequence[InferenceRule]) -> int:
        """Read a page of the chains to the next vertices by one request; return its number of edges."""
        if self._reading is None:
            self._left = take_first(self._waiting, AT_ONCE)
            self._reading = ChainReading(rules, tuple(self._left))
        return await self._reading.advance(client)

    def derive(self, batch: DerivedBatch, refused: Container[int], now: int) -> None:
        """Add edges to a batch, until it is full, or all edges to the vertices that were read are added.

        Edges to ``refused`` vertices are left out.
        """
        reading = self._reading
        while reading is not None and self._left and not batch.is_full:
            self._changes = self._changes or changes(reading.around, self._left[0], reading.rules, now)
            for change in self._changes if self._left[0] not in refused else ():
                batch.examined += 1
                if change is not None:
                    batch.edges.append((reading.around, *change))
                    batch.characters += len(text_of(change[1]))
                if batch.is_full:
                    return
            self._left, self._changes = self._left[1:], None
        if not self._left:
            self._reading = None

    def begin_again(self, ends: Container[int]) -> None:
        """Read again what was read, if edges to any of ``ends`` were written otherwise meanwhile."""
        if any(end in ends for end in self._left):
            self._waiting = dict.fromkeys(self._left) | self._waiting
            self._reading, self._left, self._changes = None, [], None


def _hops(reached: Iterable[ReachedPlace]) -> list[JsonObject]:
    """Return the hops from the places that are reached, one for each relation, in the form that BEYOND takes."""
    hops: dict[str, tuple[dict[int, None], set[str]]] = defaultdict(lambda: ({}, set()))
    for rule, place, vid in reached:
        starts, kinds = hops[rule.chain[place].relation.name]
        starts[vid] = None
        kinds.update(rule.kinds(place + 1))
    return [
        {"d": "out", "xs": sorted(starts), "ls": [label], "ks": sorted(KINDS[name].code for name in kinds)}
        for label, (starts, kinds) in sorted(hops.items())
    ]


def _further(
    reached: Iterable[ReachedPlace], labels: Iterable[str], edges: Iterable[Sequence[Json]]
) -> set[ReachedPlace]:
    """Follow the next relation of each rule from each vertex that is reached; return the new places.

    ``edges`` are the rows of the hops over ``labels``.
    """
    beyond = defaultdict[tuple[str, int, str], list[tuple[int, str]]](list)
    for label, flat in zip(labels, edges, strict=True):
        for near, near_kind, far, far_kind in zip(*(flat[start::4] for start in range(4)), strict=True):
            beyond[label, near, NAME_OF_CODE[near_kind]].append((far, NAME_OF_CODE[far_kind]))
    return {
        (rule, place + 1, far)
        for rule, place, vid in reached
        for kind in rule.kinds(place)
        for far, far_kind in beyond.get((rule.chain[place].relation.name, vid, kind), ())
        if far_kind in rule.kinds(place + 1)
    }
