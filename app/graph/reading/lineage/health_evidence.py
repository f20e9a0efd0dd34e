"""Reads the evidence for health: checks with their latest results, incidents, evaluations of model versions.

The evidence is read in the request that expands the same level (:mod:`app.graph.reading.lineage.expander`), for the
vertices and for the other members of their asset groups.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiodataloader import DataLoader

from app.graph.reading.level.batch_loader import batch_loader
from app.graph.reading.level.hop_plan import SOURCES_GIVEN, Adjacency, Edge, HopSpec
from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.lineage.expander import Vertex, steps_of
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import NO_UPPER_BOUND, ReadTime
from graphql_schema.catalog.kinds import ALL_KINDS
from graphql_schema.catalog.relations import EVALUATED_BY, MONITORED_BY, RAISED_ON, RESULT_OF, Hop
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.lineage_query import LONG_LINEAGE
from graphql_schema.ports.record import Json, JsonObject

_CHECKS: Final = MONITORED_BY.out()
_RESULTS: Final = RESULT_OF.into()
_INCIDENTS: Final = RAISED_ON.into()
_EVALUATIONS: Final = EVALUATED_BY.out("Evaluation")
_DATA: Final = EVALUATED_BY.into("Dataset", "DatasetVersion")
_EVALUATED: Final = "ModelVersion"


@dataclass(frozen=True, slots=True)
class HealthEvidence:
    """Evidence on one vertex, as vertex ids.

    ``checks`` has each check with its newest results: none, one, or several of the same time. ``evaluations`` has each
    evaluation with the edge to it and the data that it was made on. ``link`` is the edge between this vertex and the
    one whose group was read, empty for the latter itself. If the query reads the past, links, evaluations and data
    include edges that were not valid then; :func:`app.graph.records.read_time.edge_at` filters them.
    """

    vid: int
    checks: Sequence[tuple[int, Sequence[int]]]
    incidents: Sequence[int]
    evaluations: Sequence[tuple[int, Edge, Sequence[tuple[int, Edge]]]]
    link: Edge = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupEvidence:
    """Evidence on a vertex and on the other ``members`` of its asset group, with the response that has the records.

    The policy has been evaluated on the assets; their rows are in ``rows.known``. Of attached records only tenant and
    read time were tested: they are visible if the field that shows them is visible on the asset where they are read.
    """

    itself: HealthEvidence
    members: Sequence[HealthEvidence]
    response: LevelResponse

    @property
    def size(self) -> int:
        """Return the number of checks, incidents and evaluations on the group."""
        group = (self.itself, *self.members)
        return sum(len(each.checks) + len(each.incidents) + len(each.evaluations) for each in group)


class EvidenceReader:
    """Reads the evidence on vertices, each once in an operation, at the read time of the operation."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._loader: DataLoader[Vertex, GroupEvidence] = batch_loader(self._load)

    async def read(self, vertices: Sequence[Vertex]) -> list[GroupEvidence]:
        """Return the evidence on vertices, in their order.

        Raises LimitError if one request would read too many edges.
        """
        return await self._loader.load_many(vertices)

    async def _load(self, vertices: list[Vertex]) -> list[GroupEvidence]:
        builder = _RequestBuilder(self._rows.row_policy.instant)
        versions = [vid for vid, kind in vertices if kind == _EVALUATED]
        own = builder.add_evidence([vid for vid, _ in vertices], versions)
        steps = [builder.add_members(hop, sources) for hop, sources in steps_of(vertices)]
        response = await self._rows.fetch(LevelRequest(hops=builder.hops))
        count = sum(len(far) for adjacent in response.edges for far in adjacent.values())
        with self._rows.budget.reading_on():
            return await run_in_turn(self._groups, count > LONG_LINEAGE, vertices, own, steps, response)

    def _groups(
        self,
        vertices: list[Vertex],
        own: "_EvidenceHops",
        steps: list[tuple[int, "_EvidenceHops"]],
        response: LevelResponse,
    ) -> list[GroupEvidence]:
        """Return the evidence on each vertex and its members from a response, and evaluate the policy on these."""
        edges = response.edges
        members: dict[int, list[HealthEvidence]] = {}
        for number, hops in steps:
            for vid, found in edges[number].items():
                members.setdefault(vid, []).extend(hops.evidence(far, edges, link) for far, link in found)
        groups = [GroupEvidence(own.evidence(vid, edges), members.get(vid, ()), response) for vid, _ in vertices]
        self._rows.evaluate(_assets(groups), response)
        return groups


@dataclass(frozen=True, slots=True)
class _EvidenceHops:
    """Indexes in the request of the hops to the evidence on some vertices.

    ``evaluations`` and ``data`` are -1 if evaluations are not read.
    """

    checks: int
    results: int
    incidents: int
    evaluations: int
    data: int

    def evidence(self, vid: int, edges: Sequence[Adjacency], link: Edge | None = None) -> HealthEvidence:
        """Return the evidence on one vertex from the edges of a response."""
        results = edges[self.results]
        return HealthEvidence(
            vid,
            [(check, [far for far, _ in results.get(check, ())]) for check, _ in edges[self.checks].get(vid, ())],
            [far for far, _ in edges[self.incidents].get(vid, ())],
            [*self._evaluations(vid, edges)] if self.evaluations >= 0 else (),
            link or {},
        )

    def _evaluations(
        self, vid: int, edges: Sequence[Adjacency]
    ) -> Iterator[tuple[int, Edge, Sequence[tuple[int, Edge]]]]:
        """Yield each evaluation of a vertex with its edge, and the data of the evaluation with their edges."""
        for far, edge in edges[self.evaluations].get(vid, ()):
            yield far, edge, edges[self.data].get(far, ())


@dataclass(slots=True)
class _RequestBuilder:
    """Builds the hops of one request."""

    instant: ReadTime
    hops: list[JsonObject] = field(default_factory=list)

    def add(self, hop: Hop, sources: Sequence[int], parent: int = SOURCES_GIVEN, **window: Json) -> int:
        """Add a hop and return its index; ``parent`` is the index of the hop whose far ends are the sources."""
        kinds = tuple(ALL_KINDS[name].code for name in hop.kinds)
        store_hop = HopSpec(hop.direction.value, (hop.relation.name,), kinds, parent)
        self.hops.append(store_hop.wire(sources, **self.instant.window, **window))
        return len(self.hops) - 1

    def add_members(self, hop: Hop, sources: Sequence[int]) -> tuple[int, _EvidenceHops]:
        """Add the hop to other group members and the hops to the evidence on them.

        Return the index of the hop to the members, and the hops to the evidence.
        """
        number = self.add(hop, sources)
        return number, self.add_evidence((), (), number, evaluated=_EVALUATED in hop.kinds)

    def add_evidence(
        self, sources: Sequence[int], versions: Sequence[int], parent: int = SOURCES_GIVEN, *, evaluated: bool = True
    ) -> _EvidenceHops:
        """Add the hops to the evidence on the ``sources``, or on the far ends of the hop ``parent``.

        ``versions`` are the model versions among the sources. If ``evaluated`` is false, evaluations are not read. In a
        read of the past, results after its valid time are left out, so that none takes the place of the newest before.
        """
        checks = self.add(_CHECKS, sources, parent)
        until = self.instant.valid if self.instant.past else NO_UPPER_BOUND
        results = self.add(_RESULTS, (), checks, n=1, t=True, at=until)
        incidents = self.add(_INCIDENTS, sources, parent)
        evaluations = self.add(_EVALUATIONS, versions, parent) if evaluated else SOURCES_GIVEN
        data = self.add(_DATA, (), evaluations) if evaluated else SOURCES_GIVEN
        return _EvidenceHops(checks, results, incidents, evaluations, data)


def _assets(groups: Iterable[GroupEvidence]) -> set[int]:
    """Return the other members, the evaluations and the data in some evidence."""
    found: set[int] = set()
    for group in groups:
        found |= {evidence.vid for evidence in group.members}
        for evidence in (group.itself, *group.members):
            found |= {vid for far, _, data in evidence.evaluations for vid in (far, *(further for further, _ in data))}
    return found
