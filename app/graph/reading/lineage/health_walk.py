"""Health of an asset: a walk upstream that weighs the evidence on every asset that is reached.

Levels are those of :mod:`app.graph.reading.lineage.lineage_walk`. The evidence on a level is read in the request that
expands it, once for all assets of the operation. Weights and status are defined in
:mod:`graphql_schema.rules.health_status`, the rule for users in docs/health.md.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import nsmallest

from app.graph.reading.level.hop_plan import Edge
from app.graph.reading.level.level_batcher import LevelResponse
from app.graph.reading.lineage.contamination_walk import examined
from app.graph.reading.lineage.expander import EdgeSelection, Vertex
from app.graph.reading.lineage.health_evidence import GroupEvidence, HealthEvidence
from app.graph.reading.lineage.joined_edge import JoinedEdge
from app.graph.reading.lineage.lineage_visibility import LineageVisibility, expands
from app.graph.reading.lineage.lineage_walk import WalkState
from app.graph.reading.lineage.walk_budget import CAUSES, EDGES
from app.graph.reading.lineage.walk_session import WalkSession
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.catalog.relations import CHILD_HOPS, Direction
from graphql_schema.execution.many_calls import gathered
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.contamination_report import ContaminationReport
from graphql_schema.ports.health_report import CauseSeverity, HealthFinding, HealthReport
from graphql_schema.ports.lineage_query import LONG_LINEAGE, LineageQuery, SnapshotTime
from graphql_schema.ports.row import AccessGrade, Row
from graphql_schema.rules.gate_evaluation import counts_for, counts_on
from graphql_schema.rules.health_status import (
    LEVELS,
    MAX_CAUSES,
    brings_causes,
    counts_downstream,
    counts_in_group,
    is_retired,
    newest_evaluations,
    propagates,
    status_of,
    weigh_check,
    weigh_contamination,
    weigh_evaluations,
    weigh_incident,
)
from policies.errors import LimitError

_CHECKS, _INCIDENTS = ATTACHED_KINDS["Check"].shown_by, ATTACHED_KINDS["Incident"].shown_by
_EVALUATIONS, _VERDICT, _DATA, _CONTAMINATION = "evaluations", "verdict", "evaluatedOn", "contamination"


@dataclass(slots=True)
class HealthWalk:
    """State of one health query: its walk, its findings by their cause, and whether the root is monitored.

    Of several findings with one cause one is kept: a finding that counts for the status precedes the others, then the
    least depth, then the least id of the asset. ``monitored`` is true if the root, or a member that
    :meth:`_group_evidence` yields with it, has a visible evaluation or latest result of a check that counts.
    ``lacks_causes`` is true if visible evaluations were left out, which cannot change the status.
    """

    root: Row
    session: WalkSession
    walk: WalkState
    visibility: LineageVisibility
    findings: dict[tuple[str, bool], HealthFinding] = field(default_factory=dict)
    monitored: bool = False
    lacks_causes: bool = False

    @property
    def now(self) -> int:
        """Instant that the health is about, in epoch milliseconds."""
        return self.visibility.instant.valid

    async def read_evidence(self, vertices: list[Vertex]) -> list[GroupEvidence]:
        """Return the evidence on the vertices of a level.

        If the level has too many edges, end the walk and return an empty list.
        """
        try:
            return await self.session.evidence.read(vertices)
        except LimitError:
            self.walk.end(EDGES)
            return []

    def add_findings(self, depth: int, row: Row, group: GroupEvidence) -> None:
        """Add the findings on a row and on the other members of its asset group."""
        for asset, evidence in self._group_evidence(row, group):
            if asset.access.grade is not AccessGrade.READ:
                self.walk.blocked = True
                continue
            counts = counts_in_group(asset, row) and counts_downstream(asset, self.root)
            for each in self._findings(depth, asset, evidence, group.response, monitors=counts and depth == 0):
                self._add(each if counts else replace(each, weight=CauseSeverity.REPORTED))

    def _add(self, finding: HealthFinding) -> None:
        known = self.findings.get(finding.cause)
        if known is None or (not finding.counts, finding.place) < (not known.counts, known.place):
            self.findings[finding.cause] = finding

    def examined_evaluations(self, group: GroupEvidence) -> list[Row]:
        """Return the evaluations whose contamination can be a cause for the health of the root.

        An evaluation as the root is the only one. For a version, these are the newest of each owner, kind and set of
        data, without retired ones. They are none if the version hides its `evaluations` from the caller.
        """
        if self.root.kind == "Evaluation":
            return [self.root]
        shown = self.root.reads(_EVALUATIONS)
        return newest_evaluations(self._evaluations(self.root, group.itself)) if shown else []

    async def contaminations(self, evaluations: Sequence[Row], pin: SnapshotTime) -> list[ContaminationReport | None]:
        """Return the contamination of evaluations, None where it is hidden from the caller."""
        calls = [partial(self._contamination, each, pin) for each in evaluations]
        return await gathered(self.session.rows.budget, calls)

    async def _contamination(self, evaluation: Row, pin: SnapshotTime) -> ContaminationReport | None:
        hidden = not evaluation.reads(_CONTAMINATION)
        return None if hidden else await examined(self.session, evaluation, pin)

    def add_contamination(self, evaluation: Row, report: ContaminationReport | None) -> None:
        """Add the finding on a contaminated evaluation, if the report has one.

        Budgets that limited the report limit this walk too. The walk is blocked if the policy limited the report, or if
        the report is None.
        """
        if report is None:
            self.walk.blocked = True
            return
        self.walk.blocked |= report.completeness.policy
        self.walk.ended += report.completeness.budgets
        weight = weigh_contamination(self.root, evaluation, report.verdict)
        if weight is not None:
            self._add(HealthFinding(self.root, 0, weight, evaluation=evaluation, contamination=report.verdict.name))

    def _group_evidence(self, row: Row, group: GroupEvidence) -> Iterator[tuple[Row, HealthEvidence]]:
        """Yield the row, its visible parent and its visible children that are not retired, each with its evidence.

        If the upstream edges of the row are hidden from the caller, yield only the row.
        """
        yield row, group.itself
        if not expands(row, Direction.IN):
            return
        for evidence in group.members:
            visible = self.visibility.along(row, evidence.vid, evidence.link, Direction.IN)
            if visible is not None and not (row.kind in CHILD_HOPS and is_retired(visible[0])):
                yield visible[0], evidence

    def _findings(
        self, depth: int, asset: Row, evidence: HealthEvidence, response: LevelResponse, *, monitors: bool
    ) -> Iterator[HealthFinding]:
        """Yield the findings on one asset from the checks, incidents and evaluations visible to the caller.

        ``monitors`` states whether what counts of them makes the root monitored.
        """
        hidden = asset.access.hidden
        self.walk.blocked |= not hidden.isdisjoint((_CHECKS, _INCIDENTS, _EVALUATIONS))
        if _CHECKS not in hidden:
            yield from self._failed_checks(depth, asset, evidence, response, monitors=monitors)
        if _INCIDENTS not in hidden:
            for incident in self.session.rows.found(evidence.incidents, response):
                weight = weigh_incident(asset, incident)
                if weight is not None:
                    yield HealthFinding(asset, depth, weight, incident=incident)
        if _EVALUATIONS not in hidden:
            yield from self._failed_evaluations(depth, asset, evidence, monitors=monitors)

    def _failed_checks(
        self, depth: int, asset: Row, evidence: HealthEvidence, response: LevelResponse, *, monitors: bool
    ) -> Iterator[HealthFinding]:
        """Yield a finding for each check whose latest result has a weight."""
        rows = self.session.rows
        for vid, results in evidence.checks:
            check = rows.row(vid, response)
            latest = min(rows.found(results, response), key=lambda row: row.urn, default=None)
            if check is None or latest is None:
                continue
            self.monitored |= monitors and counts_on(asset.record, latest.record)
            weight = weigh_check(asset, check, latest, self.now)
            if weight is not None:
                yield HealthFinding(asset, depth, weight, check=check, result=latest)

    def _failed_evaluations(
        self, depth: int, version: Row, evidence: HealthEvidence, *, monitors: bool
    ) -> Iterator[HealthFinding]:
        """Yield a finding for each evaluation with the verdict FAIL or WARN.

        Only the newest evaluation of each owner, kind and set of data counts.
        """
        left_out = [self.visibility.along(version, vid, edge, Direction.OUT) for vid, edge in evidence.left_out]
        self.lacks_causes |= any(left_out)
        known = [*self._evaluations(version, evidence)]
        self.monitored |= monitors and any(counts_for(version.record, found.record) for found, _ in known)
        for evaluation, weight in weigh_evaluations(version, known):
            yield HealthFinding(version, depth, weight, evaluation=evaluation)

    def _evaluations(self, version: Row, evidence: HealthEvidence) -> Iterator[tuple[Row, frozenset[str]]]:
        """Yield the evaluations visible to the caller, each with the ids of the data it shows as evaluated on.

        If some of these data may not have been read, EDGES limits the walk, because the status may depend on them.
        """
        for vid, edge, data in evidence.evaluations:
            visible = self.visibility.along(version, vid, edge, Direction.OUT)
            if visible is None:
                continue
            evaluation, _ = visible
            self.walk.blocked |= _VERDICT in evaluation.access.hidden
            shown = evaluation.reads(_DATA)
            if shown and len(data) >= evidence.max_data and EDGES not in self.walk.ended:
                self.walk.ended.append(EDGES)
            yield evaluation, frozenset(self._evaluation_data(evaluation, data) if shown else ())

    def _evaluation_data(self, evaluation: Row, data: Sequence[tuple[int, Edge]]) -> Iterator[str]:
        """Yield the ids of the visible data.

        Hidden data is not counted as hidden lineage, because it removes no finding.
        """
        for vid, edge in data:
            known = self.session.rows.known(vid) is not None
            visible = self.visibility.along(evaluation, vid, edge, Direction.IN) if known else None
            if visible is not None:
                yield visible[0].urn


def _follows(edge: JoinedEdge, near: Row, far: Row, reached: Row) -> bool:
    return counts_in_group(near, reached) and brings_causes(edge.stored, far, near)


async def health_of(session: WalkSession, row: Row, pin: SnapshotTime) -> HealthReport:
    """Return the health of an asset, with at most MAX_CAUSES findings.

    ``pin`` is the read time that is reported in the result. Raises LimitError if the operation starts too many walks.
    """
    session.budget.begin()
    query = LineageQuery((row.urn,), Direction.IN, LEVELS)
    walk = WalkState(session, query, session.visibility(None), LEVELS, follows=_follows)
    walk.begin(row)
    health = HealthWalk(row, session, walk, session.visibility(None))
    groups = await _advance(health, 0)
    evaluations = health.examined_evaluations(groups[0]) if groups else []
    reports, _ = await asyncio.gather(health.contaminations(evaluations, pin), _walk_on(health))
    for evaluation, report in zip(evaluations, reports, strict=True):
        health.add_contamination(evaluation, report)
    walk.blocked |= bool(health.visibility.hidden)
    found = health.findings.values()
    causes = await run_in_turn(nsmallest, len(found) > LONG_LINEAGE, MAX_CAUSES, found, key=lambda each: each.place)
    completeness = walk.completeness(pin)
    if health.lacks_causes or len(found) > MAX_CAUSES:
        completeness = replace(completeness, budgets=(*completeness.budgets, CAUSES))
    return HealthReport(status_of(found, monitored=health.monitored), causes, completeness)


async def _walk_on(health: HealthWalk) -> None:
    """Weigh the evidence on all levels after the first."""
    for depth in range(1, LEVELS + 1):
        if health.walk.frontier:
            await _advance(health, depth)


async def _advance(health: HealthWalk, depth: int) -> list[GroupEvidence]:
    """Weigh the evidence on one level, follow its edges, and return the evidence in the order of the level.

    Return an empty list if the evidence has too many edges.
    """
    walk, instant = health.walk, health.walk.visibility.instant
    level = [reached for reached, _ in walk.frontier.values()]
    vertices = [(reached.vid, reached.kind) for reached in level]
    expansions, evidence = await asyncio.gather(
        walk.expand(EdgeSelection(Direction.IN, (), instant)), health.read_evidence(vertices)
    )
    # A filter computes the health of up to 200 assets at once, which would otherwise hold the event loop.
    await health.session.rows.budget.pause()
    async for reached, group in health.session.rows.budget.in_turns(zip(level, evidence, strict=False)):
        with health.session.rows.budget.reading_on():
            await run_in_turn(health.add_findings, group.size > LONG_LINEAGE, depth, reached, group)
    if walk.frontier:
        await walk.advance(depth, expansions)
    walk.frontier = {
        vid: met for vid, met in walk.frontier.items() if propagates(met[0], instant.valid, past=instant.past)
    }
    return evidence
