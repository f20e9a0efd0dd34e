"""What follows from the edges around some vertices: pure functions, without request or write.

A chain visits no vertex twice. It held when all its edges did, until a vertex in its middle was deleted.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.graph.records.edge_record import EdgeKey, held
from app.graph.records.inferred_edge import CHAINS, inferred
from app.graph.records.vertex_record import Record, kind_of
from graphql_schema.catalog.inference_rules import InferenceRule
from graphql_schema.catalog.instants import FOREVER

Intervals = Sequence[tuple[int, int]]

_EVER: Final = -(2**62)
_DIGITS: Final = 4
"""Of a confidence, behind the point."""


@dataclass(slots=True)
class Neighbourhood:
    """What was read: vertices by id, the edges of relations into some of them, and the inferred ones into ``ends``.

    ``into`` has, by relation and vertex, from where edges lead there.
    """

    ends: Sequence[int]
    records: dict[int, Record] = field(default_factory=dict)
    into: dict[tuple[str, int], dict[int, Record]] = field(default_factory=lambda: defaultdict(dict))
    inferred: dict[EdgeKey, Record] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartialChain:
    """A part of a chain, from ``vids[0]`` on: when all of it held, and how sure it is."""

    vids: tuple[int, ...]
    held: Intervals
    confidence: float


def changes(around: Neighbourhood, rules: Iterable[InferenceRule], now: int) -> dict[EdgeKey, Record]:
    """The inferred edges into the ends that are to be written, by relation and ends: those that differ."""
    wanted: dict[EdgeKey, list[Record]] = defaultdict(list)
    for rule in rules:
        for end in around.ends:
            for way in _ways(around, rule, end):
                wanted[rule.relation.name, way.vids[0], end].append(_chain(rule, way))
    found = {}
    for key in {**around.inferred, **wanted}:
        before = around.inferred.get(key)
        known = {_which(chain): chain["held"] for chain in (before or {}).get(CHAINS, ())}
        chains = [
            {**chain, "held": _recorded(known.get(_which(chain), ()), chain["held"], now)}
            for chain in wanted.get(key, ())
        ]
        after = inferred(key[0], sorted(chains, key=lambda chain: (chain["rule"], chain["through"])))
        if after != before:
            found[key] = after
    return found


def met(intervals: Intervals, others: Intervals) -> Intervals:
    """When both held."""
    both = ((max(a, start), min(b, end)) for a, b in intervals for start, end in others)
    return [(start, end) for start, end in both if start < end]


def _ways(around: Neighbourhood, rule: InferenceRule, end: int) -> Iterator[PartialChain]:
    """The chains of a rule that lead to a vertex, if they held ever."""
    ways = [PartialChain((end,), [(_EVER, FOREVER)], rule.confidence)] if _is(around, end, rule.ends) else []
    for place in range(len(rule.chain) - 1, -1, -1):
        relation, kinds = rule.chain[place].relation.name, rule.kinds(place)
        ways = [
            further
            for way in ways
            for source, edge in around.into.get((relation, way.vids[0]), {}).items()
            if _is(around, source, kinds) and source not in way.vids
            for further in _extended(around, way, source, edge, inner=place > 0)
        ]
    return iter(ways)


def _extended(
    around: Neighbourhood, way: PartialChain, source: int, edge: Record, *, inner: bool
) -> list[PartialChain]:
    """The way with one edge more, if there was a time of both."""
    lasted = around.records[source].get("deletedAt") if inner else None
    both = met(met(way.held, held(edge)), [(_EVER, lasted or FOREVER)])
    sure = way.confidence * edge.get("confidence", 1.0)
    return [PartialChain((source, *way.vids), both, sure)] if both else []


def _is(around: Neighbourhood, vid: int, kinds: Sequence[str]) -> bool:
    record = around.records.get(vid)
    return record is not None and kind_of(record) in kinds


def _chain(rule: InferenceRule, way: PartialChain) -> dict[str, Any]:
    return {
        "rule": rule.name,
        "through": list(way.vids[1:-1]),
        "confidence": round(way.confidence, _DIGITS),
        "held": way.held,
    }


def _which(chain: Mapping[str, Any]) -> tuple[Any, ...]:
    """Which chain it is, whenever it held and however sure it is."""
    return chain["rule"], *chain["through"]


def _recorded(known: Sequence[Sequence[int]], held: Intervals, now: int) -> list[list[int]]:
    """The intervals with when each was recorded: what was known before keeps that, and an end that is new is of now."""
    same = {(begin, end): (opened, closed) for begin, end, opened, closed in known}
    begun = {begin: opened for begin, _, opened, _ in known}
    fresh = (
        (begin, end, begun.get(begin, now), now if end < FOREVER else FOREVER) for begin, end in dict.fromkeys(held)
    )
    return [[begin, end, *same.get((begin, end), marks)] for begin, end, *marks in fresh]
