"""Reads the evidence for health: checks with their latest results, incidents, evaluations of model versions.

The evidence is read in the request that expands the same level (:mod:`app.graph.reading.lineage.expander`), for the
vertices and for the other members of their asset groups. Any caller may record evaluations of a version, each on
thousands of datasets. If the evidence has too many edges, two or three further requests read less of it.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from aiodataloader import DataLoader

from app.graph.reading.level.batch_loader import batch_loader
from app.graph.reading.level.hop_plan import SOURCES_GIVEN, Adjacency, Edge, HopSpec
from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.level.level_statement import EDGE_CAP
from app.graph.reading.lineage.expander import Vertex, steps_of
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import NO_UPPER_BOUND, ReadTime
from graphql_schema.catalog.kinds import ALL_KINDS
from graphql_schema.catalog.relations import EVALUATED_BY, MONITORED_BY, RAISED_ON, RESULT_OF, Hop
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.lineage_query import LONG_LINEAGE
from graphql_schema.ports.record import Json, JsonObject
from graphql_schema.rules.gate_evaluation import counts_for
from policies.errors import LimitError

_CHECKS: Final = MONITORED_BY.out()
_RESULTS: Final = RESULT_OF.into()
_INCIDENTS: Final = RAISED_ON.into()
_EVALUATIONS: Final = EVALUATED_BY.out("Evaluation")
_DATA: Final = EVALUATED_BY.into("Dataset", "DatasetVersion")
_EVALUATED: Final = "ModelVersion"
_SHARE: Final = 5
"""Part of the edges of a request that may be edges to data, because the size of their records is limited as well."""

_LAST: Final = -1
"""Index of the last hop of a level, which reads the data of evaluations if a further request does."""


@dataclass(frozen=True, slots=True)
class HealthEvidence:
    """Evidence on one vertex, as vertex ids.

    ``checks`` has each check with its newest results: none, one, or several of the same time. ``evaluations`` has each
    evaluation with the edge to it and the data that it was made on. ``link`` is the edge between this vertex and the
    one whose group was read, empty for the latter itself. If the query reads the past, links, evaluations and data
    include edges that were not valid then; :func:`app.graph.records.read_time.edge_at` filters them.

    ``left_out`` are evaluations that do not count for the vertex, each with the edge to it, if they were left out.
    ``max_data`` is the number of data up to which those of an evaluation were read.
    """

    vid: int
    checks: Sequence[tuple[int, Sequence[int]]]
    incidents: Sequence[int]
    evaluations: Sequence[tuple[int, Edge, Sequence[tuple[int, Edge]]]]
    link: Edge = field(default_factory=dict)
    left_out: Sequence[tuple[int, Edge]] = ()
    max_data: int = sys.maxsize


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
        """Return the number of checks, incidents and evaluations on the group, also of those that were left out."""
        group = (self.itself, *self.members)
        parts = ((each.checks, each.incidents, each.evaluations, each.left_out) for each in group)
        return sum(len(part) for each in parts for part in each)


class EvidenceReader:
    """Reads the evidence on vertices, each once in an operation, at the read time of the operation."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._loader: DataLoader[Vertex, GroupEvidence] = batch_loader(self._load)

    async def read(self, vertices: Sequence[Vertex]) -> list[GroupEvidence]:
        """Return the evidence on vertices, in their order.

        If one request would read too many edges, evaluations that do not count for their version are left out. Of the
        data of the others, as many are read as one request may. Raises LimitError if the rest has too many edges.
        """
        return await self._loader.load_many(vertices)

    async def _load(self, vertices: list[Vertex]) -> list[GroupEvidence]:
        level: _Level | None
        try:
            level = await self._read(vertices, with_data=True)
        except LimitError:
            level = None
        if level is None:
            level = await self._with_some_data(await self._read(vertices, with_data=False))
        with self._rows.budget.reading_on():
            return await run_in_turn(self._groups, level.is_long, vertices, level)

    async def _read(self, vertices: list[Vertex], *, with_data: bool) -> "_Level":
        """Read a level in one request; without the data of evaluations, also the records of the versions."""
        builder = _RequestBuilder(self._rows.row_policy.instant, with_data)
        versions = [vid for vid, kind in vertices if kind == _EVALUATED]
        own = builder.add_evidence([vid for vid, _ in vertices], versions)
        steps = [builder.add_members(hop, sources) for hop, sources in steps_of(vertices)]
        response = await self._rows.fetch(LevelRequest(() if with_data else versions, builder.hops))
        return _Level(own, steps, response.edges, response)

    async def _with_some_data(self, level: "_Level") -> "_Level":
        """Return a level that was read without data with the evaluations that count, and their data.

        If one request may not read all, it reads the first of each: all evaluations have the same maximum, by which
        their data are few enough. If their edges are too large for it all the same, no data is read.
        """
        with self._rows.budget.reading_on():
            level = await run_in_turn(level.counting, level.is_long)
            evaluations = await run_in_turn(level.evaluations, level.is_long)
        some = max(EDGE_CAP // (_SHARE * max(len(evaluations), 1)), 1)
        for maximum, window in ((sys.maxsize, {}), (some, {"n": some})):
            builder = _RequestBuilder(self._rows.row_policy.instant)
            builder.add(_DATA, evaluations, **window)
            try:
                data = (await self._rows.fetch(LevelRequest(hops=builder.hops))).edges
            except LimitError:
                continue
            return replace(level, edges=[*level.edges, *data], max_data=maximum)
        return replace(level, edges=[*level.edges, {}], max_data=0)

    def _groups(self, vertices: list[Vertex], level: "_Level") -> list[GroupEvidence]:
        """Return the evidence on each vertex and its members from a level, and evaluate the policy on these."""
        members: dict[int, list[HealthEvidence]] = {}
        for number, hops in level.steps:
            known: dict[int, HealthEvidence] = {}  # hundreds of versions have one parent
            for vid, found in level.edges[number].items():
                for far, link in found:
                    if far not in known:
                        known[far] = hops.evidence(far, level)
                    members.setdefault(vid, []).append(replace(known[far], link=link))
        response = level.response
        groups = [GroupEvidence(level.own.evidence(vid, level), members.get(vid, ()), response) for vid, _ in vertices]
        self._rows.evaluate(_assets(groups), response)
        return groups


@dataclass(frozen=True, slots=True)
class _Level:
    """The evidence on a level as it was read: the ``edges`` of each hop, and the response that has the records.

    ``own`` are the hops to the evidence on the vertices. ``steps`` has for each hop to other members its index, and the
    hops to the evidence on them. ``left_out`` has the evaluations of each version that were left out. ``max_data`` is
    the number of data up to which those of an evaluation were read.
    """

    own: "_EvidenceHops"
    steps: Sequence[tuple[int, "_EvidenceHops"]]
    edges: Sequence[Adjacency]
    response: LevelResponse
    left_out: Adjacency = field(default_factory=dict)
    max_data: int = sys.maxsize

    @property
    def is_long(self) -> bool:
        """Whether there are so many edges that the side thread goes through them."""
        return sum(len(far) for each in (*self.edges, self.left_out) for far in each.values()) > LONG_LINEAGE

    def counting(self) -> "_Level":
        """Return the level with those evaluations alone that count for their version."""
        edges, left_out = [*self.edges], dict[int, list[tuple[int, Edge]]]()
        for hop in self._hops_to_evaluations():
            edges[hop] = {}
            for version, found in self.edges[hop].items():
                counting = {far for far, _ in found if self._counts(version, far)}
                edges[hop][version] = [each for each in found if each[0] in counting]
                left_out[version] = [each for each in found if each[0] not in counting]
        return replace(self, edges=edges, left_out=left_out)

    def evaluations(self) -> list[int]:
        """Return the evaluations, each once."""
        hops = self._hops_to_evaluations()
        return sorted({far for hop in hops for found in self.edges[hop].values() for far, _ in found})

    def _hops_to_evaluations(self) -> list[int]:
        hops = (self.own, *(hops for _, hops in self.steps))
        return [each.evaluations for each in hops if each.evaluations >= 0]

    def _counts(self, version: int, evaluation: int) -> bool:
        """Return whether an evaluation counts for a version, also for a caller from whom it is hidden."""
        records = self.response.records
        return version in records and evaluation in records and counts_for(records[version], records[evaluation])


@dataclass(frozen=True, slots=True)
class _EvidenceHops:
    """Indexes in the request of the hops to the evidence on some vertices.

    ``evaluations`` is -1 if evaluations are not read, ``data`` then as well, or if a further request reads it.
    """

    checks: int
    results: int
    incidents: int
    evaluations: int
    data: int

    def evidence(self, vid: int, level: _Level) -> HealthEvidence:
        """Return the evidence on one vertex of a level, without a link."""
        edges = level.edges
        results = edges[self.results]
        evaluations = [*self._evaluations(vid, edges)] if self.evaluations >= 0 else []
        return HealthEvidence(
            vid,
            [(check, [far for far, _ in results.get(check, ())]) for check, _ in edges[self.checks].get(vid, ())],
            [far for far, _ in edges[self.incidents].get(vid, ())],
            evaluations,
            left_out=level.left_out.get(vid, ()),
            max_data=level.max_data,
        )

    def _evaluations(
        self, vid: int, edges: Sequence[Adjacency]
    ) -> Iterator[tuple[int, Edge, Sequence[tuple[int, Edge]]]]:
        """Yield each evaluation of a vertex with its edge, and the data of the evaluation with their edges."""
        for far, edge in edges[self.evaluations].get(vid, ()):
            yield far, edge, edges[self.data].get(far, ())


@dataclass(slots=True)
class _RequestBuilder:
    """Builds the hops of one request; ``with_data`` states whether the data of evaluations are among them."""

    instant: ReadTime
    with_data: bool = True
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
        data = self.add(_DATA, (), evaluations) if evaluated and self.with_data else _LAST
        return _EvidenceHops(checks, results, incidents, evaluations, data)


def _assets(groups: Iterable[GroupEvidence]) -> set[int]:
    """Return the other members, the evaluations and the data in some evidence."""
    found: set[int] = set()
    for group in groups:
        found |= {evidence.vid for evidence in group.members}
        for evidence in (group.itself, *group.members):
            found |= {vid for far, _, data in evidence.evaluations for vid in (far, *(further for further, _ in data))}
            found |= {vid for vid, _ in evidence.left_out}
    return found
