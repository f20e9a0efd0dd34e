"""Contamination reports: whether a model version was trained on data of its evaluation, and where they overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

from graphql_schema.catalog.enums import ContaminationVerdict
from graphql_schema.ports.lineage_query import Completeness
from graphql_schema.ports.row import Row


@dataclass(frozen=True, slots=True)
class ContaminationSource:
    """One data asset of an evaluation that overlaps with the training, as visible rows.

    ``path`` leads from the model version upstream to ``via`` and from there downstream to ``evaluated``; ``training``
    is the first data on it.
    """

    verdict: ContaminationVerdict
    training: Row
    evaluated: Row
    via: Row
    path: Sequence[Row]


@dataclass(frozen=True, slots=True)
class ContaminationReport:
    """The verdict of an evaluation, its sources ordered by the id of ``evaluated``, and how much was examined."""

    verdict: ContaminationVerdict
    sources: Sequence[ContaminationSource]
    completeness: Completeness

    @property
    def contaminated(self) -> bool:
        """Return whether an overlap was found."""
        return bool(self.sources)
