"""The codec of the text ``STATE``: records, edges at vertices and single edges, read in one request, or in parts.

:data:`app.graph.commits.write_statements.STATE` documents the keys of its bindings and of its response. An asset may
have thousands of edges to assets with long texts, so one response is small and is parsed in turns. A reader
who needs only a few values of these assets, such as their owners, reads their records without long ones.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from typing import Final, NoReturn

from app.graph.commits.reads.current_edges import CurrentEdges
from app.graph.commits.reads.hop_read import HopRead, far_ends
from app.graph.commits.reads.read_limits import LOOK_UPS_OF_ELEMENT, UNLIMITED, ReadLimits
from app.graph.commits.reads.replaced_rows import FarEdge, replaced_rows
from app.graph.commits.reads.touched_reads import HopKind, KnownReads, Row, TouchedReads, touched_reads
from app.graph.commits.write_statements import STATE
from app.graph.driver.edge_pages import EdgePages, read_edge_page
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.edge_record import EdgeKey
from app.graph.records.merged_record import last_target, target_of, targets_within
from app.graph.records.record_text import BriefRecord, parts_of, record_of
from app.graph.records.touched import Touched
from app.graph.records.vertex_id import internal_vertex_id
from graphql_schema.catalog.relations import Direction
from graphql_schema.execution.failed_frames import raise_first
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Json, JsonObject, Record

PART_SIZE: Final = 5 * 1024 * 1024
"""Number of bytes of records, as JSON, at which a request ends; the others are read by further requests."""

EDGES_SIZE: Final = 10 * 1024 * 1024
"""The same for a request that reads the edges of several vertices alone; those of one vertex are read in pages."""

RECORDS_AT_ONCE: Final = 10_000
"""Maximal number of vertices that one request names: the store looks up all of them, stored or not."""

MANY_EDGES: Final = 20_000
"""Number of edges from which on their far ends are found in the side thread."""

MANY_READ: Final = 5_000
"""Number of records and single edges from which on what others touched of them is found in the side thread."""

LONG_VALUE: Final = 1_000
"""Number of characters beyond which a value of a record is long, with its key, as JSON."""

FIRST_VERTICES: Final = 100
"""Number of vertices that the first of several requests for records names.

Each further one names twice as many as the one before has read, or this many: the store looks up all of them first.
"""

_NO_VERTEX: Final = internal_vertex_id("read", "nothing")
"""The id of a vertex that is never stored."""

REQUESTS_AT_ONCE: Final = 2
"""Number of requests for many records that the store works on at once: most of the time it decompresses texts."""

_UNLIMITED: Final = 2**62
_NEVER_LONG: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class StoredState:
    """Records by vertex id, far vertices included; the edges of each hop; each single edge, None if it is absent."""

    records: Mapping[int, Record]
    hops: Sequence[Sequence[FarEdge]]
    edges: Sequence[Record | None]


@dataclass(frozen=True, slots=True)
class BriefReading:
    """A read of records without their long values, but for the vertices ``complete``; ``require`` is of BriefRecord."""

    complete: Collection[int]
    require: Callable[[], NoReturn]


async def read_state(  # noqa: PLR0913 - what to read, and how
    client: GremlinClient,
    vertices: Iterable[int],
    hops: Sequence[HopRead] = (),
    edges: Iterable[EdgeKey] = (),
    *,
    follow: bool = False,
    limits: ReadLimits = UNLIMITED,
    brief: BriefReading | None = None,
) -> StoredState:
    """Return the stored state of ``vertices``, of ``hops`` and of single ``edges``, as :meth:`StateReading.state`."""
    return await StateReading(client, follow, limits, brief).state([*vertices], hops, [*edges])


async def read_records(client: GremlinClient, vertices: Iterable[int]) -> Mapping[int, Record]:
    """Return the records of these vertices by vertex id; vertices that are not stored are left out."""
    return (await read_state(client, sorted(vertices))).records


@dataclass(slots=True)
class StateReading:
    """Reads a state, in one or several steps; what an earlier step has read is not read again.

    With ``follow``, hops and edges that name a merged vertex are those of the vertex to which its pointers lead, whose
    record is read too. With ``brief``, records with long values are :class:`BriefRecord`. ``size`` are the characters
    so far, ``weight`` those returned, and ``count`` the records, edges and look-ups, with those of responses that were
    too large if the limits count them. ``records`` are the vertices by id, and ``named`` the ids that were looked up.
    """

    client: GremlinClient
    follow: bool
    limits: ReadLimits
    brief: BriefReading | None = None
    size: int = 0
    weight: int = 0
    count: int = 0
    records: dict[int, Record] = field(default_factory=dict)
    named: set[int] = field(default_factory=set)
    budget: OperationBudget = field(default_factory=OperationBudget)
    _begun: dict[HopKind, set[int]] = field(default_factory=lambda: defaultdict(set))
    """By kind of hop: the vertices where it was read."""
    _rows_of: dict[HopKind, list[FarEdge]] = field(default_factory=lambda: defaultdict(list))
    _pairs: dict[EdgeKey, Record | None] = field(default_factory=dict)

    async def state(self, vertices: Collection[int], hops: Sequence[HopRead], edges: Sequence[EdgeKey]) -> StoredState:
        """Return the state of ``vertices``, of ``hops`` that start there, and of single ``edges`` between them.

        Hops must start in ``vertices``, and single edges must have both ends there: other edges are not read. Vertices
        and edges of hops that are not stored are left out; a single edge that is not stored is None. What earlier steps
        have read is also returned: all records, and of each hop the edges at further vertices.

        Raises the error of the limits if all steps have read more than these allow.
        """
        is_first, unread = not self.named, [vid for vid in vertices if vid not in self.named]
        self.named.update(unread)
        found = None
        if is_first and len(unread) <= RECORDS_AT_ONCE:
            found = await self._request(unread, hops, edges)
        new_hops, new_edges = hops, edges
        reads_apart = found is None
        if found is None:
            await self._add_records(vid for vid in unread if vid not in self.records)
            new_hops, new_edges = await self._unread_hops(hops), [key for key in edges if key not in self._pairs]
            found = await self._edges(new_hops, await self._led_to_edges(new_edges))
        await self._take(found)
        far = [vid for vid in found["w"] if vid not in self.records]
        nothing = [_NO_VERTEX] if reads_apart and new_hops else []
        await self._add_records(far or nothing)  # no request would disclose that no hidden vertex is there
        async for hop, rows in self.budget.in_turns(zip(new_hops, found["e"], strict=True)):
            self._begun[hop.kind].update(hop.vertices, map(self._led_to, hop.vertices))
            self._rows_of[hop.kind] += await self._far_edges(rows)
        for key, text in zip(new_edges, found["p"], strict=True):
            self._pairs[key] = None if text is None else record_of(text)
            await self.budget.pause()
        return StoredState(self.records, [self._rows_of[hop.kind] for hop in hops], [self._pairs[key] for key in edges])

    async def refresh(self, written: Sequence[Touched], limits: ReadLimits) -> bool:
        """Read again what transactions have touched of all that was read; return false if that is not possible.

        It is not if it is very much, or if a vertex that was looked up leads elsewhere than before. The reading is then
        of no further use.
        From now on it has other limits, for which what it has read before does not count.
        """
        self.limits = limits
        self.size = self.weight = self.count = 0
        is_long = self._is_long or sum(each.size for each in written) > MANY_READ
        found = await run_in_turn(self._touched, is_long, written)
        if found is None:
            return False
        pointers = {vid: target_of(self.records.pop(vid, None)) for vid in found.vertices}
        await self._add_records(found.vertices)
        moved = {vid for vid, target in pointers.items() if target_of(self.records.get(vid)) != target}
        if moved and await self._lead_over(moved):
            return False
        await self._refresh_edges([*found.rows], [*found.pairs])
        return True

    @property
    def _is_long(self) -> bool:
        return len(self.records) + len(self._pairs) > MANY_READ

    def _touched(self, written: Iterable[Touched]) -> TouchedReads | None:
        """Return what transactions have touched of what was read; None if it is more than the limits allow."""
        pairs = defaultdict[tuple[str, int], list[tuple[int, EdgeKey]]](list)
        for key in self._pairs:
            relation, source, target = self._led_to_edge(key)
            pairs[relation, source].append((target, key))
        known = KnownReads(self.records.keys() | self.named, self._begun, pairs)
        return touched_reads(written, known, self.limits.max_touched)

    async def _lead_over(self, vertices: Collection[int]) -> bool:
        """Return whether some of these vertices were looked up, or pointers lead over them from what was."""
        async for named in self.budget.in_turns(self.named):
            if named in vertices or any(vid in vertices for vid in targets_within(named, self.records)):
                return True
        return False

    async def _refresh_edges(self, rows: Sequence[Row], pairs: Sequence[EdgeKey]) -> None:
        """Read some edges of hops and single edges again, and the records of vertices that these newly lead to."""
        keys = [
            (label, *((near, far) if kind.direction is Direction.OUT else (far, near)))
            for kind, label, near, far in rows
        ]
        texts = await self._single([*keys, *await self._led_to_edges(pairs)])
        edges = [None if text is None else record_of(text) async for text in self.budget.in_turns(texts)]
        self._pairs.update(zip(pairs, edges[len(rows) :], strict=True))
        self._rows_of |= await run_in_turn(replaced_rows, self._is_long, self._rows_of, rows, edges[: len(rows)])
        await self._add_records({row[3] for row, edge in zip(rows, edges, strict=False) if edge} - self.records.keys())

    async def _unread_hops(self, hops: Sequence[HopRead]) -> list[HopRead]:
        """Return the hops that no step has read, from the vertices to which pointers lead."""
        return [
            replace(hop, vertices=[*unread])
            async for hop in self.budget.in_turns(hops)
            if (unread := {self._led_to(vid) for vid in hop.vertices} - self._begun[hop.kind])
        ]

    def _led_to(self, vid: int) -> int:
        return last_target(vid, self.records) if self.follow else vid

    def _led_to_edge(self, key: EdgeKey) -> EdgeKey:
        relation, source, target = key
        return relation, self._led_to(source), self._led_to(target)

    async def _led_to_edges(self, keys: Sequence[EdgeKey]) -> list[EdgeKey]:
        return [self._led_to_edge(key) async for key in self.budget.in_turns(keys)]

    async def _add_records(self, vertices: Iterable[int]) -> None:
        """Read the records of vertices, and with ``follow`` of those at which they point; of many, by requests at once.

        The requests have all ended when this returns or raises.
        """
        rest = [*vertices]
        count = REQUESTS_AT_ONCE if len(rest) > FIRST_VERTICES else 1
        parts = (self._add_some_records(rest[number::count]) for number in range(count))
        raise_first(await asyncio.gather(*parts, return_exceptions=True))

    async def _add_some_records(self, rest: list[int]) -> None:
        """Read records as :meth:`_add_records`, by one request after the other."""
        at_once = FIRST_VERTICES
        while rest:
            found = await self._response(rest[:at_once])
            await self._take(found)
            rest = [*found["w"], *rest[at_once:]]
            further = len(found["v"]) if found["w"] else 2 * at_once
            at_once = min(max(FIRST_VERTICES, further), RECORDS_AT_ONCE)

    async def _edges(self, hops: Sequence[HopRead], pairs: Sequence[EdgeKey]) -> JsonObject:
        """Return edges in the form of a response; ``w`` has all far vertices, and ``v`` is empty."""
        rows: list[list[Json]] = [[] for _ in hops]
        for number, some in await self._rows(
            hops, [(number, vid) for number, hop in enumerate(hops) for vid in hop.vertices]
        ):
            rows[number] += some
        far = await run_in_turn(far_ends, sum(map(len, rows)) > 3 * MANY_EDGES, rows)
        return {"v": [], "e": rows, "p": await self._single(pairs), "w": far, "c": []}

    async def _rows(self, hops: Sequence[HopRead], starts: Sequence[tuple[int, int]]) -> list[tuple[int, list[Json]]]:
        """Return the rows of edges at some vertices, in halves down to one start if they are too many for a request.

        ``starts`` has pairs of the number of a hop and a vertex, and each result the number of its hop.
        """
        await self.budget.pause()
        if len(starts) < 2:  # noqa: PLR2004 - a single one, whose edges may have any size
            return [(number, await self._pages(hops[number], vid)) for number, vid in starts]
        chosen = defaultdict[int, list[int]](list)
        for number, vid in starts:
            chosen[number].append(vid)
        some = [replace(hops[number], vertices=vids) for number, vids in chosen.items()]
        found = None
        if len(starts) <= RECORDS_AT_ONCE:
            found = await self._request({vid for _, vid in starts}, some, full=False)
        if found is not None:
            return [*zip(chosen, found["e"], strict=True)]
        half = len(starts) // 2
        return [*await self._rows(hops, starts[:half]), *await self._rows(hops, starts[half:])]

    async def _pages(self, hop: HopRead, vid: int) -> list[Json]:
        """Return the rows of the edges of a hop at one vertex, page by page."""
        if hop.after is not None:
            return await self._current(hop, vid)
        pages, found = EdgePages.at_vertex(hop.direction.value, hop.labels, vid), list[Json]()
        while not pages.is_read:
            page = await read_edge_page(self.client, pages.within(self.limits.page()), caller=self.limits.caller)
            near, _, far, _, texts = (page.rows[0][place::5] for place in range(5))
            found += chain.from_iterable(zip(near, far, texts, strict=True))
            await self._count(sum(map(len, texts)), texts)
        return found

    async def _current(self, hop: HopRead, vid: int) -> list[Json]:
        """Return what :meth:`_pages` does, of a hop whose ended edges are passed."""
        edges, found = CurrentEdges(hop, vid), list[Json]()
        while not edges.are_read:
            far, texts = await edges.read(self.client, self.limits, PART_SIZE)
            self._count_unreturned(0, edges.passed)
            found += chain.from_iterable(zip(repeat(vid), far, texts, strict=False))
            await self._count(sum(map(len, texts)), texts)
        return found

    async def _single(self, pairs: Sequence[EdgeKey]) -> list[str | None]:
        """Return the texts of single edges, None for an absent one, in halves if they are too many for one request."""
        if not pairs:
            return []
        ends = await run_in_turn(_ends, len(pairs) > MANY_EDGES, pairs)
        found = await self._request(ends, (), pairs, full=False) if len(ends) <= RECORDS_AT_ONCE else None
        if found is not None:
            texts: list[str | None] = found["p"]
            return texts
        half = len(pairs) // 2
        return [*await self._single(pairs[:half]), *await self._single(pairs[half:])]

    async def _request(
        self,
        vertices: Iterable[int],
        hops: Sequence[HopRead] = (),
        pairs: Sequence[EdgeKey] = (),
        *,
        full: bool = True,
    ) -> JsonObject | None:
        """Return one response as :meth:`_response`, None if its edges and the records of ``vertices`` are too large."""
        found = await self._response(vertices, hops, pairs, full=full)
        return None if found["large"] else found

    async def _response(
        self,
        vertices: Iterable[int],
        hops: Sequence[HopRead] = (),
        pairs: Sequence[EdgeKey] = (),
        *,
        full: bool = True,
    ) -> JsonObject:
        """Return one response, and count its size. Without hops and pairs it is never ``large``.

        With ``full`` false it has no records of vertices. A single edge of ``pairs`` is then read whatever its size.
        """
        is_last, stored = not (full or hops) and len(pairs) == 1, [*vertices]
        bindings = {
            "stored": stored,
            "hops": [hop.binding for hop in hops],
            "pairs": [{"l": relation, "o": source, "i": target} for relation, source, target in pairs],
            "follow": self.follow and full,
            "full": full,
            "size": _UNLIMITED if is_last else self.limits.at_once(PART_SIZE if full else EDGES_SIZE),
            "most": LONG_VALUE if self.brief else _NEVER_LONG,
            "complete": [*self.brief.complete] if self.brief else [],
        }
        found: JsonObject
        (found,) = await self.client.submit(STATE, bindings, caller=self.limits.caller)
        absent = len(stored) - len(found["v"]) // 2 + found["p"].count(None)  # what is found counts below
        self.count += absent // LOOK_UPS_OF_ELEMENT
        if found["large"]:
            self._count_unreturned(found["n"], found["m"])
            return found
        edges = chain.from_iterable(rows[2::3] for rows in found["e"])
        await self._count(found["n"], [*found["v"][1::2], *edges, *filter(None, found["p"])])
        return found

    def _count_unreturned(self, characters: int, count: int) -> None:
        """Count what a request has read without returning it: ended edges, or all if it is read again in parts."""
        self.limits.charge(0, 0)
        if self.limits.counts_unreturned:
            self.size += characters
            self.count += count
            self.limits.check(self.size, self.weight, self.count)

    async def _count(self, characters: int, texts: Sequence[str]) -> None:
        """Count characters of records that were read, and the weight of those that were returned."""
        self.size += characters
        self.count += len(texts)
        self.limits.charge(0, 0)
        for _, weights in parts_of(texts):
            self.weight += sum(weights)
            self.limits.charge(len(weights), sum(weights))
            await self.budget.pause()
        self.limits.check(self.size, self.weight, self.count)

    async def _take(self, found: JsonObject) -> None:
        """Add the records of vertices in a response."""
        flat, cut = found["v"], found["c"]
        left_out = dict(zip(cut[::2], cut[1::2], strict=True))
        async for vid, text in self.budget.in_turns(zip(flat[::2], flat[1::2], strict=True)):
            record, keys = record_of(text), left_out.get(vid)
            self.records[vid] = (
                BriefRecord(record, frozenset(keys), self.brief.require) if keys and self.brief else record
            )

    async def _far_edges(self, flat: Sequence[Json]) -> list[FarEdge]:
        """Return the rows of a flat ``[vertex id, far vertex id, edge text, …]``."""
        rows = zip(flat[::3], flat[1::3], flat[2::3], strict=True)
        return [(near, far, record_of(text)) async for near, far, text in self.budget.in_turns(rows)]


def _ends(pairs: Iterable[EdgeKey]) -> set[int]:
    """Return the vertices at which edges begin or end."""
    return {vid for _, *both in pairs for vid in both}
