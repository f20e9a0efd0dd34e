"""Kinds, relations and stored properties as frozen values: the one place where they are declared.

Everything else is generated from here or refers to it: the JanusGraph schema, the loaders, the registration, the
importers and the tests. Direction rule: an edge is stored in the direction data flows, so downstream = OUT and
upstream = IN for every lineage relation (design README, section 3).
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

OPEN = 253_402_300_799_999
"""The end of what has not ended, in epoch milliseconds: 9999-12-31T23:59:59.999Z, the last RFC 3339 instant."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A vertex label; ``asset`` says whether it is governed, ``whole`` of what kind it is a part (rule 3.3).

    ``shown_by`` is, of a fact, the field of its subject that leads to it: who may read that may read the fact.
    """

    name: str
    slug: str
    asset: bool = True
    versioned: bool = False
    whole: str | None = None
    shown_by: str = ""

    @property
    def code(self) -> str:
        """The kind as GraphQL's ``AssetKind`` writes it."""
        return self.slug.replace("-", "_").upper()


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("Dataset", "dataset"),
        Kind("DatasetVersion", "dataset-version", versioned=True, whole="Dataset"),
        Kind("FeatureSet", "feature-set"),
        Kind("Feature", "feature", whole="FeatureSet"),
        Kind("Model", "model"),
        Kind("ModelVersion", "model-version", versioned=True, whole="Model"),
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

FACTS: dict[str, Kind] = {
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
"""What is recorded about something, its subject, and shown with it; :data:`SUBJECT_HOPS` lead there."""

VERTICES = {**KINDS, **FACTS}
KIND_OF_SLUG = {kind.slug: kind for kind in VERTICES.values()}
KIND_OF_CODE = {kind.code: kind for kind in VERTICES.values()}
ASSETS = tuple(kind.name for kind in KINDS.values() if kind.asset)


class Class(StrEnum):
    """What a relation is about."""

    LINEAGE = "lineage"
    STRUCTURE = "structure"
    OWNERSHIP = "ownership"
    IDENTITY = "identity"
    GOVERNANCE = "governance"
    OBSERVABILITY = "observability"
    USAGE = "usage"
    AUDIT = "audit"
    LIFECYCLE = "lifecycle"


class Direction(Enum):
    """Along an edge, or against it."""

    OUT = "out"
    IN = "in"


@dataclass(frozen=True, slots=True)
class Relation:
    """An edge label: which kinds it may join, and whether its far ends are read newest first.

    ``ends`` are (from, to) pairs of kind names. ``by_time`` relations carry a sortable time of the *from* end and an
    index on it, so that the newest few of many are read without the others. ``changes`` is the end that an edge says
    something about, the consumer's or declarer's: OUT the *to* end, IN the *from* end. Who links needs rights there.
    ``carries`` says that data goes over it, and its sensitivity with it (docs/sensitivity.md).
    """

    name: str
    family: Class
    ends: frozenset[tuple[str, str]]
    by_time: bool = False
    changes: Direction = Direction.IN
    carries: bool = False

    @property
    def lineage(self) -> bool:
        """Whether data flows along it."""
        return self.family is Class.LINEAGE

    def changed_ends(self, source: str) -> frozenset[Direction]:
        """The ends that an edge says something about, by the kind of its *from* end.

        What data arrives at takes its sensitivity, what a feature set or workflow contains takes owners too, and what
        has versions or runs gets a latest one, so the *to* end of these is always changed; a domain is changed by
        nobody who puts an asset into it.
        """
        if self.name != "CONTAINS":
            return frozenset({self.changes, Direction.OUT} if self.carries or self.by_time else {self.changes})
        return frozenset({Direction.OUT}) if source == "Domain" else frozenset(Direction)

    def out(self, *kinds: str) -> "Hop":
        """The hop along the edge, to the named kinds or to all that the relation allows."""
        return Hop(self, Direction.OUT, kinds)

    def into(self, *kinds: str) -> "Hop":
        """The hop against the edge, from the named kinds or from all that the relation allows."""
        return Hop(self, Direction.IN, kinds)

    def allows(self, source: str, target: str) -> bool:
        """Whether an edge of this relation may join these kinds."""
        return (source, target) in self.ends


@dataclass(frozen=True, slots=True)
class Hop:
    """One step over one relation; ``kinds`` restricts the far end (empty: whatever the relation allows)."""

    relation: Relation
    direction: Direction
    kinds: tuple[str, ...] = ()


def _pairs(*rules: str) -> frozenset[tuple[str, str]]:
    """Read rules such as ``"Dataset DatasetVersion > Run Workflow"``; a left or right side `*` means every asset."""
    ends: set[tuple[str, str]] = set()
    for rule in rules:
        left, right = (side.split() for side in rule.split(">"))
        ends |= {(a, b) for a in _expand(left) for b in _expand(right)}
    return frozenset(ends)


def _expand(names: list[str]) -> tuple[str, ...]:
    return ASSETS if names == ["*"] else tuple(VERTICES[name].name for name in names)


def _relation(
    name: str,
    family: Class,
    *rules: str,
    by_time: bool = False,
    changes: Direction = Direction.IN,
    carries: bool = False,
) -> Relation:
    return Relation(name, family, _pairs(*rules), by_time, changes, carries)


_DATA = "Dataset DatasetVersion"

INPUT_TO = _relation(
    "INPUT_TO",
    Class.LINEAGE,
    f"{_DATA} Feature ModelVersion > Run Workflow",
    changes=Direction.OUT,
    carries=True,
)
PRODUCES = _relation(
    "PRODUCES",
    Class.LINEAGE,
    f"Run Workflow > {_DATA} Feature ModelVersion Evaluation",
    "Service > Dataset",
    carries=True,
)
DERIVES = _relation(
    "DERIVES",
    Class.LINEAGE,
    f"{_DATA} Feature > {_DATA} Feature FeatureSet",
    changes=Direction.OUT,
    carries=True,
)
FEEDS = _relation(
    "FEEDS",
    Class.LINEAGE,
    f"{_DATA} Feature FeatureSet > Model ModelVersion Service Report",
    "Report > Report",
    changes=Direction.OUT,
    carries=True,
)
BASE_OF = _relation(
    "BASE_OF", Class.LINEAGE, "Model ModelVersion > Model ModelVersion", changes=Direction.OUT, carries=True
)
EVALUATED_BY = _relation(
    "EVALUATED_BY",
    Class.LINEAGE,
    f"ModelVersion {_DATA} > Evaluation",
    "Evaluation > Evaluation",
    changes=Direction.OUT,
    carries=True,
)
DEPLOYED_AS = _relation("DEPLOYED_AS", Class.LINEAGE, "ModelVersion > Deployment", changes=Direction.OUT)
SERVED_BY = _relation("SERVED_BY", Class.LINEAGE, "Deployment > Service")
TESTED_IN = _relation("TESTED_IN", Class.LINEAGE, "ModelVersion Deployment > ExperimentCell", changes=Direction.OUT)
CELL_OF = _relation("CELL_OF", Class.LINEAGE, "ExperimentCell > Experiment")
CALLED_BY = _relation("CALLED_BY", Class.LINEAGE, "Service > Service", changes=Direction.OUT)
TRIGGERS = _relation("TRIGGERS", Class.LINEAGE, "Workflow > Workflow")
VERSION_OF = _relation("VERSION_OF", Class.STRUCTURE, "DatasetVersion > Dataset", "ModelVersion > Model", by_time=True)
PRECEDES = _relation(
    "PRECEDES", Class.STRUCTURE, "DatasetVersion > DatasetVersion", "ModelVersion > ModelVersion", changes=Direction.OUT
)
RUN_OF = _relation("RUN_OF", Class.STRUCTURE, "Run > Workflow", by_time=True)
CHILD_OF = _relation("CHILD_OF", Class.STRUCTURE, "Run > Run")
STARTED_BY = _relation("STARTED_BY", Class.STRUCTURE, "Run > User")
CONTAINS = _relation("CONTAINS", Class.STRUCTURE, "FeatureSet > Feature", "Workflow > Workflow", "Domain > *")
OWNED_BY = _relation("OWNED_BY", Class.OWNERSHIP, "* > Team User", "Domain > Team User")
MEMBER_OF = _relation("MEMBER_OF", Class.IDENTITY, "User > Team")
PART_OF = _relation("PART_OF", Class.IDENTITY, "Team > Team", "Domain > Domain")
TAGGED = _relation("TAGGED", Class.GOVERNANCE, "* > Tag")
REPLACED_BY = _relation("REPLACED_BY", Class.LIFECYCLE, "* > *")
DECIDED_FOR = _relation("DECIDED_FOR", Class.GOVERNANCE, "Approval > *", by_time=True)
MONITORED_BY = _relation("MONITORED_BY", Class.OBSERVABILITY, "* > Check")
RESULT_OF = _relation("RESULT_OF", Class.OBSERVABILITY, "CheckResult > Check", by_time=True)
RAISED_ON = _relation("RAISED_ON", Class.OBSERVABILITY, "Incident > *", by_time=True)
CAUSED_BY = _relation("CAUSED_BY", Class.OBSERVABILITY, "Incident > CheckResult Change")
USAGE_OF = _relation("USAGE_OF", Class.USAGE, "UsageMonth > *", by_time=True)
USED_BY = _relation("USED_BY", Class.USAGE, "UsageMonth > Team User Service", by_time=True)
CHANGED = _relation("CHANGED", Class.AUDIT, "Change > *", "Change > Team User Domain Tag", by_time=True)

RELATIONS: dict[str, Relation] = {
    relation.name: relation for relation in list(globals().values()) if isinstance(relation, Relation)
}
LINEAGE = tuple(relation for relation in RELATIONS.values() if relation.lineage)

PART_HOPS: dict[str, Hop] = {
    "Dataset": VERSION_OF.into("DatasetVersion"),
    "Model": VERSION_OF.into("ModelVersion"),
    "FeatureSet": CONTAINS.out("Feature"),
}
"""From a whole to its parts (rule 3.3)."""

WHOLE_HOPS: dict[str, Hop] = {
    "DatasetVersion": VERSION_OF.out("Dataset"),
    "ModelVersion": VERSION_OF.out("Model"),
    "Feature": CONTAINS.into("FeatureSet"),
}
"""From a part to its whole."""

SUBJECT_HOPS: dict[str, tuple[Hop, ...]] = {
    "Check": (MONITORED_BY.into(),),
    "CheckResult": (RESULT_OF.out(), MONITORED_BY.into()),
    "Incident": (RAISED_ON.out(),),
    "Approval": (DECIDED_FOR.out(),),
    "UsageMonth": (USAGE_OF.out(),),
    "Change": (CHANGED.out(),),
}
"""From a fact to its subjects."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A native vertex property: the store filters, orders or polices by it. Everything else lives in ``record``.

    ``java`` is the store's class; ``index`` whether the mixed index holds it; ``many`` whether it is a set. ``field``
    is the field of the schema that shows it, whose policy a filter or an order on it follows; the name when empty.
    ``fact`` says that facts alone have it, ``text`` that the index finds it by its words and not as a whole.
    """

    name: str
    java: str = "String"
    index: bool = True
    many: bool = False
    field: str = ""
    fact: bool = False
    text: bool = False


STORED: tuple[Stored, ...] = (
    Stored("tenant"),
    Stored("urn", field="id"),
    Stored("kind"),
    Stored("source"),
    Stored("namespace"),
    Stored("name"),
    Stored("titles", many=True, field="displayName"),
    Stored("words", many=True, field="displayName"),
    Stored("prose", text=True, field="description"),
    Stored("ownerTeam"),
    Stored("owners", many=True),
    Stored("tags", many=True),
    Stored("domain"),
    Stored("stage"),
    Stored("visibility"),
    Stored("sensitivity"),
    Stored("hydration"),
    Stored("createdAt", "Long"),
    Stored("updatedAt", "Long"),
    Stored("begins", "Long", field="sourceCreatedAt"),
    Stored("deletedAt", "Long"),
    Stored("usedAt", "Long", field="usage"),
    Stored("servedAt", "Long", field="usage"),
    Stored("subject", fact=True),
    Stored("subjectKind", fact=True),
    Stored("actor", fact=True),
    Stored("action", fact=True),
    Stored("state", fact=True),
    Stored("revision", "Long", index=False),
    Stored("record", index=False),
)
"""``ownerTeam`` and ``domain`` are "" where there is none, ``owners`` and ``tags`` then hold just "", and ``deletedAt``
is OPEN while it lives: an absent value would fail open under a `not`.

``begins`` says when an asset came to be, as far as anybody told. ``usedAt`` is the last day, as the instant at which it
began, that a team or a user used it, ``servedAt`` that of a service, which may be hidden; 0 is never. These two are no
part of the record: the store keeps them with each recording of usage (:mod:`app.graph.writing.using`).
What of a record is in ``titles``, ``words`` and ``prose`` says :mod:`graphql_schema.matching`."""

TIME_FIELDS = ("observedAt", "startedAt", "sourceCreatedAt", "createdAt")
"""What says when something was made, the best first: what by-time relations are ordered by."""

FIELD_OF = {stored.name: stored.field or stored.name for stored in STORED}
"""The field of the schema that shows a native property."""

STORED_ON_EDGES: tuple[Stored, ...] = (
    Stored("fromKind", index=False),
    Stored("toKind", index=False),
    Stored("validFrom", "Long", index=False),
    Stored("validTo", "Long", index=False),
    Stored("at", "Long", index=False),
    Stored("declassified", "Boolean", index=False),
    Stored("through", index=False),
    Stored("record", index=False),
)
