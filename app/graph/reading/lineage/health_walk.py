"""Health of an asset: a walk upstream that weighs the evidence on every asset that is reached.

Levels are those of :mod:`app.graph.reading.lineage.lineage_walk`. The evidence on a level is read in the request that
expands it, once for all assets of the operation. Weights and status are defined in
:mod:`graphql_schema.rules.health_status`, the rule for users in docs/health.md.
"""

import asyncio
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import nsmallest
from typing import Final

from app.graph.reading.lineage.contamination_walk import examined
from app.graph.reading.lineage.expander import EdgeSelection
from app.graph.reading.lineage.health_evidence import GroupEvidence
from app.graph.reading.lineage.health_findings import AssetFindings
from app.graph.reading.lineage.joined_edge import JoinedEdge
from app.graph.reading.lineage.lineage_visibility import LineageVisibility, expands
from app.graph.reading.lineage.lineage_walk import WalkState
from app.graph.reading.lineage.walk_budget import CAUSES, EDGES
from app.graph.reading.lineage.walk_session import WalkSession
from graphql_schema.catalog.relations import CHILD_HOPS, Direction
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.execution.many_calls import gathered
from graphql_schema.execution.side_thread import run_in_parts, run_in_turn
from graphql_schema.ports.contamination_report import ContaminationReport
from graphql_schema.ports.health_report import CauseSeverity, HealthFinding, HealthReport
from graphql_schema.ports.lineage_query import LONG_LINEAGE, Completeness, LineageQuery, SnapshotTime
from graphql_schema.ports.row import Row
from graphql_schema.rules.gate_evaluation import counts_for
from graphql_schema.rules.health_status import (
    LEVELS,
    MAX_CAUSES,
    brings_causes,
    counts_downstream,
    counts_in_group,
    is_retired,
    propagates,
    status_of,
    weigh_contamination,
)
from graphql_schema.rules.observation.known_owner import OwnerOf
from policies.errors import LimitError

FINDING_BYTES: Final = 300
"""Bytes of memory of a finding beside its rows; each walk keeps its own until it ends."""

ADDED_BYTES: Final = 100
"""Bytes of memory for each asset whose findings a walk has added."""

_CONTAMINATION = "contamination"


@dataclass(slots=True)
class HealthWalk:
    """State of one health query: its walk, its findings by their cause, and whether the root is monitored.

    Of several findings with one cause one is kept: a finding that counts for the status precedes the others, then the
    least depth, then the least id of the asset. ``monitored`` is true if the root, or a member that
    :meth:`_group_findings` yields with it, has a visible evaluation or latest result of a check that counts.
    ``lacks_causes`` is true if visible evaluations, or the contamination of some, were left out, which cannot change
    the status. ``hold`` is given how many bytes of memory the findings take.
    """

    root: Row
    session: WalkSession
    walk: WalkState
    visibility: LineageVisibility
    hold: Callable[[int], None]
    findings: dict[tuple[str, bool], HealthFinding] = field(default_factory=dict)
    monitored: bool = False
    lacks_causes: bool = False
    _added: set[tuple[AssetFindings, bool]] = field(default_factory=set)
    """The findings on assets that were added, each with whether they count for the root."""

    def hold_findings(self) -> None:
        """Count the memory of what was found so far."""
        self.hold(FINDING_BYTES * len(self.findings) + ADDED_BYTES * len(self._added))

    async def read_evidence(self, reached: list[Row]) -> list[GroupEvidence]:
        """Return the evidence on the vertices of a level.

        If the level has too many edges, end the walk and return an empty list.
        """
        try:
            found = await self.session.evidence.read(reached)
        except LimitError as error:
            forget_frames(error)
            self.walk.end(EDGES)
            return []
        if any(group.lacks_stubs for group in found):
            self.walk.leave_out_stubs()
        return found

    def is_long(self, group: GroupEvidence) -> bool:
        """Return whether a group has so many members and findings that the side thread adds them."""
        size = 1 + len(group.members)
        if size > LONG_LINEAGE:
            return True
        found = [each.findings for each in (group.itself, *group.members) if each.findings is not None]
        return size + sum(len(each.causes) for each in found if (each, True) not in self._added) > LONG_LINEAGE

    def add_findings(self, depth: int, row: Row, group: GroupEvidence) -> Generator[None, None, str | None]:
        """Add the findings on a row and on the other members of its asset group, with a pause after each.

        Return an exhausted budget, or None.
        """
        for asset, findings in self._group_findings(row, group):
            if findings is None:
                self.walk.blocked = True
            else:
                yield from self._add_asset(depth, row, asset, findings)
            if self.session.budget.count_members(1):
                return EDGES
            yield
        return None

    def _add_asset(self, depth: int, row: Row, asset: Row, findings: AssetFindings) -> Generator[None, None, None]:
        """Add the findings on one member of the group of ``row``, unless nearer ones of the asset count as much."""
        owner_of = self.session.rows.owner_of
        counts = counts_in_group(asset, row, owner_of) and counts_downstream(asset, self.root, owner_of)
        if not self._added.isdisjoint({(findings, True), (findings, counts)}):
            return
        self._added.add((findings, counts))
        self.monitored |= counts and depth == 0 and findings.monitored
        self.lacks_causes |= findings.lacks_causes
        self.walk.blocked |= findings.blocked
        if findings.lacks_evidence and EDGES not in self.walk.ended:
            self.walk.ended.append(EDGES)
        for each in findings.causes:
            if self.session.budget.count_members(1):
                return
            self._add(replace(each, depth=depth, weight=each.weight if counts else CauseSeverity.REPORTED))
            yield

    def _add(self, finding: HealthFinding) -> None:
        known = self.findings.get(finding.cause)
        if known is None or (not finding.counts, finding.place) < (not known.counts, known.place):
            self.findings[finding.cause] = finding

    async def examined_evaluations(self, group: GroupEvidence) -> list[Row]:
        """Return the evaluations whose contamination can be a cause for the health of the root.

        An evaluation as the root is the only one. For a version, these are the newest of each owner, kind and set of
        data, without retired ones. Those that count for the status come first, and they are as many as the operation
        may examine. They are none if the version hides its `evaluations` from the caller.
        """
        if self.root.kind == "Evaluation":
            return [self.root]
        found, turns, owner_of = group.itself.findings, self.session.rows.budget, self.session.rows.owner_of
        owner = owner_of(self.root)
        newest = {True: list[Row](), False: list[Row]()}
        async for each in turns.in_turns(found.newest if found is not None else ()):
            newest[counts_for(owner, owner_of(each))].append(each)
        admitted: list[Row] = []
        for counts, evaluations in newest.items():
            async for each in turns.in_turns(evaluations):
                ended = each.reads(_CONTAMINATION) and self.session.budget.count_evaluation(each.vid, counts=counts)
                if not ended:
                    admitted.append(each)
                elif not counts:
                    self.lacks_causes = True
                elif ended not in self.walk.ended:
                    self.walk.ended.append(ended)
        return admitted

    async def contaminations(self, evaluations: Sequence[Row], pin: SnapshotTime) -> list[ContaminationReport | None]:
        """Return the contamination of evaluations, None where it is hidden from the caller."""
        calls = [partial(self._contamination, each, pin) for each in evaluations]
        return await gathered(self.session.rows.budget, calls, "contaminations")

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
        weight = weigh_contamination(self.root, evaluation, report.verdict, self.session.rows.owner_of)
        if weight is not None:
            self._add(HealthFinding(self.root, 0, weight, evaluation=evaluation, contamination=report.verdict.name))

    def _group_findings(self, row: Row, group: GroupEvidence) -> Iterator[tuple[Row, AssetFindings | None]]:
        """Yield the row, its visible parent and its visible children that are not retired, each with its findings.

        If the upstream edges of the row are hidden from the caller, yield only the row.
        """
        yield row, group.itself.findings
        if not expands(row, Direction.IN):
            return
        for member in group.members:
            visible = self.visibility.along(row, member.vid, member.link, Direction.IN)
            if visible is not None and not (row.kind in CHILD_HOPS and is_retired(visible[0])):
                yield visible[0], member.findings

    def report(self, completeness: Completeness) -> HealthReport:
        """Return the status, the nearest causes, and the ``completeness`` of the walk with that of the causes."""
        found = self.findings.values()
        if self.lacks_causes or len(found) > MAX_CAUSES:
            completeness = replace(completeness, budgets=(*completeness.budgets, CAUSES))
        causes = nsmallest(MAX_CAUSES, found, key=lambda each: each.place)
        return HealthReport(status_of(found, monitored=self.monitored), causes, completeness)


def _follows(owner_of: OwnerOf, edge: JoinedEdge, near: Row, far: Row, reached: Row) -> bool:
    """Return whether causes propagate over an edge.

    The parent of ``far`` was not read yet. It does not matter: no reported edge begins at a version or feature.
    """
    return counts_in_group(near, reached, owner_of) and brings_causes(edge.stored, far, near, owner_of)


async def health_of(session: WalkSession, row: Row, pin: SnapshotTime) -> HealthReport:
    """Return the health of an asset, with at most MAX_CAUSES findings.

    ``pin`` is the read time that is reported in the result. The findings count as memory until the walk has ended.
    Raises LimitError if the operation starts too many walks.
    """
    with session.rows.budget.holding() as hold:
        return await _health_of(session, row, pin, hold)


async def _health_of(session: WalkSession, row: Row, pin: SnapshotTime, hold: Callable[[int], None]) -> HealthReport:
    session.budget.begin()
    query = LineageQuery((row.urn,), Direction.IN, LEVELS)
    walk = WalkState(session, query, session.visibility(None), LEVELS, follows=partial(_follows, session.rows.owner_of))
    walk.begin(row)
    health = HealthWalk(row, session, walk, session.visibility(None), hold)
    with session.freeing(walk, health):
        groups = await _advance(health, 0)
        evaluations = await health.examined_evaluations(groups[0]) if groups else []
        reports, _ = await asyncio.gather(health.contaminations(evaluations, pin), _walk_on(health))
        turns = session.rows.budget
        async for evaluation, report in turns.in_turns(zip(evaluations, reports, strict=True)):
            health.add_contamination(evaluation, report)
        walk.blocked |= bool(health.visibility.hidden)
        return await run_in_turn(health.report, len(health.findings) > LONG_LINEAGE, walk.completeness(pin))


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
    expansions, evidence = await asyncio.gather(
        walk.expand(EdgeSelection(Direction.IN, instant)), health.read_evidence(level)
    )
    # A filter computes the health of up to 200 assets at once, which would otherwise hold the event loop.
    turns = health.session.rows.budget
    await turns.pause()
    async for reached, group in turns.in_turns(zip(level, evidence, strict=False)):
        with turns.reading_on():
            steps = health.add_findings(depth, reached, group)
            ended = await run_in_parts(steps, is_long=health.is_long(group))
        health.hold_findings()
        if ended is not None:
            walk.end(ended)
            return evidence
    if walk.frontier:
        await walk.advance(depth, expansions)
    walk.frontier = {
        vid: met for vid, met in walk.frontier.items() if propagates(met[0], instant.valid, past=instant.past)
    }
    return evidence
