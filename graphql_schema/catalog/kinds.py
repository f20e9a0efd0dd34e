"""Kinds of assets and of attached records, with look-ups by slug and code."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """A vertex label; ``asset`` says whether it is governed, ``whole`` of what kind it is a part (rule 3.3).

    ``shown_by`` is, of a fact, the field of its subject that leads to it: who may read that may read the fact.
    """

    name: str
    slug: str
    asset: bool = True
    versioned: bool = False
    parent: str | None = None
    shown_by: str = ""

    @property
    def code(self) -> str:
        """The kind as GraphQL's ``AssetKind`` writes it."""
        return self.slug.replace("-", "_").upper()


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("Dataset", "dataset"),
        Kind("DatasetVersion", "dataset-version", versioned=True, parent="Dataset"),
        Kind("FeatureSet", "feature-set"),
        Kind("Feature", "feature", parent="FeatureSet"),
        Kind("Model", "model"),
        Kind("ModelVersion", "model-version", versioned=True, parent="Model"),
        Kind("Workflow", "workflow"),
        Kind("Run", "run"),
        Kind("Evaluation", "evaluation"),
        Kind("Service", "service"),
        Kind("Deployment", "deployment"),
        Kind("Experiment", "experiment"),
        Kind("ExperimentCell", "experiment-cell"),
        Kind("Report", "report"),
        Kind("Team", "team", asset=False),
        Kind("User", "user", asset=False),
        Kind("Domain", "domain", asset=False),
        Kind("Tag", "tag", asset=False),
    )
}
"""What is registered: assets, and the people and vocabulary that they refer to."""


KIND: Final = {kind.code: name for name, kind in KINDS.items()}
"""The catalog's name of a kind by its code, as records have it."""


ATTACHED_KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("Check", "check", asset=False, shown_by="checks"),
        Kind("CheckResult", "check-result", asset=False, shown_by="checks"),
        Kind("Incident", "incident", asset=False, shown_by="incidents"),
        Kind("Approval", "approval", asset=False, shown_by="approvals"),
        Kind("UsageMonth", "usage-month", asset=False, shown_by="usage"),
        Kind("Change", "change", asset=False, shown_by="history"),
    )
}
"""Records about subjects, visible through them; :data:`graphql_schema.catalog.relations.SUBJECT_HOPS` lead there."""


ALL_KINDS = {**KINDS, **ATTACHED_KINDS}


KIND_OF_SLUG = {kind.slug: kind for kind in ALL_KINDS.values()}


KIND_OF_CODE = {kind.code: kind for kind in ALL_KINDS.values()}


ASSETS = tuple(kind.name for kind in KINDS.values() if kind.asset)
