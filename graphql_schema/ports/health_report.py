"""Health reports: the status of an asset, and its causes."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from graphql_schema.ports.lineage_query import Completeness
from graphql_schema.ports.row import Row


class CauseSeverity(IntEnum):
    """Severity of a cause of health; a cause with REPORTED is listed and does not count for the status."""

    REPORTED = 0
    MINOR = 1
    SEVERE = 2


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """A cause of bad health: a check with its latest result, an incident, or an evaluation.

    ``contamination`` is the name of the verdict if the cause is that the evaluation is contaminated, else None.

    ``asset`` is the checked asset, an asset of the incident, or the version with the evaluation; for a contamination,
    the asset whose health is reported. ``depth`` is the number of edges from ``asset`` to the asset whose health is
    reported; steps within an asset group do not count.
    """

    asset: Row
    depth: int
    weight: CauseSeverity
    check: Row | None = None
    result: Row | None = None
    incident: Row | None = None
    evaluation: Row | None = None
    contamination: str | None = None

    @property
    def counts(self) -> bool:
        """Return whether the cause counts for the status."""
        return self.weight is not CauseSeverity.REPORTED

    @property
    def about(self) -> str:
        """Return the id of the check, incident or evaluation."""
        return next(each.urn for each in (self.check, self.incident, self.evaluation) if each is not None)

    @property
    def cause(self) -> tuple[str, bool]:
        """Return what the finding is about: the id, and whether it is about the contamination of an evaluation."""
        return self.about, self.contamination is not None

    @property
    def place(self) -> tuple[int, str, tuple[str, bool]]:
        """Return the sort key among the causes: nearest first, then asset, then check, incident or evaluation.

        Of two causes by one evaluation, its contamination comes after its verdict.
        """
        return self.depth, self.asset.urn, self.cause


@dataclass(frozen=True, slots=True)
class HealthReport:
    """The name of the ``HealthStatus`` of an asset, its nearest causes in order, and the completeness of the result."""

    status: str
    causes: Sequence[HealthFinding]
    completeness: Completeness
