"""The propagation rules over the store: the neighbours of vertices, read in pages (:data:`FLOW`).

One vertex may have hundreds of thousands of them. A transaction reads all of what it needs, with a turn of the event
loop after each page. A job reads what its budget permits in each of its steps.
"""

from collections.abc import AsyncIterator, Callable, Container, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.fair_queue import PROCESS
from app.graph.driver.edge_pages import EdgePages, VisitBudget
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.propagation.edge_lookups import EdgeLookup, current_edges
from app.graph.propagation.flow_statement import CHILD_STEPS, FLOW, PARENT_STEPS, Step, codes_of, hop_row
from app.graph.propagation.source_reading import SourceReading, pairs_of
from app.graph.propagation.sources import Sources
from app.graph.records.record_text import record_of
from app.graph.records.vertex_record import CONFIRMED
from graphql_schema.catalog.kinds import ASSETS, NAME_OF_CODE
from graphql_schema.catalog.relations import CARRYING, TAGGED
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Json, JsonObject, Record
from graphql_schema.rules.change_stamp import RESERVED_FOR

AT_ONCE: Final = 1_000
"""Maximal number of vertices whose neighbours one request reads."""

PART_SIZE: Final = 5 * 1024 * 1024
"""Number of bytes of complete records, as JSON, at which a request ends, whatever keys it returns."""

CHILD_KEYS: Final = (
    *("kind", "hydration", "ownerTeam", "visibility", "stage", "sensitivity"),
    *(CONFIRMED, RESERVED_FOR, "index"),
)
"""What writers use of the children of a parent: a parent may have thousands, with long values each."""

MANY_EDGES: Final = 5_000
"""Number of edges from which on those of a response are processed in the side thread."""

VISITS_OF_CHILD: Final = 2
"""Maximal number of visits of a current edge to a child, or of a parent: it may start two hops, one for each step."""

_EVERY: Final = 2**31 - 1


def _ignore(_characters: int, _visited: int) -> None:
    """Take no notice of a request."""


@dataclass(frozen=True, slots=True)
class StoredFlows:
    """Reads the propagation neighbours of vertices at the instant ``now``, in epoch milliseconds.

    Nothing propagates to a vertex whose kind is in ``stops``. ``kinds`` has the kinds of all far ends read so far. A
    hop to parents does not start from a vertex whose kind is known to have none; a hop to children likewise.
    ``on_read`` is called after each request, with the number of characters of the records that it has read, and the
    number of edges and starts that it has visited. Requests take slots of ``caller`` (:mod:`app.fair_queue`).
    """

    client: GremlinClient
    stops: frozenset[str]
    now: int
    kinds: dict[int, str] = field(default_factory=dict)
    on_read: Callable[[int, int], None] = _ignore
    caller: Hashable = PROCESS

    async def targets(
        self,
        vertices: Iterable[int],
        parents: Iterable[int] = (),
        max_records: int = _EVERY,
        max_size: int = _EVERY,
        visits: VisitBudget | None = None,
    ) -> tuple[set[int], dict[int, Record], int]:
        """Return the direct targets of ``vertices`` and of ``parents``, the records read by vertex id, and their size.

        Records are those of the targets, and of the parents whose edges count for ``vertices``. Of ``parents`` only the
        carrying edges count. Of up to AT_ONCE vertices with more than ``max_records`` vertices around them, the records
        of some or all are left out. So are those after the one with which ``max_size`` characters are reached. No
        further page is read once ``visits`` are spent: then targets may be left out.
        """
        found: set[int] = set()
        records: dict[int, Record] = {}
        size = 0
        own, bearers = list(vertices), list(parents)
        for xs, ps in [*((batch, []) for batch in _batches(own)), *(([], batch) for batch in _batches(bearers))]:
            if visits is not None and visits.is_spent:
                break
            hops = self._outward_hops(xs, ps)
            pages = EdgePages(hops, in_one_step=True).within(visits)
            async for edges, read, characters in self._pages([], pages, max_records, max_size=max_size - size):
                found.update(*(rows[1::3] for rows in _flowing(hops, edges)))
                records |= read
                size += characters
                if visits is not None and visits.is_spent:
                    break
        return found, records, size

    def target_pages(self, vertices: Iterable[int]) -> EdgePages:
        """Return the reading of the direct targets of vertices, which :meth:`next_far_ends` continues."""
        return EdgePages(self._outward_hops([*vertices], []))

    def holder_pages(self, tag: int) -> EdgePages:
        """Return the reading of the vertices with a current edge to a tag, also if the edge blocks the tag."""
        return EdgePages([{**hop_row("in", [TAGGED.name], ASSETS, [tag]), "flows": True}])

    def tag_pages(self, vertices: Iterable[int]) -> EdgePages:
        """Return the reading of the current edges from vertices to their tags, also of those that block a tag."""
        return EdgePages([{**hop_row("out", [TAGGED.name], ["Tag"], [*vertices]), "flows": True}])

    async def next_far_ends(self, pages: EdgePages, budget: VisitBudget) -> set[int]:
        """Return the far ends in the next page of a reading, by one request, which counts in the budget of a step."""
        edges, *_ = await self._read([], pages.within(budget), 0)
        return set().union(*(rows[1::3] for rows in _flowing(pages.hops, edges)))

    async def next_edges(self, pages: EdgePages, budget: VisitBudget) -> list[tuple[int, int]]:
        """Return start and far end of each edge in the next page, as :meth:`next_far_ends`."""
        edges, *_ = await self._read([], pages.within(budget), 0)
        return [pair for rows in _flowing(pages.hops, edges) for pair in pairs_of(rows)]

    def source_reading(self, vertices: Sequence[int], *, with_children: bool = False) -> SourceReading:
        """Return the reading of the sources of vertices, which :meth:`next_sources` continues.

        Vertices of the kinds in ``stops`` have their sources, too. With ``with_children``, the children of the
        vertices are read as well, so that each vertex with children has its group in the result.
        """
        own = self._group_hops(CHILD_STEPS, vertices) if with_children else []
        return SourceReading(vertices, EdgePages([*self._source_hops(vertices), *own]))

    def child_reading(self, parents: Sequence[int]) -> SourceReading:
        """Return the reading of the children of vertices, which :meth:`next_sources` continues."""
        pages = EdgePages([*self._source_hops(()), *self._group_hops(CHILD_STEPS, parents)])
        return SourceReading((), pages, starts=frozenset(parents))

    async def current_edges(self, lookups: Iterable[EdgeLookup]) -> set[EdgeLookup]:
        """Return those of the lookups whose edge is current, by a request for each EDGES_AT_ONCE of them."""
        return {*await current_edges(self.client, lookups, self.now, self.caller)}

    async def next_sources(
        self, reading: SourceReading, budget: VisitBudget, keys: Sequence[str] = (), max_records: int = 0
    ) -> tuple[dict[int, Record], list[int]]:
        """Read the next page of a reading by one request; return the records that it reads as well.

        It counts in the budget of a step. Long records have only ``keys``. Also return the ids of vertices whose
        records are left out because of PART_SIZE. If the page has more than ``max_records`` vertices, neither these ids
        nor records are returned.
        """
        points = () if reading.pages.has_begun else reading.vids
        edges, records, left, _ = await self._read(points, reading.pages.within(budget), max_records, keys)
        await run_in_turn(reading.add, _are_many(edges), edges)
        return records, left

    async def first_records(self, vertices: Sequence[int], keys: Sequence[str]) -> tuple[dict[int, Record], list[int]]:
        """Return the records that one request reads of some vertices, and the vertices left out because of PART_SIZE.

        Long records have only ``keys``. A vertex that is not stored is in neither result.
        """
        _, records, left, _ = await self._read(vertices, EdgePages([]), _EVERY, keys)
        return records, left

    async def child_pages(self, parents: Iterable[int]) -> AsyncIterator[tuple[Sources, int]]:
        """Yield the children of each of the parents with their records, page by page; long ones have only CHILD_KEYS.

        Also yield the number of edges and starts that a page has visited, ended edges included. The records of the
        parents are not read.
        """
        for xs in _batches(list(parents)):
            pages = EdgePages(self._group_hops(CHILD_STEPS, xs), in_one_step=True)
            visited = 0
            async for edges, records, _ in self._pages([], pages, _EVERY, CHILD_KEYS):
                yield await run_in_turn(_ends_by_start, _are_many(edges), edges, records), pages.visited - visited
                visited = pages.visited

    async def few_children(self, parents: Iterable[int], limit: int, max_size: int) -> Sources | None:
        """Return the children of each of the parents as :meth:`child_pages`; None if both are more than ``limit``.

        It is also None if their complete records have ``max_size`` characters: the store would decompress them. Nor may
        it visit many more edges than these, because most of them have ended.
        """
        xs, found = [*parents], Sources()
        if len(xs) > min(limit, AT_ONCE):
            return None
        vacant = limit - len(xs)
        budget = VisitBudget(VISITS_OF_CHILD * limit + 1)
        pages = EdgePages(self._group_hops(CHILD_STEPS, xs)).within(budget)
        while not pages.is_read:
            edges, records, left_out, _ = await self._read([], pages, vacant, CHILD_KEYS, max_size)
            found.add(_ends_by_start(edges, records))
            is_cut = bool(left_out) or (budget.is_spent and not pages.is_read)
            if is_cut or any(not members <= found.records.keys() for members in found.of.values()):
                return None
            vacant -= len(records)
        return found

    async def members(self, memberships: Iterable[EdgeLookup], children: Sequence[int]) -> Sources:
        """Return by parent the children whose membership is current, and the records of ``children``.

        Long records have only CHILD_KEYS. No further edge of a parent or child is read.
        """
        found = Sources()
        for _, child, parent in await current_edges(self.client, memberships, self.now, self.caller):
            found.of[parent].add(child)
        for xs in _batches(children):
            async for _, records, _ in self._pages(xs, EdgePages([]), _EVERY, CHILD_KEYS):
                found.records |= records
        return found

    def _source_hops(self, xs: Sequence[int]) -> list[JsonObject]:
        """Return the hops to the sources of ``xs``, as :class:`SourceReading` takes their rows."""
        return [
            hop_row("in", CARRYING, ASSETS, xs),
            *self._group_hops(CHILD_STEPS, [], 0),
            *self._group_hops(PARENT_STEPS, xs),
        ]

    def _outward_hops(self, xs: Sequence[int], ps: Sequence[int]) -> list[JsonObject]:
        """Return the hops from ``xs``, and from the parents ``ps`` over carrying edges alone.

        ``flows`` of a hop is true if its far ends are targets, and false if it only leads to the parents in between.
        """
        open_kinds = [name for name in ASSETS if name not in self.stops]
        parents = self._group_hops(PARENT_STEPS, xs)
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
            | {"ns": codes_of(step.near)}
            for step in steps
        ]

    async def _pages(
        self,
        points: Sequence[int],
        pages: EdgePages,
        max_records: int,
        keys: Sequence[str] = (),
        *,
        max_size: int = _EVERY,
    ) -> AsyncIterator[tuple[list[list[Json]], dict[int, Record], int]]:
        """Yield the rows of each hop, the records by vertex id and their size, page by page.

        All records of a page are read. Once there are more than ``max_records`` vertices, or the records have
        ``max_size`` characters, no further one is. ``keys`` are those of :meth:`_read`.
        """
        vacant = max_records
        while not pages.is_read:
            vacant = vacant if max_size > 0 else 0
            edges, records, left, size = await self._read(
                () if pages.has_begun else points, pages, vacant, keys, max_size
            )
            while left and size < max_size:
                _, more, left, further = await self._read(left, EdgePages([]), _EVERY, keys, max_size - size)
                records |= more
                size += further
            max_size -= size
            vacant = vacant - len(records) if records or not any(edges) else 0
            yield edges, records, size

    async def _read(
        self,
        points: Sequence[int],
        pages: EdgePages,
        max_records: int,
        keys: Sequence[str] = (),
        max_size: int = _EVERY,
    ) -> tuple[list[list[Json]], dict[int, Record], list[int], int]:
        """Return what one request reads: the rows of each hop, the records by vertex id, and the vertices left out.

        The last value is the number of characters of these records. Records after the one with which PART_SIZE bytes or
        ``max_size`` characters are reached are left out. The kinds of the vertices at far ends are recorded. Long
        records have only ``keys``; without keys they are complete.
        """
        bindings = {"points": [*points], "hops": pages.bindings(), "now": self.now, "page": pages.page}
        limits = {"most": max_records, "size": PART_SIZE, "length": max_size, "only": [*keys]}
        (response,) = await self.client.submit(FLOW, {**bindings, **limits}, caller=self.caller)
        edges: list[list[Json]] = response["e"]
        pages.add([[*zip(rows[1::3], rows[2::3], strict=True)] for rows in edges], response["r"], response["n"])
        await run_in_turn(self._add_kinds, _are_many(edges), edges)
        texts = response["v"][1::2]
        size = sum(map(len, texts))
        self.on_read(size, response["n"])
        flat = zip(response["v"][::2], texts, strict=True)
        records = {vid: record_of(text) async for vid, text in OperationBudget().in_turns(flat)}
        return edges, records, response["w"], size

    def _add_kinds(self, edges: Iterable[list[Json]]) -> None:
        for rows in edges:
            self.kinds.update(zip(rows[1::3], map(NAME_OF_CODE.__getitem__, rows[2::3]), strict=True))


def _flowing(hops: Sequence[JsonObject], edges: Sequence[list[Json]]) -> Iterator[list[Json]]:
    """Yield the rows of the hops that lead to targets."""
    return (rows for hop, rows in zip(hops, edges, strict=True) if hop["flows"])


def _ends_by_start(edges: Iterable[list[Json]], records: dict[int, Record]) -> Sources:
    """Return the far ends in the rows of some hops by the vertex where these start, with records."""
    found = Sources(records=records)
    for rows in edges:
        for start, far in pairs_of(rows):
            found.of[start].add(far)
    return found


def _are_many(edges: Iterable[list[Json]]) -> bool:
    """Return whether the rows of a response are to be processed in the side thread."""
    return sum(map(len, edges)) > 3 * MANY_EDGES


def _batches(vids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield consecutive parts of at most AT_ONCE vertices."""
    return (vids[start : start + AT_ONCE] for start in range(0, len(vids), AT_ONCE))
