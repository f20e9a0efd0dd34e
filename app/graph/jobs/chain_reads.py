"""Reads chains of the inference rules page by page, upstream from where they may end, and derives edges from them.

What is written between two pages leaves an outbox entry of its own. So chains may be read over several steps of a job.
"""

from collections import Counter, OrderedDict
from collections.abc import Container, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from app.graph.commits.outbox_worker import MAX_CHARACTERS
from app.graph.driver.edge_pages import EdgePages, VisitBudget, read_edge_page
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs import inference_chains
from app.graph.jobs.inference_chains import ChainEdge, FirstMiddles, Neighbourhood, changes
from app.graph.records.edge_record import EdgeKey
from app.graph.records.inferred_edge import LABEL
from app.graph.records.record_text import record_of, text_of
from graphql_schema.catalog.inference_rules import InferenceRule
from graphql_schema.execution.side_thread import LONG_PART_SECONDS, run_in_parts, run_in_turn
from graphql_schema.ports.record import Json, Record
from graphql_schema.ports.turns.gradual_release import RELEASE

MANY: Final = 2_000
"""Size from which on the edges of a response are processed in the side thread."""

PART_CHARACTERS: Final = 200
"""Characters of the record of an edge that count as one more edge."""

LONG: Final = 100
"""Size above which edges are derived from others in the side thread: 100 edges may be in 2,500 chains."""

AT_ONCE: Final = 10
"""Maximal number of vertices whose chains are read together."""

MAX_TOGETHER: Final = 100_000
"""If the edges to several vertices have more than this size, 100 MB of memory, the vertices are read one by one."""

MAX_EDGES: Final = 1_000
"""Maximal number of edges that a batch writes while it holds the lock."""

MAX_EXAMINED: Final = 10_000
"""Number of steps, for edges in chains and their intervals, after which a batch ends; those take 0.1 s."""


@dataclass(slots=True)
class ChainReading:
    """The reading of the edges upstream of ``ends`` that chains of ``rules`` may consist of, and of inferred edges.

    These are in ``around``, with the kinds of the vertices at these edges, and the native ``deletedAt`` of those in the
    middle of chains. ``size`` is the number of edges; each PART_CHARACTERS of their records count as one more, because
    an edge may have hundreds of intervals. When the edges to the ends are read, some ends leave ``ends`` if
    there are more than MAX_MIDDLES vertices before all of them. ``limited`` are the ends and the vertices in the middle
    some of whose chains are not derived.
    """

    rules: Sequence[InferenceRule]
    ends: Sequence[int]
    around: Neighbourhood = field(init=False)
    limited: set[int] = field(default_factory=set)
    size: int = 0
    _back: int = 1
    _rules: Sequence[InferenceRule] = ()
    _labels: Sequence[str] = ()
    _starts: Sequence[int] = ()
    _pages: EdgePages | None = None
    _middles: FirstMiddles = field(init=False)
    _sources: Counter[tuple[Sequence[str], int]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.around = Neighbourhood(self.ends)
        self._middles = FirstMiddles(self.rules, self.around)
        self._begin(self.ends)

    @property
    def is_read(self) -> bool:
        """Whether everything is read."""
        return self._pages is None

    @property
    def is_too_large(self) -> bool:
        """Whether the edges to the ends are so many that each end should have a reading of its own."""
        return self._back == 1 and self.size > MAX_TOGETHER and len(self.ends) > 1

    async def advance(self, client: GremlinClient, budget: VisitBudget) -> None:
        """Read the next page by one request, which counts in the budget of a step."""
        if self._pages is None:
            return
        page = await read_edge_page(client, self._pages.within(budget), deletions=self._back > 1)
        size = sum(1 + len(text) // PART_CHARACTERS for rows in page.rows for text in rows[4::5])
        self.size += size
        await _run(self._add(page.rows, page.deletions), size > MANY)
        if self._pages.is_read:
            await run_in_turn(self._read_on, self.size > MANY)

    def _read_on(self) -> None:
        """Begin to read the edges to further middles, or to the vertices before those that are read."""
        if self._back == 1:
            self._rank_middles()
            self._back = 2
        if self._back == 2:  # noqa: PLR2004 - the vertices before the ends
            if further := self._middles.further(self.ends):
                self._begin(further)
                return
            self.limited.update(self._middles.keep(self.ends))
            self._starts = sorted({vid for end in self.ends for vid in self._middles.first[end]})
        before = {far for near in self._starts for far in self._edges_to(near)}
        self._back += 1
        self._begin(sorted(before))

    def _begin(self, starts: Sequence[int]) -> None:
        """Begin to read the edges to the vertices at one place of the chains."""
        rules = [rule for rule in self.rules if self._back <= len(rule.chain)]
        if self._back > 1:
            rules = [rule for rule in rules if any(self.around.is_of(end, rule.ends) for end in self.ends)]
        relations = sorted({rule.chain[-self._back].relation.name for rule in rules})
        self._rules, self._starts = rules, starts
        self._labels = [*relations, *(LABEL.values() if self._back == 1 else ())]
        hops = [{"d": "in", "ls": [label], "xs": starts} for label in self._labels]
        self._pages = EdgePages(hops) if starts and hops else None

    def _edges_to(self, near: int) -> dict[int, ChainEdge]:
        """Return the edges that reach a vertex and that chains may have, by the vertex that they come from."""
        return {far: edge for label in self._labels for far, edge in self.around.into.get((label, near), {}).items()}

    def _rank_middles(self) -> None:
        """Rank the middles of each end, and leave the ends from the first one on with which too many are to be read."""
        middles = set[int]()
        for place, end in enumerate(self.ends):
            middles.update(self._middles.add(end, self._edges_to(end))[: inference_chains.MAX_MIDDLES])
            if place and len(middles) > inference_chains.MAX_MIDDLES:
                self.ends = self.ends[:place]
                return

    def _add(self, rows: Sequence[Sequence[Json]], deletions: Sequence[Json]) -> Generator[None, None, None]:
        """Add the rows of a page, and the native ``deletedAt`` of vertices in the middle; yield before each row."""
        around, derived = self.around, {*LABEL.values()}
        for label, flat in zip(self._labels, rows, strict=True):
            rules_at = dict[int, list[InferenceRule]]()
            for near, near_kind, far, far_kind, text in zip(*(flat[place::5] for place in range(5)), strict=True):
                yield
                around.records.setdefault(near, {"kind": near_kind})
                around.records.setdefault(far, {"kind": far_kind})
                edge = record_of(text)
                if label in derived:
                    around.inferred[near][edge["relation"], far, near] = edge
                    continue
                if near not in rules_at:
                    rules_at[near] = self._rules_at(label, near)
                found = ChainEdge.of(edge)
                if found.active and self._is_kept(rules_at[near], label, near, far):
                    around.into[label, near][far] = found
        for vid, deleted in zip(deletions[::2], deletions[1::2], strict=True):
            around.records[vid] = {**around.records[vid], "deletedAt": deleted}
        if self._back > 1:
            self._leave_crowded()

    def _is_kept(self, rules: Iterable[InferenceRule], label: str, near: int, far: int) -> bool:
        """Return whether chains may have an edge to ``near``, and count it there if that is in the middle of chains."""
        crowded = self.around.crowded
        ends = {rule.ends for rule in rules if self.around.is_of(far, rule.kinds(self._place(rule)))}
        if self._back > 1 and far not in self.around.into.get((label, near), ()):
            self._sources.update((kinds, near) for kinds in ends)
            crowded |= {(kinds, near) for kinds in ends if self._sources[kinds, near] > inference_chains.MAX_SOURCES}
        return any((kinds, near) not in crowded for kinds in ends)

    def _rules_at(self, label: str, near: int) -> list[InferenceRule]:
        """Return the rules whose chains reach a vertex over a relation at the place that is read."""
        return [
            rule
            for rule in self._rules
            if rule.chain[-self._back].relation.name == label
            and self.around.is_of(near, rule.kinds(self._place(rule) + 1))
        ]

    def _place(self, rule: InferenceRule) -> int:
        """Return the place in the chain of a rule at which the edges that are read begin."""
        return len(rule.chain) - self._back

    def _leave_crowded(self) -> None:
        """Read no further edges to the vertices that are crowded for the ends of all rules."""
        crowded = {vid for _, vid in self.around.crowded}
        self.limited |= crowded
        rules = {vid: [rule for label in self._labels for rule in self._rules_at(label, vid)] for vid in crowded}
        closed = {vid for vid in crowded if all((rule.ends, vid) in self.around.crowded for rule in rules[vid])}
        if self._pages is not None:
            self._pages.leave(closed)


DerivedEdge = tuple[Neighbourhood, EdgeKey, Record]
"""What was read around an edge, the key of the edge, and its new record."""


@dataclass(slots=True)
class DerivedBatch:
    """Edges to write as one transaction. ``characters`` is the number of characters in their records.

    ``ended`` are the ends to which all edges are derived. ``examined`` counts the steps of the derivation, of which a
    batch has at most MAX_EXAMINED. ``limited`` are those of the readings (:class:`ChainReading`). ``read`` are the
    finished readings, which are freed with the batch, in turns.
    """

    edges: list[DerivedEdge] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    limited: set[int] = field(default_factory=set)
    read: list[ChainReading] = field(default_factory=list)
    characters: int = 0
    examined: int = 0

    @property
    def is_full(self) -> bool:
        """Whether the edges are to be written before further ones are derived."""
        are_many = len(self.edges) >= MAX_EDGES or self.characters >= MAX_CHARACTERS
        return are_many or self.examined >= MAX_EXAMINED

    @property
    def is_half_full(self) -> bool:
        """Whether a step that has derived it should read no more. An empty batch is not, also with a maximum of 1."""
        return self.examined > MAX_EXAMINED // 2


@dataclass(slots=True)
class EndQueue:
    """Vertices to which the inferred edges are to be derived, a few at a time, over as many steps as these need.

    The queue is false when nothing is left. ``batch`` is derived and to be written. ``begun`` are the vertices of which
    edges are read, derived or to be written. Of several queues, only one may have begun a vertex: what it has read may
    be older than what another one would write.

    Hundreds of thousands may wait. So ``_waiting`` is ordered by links. It is not copied when vertices are put back
    before all others, and the places of those that were taken are not visited.
    """

    batch: DerivedBatch = field(default_factory=DerivedBatch)
    _begun: Sequence[int] = ()
    _waiting: OrderedDict[int, None] = field(default_factory=OrderedDict)
    _reading: ChainReading | None = None
    _changes: Iterator[tuple[EdgeKey, Record] | None] | None = None
    _apart: int = 0
    """The number of the next vertices that are read one by one: together their edges were too many."""

    def __bool__(self) -> bool:
        return bool(self._waiting or self.begun)

    @property
    def begun(self) -> Sequence[int]:
        """Return the vertices that have begun."""
        return [*self.batch.ended, *self._begun]

    def add(self, ends: Iterable[int]) -> None:
        """Add vertices, unless they wait already."""
        for vid in ends:
            self._waiting[vid] = None

    def _put_back(self, ends: Sequence[int]) -> None:
        """Let vertices be the next ones, in their order."""
        for vid in reversed(ends):
            self._waiting[vid] = None
            self._waiting.move_to_end(vid, last=False)

    def may_advance(self, busy: Container[int]) -> bool:
        """Return whether there is work on vertices that are not ``busy``, as others have begun them."""
        return bool(self.begun) or any(vid not in busy for vid in self._waiting)

    @property
    def must_read(self) -> bool:
        """Whether a page is to be read before more can be derived."""
        return self._reading is None or not self._reading.is_read

    @property
    def is_long(self) -> bool:
        """Whether so much was read that the derivation belongs in the side thread."""
        return self._reading is not None and self._reading.size > LONG

    async def read(
        self, client: GremlinClient, rules: Sequence[InferenceRule], busy: Container[int], budget: VisitBudget
    ) -> None:
        """Read a page of the chains to the next vertices by one request, which counts in the budget of a step.

        Vertices that are ``busy`` wait. There must be another one.
        """
        if self._reading is None:
            at_once = 1 if self._apart else AT_ONCE
            self._apart = max(self._apart - 1, 0)
            self._begun = list(islice((vid for vid in self._waiting if vid not in busy), at_once))
            for vid in self._begun:
                del self._waiting[vid]
            self._reading = ChainReading(rules, self._begun)
        await self._reading.advance(client, budget)
        if self._reading.is_too_large:
            RELEASE.free([self._reading])
            self._apart = len(self._begun) - 1
            self._reading = ChainReading(rules, self._begun[:1])
        self._put_back(self._begun[len(self._reading.ends) :])
        self._begun = self._reading.ends

    async def derive(self, refused: Container[int], now: int) -> None:
        """Add edges to the batch, until it is full, or all edges to the vertices that were read are added.

        Edges to ``refused`` vertices are left out.
        """
        if self._reading is not None:
            await _run(self._derived(self._reading, refused, now), self.is_long)

    def _derived(self, reading: ChainReading, refused: Container[int], now: int) -> Generator[None, None, None]:
        """Add edges as :meth:`derive`, and yield after each step."""
        batch = self.batch
        batch.limited |= reading.limited
        while self._begun and not batch.is_full:
            self._changes = self._changes or changes(reading.around, self._begun[0], reading.rules, now)
            for change in self._changes if self._begun[0] not in refused else ():
                batch.examined += 1
                if change is not None:
                    batch.edges.append((reading.around, *change))
                    batch.characters += len(text_of(change[1]))
                yield
                if batch.is_full:
                    return
            batch.ended.append(self._begun[0])
            self._begun, self._changes = self._begun[1:], None
        if not self._begun:
            batch.read.append(reading)
            self._reading = None

    def begin_batch(self) -> None:
        """Begin a batch after the last one was written."""
        RELEASE.free([self.batch])  # it leads to all that was read around ten vertices: 0.1 s in one callback
        self.batch = DerivedBatch()

    def begin_again(self) -> None:
        """Read again what was read of the vertices that have begun."""
        self._put_back(self.begun)
        RELEASE.free([self._reading, self._changes])
        self._begun, self._reading, self._changes = (), None, None
        self.begin_batch()


async def _run(steps: Generator[None, None, None], is_long: bool) -> None:  # noqa: FBT001 - as of run_in_turn
    """Run all steps: in the side thread if they are long, in parts; else at once."""
    if is_long:
        await run_in_parts(steps, seconds=LONG_PART_SECONDS)
    else:
        for _ in steps:
            pass
