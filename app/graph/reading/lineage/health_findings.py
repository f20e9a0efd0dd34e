"""Weighs the evidence on one asset: which of its checks, incidents and evaluations are causes.

Many assets of one level may share an evaluation, an evaluation its data with others, and a parent its evidence with
all of its children. So each asset is weighed once in a request for evidence, and the data of each evaluation is read
once, however many versions it measures. The walks of an operation then only add what was found.
"""

import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.graph.reading.level.hop_plan import Edge
from app.graph.reading.level.level_batcher import LevelResponse
from app.graph.reading.lineage.lineage_visibility import LineageVisibility
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.health_report import HealthFinding
from graphql_schema.ports.row import Row
from graphql_schema.rules.gate_evaluation import counts_for, counts_on
from graphql_schema.rules.health_status import newest_evaluations, weigh_check, weigh_evaluations, weigh_incident

EVALUATIONS: Final = "evaluations"
"""Field of a version that shows its evaluations."""

_CHECKS, _INCIDENTS = ATTACHED_KINDS["Check"].shown_by, ATTACHED_KINDS["Incident"].shown_by
_EVIDENCE: Final = frozenset({_CHECKS, _INCIDENTS, EVALUATIONS})
_VERDICT, _DATA = "verdict", "evaluatedOn"


@dataclass(frozen=True, slots=True)
class HealthEvidence:
    """Evidence on one vertex, as vertex ids.

    ``checks`` has each check with its newest results: none, one, or several of the same time. ``evaluations`` has each
    evaluation with the edge to it and the data that it was made on. If the query reads the past, evaluations and data
    include edges that were not valid then; :func:`app.graph.records.read_time.edge_at` filters them.

    ``left_out`` are evaluations that do not count for the vertex, each with the edge to it, if they were left out.
    ``max_data`` is the number of data up to which those of an evaluation were read, and ``max_checks`` that of checks
    and of incidents up to which these were read.
    """

    vid: int
    checks: Sequence[tuple[int, Sequence[int]]]
    incidents: Sequence[int]
    evaluations: Sequence[tuple[int, Edge, Sequence[tuple[int, Edge]]]]
    left_out: Sequence[tuple[int, Edge]] = ()
    max_data: int = sys.maxsize
    max_checks: int = sys.maxsize


@dataclass(eq=False, slots=True)
class AssetFindings:
    """What the evidence on one asset means to the caller, whatever walk reaches the asset.

    ``causes`` have the depth 0. ``newest`` are the newest evaluations of each owner, kind and set of data.
    ``monitored`` is true if a visible evaluation or latest result of a check counts. ``blocked`` is true if the policy
    hides some of the evidence. ``lacks_causes`` is true if visible evaluations were left out, which cannot change the
    status. ``lacks_evidence`` is true if checks, incidents, or data of a visible evaluation may not have been read, on
    which the status may depend.
    """

    causes: list[HealthFinding] = field(default_factory=list)
    newest: list[Row] = field(default_factory=list)
    monitored: bool = False
    blocked: bool = False
    lacks_causes: bool = False
    lacks_evidence: bool = False


class EvidenceWeighing:
    """Weighs evidence that one response has; the policy has been evaluated on the assets, evaluations and data."""

    def __init__(self, rows: VisibleRows, response: LevelResponse) -> None:
        self._rows = rows
        self._response = response
        self._data: dict[int, frozenset[str]] = {}
        """The ids of the visible data of each evaluation; equal sets are one object, so that they compare at once."""
        self._equal: dict[frozenset[str], frozenset[str]] = {}

    def findings(self, asset: Row, evidence: HealthEvidence) -> Generator[None, None, AssetFindings]:
        """Return the findings on an asset that the caller may read, with a pause after each piece of evidence."""
        hidden, found, owner = asset.access.hidden, AssetFindings(), self._rows.owner_of(asset)
        found.blocked = not hidden.isdisjoint(_EVIDENCE)
        if _CHECKS not in hidden:
            found.lacks_evidence |= len(evidence.checks) >= evidence.max_checks
            yield from self._weigh_checks(asset, owner, evidence, found)
        if _INCIDENTS not in hidden:
            found.lacks_evidence |= len(evidence.incidents) >= evidence.max_checks
            for incident in self._rows.found(evidence.incidents, self._response):
                weight = weigh_incident(asset, incident, owner)
                if weight is not None:
                    found.causes.append(HealthFinding(asset, 0, weight, incident=incident))
                yield
        if EVALUATIONS not in hidden:
            yield from self._weigh_evaluations(asset, evidence, found)
        return found

    def _weigh_checks(
        self, asset: Row, owner: str | None, evidence: HealthEvidence, found: AssetFindings
    ) -> Generator[None, None, None]:
        """Add a finding for each check whose latest result has a weight."""
        for vid, results in evidence.checks:
            check = self._rows.row(vid, self._response)
            latest = min(self._rows.found(results, self._response), key=lambda row: row.urn, default=None)
            if check is not None and latest is not None:
                found.monitored |= counts_on(asset.urn, owner, latest.record)
                weight = weigh_check(asset, check, latest, owner, self._rows.row_policy.instant.valid)
                if weight is not None:
                    found.causes.append(HealthFinding(asset, 0, weight, check=check, result=latest))
            yield

    def _weigh_evaluations(
        self, version: Row, evidence: HealthEvidence, found: AssetFindings
    ) -> Generator[None, None, None]:
        """Add a finding for each of the newest evaluations with the verdict FAIL or WARN."""
        visibility = LineageVisibility(self._rows, self._rows.row_policy.instant)
        owner_of = self._rows.owner_of
        owner = owner_of(version)
        for vid, edge in evidence.left_out:
            found.lacks_causes |= visibility.along(version, vid, edge, Direction.OUT) is not None
            yield
        known: list[tuple[Row, frozenset[str]]] = []
        for vid, edge, data in evidence.evaluations:
            visible = visibility.along(version, vid, edge, Direction.OUT)
            if visible is not None:
                evaluation, _ = visible
                shown = evaluation.reads(_DATA)
                found.blocked |= _VERDICT in evaluation.access.hidden
                found.lacks_evidence |= shown and len(data) >= evidence.max_data
                found.monitored |= counts_for(owner, owner_of(evaluation))
                known.append((evaluation, (yield from self._visible_data(evaluation, data)) if shown else frozenset()))
            yield
        found.blocked |= bool(visibility.hidden)
        found.newest = newest_evaluations(known, owner_of)
        for evaluation, weight in weigh_evaluations(version, found.newest, owner_of):
            found.causes.append(HealthFinding(version, 0, weight, evaluation=evaluation))
            yield

    def _visible_data(self, evaluation: Row, data: Sequence[tuple[int, Edge]]) -> Generator[None, None, frozenset[str]]:
        """Return the ids of the visible data of an evaluation.

        Hidden data is not counted as hidden lineage, because it removes no finding.
        """
        if evaluation.vid not in self._data:
            visibility, shown = LineageVisibility(self._rows, self._rows.row_policy.instant), set[str]()
            for vid, edge in data:
                known = self._rows.known(vid) is not None
                visible = visibility.along(evaluation, vid, edge, Direction.IN) if known else None
                if visible is not None:
                    shown.add(visible[0].urn)
                yield
            ids = frozenset(shown)
            self._data[evaluation.vid] = self._equal.setdefault(ids, ids)
        return self._data[evaluation.vid]
