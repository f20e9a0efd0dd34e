"""The shortest simple paths of a graph in memory: best first, ordered by length, then by ids.

A step over an edge has length 1. A free step between parent and child of an asset group has length 0, and no two free
steps follow each other. The search is guided by the exact distance to the target, which ignores only that a path visits
no vertex twice. So the first paths are found in few steps even if there are very many.

The steps from a state are in the order of the paths that they begin, and are put in this order as far as needed. The
first path of the queue leaves at most two others there. One is the first path that extends it. The other one is the
next path that extends the same path. So steps behind these are not tried, and not counted.

The functions are generators, which pause after each step (:func:`graphql_schema.execution.side_thread.run_in_parts`).
"""

from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import pairwise
from typing import Final, TypeVar

from graphql_schema.ports.lineage_query import FoundPath
from graphql_schema.ports.row import MaskedRecord, Row

ResultT = TypeVar("ResultT")

Pauses = Generator[None, None, ResultT]
"""A generator that pauses between its steps and returns a result."""

State = tuple[int, bool]
"""A vertex, and whether a free step led to it."""

GraphPath = tuple[int, str, int, int, int]
"""A path that is being extended; such paths are compared.

Its items are a least length, its vertices, its own length, its free steps, and a place. The least length is that of a
complete path that begins with it. The vertices are a text with a character for each of them, in the order of ids,
because tens of thousands of paths may be in the queue. The free steps are the bits of a number that are 1; the lowest
bit is that of the last step. The place is that of the last step among the steps from the state before.
"""

_Step = tuple[int, str, int]
"""A step that extends a path.

Its items are the number of edges from its begin to the target, the character of the vertex that it leads to, and its
length. This is 0 for a free step.
"""

_STATE_BYTES: Final = 300
_EDGE_BYTES: Final = 12
_STEP_BYTES: Final = 80
_PATH_BYTES: Final = 400
"""Bytes of memory of a state, of an edge between states, of a step in the order of ids, and of a path in the queue.

They are measured, and rounded up. A path has 100 vertices; a shorter one takes less.
"""


@dataclass(slots=True)
class SearchMemory:
    """The memory of a search: its states, the edges and free steps between them, steps in order, paths in the queue.

    The event loop reads it while the side thread searches.
    """

    states: int = 0
    edges: int = 0
    steps: int = 0
    paths: int = 0

    @property
    def size(self) -> int:
        """The number of bytes, by estimate."""
        graph = _STATE_BYTES * self.states + _EDGE_BYTES * self.edges
        return graph + _STEP_BYTES * self.steps + _PATH_BYTES * self.paths


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


def shortest(  # noqa: PLR0913 - what is known, four bounds, and the memory
    known: KnownGraph,
    source: int,
    target: int,
    *,
    max_paths: int,
    max_length: int,
    count_step: Callable[[], str | None],
    memory: SearchMemory | None = None,
) -> Pauses[tuple[list[FoundPath], str | None]]:
    """Return at most ``max_paths`` paths of at most ``max_length`` edges, and the budget that ended the search, if any.

    ``count_step`` is called for each step that extends a path, and returns the name of an exhausted budget, or None.
    ``memory`` is kept up to date.
    """
    memory = memory or SearchMemory()
    remaining = yield from _distances(known, source, target, memory)
    least = remaining.get((source, False), max_length + 1)
    if least > max_length:
        return [], None
    characters = yield from _characters(known, remaining)
    search = _Search(known, remaining, characters, [*characters], max_length, memory)
    found: dict[str, FoundPath] = {}
    queue: list[GraphPath] = [(least, characters[source], 0, 0, 0)]
    while queue:
        path = heappop(queue)
        if path[1][-1] == characters[target]:
            found.setdefault(path[1], search.found(path))
            if len(found) == max_paths:
                break
            extend = [search.beside]
        else:
            extend = [search.behind, search.beside]
        for following in extend:
            further = yield from following(path)
            if further is not None:
                heappush(queue, further)
                memory.paths = len(queue)
                ended = count_step()
                if ended is not None:
                    return list(found.values()), ended
    return list(found.values()), None


@dataclass(slots=True)
class _OrderedSteps:
    """The steps from a state, nearest to the target first, then by id: those that were needed, and a heap of others."""

    needed: list[_Step] = field(default_factory=list)
    others: list[_Step] = field(default_factory=list)

    def at(self, place: int) -> _Step | None:
        """Return the step at a place, None behind the last one; those at all places before must have been needed."""
        if place == len(self.needed) and self.others:
            self.needed.append(heappop(self.others))
        return self.needed[place] if place < len(self.needed) else None


@dataclass(slots=True)
class _Search:
    """The paths of a search, each of which begins one of at most ``max_length`` edges.

    ``remaining`` has the number of edges to the target from each state. ``characters`` has a character for each of
    their vertices, in the order of ids, and ``vids`` these vertices in this order.
    """

    known: KnownGraph
    remaining: Mapping[State, int]
    characters: Mapping[int, str]
    vids: list[int]
    max_length: int
    memory: SearchMemory
    _steps: dict[State, _OrderedSteps] = field(default_factory=dict)

    def behind(self, path: GraphPath) -> Pauses[GraphPath | None]:
        """Return the first path that extends a path by a step; None if there is none."""
        _, vertices, length, free, _ = path
        return self._first(vertices, length, free, 0)

    def beside(self, path: GraphPath) -> Pauses[GraphPath | None]:
        """Return the next path after this one that extends the same path by a step; None if there is none."""
        _, vertices, length, free, place = path
        return self._first(vertices[:-1], length - 1 + (free & 1), free >> 1, place + 1)

    def found(self, path: GraphPath) -> FoundPath:
        """Return a path with its rows and edges; a free step has no edge."""
        _, vertices, _, free, _ = path
        vids = [self.vids[ord(each)] for each in vertices]
        edges = [
            self.known.edges[near][far]
            for number, (near, far) in enumerate(pairwise(vids), 2 - len(vids))
            if not free >> -number & 1
        ]
        return FoundPath([self.known.rows[vid] for vid in vids], edges)

    def _first(self, vertices: str, length: int, free: int, place: int) -> Pauses[GraphPath | None]:
        """Return the first path that extends one by its step at a place, or a later one, to a vertex that it lacks."""
        if not vertices:
            return None
        state = self.vids[ord(vertices[-1])], bool(free & 1)
        if state not in self._steps:
            self._steps[state] = yield from self._steps_from(state)
        steps = self._steps[state]
        while (step := steps.at(place)) is not None:
            yield
            further, vertex, count = step
            if length + further > self.max_length:
                return None
            if vertex not in vertices:
                return length + further, vertices + vertex, length + count, 2 * free + 1 - count, place
            place += 1
        return None

    def _steps_from(self, state: State) -> Pauses[_OrderedSteps]:
        """Return the steps from a state to others from which the target is reached."""
        steps = _OrderedSteps()
        for following, count in self.known.steps(state):
            if following in self.remaining:
                further = count + self.remaining[following]
                heappush(steps.others, (further, self.characters[following[0]], count))
                self.memory.steps += 1
            yield
        return steps


def _characters(known: KnownGraph, remaining: Mapping[State, int]) -> Pauses[dict[int, str]]:
    """Return a character for each vertex of the states, in the order of ids."""
    heap: list[tuple[str, int]] = []
    for vid, free in remaining:
        if not (free and (vid, False) in remaining):
            heappush(heap, (known.rows[vid].urn, vid))
        yield
    characters: dict[int, str] = {}
    while heap:
        characters[heappop(heap)[1]] = chr(len(characters))
        yield
    return characters


def _distances(known: KnownGraph, source: int, target: int, memory: SearchMemory) -> Pauses[dict[State, int]]:
    """Return the number of edges to the target, from each state that a path from source to target can contain."""
    back: dict[State, list[State]] = {(source, False): []}
    states = [(source, False)]
    while states:
        state = states.pop()
        if state[0] == target:
            continue
        for following, _ in known.steps(state):
            yield
            if following not in back:
                back[following] = []
                states.append(following)
                memory.states += 1
            back[following].append(state)
            memory.edges += 1
    remaining = {state: 0 for state in ((target, False), (target, True)) if state in back}
    queue = deque(remaining)
    while queue:
        state = queue.popleft()
        count = int(not state[1])
        for before in back[state]:
            yield
            if remaining[state] + count < remaining.get(before, len(back) + 1):
                remaining[before] = remaining[state] + count
                (queue.append if count else queue.appendleft)(before)
    return remaining
