"""Causes and status of health."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from graphql_schema.ports.lineage_query import Completeness
from graphql_schema.ports.row import Row


class CauseSeverity(IntEnum):
    """How much a cause weighs."""

    MINOR = 1
    SEVERE = 2


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """Why an asset is not as it should be: a check with its latest result, an incident, or an evaluation.

    ``asset`` is what that is about, ``depth`` how many edges upstream it is.
    """

    asset: Row
    depth: int
    weight: CauseSeverity
    check: Row | None = None
    result: Row | None = None
    incident: Row | None = None
    evaluation: Row | None = None

    @property
    def about(self) -> str:
        """The id of the check, incident or evaluation."""
        return next(each.urn for each in (self.check, self.incident, self.evaluation) if each is not None)

    @property
    def place(self) -> tuple[int, str, str]:
        """Where it stands among the causes: the nearest first, then by asset, then by what it is about."""
        return self.depth, self.asset.urn, self.about


@dataclass(frozen=True, slots=True)
class HealthReport:
    """How an asset is, and why."""

    status: str
    causes: Sequence[HealthFinding]
    completeness: Completeness
