"""What vertices lead to along lineage: their own edges, and those of the counterparts that speak for them (rule 3.3).

Each vertex is expanded once an operation, however many walks come by, and all vertices of one level in one request: the
edges to counterparts, and from there on, are hops of the same level (:mod:`app.graph.reading.level.level_statement`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from aiodataloader import DataLoader

from app.graph.reading.level.hop_plan import HopSpec
from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.inferred_edge import CHAINS
from app.graph.records.inferred_edge import labels as labels_of
from app.graph.records.read_time import ReadTime
from graphql_schema.catalog.kinds import ALL_KINDS
from graphql_schema.catalog.relations import CHILD_HOPS, LINEAGE, PARENT_HOPS, Direction, Hop

Edge = Mapping[str, Any]
Adjacent = dict[int, list[tuple[int, Edge]]]
Vertex = tuple[int, str]
"""A vertex id and the name of its kind."""

_RELATIONS: Final = tuple(relation.name for relation in LINEAGE)


@dataclass(frozen=True, slots=True)
class EdgeSelection:
    """Which edges are looked at: a direction, relations (all when empty), an instant, and whether inferred ones are."""

    direction: Direction
    relations: tuple[str, ...]
    instant: ReadTime
    inferred: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Their labels in the store."""
        names = tuple(name for name in _RELATIONS if not self.relations or name in self.relations)
        return tuple(label for name in names for label in labels_of(name)) if self.inferred else names


@dataclass(frozen=True, slots=True)
class MemberEdges:
    """A vertex and lineage edges of its own, with their far ends; ``link`` joins a counterpart to what it speaks for.

    Of the past, edges are among them that did not hold (:func:`app.graph.records.read_time.edge_at`).
    """

    vid: int
    edges: Sequence[tuple[int, Edge]]
    link: Edge | None = None


@dataclass(frozen=True, slots=True)
class Expansion:
    """What speaks for a vertex: itself, and its counterparts."""

    itself: MemberEdges
    others: Sequence[MemberEdges] = ()

    @property
    def members(self) -> tuple[MemberEdges, ...]:
        """All that speak for it."""
        return (self.itself, *self.others)


class Expander:
    """Expands vertices for one operation. The far ends are judged; ``rows.known`` has them afterwards."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._loaders: dict[EdgeSelection, DataLoader[Vertex, Expansion]] = {}

    async def expand(self, way: EdgeSelection, vertices: Sequence[Vertex]) -> list[Expansion]:
        """What vertices lead to, in their order; raises LimitError when that is too much for one request."""
        if way not in self._loaders:

            async def load(found: list[Vertex]) -> list[Expansion]:
                return await self._load(way, found)

            self._loaders[way] = DataLoader(load)
        return await self._loaders[way].load_many(vertices)

    async def _load(self, way: EdgeSelection, vertices: list[Vertex]) -> list[Expansion]:
        if not way.labels:
            return [Expansion(MemberEdges(vid, ())) for vid, _ in vertices]
        lineage = HopSpec(way.direction.value, way.labels, (), -1)
        window = way.instant.window
        hops = [lineage.wire([vid for vid, _ in vertices], **window)]
        for step, sources in steps_of(vertices):
            kinds = tuple(ALL_KINDS[name].code for name in step.kinds)
            hops.append(HopSpec(step.direction.value, (step.relation.name,), kinds, -1).wire(sources, **window))
            further = replace(lineage, parent=len(hops) - 1)
            hops.append(further.wire((), **window))
        answer = await self._rows.ask(LevelRequest(hops=hops))
        return self._put_together(vertices, answer)

    def _put_together(self, vertices: Sequence[Vertex], answer: LevelResponse) -> list[Expansion]:
        own = _by_source(answer.edges[0])
        links: Adjacent = {}
        theirs: Adjacent = {}
        for step, further in zip(answer.edges[1::2], answer.edges[2::2], strict=True):
            links |= _by_source(step)
            theirs |= _by_source(further)
        expansions = []
        for vid, _ in vertices:
            others = [MemberEdges(other, theirs.get(other, ()), link) for other, link in links.get(vid, ())]
            expansions.append(Expansion(MemberEdges(vid, own.get(vid, ())), others))
        self._rows.learn(_vids(expansions), answer)
        return expansions


def steps_of(vertices: Iterable[Vertex]) -> list[tuple[Hop, list[int]]]:
    """The steps to counterparts that are taken, each with the vertices that take it."""
    steps: dict[Hop, list[int]] = {}
    for vid, kind in vertices:
        step = CHILD_HOPS.get(kind) or PARENT_HOPS.get(kind)
        if step is not None:
            steps.setdefault(step, []).append(vid)
    return list(steps.items())


def _by_source(rows: Sequence[Any]) -> Adjacent:
    """A hop's flat ``[source, far, edge, …]`` by source."""
    found: Adjacent = {}
    for source, far, text in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        found.setdefault(source, []).append((far, orjson.loads(text)))
    return found


def _vids(expansions: Iterable[Expansion]) -> set[int]:
    """Everything that was brought: counterparts, far ends, and what inferred edges lead through."""
    found: set[int] = set()
    for speaker in (speaker for each in expansions for speaker in each.members):
        found.add(speaker.vid)
        for far, edge in speaker.edges:
            found.add(far)
            found.update(vid for chain in edge.get(CHAINS, ()) for vid in chain["through"])
    return found
