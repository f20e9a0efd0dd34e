"""What was told of vertices: the checks on them with their latest results, incidents, and evaluations of versions.

It travels with the expansion of the same level (:mod:`app.graph.reading.lineage.expander`): the hops to checks, and
from there to the newest result of each, are hops of one request, for the vertices and for their counterparts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiodataloader import DataLoader

from app.graph.reading.level.hop_plan import Adjacency, HopSpec, adjacency
from app.graph.reading.level.level_batcher import GIVEN, LevelRequest, LevelResponse
from app.graph.reading.lineage.expander import Edge, Vertex, steps_of
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import NO_UPPER_BOUND, ReadTime
from graphql_schema.catalog.kinds import ALL_KINDS
from graphql_schema.catalog.relations import EVALUATED_BY, MONITORED_BY, RAISED_ON, RESULT_OF, Hop

_CHECKS: Final = MONITORED_BY.out()
_RESULTS: Final = RESULT_OF.into()
_INCIDENTS: Final = RAISED_ON.into()
_EVALUATIONS: Final = EVALUATED_BY.out("Evaluation")
_DATA: Final = EVALUATED_BY.into("Dataset", "DatasetVersion")
_EVALUATED: Final = "ModelVersion"


@dataclass(frozen=True, slots=True)
class HealthEvidence:
    """What was told of one vertex: checks with their newest results, incidents, evaluations with their data.

    ``link`` joins a counterpart to what it speaks for. Of the past, edges to counterparts, evaluations and data are
    among them that did not hold (:func:`app.graph.records.read_time.edge_at`).
    """

    vid: int
    checks: Sequence[tuple[int, Sequence[int]]]
    incidents: Sequence[int]
    evaluations: Sequence[tuple[int, Edge, Sequence[tuple[int, Edge]]]]
    link: Edge = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Examined:
    """What was told of a vertex and of its ``counterparts``, and the answer that it stands in.

    Facts in it are not judged: that is for whoever knows their subjects. The assets are; ``rows.known`` has them.
    """

    itself: HealthEvidence
    counterparts: Sequence[HealthEvidence]
    answer: LevelResponse


class EvidenceReader:
    """Reads what was told of vertices, each once an operation, at the instant of the operation."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._loader: DataLoader[Vertex, Examined] = DataLoader(self._load)

    async def examine(self, vertices: Sequence[Vertex]) -> list[Examined]:
        """What was told of vertices, in their order; raises LimitError when that is too much for one request."""
        return await self._loader.load_many(vertices)

    async def _load(self, vertices: list[Vertex]) -> list[Examined]:
        asking = _Asking(self._rows.judge.instant)
        versions = [vid for vid, kind in vertices if kind == _EVALUATED]
        own = asking.told([vid for vid, _ in vertices], versions)
        steps = [asking.step(hop, sources) for hop, sources in steps_of(vertices)]
        answer = await self._rows.ask(LevelRequest(hops=asking.hops))
        edges = [adjacency(found) for found in answer.edges]
        counterparts: dict[int, list[HealthEvidence]] = {}
        for number, told in steps:
            for vid, found in edges[number].items():
                counterparts.setdefault(vid, []).extend(told.signs(far, edges, link) for far, link in found)
        examined = [Examined(own.signs(vid, edges), counterparts.get(vid, ()), answer) for vid, _ in vertices]
        self._rows.learn(_assets(examined), answer)
        return examined


@dataclass(frozen=True, slots=True)
class _Told:
    """The numbers of the hops to what was told of some vertices; -1 where there is none."""

    checks: int
    results: int
    incidents: int
    evaluations: int
    data: int

    def signs(self, vid: int, edges: Sequence[Adjacency], link: str = "{}") -> HealthEvidence:
        """What was told of one vertex, in the edges of an answer."""
        results = edges[self.results]
        return HealthEvidence(
            vid,
            [(check, [far for far, _ in results.get(check, ())]) for check, _ in edges[self.checks].get(vid, ())],
            [far for far, _ in edges[self.incidents].get(vid, ())],
            [*self._evaluations(vid, edges)] if self.evaluations >= 0 else (),
            orjson.loads(link),
        )

    def _evaluations(
        self, vid: int, edges: Sequence[Adjacency]
    ) -> Iterator[tuple[int, Edge, Sequence[tuple[int, Edge]]]]:
        for far, text in edges[self.evaluations].get(vid, ()):
            data = [(further, orjson.loads(edge)) for further, edge in edges[self.data].get(far, ())]
            yield far, orjson.loads(text), data


@dataclass(slots=True)
class _Asking:
    """The hops of one question, as they are put together."""

    instant: ReadTime
    hops: list[dict[str, Any]] = field(default_factory=list)

    def add(self, hop: Hop, sources: Sequence[int], parent: int = GIVEN, **window: Any) -> int:  # noqa: ANN401 - JSON
        """Add a hop and answer its number."""
        kinds = tuple(ALL_KINDS[name].code for name in hop.kinds)
        store_hop = HopSpec(hop.direction.value, (hop.relation.name,), kinds, parent)
        self.hops.append(store_hop.wire(sources, **self.instant.window, **window))
        return len(self.hops) - 1

    def step(self, hop: Hop, sources: Sequence[int]) -> tuple[int, _Told]:
        """Add a hop, and those to what was told of what it reaches."""
        number = self.add(hop, sources)
        return number, self.told((), (), number, evaluated=_EVALUATED in hop.kinds)

    def told(
        self, sources: Sequence[int], versions: Sequence[int], parent: int = GIVEN, *, evaluated: bool = True
    ) -> _Told:
        """Add the hops to what was told of given vertices, the ``versions`` among them, or of what a hop reaches.

        What was observed after the instant must not stand before what was observed by then.
        """
        checks = self.add(_CHECKS, sources, parent)
        until = self.instant.valid if self.instant.past else NO_UPPER_BOUND
        results = self.add(_RESULTS, (), checks, n=1, t=True, at=until)
        incidents = self.add(_INCIDENTS, sources, parent)
        evaluations = self.add(_EVALUATIONS, versions, parent) if evaluated else GIVEN
        data = self.add(_DATA, (), evaluations) if evaluated else GIVEN
        return _Told(checks, results, incidents, evaluations, data)


def _assets(examined: Iterable[Examined]) -> set[int]:
    """The counterparts, evaluations and data in what was told."""
    found: set[int] = set()
    for each in examined:
        found |= {signs.vid for signs in each.counterparts}
        for signs in (each.itself, *each.counterparts):
            found |= {vid for far, _, data in signs.evaluations for vid in (far, *(further for further, _ in data))}
    return found
