"""Reads the evidence for health: checks with their latest results, incidents, evaluations of model versions.

The evidence is read in the request that expands the same level (:mod:`app.graph.reading.lineage.expander`), for the
vertices and for the other members of their asset groups. Any caller may record evaluations of a version, each on
thousands of datasets, refer to thousands of further versions, and report thousands of checks on an asset without an
owner. If the evidence has too many edges, further requests read parts of it.
"""

import sys
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Final, NamedTuple

from app.graph.reading.level.hop_plan import SOURCES_GIVEN, Adjacency, Edge, HopSpec
from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.level.level_statement import EDGE_CAP
from app.graph.reading.level.shared_batches import SharedBatches
from app.graph.reading.lineage.expander import Vertex, steps_of, without_stubs
from app.graph.reading.lineage.health_findings import AssetFindings, EvidenceWeighing, HealthEvidence
from app.graph.reading.visible_rows import VisibleRows
from app.graph.records.read_time import NO_UPPER_BOUND, ReadTime
from graphql_schema.catalog.instants import MAX_AHEAD_MS, is_ahead
from graphql_schema.catalog.kinds import ALL_KINDS
from graphql_schema.catalog.relations import EVALUATED_BY, MONITORED_BY, RAISED_ON, RESULT_OF, Hop
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.execution.side_thread import run_in_parts, run_in_turn
from graphql_schema.ports.lineage_query import LONG_LINEAGE
from graphql_schema.ports.record import Json, JsonObject, Record
from graphql_schema.ports.row import AccessGrade, Row
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

PARTS: Final = 4
"""Number of parts of a level that are read if all of it is too much, so that no asset hides the evidence on others."""

RESULT_WEIGHT: Final = 2
"""Number of edges for which a check counts whose newest result is read: the store looks it up in up to 0.5 ms."""

MAX_CHECKS: Final = 1_000
"""Number of checks, and of incidents, of each asset that are read if all of a level are too many for one request."""

FEW_CHECKS: Final = 20
"""The same if these are still too many. If so are these, one of each is read."""

_LAST: Final = -1
"""Index of the last hop of a level, which reads the data of evaluations if a further request does."""


class MemberFindings(NamedTuple):
    """The findings on a member of an asset group, None if the caller may not read it.

    ``link`` is the edge between the member and the vertex whose group was read, and empty for the latter itself. If the
    query reads the past, it may be an edge that was not valid then.
    """

    vid: int
    findings: AssetFindings | None
    link: Edge


class GroupEvidence(NamedTuple):
    """The findings on a vertex and on the other ``members`` of its asset group.

    The policy has been evaluated on the assets; their rows are in ``rows.known``. Of attached records only tenant and
    read time were tested: they are visible if the field that shows them is visible on the asset where they are read.
    """

    itself: MemberFindings
    members: Sequence[MemberFindings]
    lacks_stubs: bool = False


class EvidenceReader:
    """Reads the evidence on vertices, each once in an operation, at the read time of the operation."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._batches = SharedBatches[Row, GroupEvidence](attrgetter("vid"), rows.budget.pause, joins=True)

    async def read(self, reached: Sequence[Row]) -> list[GroupEvidence]:
        """Return the evidence on the vertices of rows, in their order.

        If one request would read too many edges, evaluations that do not count for their version are left out. Of the
        data of the others, as many are read as one request may. If the rest has too many edges, PARTS of the vertices
        are read one after the other. Checks and incidents of each asset beyond MAX_CHECKS are left out then, or
        versions that are stubs. Of a part that still has too many, these are left out, and checks and incidents beyond
        FEW_CHECKS, or beyond the first. Raises LimitError if that is too much.
        """
        return await self._batches.get(reached, self._load)

    async def _load(self, reached: list[Row]) -> list[GroupEvidence]:
        level = await self._read_at_once(reached)
        if level is not None:
            return await self._grouped(reached, level)
        found: list[GroupEvidence] = []
        size = -(-len(reached) // PARTS)
        for begin in range(0, len(reached), size):
            part = reached[begin : begin + size]
            found += await self._grouped(part, await self._with_some_data(await self._read_less(part)))
        return found

    async def _grouped(self, reached: list[Row], level: "_Level") -> list[GroupEvidence]:
        budget = self._rows.budget
        with budget.reading_on():
            is_long = level.is_long or len(reached) > LONG_LINEAGE
            return await run_in_parts(self._groups(reached, level), is_long=is_long, between=budget.check)

    async def _read_at_once(self, reached: list[Row]) -> "_Level | None":
        """Read a level with all checks, incidents and versions; None if it has too many edges."""
        vertices = _vertices(reached)
        level = await self._try(vertices, _Extent(data=True))
        if level is None:
            level = await self._try(vertices, _Extent())
            level = level and await self._with_some_data(level)
        return level

    async def _read_less(self, reached: list[Row]) -> "_Level":
        """Read a level without some checks and incidents, versions that are stubs, or both."""
        vertices = _vertices(reached)
        extents = [_Extent(max_checks=MAX_CHECKS)]
        if any(without_stubs(hop) for hop, _ in steps_of(vertices)):
            extents.append(_Extent(stubs=False))
        extents.append(_Extent(stubs=False, max_checks=FEW_CHECKS))
        for extent in extents:
            level = await self._try(vertices, extent)
            if level is not None:
                return level
        return await self._read(vertices, _Extent(stubs=False, max_checks=1))

    async def _try(self, vertices: list[Vertex], extent: "_Extent") -> "_Level | None":
        """Read a level in one request; None if it has too many edges, unless the operation has ended."""
        try:
            return await self._read(vertices, extent)
        except LimitError as error:
            self._rows.budget.check()
            forget_frames(error)
            return None

    async def _read(self, vertices: list[Vertex], extent: "_Extent") -> "_Level":
        """Read a level in one request; without the data of evaluations, also the records of the versions.

        If the newest result of a check is ahead of the clock, a second request reads the level without such results.
        """
        level = await self._read_until(vertices, NO_UPPER_BOUND, extent)
        now = self._rows.row_policy.instant.valid
        if not any(is_ahead(each["observedAt"], now) for each in level.results()):
            return level
        return await self._read_until(vertices, now + MAX_AHEAD_MS, extent)

    async def _read_until(self, vertices: list[Vertex], until: int, extent: "_Extent") -> "_Level":
        builder = _RequestBuilder(self._rows.row_policy.instant, extent, until)
        versions = [vid for vid, kind in vertices if kind == _EVALUATED]
        own = builder.add_evidence([vid for vid, _ in vertices], versions)
        steps = [
            builder.add_members(hop, sources, **({} if extent.stubs else without_stubs(hop)))
            for hop, sources in steps_of(vertices)
        ]
        response = await self._rows.fetch(LevelRequest(() if extent.data else versions, builder.hops))
        return _Level(own, steps, response.edges, response, extent)

    async def _with_some_data(self, level: "_Level") -> "_Level":
        """Return a level that was read without data with the evaluations that count, and their data.

        If one request may not read all, it reads the first of each: all evaluations have the same maximum, by which
        their data are few enough. If their edges are too large for it all the same, no data is read.
        """
        with self._rows.budget.reading_on():
            level = await run_in_turn(level.counting, level.is_long, self._rows)
            evaluations = await run_in_turn(level.evaluations, level.is_long)
        some = max(EDGE_CAP // (_SHARE * max(len(evaluations), 1)), 1)
        for maximum, window in ((sys.maxsize, {}), (some, {"n": some})):
            builder = _RequestBuilder(self._rows.row_policy.instant)
            builder.add(_DATA, evaluations, **window)
            try:
                data = (await self._rows.fetch(LevelRequest(hops=builder.hops))).edges
            except LimitError as error:
                forget_frames(error)
                continue
            return replace(level, edges=[*level.edges, *data], max_data=maximum)
        return replace(level, edges=[*level.edges, {}], max_data=0)

    def _groups(self, reached: list[Row], level: "_Level") -> Generator[None, None, list[GroupEvidence]]:
        """Return the findings on each vertex and its members from a level, and evaluate the policy on these."""
        self._rows.evaluate(level.assets(), level.response)
        weighing = EvidenceWeighing(self._rows, level.response)
        members: dict[int, list[MemberFindings]] = {}
        for number, hops in level.steps:
            known: dict[int, AssetFindings | None] = {}  # hundreds of versions have one parent
            for vid, found in level.edges[number].items():
                for far, link in found:
                    if far not in known:
                        row = self._rows.known(far)
                        known[far] = yield from _findings(weighing, row, hops, level)
                    members.setdefault(vid, []).append(MemberFindings(far, known[far], link))
                yield
        groups = []
        for row in reached:
            findings = yield from _findings(weighing, row, level.own, level)
            itself = MemberFindings(row.vid, findings, {})
            groups.append(GroupEvidence(itself, members.get(row.vid, ()), not level.extent.stubs))
            yield
        return groups


@dataclass(frozen=True, slots=True)
class _Extent:
    """What a request reads of a level: the ``data`` of evaluations, versions that are ``stubs``, checks of each asset.

    Versions that are among the vertices are read in any case. ``max_checks`` is the maximal number of checks of each
    asset, and of incidents, None for all.
    """

    data: bool = False
    stubs: bool = True
    max_checks: int | None = None


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
    extent: _Extent
    left_out: Adjacency = field(default_factory=dict)
    max_data: int = sys.maxsize

    @property
    def is_long(self) -> bool:
        """Whether there are so many edges that the side thread goes through them."""
        return sum(len(far) for each in (*self.edges, self.left_out) for far in each.values()) > LONG_LINEAGE

    def results(self) -> Iterator[Record]:
        """Yield the newest result of each check."""
        records = self.response.records
        for hops in self._all_hops():
            for found in self.edges[hops.results].values():
                yield from (records[far] for far, _ in found if far in records)

    def assets(self) -> set[int]:
        """Return the other members, the evaluations and their data."""
        read = {number for number, hops in self.steps} | {*self._hops_to_evaluations()}
        read |= {hops.data for hops in self._all_hops() if hops.evaluations >= 0}
        between = (*(self.edges[number] for number in read), self.left_out)
        return {far for edges in between for found in edges.values() for far, _ in found}

    def counting(self, rows: VisibleRows) -> "_Level":
        """Return the level with those evaluations alone that count for their version; ``rows`` has the rows of it."""
        edges, left_out = [*self.edges], dict[int, list[tuple[int, Edge]]]()
        for hop in self._hops_to_evaluations():
            edges[hop] = {}
            for version, found in self.edges[hop].items():
                row = rows.known(version)
                owner = None if row is None else rows.owner_of(row)
                counting = {far for far, _ in found if counts_for(owner, self._evaluated_by(far, rows))}
                edges[hop][version] = [each for each in found if each[0] in counting]
                left_out[version] = [each for each in found if each[0] not in counting]
        return replace(self, edges=edges, left_out=left_out)

    def evaluations(self) -> list[int]:
        """Return the evaluations, each once."""
        hops = self._hops_to_evaluations()
        return sorted({far for hop in hops for found in self.edges[hop].values() for far, _ in found})

    def _hops_to_evaluations(self) -> list[int]:
        return [each.evaluations for each in self._all_hops() if each.evaluations >= 0]

    def _all_hops(self) -> "list[_EvidenceHops]":
        return [self.own, *(hops for _, hops in self.steps)]

    def _evaluated_by(self, evaluation: int, rows: VisibleRows) -> str | None:
        """Return the known owner of an evaluation; that of one which is hidden from the caller is the stored one."""
        row = rows.known(evaluation)
        if row is not None:
            return rows.owner_of(row)
        record = self.response.records.get(evaluation)
        return None if record is None else str(record["ownerTeam"])


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
        """Return the evidence on one vertex of a level."""
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
            max_checks=level.extent.max_checks or sys.maxsize,
        )

    def _evaluations(
        self, vid: int, edges: Sequence[Adjacency]
    ) -> Iterator[tuple[int, Edge, Sequence[tuple[int, Edge]]]]:
        """Yield each evaluation of a vertex with its edge, and the data of the evaluation with their edges."""
        for far, edge in edges[self.evaluations].get(vid, ()):
            yield far, edge, edges[self.data].get(far, ())


@dataclass(slots=True)
class _RequestBuilder:
    """Builds the hops of one request of an ``extent``; results of checks after the instant ``until`` are left out."""

    instant: ReadTime
    extent: _Extent = field(default_factory=_Extent)
    until: int = NO_UPPER_BOUND
    hops: list[JsonObject] = field(default_factory=list)

    def add(self, hop: Hop, sources: Sequence[int], parent: int = SOURCES_GIVEN, **window: Json) -> int:
        """Add a hop and return its index; ``parent`` is the index of the hop whose far ends are the sources."""
        kinds = tuple(ALL_KINDS[name].code for name in hop.kinds)
        store_hop = HopSpec(hop.direction.value, (hop.relation.name,), kinds, parent)
        self.hops.append(store_hop.wire(sources, **self.instant.window, **window))
        return len(self.hops) - 1

    def add_members(self, hop: Hop, sources: Sequence[int], **window: Json) -> tuple[int, _EvidenceHops]:
        """Add the hop to other group members, with the bounds ``window``, and the hops to the evidence on them.

        Return the index of the hop to the members, and the hops to the evidence.
        """
        number = self.add(hop, sources, **window)
        return number, self.add_evidence((), (), number, evaluated=_EVALUATED in hop.kinds)

    def add_evidence(
        self, sources: Sequence[int], versions: Sequence[int], parent: int = SOURCES_GIVEN, *, evaluated: bool = True
    ) -> _EvidenceHops:
        """Add the hops to the evidence on the ``sources``, or on the far ends of the hop ``parent``.

        ``versions`` are the model versions among the sources. If ``evaluated`` is false, evaluations are not read. In a
        read of the past, results after its valid time are left out, so that none takes the place of the newest before.
        """
        window: JsonObject = {} if self.extent.max_checks is None else {"n": self.extent.max_checks}
        checks = self.add(_CHECKS, sources, parent, **window)
        until = self.instant.valid if self.instant.past else self.until
        results = self.add(_RESULTS, (), checks, n=1, t=True, at=until, w=RESULT_WEIGHT)
        incidents = self.add(_INCIDENTS, sources, parent, **window)
        evaluations = self.add(_EVALUATIONS, versions, parent) if evaluated else SOURCES_GIVEN
        data = self.add(_DATA, (), evaluations) if evaluated and self.extent.data else _LAST
        return _EvidenceHops(checks, results, incidents, evaluations, data)


def _vertices(reached: Sequence[Row]) -> list[Vertex]:
    return [(row.vid, row.kind) for row in reached]


def _findings(
    weighing: EvidenceWeighing, asset: Row | None, hops: _EvidenceHops, level: _Level
) -> Generator[None, None, AssetFindings | None]:
    """Return the findings on an asset of a level; None if the caller may not read it."""
    if asset is None or asset.access.grade is not AccessGrade.READ:
        return None
    return (yield from weighing.findings(asset, hops.evidence(asset.vid, level)))
