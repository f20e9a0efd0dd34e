"""Derives inferred edges from the edges around some vertices. Pure: no request, no write.

A chain visits no vertex twice. It is active while all its edges are, until a vertex in its middle is deleted. Callers
may make any number of chains. Of those between two vertices the edge keeps the first ones by :func:`_rank`. An end has
chains over its :class:`FirstMiddles` alone, and none over a vertex with more than MAX_SOURCES sources.
"""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, repeat
from operator import itemgetter
from typing import Final

from app.graph.records.edge_record import MAX_INTERVALS, EdgeKey, active_intervals
from app.graph.records.inferred_edge import CHAINS, inferred
from app.graph.records.vertex_record import kind_of
from graphql_schema.catalog.inference_rules import InferenceRule
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.ports.record import JsonObject, Position, Record

Intervals = Sequence[tuple[int, int]]
"""Intervals in epoch milliseconds, the earliest first; the end is excluded."""

MAX_CHAINS: Final = 20
"""Maximal number of chains of an inferred edge: its readers read all of them."""

MAX_SOURCES: Final = 500
"""Maximal number of sources of a vertex in the middle of chains to ends of a kind: an end gets an edge from each."""

MAX_MIDDLES: Final = 100
"""Maximal number of vertices with sources before an end over which it has chains, so that these are at most 50,000."""

_ALWAYS: Final = -(2**62)
"""A begin before every instant."""

_DIGITS: Final = 4
"""Decimal places of a confidence."""

INTERVALS_A_STEP: Final = 10
"""Number of intervals that are combined or recorded in the time in which an edge without former ones is examined."""


@dataclass(frozen=True, slots=True)
class ChainEdge:
    """An edge of chains: the intervals in which it is active, none of which overlap, and its confidence."""

    active: Intervals
    confidence: float = 1.0

    @classmethod
    def of(cls, edge: Record) -> "ChainEdge":
        """Return the edge with this record: chains compare its intervals often, so they are found once."""
        return cls(disjoint(active_intervals(edge)), edge.get("confidence", 1.0))


@dataclass(slots=True)
class Neighbourhood:
    """Records and edges that were read around the vertices ``ends``.

    ``records`` are by vertex id. ``into`` maps a relation and a vertex to the edges that reach it, by source: those of
    chains. ``inferred`` are the stored inferred edges by the vertex of ``ends`` that they reach. ``crowded`` has
    kinds of ends, each with a vertex in the middle of chains that has more than MAX_SOURCES sources for these ends.
    """

    ends: Sequence[int]
    records: dict[int, Record] = field(default_factory=dict)
    into: dict[tuple[str, int], dict[int, ChainEdge]] = field(default_factory=lambda: defaultdict(dict))
    inferred: dict[int, dict[EdgeKey, Record]] = field(default_factory=lambda: defaultdict(dict))
    crowded: set[tuple[Sequence[str], int]] = field(default_factory=set)

    def is_of(self, vid: int, kinds: Sequence[str]) -> bool:
        """Return whether a vertex that was read is of one of the kinds."""
        record = self.records.get(vid)
        return record is not None and kind_of(record) in kinds


@dataclass(frozen=True, slots=True)
class PartialChain:
    """The last part of a chain of ``rule``, from ``vids[0]`` to its end.

    ``active`` are the intervals in which this part is active. ``confidence`` is the product of those of rule and edges.
    """

    rule: InferenceRule
    vids: tuple[int, ...]
    active: Intervals
    confidence: float


@dataclass(slots=True)
class FirstMiddles:
    """The choice of the first MAX_MIDDLES middles with sources of each end, while the edges to the middles are read.

    The last to end is first, then the greatest confidence, the first to begin, and the least id. A middle without
    sources takes no place: it is in no chain, and a run without inputs leaves no outbox entry.
    """

    rules: Sequence[InferenceRule]
    around: Neighbourhood
    first: dict[int, list[int]] = field(default_factory=dict)
    _unread: dict[int, list[int]] = field(default_factory=dict)

    def add(self, end: int, edges: Mapping[int, ChainEdge]) -> Sequence[int]:
        """Add an end with the edges from its middles, each active at any time; return the middles by rank."""
        self.first[end] = []
        self._unread[end] = sorted(edges, key=lambda vid: _middle_rank(vid, edges[vid]))
        return self._unread[end]

    def further(self, ends: Iterable[int]) -> list[int]:
        """Return the middles to which the edges are to be read next: for each end as many as it lacks."""
        found = set[int]()
        for end in ends:
            first, unread = self.first[end], self._unread[end]
            first[:] = [vid for vid in first if self._has_source(end, vid)]
            lacking = MAX_MIDDLES - len(first)
            first += unread[:lacking]
            found.update(unread[:lacking])
            del unread[:lacking]
        return sorted(found)

    def keep(self, ends: Iterable[int]) -> list[int]:
        """Keep the edges from the first middles alone, when there are no further ones; return ends with other ones."""
        for (relation, end), edges in self.around.into.items():
            if end in self.first:
                first = {*self.first[end]}
                self.around.into[relation, end] = {vid: edge for vid, edge in edges.items() if vid in first}
        return [end for end in ends if self._unread[end]]

    def _has_source(self, end: int, middle: int) -> bool:
        return any(
            self.around.is_of(source, rule.kinds(len(rule.chain) - 2))
            for rule in self.rules
            if self.around.is_of(end, rule.ends)
            for source in self.around.into.get((rule.chain[-2].relation.name, middle), ())
        )


def _middle_rank(vid: int, edge: ChainEdge) -> Position:
    return -edge.active[-1][1], -edge.confidence, edge.active[0][0], vid


def changes(
    around: Neighbourhood, end: int, rules: Iterable[InferenceRule], now: int
) -> Iterator[tuple[EdgeKey, Record] | None]:
    """Yield the inferred edges into one of ``around.ends`` that differ from the stored ones, with their new records.

    They are in the order of their keys. ``now``, in epoch milliseconds, is when changed intervals are recorded. None is
    yielded for each vertex that a chain may visit, and for each edge that does not change: there may be a million. It
    is also yielded for each INTERVALS_A_STEP intervals that are combined or recorded.
    """
    wanted: dict[EdgeKey, list[PartialChain]] = defaultdict(list)
    for rule in rules:
        for chain in _chains(around, rule, end):
            if chain is not None:
                _add_chain(wanted[rule.relation.name, chain.vids[0], end], chain)
            yield None
    stored = around.inferred.get(end, {})
    for key in sorted({**stored, **wanted}):
        before, kept = stored.get(key), wanted.pop(key, ())  # else all are freed at once when this ends
        known = (before or {}).get(CHAINS, ())
        yield from _steps(*(chain.active for chain in kept), *(chain["held"] for chain in known))
        after = _inferred(key, before, kept, now)
        yield None if after == before else (key, after)


def _steps(*combined: Sequence[object]) -> Iterator[None]:
    """Return the steps beyond the first one that these intervals take together."""
    return repeat(None, sum(map(len, combined)) // INTERVALS_A_STEP)


def _inferred(key: EdgeKey, before: Record | None, chains: Iterable[PartialChain], now: int) -> Record:
    """Return the new record of an inferred edge with these chains, whose stored one is ``before``."""
    known = {_identity(chain): chain["held"] for chain in (before or {}).get(CHAINS, ())}
    records = [
        {**chain, "held": _recorded(known.get(_identity(chain), ()), chain["held"], now)}
        for chain in map(_chain_record, chains)
    ]
    return inferred(key[0], sorted(records, key=lambda chain: (chain["rule"], chain["through"])))


def intersection(intervals: Intervals, others: Intervals) -> Intervals:
    """Return the parts of intervals that lie in both sequences.

    No interval is empty, or overlaps with another one of its sequence, so the time is that of both lengths together. A
    single interval takes the time of a search in the other sequence.
    """
    if len(others) == 1:
        return _within(intervals, *others[0])
    if len(intervals) == 1:
        return _within(others, *intervals[0])
    both, place = [], 0
    for start, end in intervals:
        while place < len(others) and others[place][1] <= start:
            place += 1
        for other, its_end in islice(others, place, None):
            if other >= end:
                break
            both.append((max(start, other), min(end, its_end)))
    return both


def _within(intervals: Intervals, start: int, end: int) -> Intervals:
    """Return the parts of intervals that lie between two instants."""
    first = bisect_right(intervals, start, key=itemgetter(1))
    found = list(intervals[first : bisect_left(intervals, end, first, key=itemgetter(0))])
    if found:
        found[0] = max(start, found[0][0]), found[0][1]
        found[-1] = found[-1][0], min(end, found[-1][1])
    return found


def disjoint(intervals: Intervals) -> Intervals:
    """Return the same instants as intervals that do not overlap; two that only touch stay apart."""
    found: list[tuple[int, int]] = []
    for start, end in intervals:
        if found and start < found[-1][1]:
            start, end = found[-1][0], max(found.pop()[1], end)  # noqa: PLW2901 - the union of both
        found.append((start, end))
    return found


def _add_chain(chains: list[PartialChain], chain: PartialChain) -> None:
    """Insert a chain of an edge by its rank, and remove the last ones above MAX_CHAINS and MAX_INTERVALS of an edge.

    The first chain stays, however many intervals it has. The result does not depend on the order of the calls.
    """
    insort(chains, chain, key=_rank)
    intervals = 0
    for place, each in enumerate(chains):
        intervals += len(each.active)
        if place == MAX_CHAINS or (place and intervals > MAX_INTERVALS):
            del chains[place:]
            return


def _rank(chain: PartialChain) -> Position:
    """Return the sort key of a chain: the last to end, then the greatest confidence, then the first to begin.

    A chain that is active now is therefore kept before those that have ended, and later ones do not replace it.
    """
    (begin, _), (_, end) = chain.active[0], chain.active[-1]
    return -end, -_rounded(chain), begin, chain.rule.name, *chain.vids[1:-1]


def _rounded(chain: PartialChain) -> float:
    return round(chain.confidence, _DIGITS)


def _chains(around: Neighbourhood, rule: InferenceRule, end: int) -> Iterator[PartialChain | None]:
    """Yield the chains of a rule that end at a vertex and are active at any time, past or future, and None for others.

    None may be yielded beside a chain, too.
    """
    if not around.is_of(end, rule.ends):
        return iter(())
    return _completed(around, PartialChain(rule, (end,), [(_ALWAYS, FOREVER)], rule.confidence))


def _completed(around: Neighbourhood, chain: PartialChain) -> Iterator[PartialChain | None]:
    """Yield the chains that have ``chain`` as their last part, one at a time: a vertex may have millions."""
    place = len(chain.rule.chain) - len(chain.vids)
    if place < 0:
        yield chain
        return
    if (chain.rule.ends, chain.vids[0]) in around.crowded:
        return
    relation, kinds = chain.rule.chain[place].relation.name, chain.rule.kinds(place)
    for source, edge in around.into.get((relation, chain.vids[0]), {}).items():
        yield None
        if around.is_of(source, kinds) and source not in chain.vids:
            if len(chain.active) > 1 and len(edge.active) > 1:
                yield from _steps(chain.active, edge.active)
            for extended in _extended(around, chain, source, edge, inner=place > 0):
                yield from _completed(around, extended)


def _extended(
    around: Neighbourhood, chain: PartialChain, source: int, edge: ChainEdge, *, inner: bool
) -> list[PartialChain]:
    """Return the chain with one more edge before it; an empty list if chain and edge are never active together."""
    deleted = around.records[source].get("deletedAt") if inner else None
    active = intersection(chain.active, edge.active)
    if deleted:
        active = _within(active, _ALWAYS, deleted)
    confidence = chain.confidence * edge.confidence
    return [PartialChain(chain.rule, (source, *chain.vids), active, confidence)] if active else []


def _chain_record(chain: PartialChain) -> JsonObject:
    return {
        "rule": chain.rule.name,
        "through": list(chain.vids[1:-1]),
        "confidence": _rounded(chain),
        "held": chain.active,
    }


def _identity(chain: Record) -> Position:
    """Return what identifies a chain: its rule and the vertices in its middle."""
    return chain["rule"], *chain["through"]


def _recorded(known: Sequence[Sequence[int]], active: Intervals, now: int) -> list[list[int]]:
    """Return ``[begin, end, opened, closed]`` for each interval: its bounds, and when these were recorded.

    ``opened`` is that of a known interval with the same begin, else ``now``. ``closed`` is that of a known interval
    with the same begin and end, else ``now``, or FOREVER if the interval has no end.
    """
    same = {(begin, end): (opened, closed) for begin, end, opened, closed in known}
    begun = {begin: opened for begin, _, opened, _ in known}
    marked = (
        (begin, end, begun.get(begin, now), now if end < FOREVER else FOREVER) for begin, end in dict.fromkeys(active)
    )
    return [[begin, end, *same.get((begin, end), marks)] for begin, end, *marks in marked]
