"""Health: a walk upstream that asks of everything on its way what was told of it (ADR 0010, docs/health.md).

Levels are those of :mod:`app.graph.reading.lineage.lineage_walk`; what was told of a level comes in the request that
expands it, once for all assets of the operation. What it means is said by :mod:`graphql_schema.rules.health_status`.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from app.graph.reading.level.level_batcher import LevelResponse
from app.graph.reading.lineage.expander import Edge, EdgeSelection, Vertex
from app.graph.reading.lineage.health_evidence import Examined, HealthEvidence
from app.graph.reading.lineage.lineage_visibility import LineageVisibility, expands
from app.graph.reading.lineage.lineage_walk import WalkState
from app.graph.reading.lineage.walk_budget import CAUSES, EDGES
from app.graph.reading.lineage.walk_session import WalkSession
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.catalog.relations import CHILD_HOPS, Direction
from graphql_schema.ports.health_report import HealthFinding, HealthReport
from graphql_schema.ports.lineage_query import LineageQuery, SnapshotTime
from graphql_schema.ports.row import AccessGrade, Row
from graphql_schema.rules.health_status import (
    LEVELS,
    MAX_CAUSES,
    is_retired,
    propagates,
    status_of,
    weigh_check,
    weigh_evaluations,
    weigh_incident,
)
from policies.errors import LimitError

_CHECKS, _INCIDENTS = ATTACHED_KINDS["Check"].shown_by, ATTACHED_KINDS["Incident"].shown_by
_EVALUATIONS, _VERDICT, _DATA = "evaluations", "verdict", "evaluatedOn"


@dataclass(slots=True)
class HealthWalk:
    """A checkup under way: the walk, the causes so far by what they are about, and whether anything looks at the root.

    A cause keeps the least depth that it was met at, and there the asset with the least id.
    """

    means: WalkSession
    course: WalkState
    sight: LineageVisibility
    causes: dict[str, HealthFinding] = field(default_factory=dict)
    watched: bool = False

    @property
    def now(self) -> int:
        """The instant that it is about, in epoch milliseconds."""
        return self.sight.instant.valid

    async def examine(self, vertices: list[Vertex]) -> list[Examined]:
        """What was told of the vertices of a level; nothing where a budget ends the walk here."""
        try:
            return await self.means.examiner.examine(vertices)
        except LimitError:
            self.course.end(EDGES)
            return []

    def hear(self, depth: int, row: Row, examined: Examined) -> None:
        """Find the causes in what was told of a row, and of the counterparts that speak for it."""
        for asset, signs in self._telling(row, examined):
            if asset.access.grade is not AccessGrade.READ:
                self.course.shut = True
                continue
            for cause in self._causes(depth, asset, signs, examined.answer):
                known = self.causes.get(cause.about)
                if known is None or cause.place < known.place:
                    self.causes[cause.about] = cause

    def _telling(self, row: Row, examined: Examined) -> Iterator[tuple[Row, HealthEvidence]]:
        """The row, its whole, and its parts that are not retired, as far as they are there, each with what was told."""
        yield row, examined.itself
        if not expands(row, Direction.IN):
            return
        for signs in examined.counterparts:
            seen = self.sight.along(row, signs.vid, signs.link, Direction.IN)
            if seen is not None and not (row.kind in CHILD_HOPS and is_retired(seen[0])):
                yield seen[0], signs

    def _causes(self, depth: int, asset: Row, signs: HealthEvidence, answer: LevelResponse) -> Iterator[HealthFinding]:
        """What is wrong with one asset, as far as the caller may see what looks at it."""
        hidden = asset.access.hidden
        self.course.shut |= not hidden.isdisjoint((_CHECKS, _INCIDENTS, _EVALUATIONS))
        if _CHECKS not in hidden:
            yield from self._failed(depth, asset, signs, answer)
        if _INCIDENTS not in hidden:
            for incident in self.means.rows.found(signs.incidents, answer):
                weight = weigh_incident(incident)
                if weight is not None:
                    yield HealthFinding(asset, depth, weight, incident=incident)
        if _EVALUATIONS not in hidden:
            yield from self._judged(depth, asset, signs)

    def _failed(self, depth: int, asset: Row, signs: HealthEvidence, answer: LevelResponse) -> Iterator[HealthFinding]:
        rows = self.means.rows
        for vid, results in signs.checks:
            check = rows.row(vid, answer)
            latest = min(rows.found(results, answer), key=lambda row: row.urn, default=None)
            if check is None or latest is None:
                continue
            self.watched |= depth == 0
            weight = weigh_check(asset, check, latest, self.now)
            if weight is not None:
                yield HealthFinding(asset, depth, weight, check=check, result=latest)

    def _judged(self, depth: int, version: Row, signs: HealthEvidence) -> Iterator[HealthFinding]:
        known = [*self._evaluations(version, signs)]
        self.watched |= depth == 0 and bool(known)
        for evaluation, weight in weigh_evaluations(version, known):
            yield HealthFinding(version, depth, weight, evaluation=evaluation)

    def _evaluations(self, version: Row, signs: HealthEvidence) -> Iterator[tuple[Row, frozenset[str]]]:
        """The evaluations that the caller may know of, each with the data that it shows to be made on."""
        for vid, edge, data in signs.evaluations:
            seen = self.sight.along(version, vid, edge, Direction.OUT)
            if seen is None:
                continue
            evaluation, _ = seen
            self.course.shut |= _VERDICT in evaluation.access.hidden
            shown = evaluation.access.grade is AccessGrade.READ and _DATA not in evaluation.access.hidden
            yield evaluation, frozenset(self._ends(evaluation, data) if shown else ())

    def _ends(self, evaluation: Row, data: Sequence[tuple[int, Edge]]) -> Iterator[str]:
        """The ids of the data that the caller may know of; what is hidden of it takes no cause away."""
        for vid, edge in data:
            known = self.means.rows.known(vid) is not None
            seen = self.sight.along(evaluation, vid, edge, Direction.IN) if known else None
            if seen is not None:
                yield seen[0].urn


async def health_of(means: WalkSession, row: Row, pin: SnapshotTime) -> HealthReport:
    """How an asset is at the instant of the operation; ``pin`` says that. Each level is one request."""
    course = WalkState(means, LineageQuery((row.urn,), Direction.IN, LEVELS), means.visibility(None), LEVELS)
    means.budget.begin()
    course.begin(row)
    checkup, instant = HealthWalk(means, course, means.visibility(None)), course.sight.instant
    way = EdgeSelection(Direction.IN, (), instant)
    for depth in range(LEVELS + 1):
        if not course.front:
            break
        level = [reached for reached, _ in course.front.values()]
        vertices = [(reached.vid, reached.kind) for reached in level]
        expansions, told = await asyncio.gather(course.expand(way, vertices), checkup.examine(vertices))
        for reached, examined in zip(level, told, strict=False):
            checkup.hear(depth, reached, examined)
        if course.front:
            await course.advance(depth, expansions)
        course.front = {
            vid: met for vid, met in course.front.items() if propagates(met[0], instant.valid, past=instant.past)
        }
    course.shut |= bool(checkup.sight.hidden)
    causes = sorted(checkup.causes.values(), key=lambda cause: cause.place)
    completeness = course.completeness(pin)
    if len(causes) > MAX_CAUSES:
        completeness = replace(completeness, budgets=(*completeness.budgets, CAUSES))
    return HealthReport(status_of(causes, watched=checkup.watched), causes[:MAX_CAUSES], completeness)
