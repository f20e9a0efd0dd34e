"""The shortest simple paths of a graph in memory: best first, ordered by length, then by ids.

A step over an edge has length 1. A free step between parent and child of an asset group has length 0, and no two free
steps follow each other. The search is guided by the exact distance to the target, which ignores only that a path visits
no vertex twice. So the first paths are found in few steps even if there are very many. The steps from a state are put
in order once, the nearest to the target first. Each path that ends there then passes only those that it can take.

The functions are generators, which pause after each step (:func:`graphql_schema.execution.side_thread.run_in_parts`).
"""

from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import pairwise

from graphql_schema.ports.lineage_query import FoundPath
from graphql_schema.ports.row import MaskedRecord, Row

State = tuple[int, bool]
"""A vertex, and whether a free step led to it."""

GraphPath = tuple[int, tuple[str, ...], int, tuple[State, ...]]
"""A path that is being extended.

Its items are the least length of a complete path that begins with it, its ids, its own length, and its states.
"""

_Step = tuple[int, str, State, int]
"""A step that extends a path.

Its items are the number of edges from its begin to the target, the id and the state that it leads to, and its length.
"""


@dataclass(slots=True)
class KnownGraph:
    """A graph in memory, by vertex id.

    ``edges`` maps a source to its targets, and each target to the edge. ``free`` maps a vertex to the far ends of its
    free steps.
    """

    rows: dict[int, Row] = field(default_factory=dict)
    edges: dict[int, dict[int, MaskedRecord]] = field(default_factory=lambda: defaultdict(dict))
    free: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def join(self, source: Row, target: Row, edge: MaskedRecord) -> None:
        """Add an edge; of several between the same vertices the one whose relation is first by name is kept."""
        self.rows |= {source.vid: source, target.vid: target}
        known = self.edges[source.vid].get(target.vid)
        if known is None or edge.record["relation"] < known.record["relation"]:
            self.edges[source.vid][target.vid] = edge

    def join_free(self, one: Row, other: Row) -> None:
        """Add the free step between a parent and its child."""
        self.rows |= {one.vid: one, other.vid: other}
        self.free[one.vid].add(other.vid)
        self.free[other.vid].add(one.vid)

    def steps(self, state: State) -> Iterator[tuple[State, int]]:
        """Yield the states that one step leads to, each with the length of the step."""
        vid, free = state
        for far in self.edges.get(vid, ()):
            yield (far, False), 1
        if not free:
            for other in self.free.get(vid, ()):
                yield (other, True), 0


def shortest(  # noqa: PLR0913 - what is known, and four bounds
    known: KnownGraph,
    source: int,
    target: int,
    *,
    max_paths: int,
    max_length: int,
    count_step: Callable[[], str | None],
) -> Generator[None, None, tuple[list[FoundPath], str | None]]:
    """Return at most ``max_paths`` paths of at most ``max_length`` edges, and the budget that ended the search, if any.

    ``count_step`` is called for each step that extends a path, and returns the name of an exhausted budget, or None.
    """
    remaining = yield from _distances(known, source, target)
    nearest: dict[State, list[_Step]] = {}
    found: dict[tuple[str, ...], FoundPath] = {}
    queue: list[GraphPath] = []
    if remaining.get((source, False), max_length + 1) <= max_length:
        queue.append((remaining[source, False], (known.rows[source].urn,), 0, ((source, False),)))
    while queue and len(found) < max_paths:
        _, ids, length, states = heappop(queue)
        if states[-1][0] == target:
            found.setdefault(ids, _path(known, states))
            continue
        if states[-1] not in nearest:
            nearest[states[-1]] = yield from _nearest_first(known, states[-1], remaining)
        for further, urn, state, count in nearest[states[-1]]:
            yield
            if length + further > max_length:
                break
            if urn not in ids:
                heappush(queue, (length + further, (*ids, urn), length + count, (*states, state)))
                ended = count_step()
                if ended is not None:
                    return list(found.values()), ended
    return list(found.values()), None


def _nearest_first(
    known: KnownGraph, state: State, remaining: Mapping[State, int]
) -> Generator[None, None, list[_Step]]:
    """Return the steps from a state to others from which the target is reached, those first that need fewest edges.

    Steps that need as many edges are in any order, because the search puts the paths in order.
    """
    found: dict[int, list[_Step]] = defaultdict(list)
    for following, count in known.steps(state):
        if following in remaining:
            further = count + remaining[following]
            found[further].append((further, known.rows[following[0]].urn, following, count))
        yield
    return [step for further in sorted(found) for step in found[further]]


def _path(known: KnownGraph, states: tuple[State, ...]) -> FoundPath:
    """Return the path along states, with its edges; a free step has no edge."""
    edges = [known.edges[near][far] for (near, _), (far, free) in pairwise(states) if not free]
    return FoundPath([known.rows[vid] for vid, _ in states], edges)


def _distances(known: KnownGraph, source: int, target: int) -> Generator[None, None, dict[State, int]]:
    """Return the number of edges to the target, from each state that a path from source to target can contain."""
    back: dict[State, list[tuple[State, int]]] = defaultdict(list)
    states, reached = [(source, False)], {(source, False)}
    while states:
        state = states.pop()
        if state[0] == target:
            continue
        for following, count in known.steps(state):
            yield
            back[following].append((state, count))
            if following not in reached:
                reached.add(following)
                states.append(following)
    remaining = {state: 0 for state in ((target, False), (target, True)) if state in reached}
    queue = deque(remaining)
    while queue:
        state = queue.popleft()
        for before, count in back[state]:
            yield
            if remaining[state] + count < remaining.get(before, len(reached) + 1):
                remaining[before] = remaining[state] + count
                (queue.append if count else queue.appendleft)(before)
    return remaining
