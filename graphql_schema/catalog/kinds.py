"""The kinds of the graph as frozen values, with look-ups by slug and code.

Each kind is one value here. The vertex labels of the store, the ids, the enum `AssetKind` and the picture in the README
follow from them. Each kind of :data:`KINDS` also has an entry in `graphql_schema/assets/`, with its GraphQL type and
input; CONTRIBUTING.md has the steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of vertex: its vertex label ``name``, and its ``slug`` in ids.

    ``name`` is also the name of its GraphQL type; only `UsageMonth`, `Observation` and
    `ThinEventQueue` have none.

    ``description`` is that of the value in the enum `AssetKind`; empty if the kind is not an asset.
    ``asset``: whether the policy governs the kind.
    ``version_of``, ``part_of``: the parent kind, if any; parent and children are an asset group. In lineage the
    edges of children count for their parent, those of the parent for its children, and not among siblings. The id of a
    version has the source, namespace and name of its parent, and ends in `@<version>`. A part has an id of its own and
    is contained in its parent.
    ``joins``: existing relations that this kind takes part in, each with a rule as in
    :mod:`graphql_schema.catalog.relations`, such as ``{"FEEDS": "PromptVersion > ModelVersion"}``. Relations of all
    assets, all versions or all parts need no rule.
    ``declared_in``: the file of `graphql_schema/assets/` with the entry of the kind, without `.py`; "" is the first
    word of the slug.
    ``shown_by``: for an attached record, the field of its subject that leads to it; "" for other kinds. Only a caller
    who may read that field of a subject may read the record.
    ``right``: for an attached record, the right to the subject that the caller needs besides; "" is none.
    """

    name: str
    slug: str
    description: str = ""
    asset: bool = True
    version_of: str | None = None
    part_of: str | None = None
    joins: Mapping[str, str] = field(default_factory=dict, hash=False)
    declared_in: str = ""
    shown_by: str = ""
    right: str = ""

    @property
    def code(self) -> str:
        """The name of the kind in records; for an asset, also its value in the enum `AssetKind`."""
        return self.slug.replace("-", "_").upper()

    @property
    def concept(self) -> str:
        """The concept of a kind of :data:`KINDS`: a file of `graphql_schema/assets/`, a box of the README's picture."""
        return self.declared_in or self.slug.partition("-")[0]

    @property
    def versioned(self) -> bool:
        """Whether the kind is a version of its parent, with a version in its ids."""
        return self.version_of is not None

    @property
    def parent(self) -> str | None:
        """The parent kind in an asset group; None if the kind has no parent."""
        return self.version_of or self.part_of


KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("Dataset", "dataset", "A table, a collection of files, a topic or a view."),
        Kind("DatasetVersion", "dataset-version", "A snapshot of a dataset.", version_of="Dataset"),
        Kind("FeatureSet", "feature-set", "A set of features that are served together."),
        Kind("Feature", "feature", "A computed value that models take as input.", part_of="FeatureSet"),
        Kind("Model", "model", "A machine-learning model."),
        Kind("ModelVersion", "model-version", "A version of a model.", version_of="Model"),
        Kind("Workflow", "workflow", "The definition of a pipeline or of one of its steps."),
        Kind("Run", "run", "One execution of a workflow.", declared_in="workflow"),
        Kind("Evaluation", "evaluation", "The measurement of a model version on data."),
        Kind("Service", "service", "A production service that serves predictions or calls a service that does."),
        Kind("Deployment", "deployment", "A model version that runs in a service.", declared_in="service"),
        Kind("Experiment", "experiment", "An online test with several arms."),
        Kind("ExperimentCell", "experiment-cell", "One arm of an experiment."),
        Kind("Report", "report", "A dashboard, chart or document that people read."),
        Kind("Team", "team", asset=False),
        Kind("User", "user", asset=False, declared_in="team"),
        Kind("Domain", "domain", asset=False),
        Kind("Tag", "tag", asset=False),
    )
}
"""The kinds that clients register, by name: the assets, then Team, User, Domain and Tag."""


NAME_OF_CODE: Final = {kind.code: name for name, kind in KINDS.items()}
"""The name of each kind in :data:`KINDS` by its code, which records store."""


ATTACHED_KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind("Check", "check", asset=False, shown_by="checks"),
        Kind("CheckResult", "check-result", asset=False, shown_by="checks"),
        Kind("Incident", "incident", asset=False, shown_by="incidents"),
        Kind("Approval", "approval", asset=False, shown_by="approvals"),
        Kind("ChangePlan", "change-plan", asset=False, shown_by="changePlans"),
        Kind("UsageMonth", "usage-month", asset=False, shown_by="usage"),
        Kind("Change", "change", asset=False, shown_by="history"),
        Kind("Observation", "observation", asset=False, shown_by="history"),
        Kind("Ingestion", "ingestion", asset=False, shown_by="history"),
        Kind("ThinEvent", "thin-event", asset=False, shown_by="history", right="update"),
        Kind("ThinEventQueue", "thin-event-queue", asset=False, shown_by="history"),
    )
}
"""The kinds of attached records, by name; :data:`graphql_schema.catalog.relations.SUBJECT_HOPS` leads to subjects."""


ALL_KINDS: Final = {**KINDS, **ATTACHED_KINDS}


KIND_OF_SLUG: Final = {kind.slug: kind for kind in ALL_KINDS.values()}


KIND_OF_CODE: Final = {kind.code: kind for kind in ALL_KINDS.values()}


ASSETS: Final = tuple(kind.name for kind in KINDS.values() if kind.asset)
"""The names of the governed kinds."""


RESERVABLE: Final = tuple(name for name in ASSETS if not KINDS[name].versioned)
"""The governed kinds of which ids can be reserved for a team: a version has the id of its parent, and its owner."""


VERSIONS: Final = tuple(kind for kind in KINDS.values() if kind.versioned)
"""The kinds that are versions of another kind."""
