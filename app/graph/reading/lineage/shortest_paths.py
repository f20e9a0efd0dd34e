"""The shortest simple paths in a small graph that is known: best first, in the order of length, then ids.

A step over an edge counts one, a free step between a whole and its part nothing, and no two free steps follow each
other. The distance to the target is exact but for vertices that a path may not visit twice, so the first paths of a
graph with very many take few steps.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import pairwise

from graphql_schema.ports.lineage_query import FoundPath
from graphql_schema.ports.row import MaskedRecord, Row

State = tuple[int, bool]
"""A vertex, and whether a free step led there."""

GraphPath = tuple[int, tuple[str, ...], int, tuple[State, ...]]
"""A way under way: the least length of a path that it begins, its ids, its own length, and its states."""


@dataclass(slots=True)
class KnownGraph:
    """What is known of a graph: ``edges`` along the flow with what is shown of them, ``free`` steps both ways."""

    rows: dict[int, Row] = field(default_factory=dict)
    edges: dict[int, dict[int, MaskedRecord]] = field(default_factory=lambda: defaultdict(dict))
    free: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def join(self, source: Row, target: Row, edge: MaskedRecord) -> None:
        """Learn an edge; of several between the same two the first relation by name is shown."""
        self.rows |= {source.vid: source, target.vid: target}
        known = self.edges[source.vid].get(target.vid)
        if known is None or edge.record["relation"] < known.record["relation"]:
            self.edges[source.vid][target.vid] = edge

    def join_free(self, one: Row, other: Row) -> None:
        """Learn that one is a part of the other."""
        self.rows |= {one.vid: one, other.vid: other}
        self.free[one.vid].add(other.vid)
        self.free[other.vid].add(one.vid)

    def steps(self, state: State) -> Iterator[tuple[State, int]]:
        """The states that one step leads to, and what it counts."""
        vid, free = state
        for far in self.edges.get(vid, ()):
            yield (far, False), 1
        if not free:
            for other in self.free.get(vid, ()):
                yield (other, True), 0


def shortest(  # noqa: PLR0913 - what is known, and four bounds
    known: KnownGraph, source: int, target: int, *, most: int, longest: int, tried: Callable[[], str | None]
) -> tuple[list[FoundPath], str | None]:
    """At most so many paths of at most ``longest`` edges, and what ended the search; ``tried`` says so at each step."""
    left = _distances(known, source, target)
    found: dict[tuple[str, ...], FoundPath] = {}
    ways: list[GraphPath] = []
    if left.get((source, False), longest + 1) <= longest:
        ways.append((left[source, False], (known.rows[source].urn,), 0, ((source, False),)))
    while ways and len(found) < most:
        _, ids, length, states = heappop(ways)
        if states[-1][0] == target:
            found.setdefault(ids, _path(known, states))
            continue
        for state, count in known.steps(states[-1]):
            urn = known.rows[state[0]].urn
            if state in left and length + count + left[state] <= longest and urn not in ids:
                heappush(ways, (length + count + left[state], (*ids, urn), length + count, (*states, state)))
                ended = tried()
                if ended is not None:
                    return list(found.values()), ended
    return list(found.values()), None


def _path(known: KnownGraph, states: tuple[State, ...]) -> FoundPath:
    edges = [known.edges[near][far] for (near, _), (far, free) in pairwise(states) if not free]
    return FoundPath([known.rows[vid] for vid, _ in states], edges)


def _distances(known: KnownGraph, source: int, target: int) -> dict[State, int]:
    """How many edges are left to the target, from every state that a way from the source comes by."""
    back: dict[State, list[tuple[State, int]]] = defaultdict(list)
    states, seen = [(source, False)], {(source, False)}
    while states:
        state = states.pop()
        if state[0] == target:
            continue
        for following, count in known.steps(state):
            back[following].append((state, count))
            if following not in seen:
                seen.add(following)
                states.append(following)
    left = {state: 0 for state in ((target, False), (target, True)) if state in seen}
    queue = deque(left)
    while queue:
        state = queue.popleft()
        for before, count in back[state]:
            if left[state] + count < left.get(before, len(seen) + 1):
                left[before] = left[state] + count
                (queue.append if count else queue.appendleft)(before)
    return left
