"""Reads the lineage edges of vertices: their own, and those of other members of their asset groups.

By the asset-group rule (docs/design/lineage-rules.md) the edges of its children count for a parent, and the edges of
its parent for a child. The edges of siblings do not. A vertex is expanded once per :class:`EdgeSelection` in an
operation, however many walks reach it. All vertices of one level are expanded in one request: the hop to the members
and the hop from there over their edges are chained (:mod:`app.graph.reading.level.level_statement`).

Anybody may refer to thousands of versions of an asset of others. If a level has too many edges, it is read once more
without the versions that are stubs. The walk then reports the budget of edges, and goes on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Final, NamedTuple

from app.graph.reading.level.hop_plan import SOURCES_GIVEN, Adjacency, Edge, HopSpec
from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.level.level_statement import EDGE_CAP
from app.graph.reading.level.shared_batches import SharedBatches
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.inferred_edge import labels as labels_of
from app.graph.records.read_time import ReadTime
from graphql_schema.catalog.kinds import ALL_KINDS
from graphql_schema.catalog.properties import FIRST_REGISTERED
from graphql_schema.catalog.relations import CHILD_HOPS, LINEAGE, PARENT_HOPS, Direction, Hop
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.ports.record import JsonObject
from policies.errors import LimitError

Vertex = tuple[int, str]
"""A vertex id and the name of its kind."""

_RELATIONS: Final = tuple(relation.name for relation in LINEAGE)


@dataclass(frozen=True, slots=True)
class EdgeSelection:
    """The edges that an expansion follows.

    All lineage relations count. A selection by relation would let a walk count hidden vertices by the relations of
    their hidden edges. ``instant`` is the read time. For the past, the result has further edges, which
    :func:`app.graph.records.read_time.edge_at` drops. ``inferred`` states whether inferred edges are read too.
    """

    direction: Direction
    instant: ReadTime
    inferred: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of these edges in the store."""
        return tuple(label for name in _RELATIONS for label in labels_of(name)) if self.inferred else _RELATIONS


class MemberEdges(NamedTuple):
    """A vertex of an asset group and its own lineage edges, each with its far end.

    ``link`` is the edge between this vertex and the expanded vertex, and None for the expanded vertex itself. If the
    query reads the past, the edges include some that were not valid then; :func:`app.graph.records.read_time.edge_at`
    filters them.
    """

    vid: int
    edges: Sequence[tuple[int, Edge]]
    link: Edge | None = None


class Expansion(NamedTuple):
    """The edges that count for a vertex: its own, and those of its children or of its parent (``others``).

    ``lacks_stubs`` states whether children that are stubs were left out, because the level has too many edges.
    """

    itself: MemberEdges
    others: Sequence[MemberEdges] = ()
    lacks_stubs: bool = False

    @property
    def members(self) -> tuple[MemberEdges, ...]:
        """The vertex itself, then the other members."""
        return (self.itself, *self.others)

    @property
    def size(self) -> int:
        """The number of the other members and of the edges of all members."""
        return len(self.others) + sum(len(member.edges) for member in self.members)


class Expander:
    """Expands vertices for one operation; afterwards ``rows.known()`` returns the row of each visible far end."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._batches: dict[EdgeSelection, SharedBatches[Vertex, Expansion]] = {}

    async def expand(self, selection: EdgeSelection, vertices: Sequence[Vertex]) -> list[Expansion]:
        """Return the expansions of vertices, in their order.

        Raises LimitError if one request would read too many edges, also without the versions that are stubs.
        """
        if selection not in self._batches:
            self._batches[selection] = SharedBatches(itemgetter(0), self._rows.budget.pause)
        return await self._batches[selection].get(vertices, partial(self._load, selection))

    async def _load(self, selection: EdgeSelection, vertices: list[Vertex]) -> list[Expansion]:
        try:
            response = await self._rows.fetch(LevelRequest(hops=_hops(selection, vertices)))
        except LimitError as error:
            self._rows.budget.check()
            if not any(without_stubs(step) for step, _ in steps_of(vertices)):
                raise
            forget_frames(error)
        else:
            return self._put_together(vertices, response)
        response = await self._rows.fetch(LevelRequest(hops=_hops(selection, vertices, stubs=False)))
        return self._put_together(vertices, response, stubs=False)

    def _put_together(
        self, vertices: Sequence[Vertex], response: LevelResponse, *, stubs: bool = True
    ) -> list[Expansion]:
        """Return the expansions from the response; ``stubs`` states whether it has children that are stubs."""
        own = response.edges[0]
        links: Adjacency = {}
        member_edges: Adjacency = {}
        for step, further in zip(response.edges[1::2], response.edges[2::2], strict=True):
            links |= step
            member_edges |= further
        return [
            Expansion(
                MemberEdges(vid, own.get(vid, ())),
                [MemberEdges(other, member_edges.get(other, ()), link) for other, link in links.get(vid, ())],
                lacks_stubs=not stubs and kind in CHILD_HOPS and bool(without_stubs(CHILD_HOPS[kind])),
            )
            for vid, kind in vertices
        ]


def _hops(selection: EdgeSelection, vertices: Sequence[Vertex], *, stubs: bool = True) -> list[JsonObject]:
    """Return the hops of the request that expands vertices, without ``stubs`` not to children that are stubs."""
    lineage = HopSpec(selection.direction.value, selection.labels, (), SOURCES_GIVEN)
    window = selection.instant.window
    hops = [lineage.wire([vid for vid, _ in vertices], **window)]
    for step, sources in steps_of(vertices):
        kinds = tuple(ALL_KINDS[name].code for name in step.kinds)
        bounds = window if stubs else {**window, **without_stubs(step)}
        hops.append(HopSpec(step.direction.value, (step.relation.name,), kinds, SOURCES_GIVEN).wire(sources, **bounds))
        hops.append(replace(lineage, parent=len(hops) - 1).wire((), **window))
    return hops


def without_stubs(step: Hop) -> JsonObject:
    """Return the bounds of a hop by which the store leaves out members that are stubs, {} if it cannot.

    It can if the edges of the hop are in the order of time, as those from a parent to its versions are.
    """
    is_by_time = step.relation.by_time and step.direction is Direction.IN
    return {"t": True, "n": EDGE_CAP, "since": FIRST_REGISTERED} if is_by_time else {}


def steps_of(vertices: Iterable[Vertex]) -> list[tuple[Hop, list[int]]]:
    """Return the hops to other members of asset groups, each with the vertices from which it starts."""
    steps: dict[Hop, list[int]] = {}
    for vid, kind in vertices:
        step = CHILD_HOPS.get(kind) or PARENT_HOPS.get(kind)
        if step is not None:
            steps.setdefault(step, []).append(vid)
    return list(steps.items())
