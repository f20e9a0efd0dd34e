"""The expected results of walks, by networkx over plain graphs, in the terms of docs/adr/0010-walks.md.

A walk is a graph of **states**, ``("at", v)`` for a vertex arrived at and ``("for", v, c)`` for a group member that
counts for it. Edges of lineage weigh 1, and to a group member 0: depths are distances from the roots.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, permutations
from typing import Any

import networkx as nx
from support.estates.lineage_graphs import TEAMS, TODAY, Arc, WalkGraph, holds

State = tuple[str, ...]
START: State = ("start",)


@dataclass(frozen=True)
class Filter:
    """The ``LineageFilter`` of the schema; an empty field keeps everything."""

    kinds: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    min_confidence: float | None = None
    stages: tuple[str, ...] = ()


class Viewpoint:
    """What a caller sees of a graph on a day: what is there, of it what is shown, and of that what is read.

    What is ``named`` by its id is shown even when it was deleted; nothing leads there. Whose times are hidden, because
    it is not read, is taken as it is today, and so is an edge with such an end.
    """

    def __init__(self, graph: WalkGraph, who: str, day: float, named: Iterable[str] = ()) -> None:
        self.graph = graph
        self.day = day
        team, things = TEAMS[who], graph.things
        own = {urn for urn in things if team is None or (team and graph.owner(urn) == team)}
        observed = {urn for urn in things if urn in own or things[urn].visibility == "ORG"}
        readable = {urn for urn in observed if urn in own or things[urn].stage != "DRAFT"}
        self._timed = readable
        self.there = {urn for urn in things if graph.exists(urn, self._day(urn))}
        found = self.there | {urn for urn in named if urn in things and graph.is_made(urn, self._day(urn))}
        self.shown = found & observed
        self.read = found & readable
        self.held = [arc for arc in graph.arcs if holds(arc, self._day(arc.source, arc.target))]
        self.arcs = [arc for arc in self.held if {arc.source, arc.target} <= found]

    def _day(self, *urns: str) -> float:
        """Return the instant at which an object is read that has these times."""
        return self.day if self._timed.issuperset(urns) else TODAY

    def are_beside(self, one: str, other: str) -> bool:
        """Return whether one is a child of the other."""
        return self.graph.are_members(one, other, self._day(one, other))

    def members(self, urn: str) -> set[str]:
        """Return the other members of the asset group that are present."""
        return {each for each in self.there if self.are_beside(urn, each) and each != urn}

    def neighbours(self, urn: str, direction: str) -> set[tuple[str, str, str]]:
        """Return the edges that ``upstream`` or ``downstream`` list.

        Own ones and those of group members, without loops.
        """
        down = direction == "DOWNSTREAM"
        counting = {urn, *self.members(urn)} & self.read
        ends = {arc.key: (arc.source, arc.target) if down else (arc.target, arc.source) for arc in self.arcs}
        return {
            key
            for key, (near, far) in ends.items()
            if near in counting and far in self.shown & self.there and far != urn
        }

    def passes(self, arc: Arc, wanted: Filter) -> bool:
        """Return whether an edge with visible ends may be followed; a hidden confidence counts as absent."""
        certain = arc.confidence is None or not {arc.source, arc.target} <= self.read
        sure = wanted.min_confidence is None or certain or (arc.confidence or 0) >= wanted.min_confidence
        origins, relations = wanted.origins, wanted.relations
        return sure and (not origins or arc.origin in origins) and (not relations or arc.relation in relations)

    def passes_on(self, urn: str, wanted: Filter) -> bool:
        """Return whether a node is in the result; a hidden stage counts as absent."""
        thing = self.graph.things[urn]
        stage = thing.stage if urn in self.read else None
        return (not wanted.kinds or thing.code in wanted.kinds) and (not wanted.stages or stage in wanted.stages)


class Walk:
    """One walk: its nodes with their depths in order, edges, paths and completeness."""

    def __init__(self, viewpoint: Viewpoint, roots: list[str], direction: str, max_depth: int, wanted: Filter) -> None:
        self.viewpoint = viewpoint
        self.wanted = wanted
        self.max_depth = max_depth
        self._down = direction == "DOWNSTREAM"
        self.unknown_roots = list(dict.fromkeys(urn for urn in roots if urn not in viewpoint.shown))
        self.roots = [urn for urn in dict.fromkeys(roots) if urn in viewpoint.shown]
        self.states: nx.DiGraph[State] = nx.DiGraph()
        self.states.add_node(START)
        self.states.add_weighted_edges_from((START, ("at", urn), 0) for urn in self.roots)
        for urn in viewpoint.read:
            self.states.add_weighted_edges_from(self._steps(urn))
        self.distances = {
            state: distance
            for state, distance in nx.single_source_dijkstra_path_length(self.states, START).items()
            if state != START and (distance < max_depth or (state[0] == "at" and distance == max_depth))
        }
        self.depths: dict[str, int] = {}
        for state, distance in self.distances.items():
            self.depths[state[-1]] = min(int(distance), self.depths.get(state[-1], int(distance)))

    def _steps(self, urn: str) -> Iterator[tuple[State, State, int]]:
        for arc in self._followed(urn):
            yield ("at", urn), ("at", self._far(arc)), 1
        for other in self.viewpoint.members(urn) & self.viewpoint.read:
            for arc in self._followed(other):
                yield ("at", urn), ("for", urn, other), 0
                yield ("for", urn, other), ("at", self._far(arc)), 1

    def _near(self, arc: Arc) -> str:
        return arc.source if self._down else arc.target

    def _far(self, arc: Arc) -> str:
        return arc.target if self._down else arc.source

    def _followed(self, urn: str) -> list[Arc]:
        return [arc for arc in self._of(urn) if self._far(arc) in self.viewpoint.shown & self.viewpoint.there]

    def _of(self, urn: str) -> list[Arc]:
        return [
            arc for arc in self.viewpoint.arcs if self._near(arc) == urn and self.viewpoint.passes(arc, self.wanted)
        ]

    def _from(self, urn: str) -> list[Arc]:
        """Return the edges of one asset, regardless of the filter and of their far ends.

        What is hidden may not depend on the filter, because a caller could compare the results of several filters.
        """
        return [arc for arc in self.viewpoint.held if self._near(arc) == urn]

    def followed_ends(self, urn: str) -> set[str]:
        """Return the visible far ends of the edges of one asset that the filter accepts."""
        return {self._far(arc) for arc in self._followed(urn)}

    def stored_ends(self, urn: str) -> set[str]:
        """Return the far ends of the edges of one asset over any relation, visible or not."""
        return {self._far(arc) for arc in self._from(urn)}

    @cached_property
    def nodes(self) -> list[tuple[str, int]]:
        """Return the nodes of the result with their depths, in order."""
        shown = [(urn, depth) for urn, depth in self.depths.items() if self.viewpoint.passes_on(urn, self.wanted)]
        return sorted(shown, key=lambda node: (node[1], node[0]))

    def edges(self, among: set[str]) -> set[tuple[str, str, str]]:
        """Return the followed edges with both ends among these, as (from, to, relation)."""
        near = {state[-1] for state in self.distances} & self.viewpoint.read
        return {
            arc.key for urn in near for arc in self._followed(urn) if {arc.source, arc.target} <= among & {*self.depths}
        }

    @cached_property
    def counts_by_kind(self) -> dict[str, int]:
        """Return the number of nodes of each kind."""
        return Counter(self.viewpoint.graph.things[urn].code for urn, _ in self.nodes)

    @cached_property
    def depth_reached(self) -> int:
        """Return the greatest depth of a visited vertex."""
        return max(self.depths.values(), default=0)

    @cached_property
    def ended_by_depth(self) -> bool:
        """Return whether a visible vertex that is no node lies beyond the greatest depth."""
        reached = [state for state in self.distances if state[0] == "at"]
        beyond = {far for state in reached for _, to, _ in self._steps_of(state[-1]) for far in [to] if to[0] == "at"}
        return any(state[-1] not in self.depths for state in beyond)

    def _steps_of(self, urn: str) -> list[tuple[State, State, int]]:
        return list(self._steps(urn)) if urn in self.viewpoint.read else []

    @cached_property
    def first_hidden(self) -> set[str]:
        """Return the hidden nodes next to the result: far ends, and group members that have an edge."""
        found = set[str]()
        for urn in self._expanded & self.viewpoint.read:
            beside = self.viewpoint.members(urn)
            counting = {urn} | (beside & self.viewpoint.read)
            ends = {self._far(arc) for each in counting for arc in self._from(each)}
            found |= (ends & self.viewpoint.there) - self.viewpoint.shown
            found |= {other for other in beside - self.viewpoint.shown if self._from(other)}
        return found

    @cached_property
    def dead_ends(self) -> set[str]:
        """Return the nodes that are discoverable but not expanded, including group members that have an edge."""
        found = self._expanded - self.viewpoint.read
        for urn in self._expanded & self.viewpoint.read:
            beside = (self.viewpoint.members(urn) & self.viewpoint.shown) - self.viewpoint.read
            found |= {other for other in beside if self._from(other)}
        return found

    @cached_property
    def _expanded(self) -> set[str]:
        """Return the expanded vertices, and those that would have been; beyond the greatest depth nothing is read."""
        return {
            state[-1] for state, distance in self.distances.items() if state[0] == "at" and distance < self.max_depth
        }

    @cached_property
    def reasons(self) -> list[str]:
        """Return the reasons why the result is not complete."""
        policy = bool(self.first_hidden or self.dead_ends)
        lost = bool(self.unknown_roots)
        return ["DEPTH"] * self.ended_by_depth + ["ROOTS"] * lost + ["POLICY"] * policy

    @cached_property
    def completeness(self) -> dict[str, Any]:
        """Return ``completeness`` without its instant."""
        return {
            **completeness(self.reasons),
            "visited": len(self.depths),
            "depthReached": self.depth_reached,
            "hidden": None,
        }

    def route(self, urn: str) -> list[str]:
        """Return the shortest path from a root, the least by ids among the shortest."""
        ends = [
            state for state, distance in self.distances.items() if state[-1] == urn and distance == self.depths[urn]
        ]
        routes = [
            [state[-1] for state in route[1:]]
            for end in ends
            for route in nx.all_shortest_paths(self.states, START, end, weight="weight")
        ]
        return min(routes)


def completeness(reasons: list[str]) -> dict[str, Any]:
    """Return state and reason of a walk; a budget is reported before the policy."""
    state = "COMPLETE" if not reasons else "PARTIAL" if {*reasons} <= {"ROOTS", "POLICY"} else "TRUNCATED"
    return {"state": state, "reason": ", ".join(reasons) or None}


class ImpactOf:
    """Return the impact of roots: the walk downstream without the nodes of depth 0."""

    def __init__(self, viewpoint: Viewpoint, roots: list[str], max_depth: int, wanted: Filter) -> None:
        self.walk = Walk(viewpoint, roots, "DOWNSTREAM", max_depth, wanted)
        self.things = viewpoint.graph.things
        self.nodes = [(urn, depth) for urn, depth in self.walk.nodes if depth]
        self.counts_by_kind = Counter(self.things[urn].code for urn, _ in self.nodes)
        depths = Counter(depth for _, depth in self.nodes)
        self.counts_by_depth = [depths[depth] for depth in range(1, max(depths, default=0) + 1)]
        owners = [viewpoint.graph.owner(urn) for urn, _ in self.nodes]
        self.teams = Counter(owner for owner in owners if owner)

    def of(self, *codes: str) -> list[tuple[str, int]]:
        """Return the nodes of these kinds, or all."""
        return [(urn, depth) for urn, depth in self.nodes if not codes or self.things[urn].code in codes]


def paths(viewpoint: Viewpoint, start: str, end: str, most: int, longest: int) -> list[tuple[list[str], int]]:
    """Return the shortest paths with their lengths, by trying all sequences of distinct vertices.

    Both ends are kept, also where they were deleted.
    """
    if not {start, end} <= viewpoint.shown:
        return []
    if start == end:
        return [([start], 0)]
    steps: nx.DiGraph[str] = nx.DiGraph()
    steps.add_nodes_from(viewpoint.shown)
    flows = {(arc.source, arc.target) for arc in viewpoint.arcs if {arc.source, arc.target} <= viewpoint.shown}
    free = {pair for pair in permutations(viewpoint.read, 2) if viewpoint.are_beside(*pair)}
    steps.add_edges_from(pair for pair in flows | free if pair[0] in viewpoint.read)
    found = []
    for route in nx.all_simple_paths(steps, start, end):
        length = _length(route, flows, free)
        if length is not None and length <= longest:
            found.append((length, route))
    return [(route, length) for length, route in sorted(found)[:most]]


def _length(route: list[str], flows: set[tuple[str, str]], free: set[tuple[str, str]]) -> int | None:
    """Return the least number of lineage edges on a path without two consecutive free steps; None without a path."""
    costs: dict[bool, int] = {False: 0}
    for step in pairwise(route):
        after: dict[bool, int] = {}
        if step in flows:
            after[False] = min(costs.values()) + 1
        if step in free and False in costs:
            after[True] = costs[False]
        costs = after
        if not costs:
            return None
    return min(costs.values())
