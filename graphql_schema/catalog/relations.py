"""Kinds, relations and stored properties as frozen values: the one place where they are declared.

Everything else is generated from here or refers to it: the JanusGraph schema, the loaders, the registration, the
importers and the tests. Direction rule: an edge is stored in the direction data flows, so downstream = OUT and
upstream = IN for every lineage relation (docs/design/lineage-rules.md, section 3).
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from graphql_schema.catalog.kinds import ALL_KINDS, ASSETS


class RelationFamily(StrEnum):
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
    family: RelationFamily
    ends: frozenset[tuple[str, str]]
    by_time: bool = False
    owning_end: Direction = Direction.IN
    carries: bool = False

    @property
    def lineage(self) -> bool:
        """Whether data flows along it."""
        return self.family is RelationFamily.LINEAGE

    def changed_ends(self, source: str) -> frozenset[Direction]:
        """The ends that an edge says something about, by the kind of its *from* end.

        What data arrives at takes its sensitivity, what a feature set or workflow contains takes owners too, and what
        has versions or runs gets a latest one, so the *to* end of these is always changed; a domain is changed by
        nobody who puts an asset into it.
        """
        if self.name != "CONTAINS":
            return frozenset({self.owning_end, Direction.OUT} if self.carries or self.by_time else {self.owning_end})
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
    return ASSETS if names == ["*"] else tuple(ALL_KINDS[name].name for name in names)


def _relation(
    name: str,
    family: RelationFamily,
    *rules: str,
    by_time: bool = False,
    changes: Direction = Direction.IN,
    carries: bool = False,
) -> Relation:
    return Relation(name, family, _pairs(*rules), by_time, changes, carries)


_DATA = "Dataset DatasetVersion"


INPUT_TO = _relation(
    "INPUT_TO",
    RelationFamily.LINEAGE,
    f"{_DATA} Feature ModelVersion > Run Workflow",
    changes=Direction.OUT,
    carries=True,
)


PRODUCES = _relation(
    "PRODUCES",
    RelationFamily.LINEAGE,
    f"Run Workflow > {_DATA} Feature ModelVersion Evaluation",
    "Service > Dataset",
    carries=True,
)


DERIVES = _relation(
    "DERIVES",
    RelationFamily.LINEAGE,
    f"{_DATA} Feature > {_DATA} Feature FeatureSet",
    changes=Direction.OUT,
    carries=True,
)


FEEDS = _relation(
    "FEEDS",
    RelationFamily.LINEAGE,
    f"{_DATA} Feature FeatureSet > Model ModelVersion Service Report",
    "Report > Report",
    changes=Direction.OUT,
    carries=True,
)


BASE_OF = _relation(
    "BASE_OF", RelationFamily.LINEAGE, "Model ModelVersion > Model ModelVersion", changes=Direction.OUT, carries=True
)


EVALUATED_BY = _relation(
    "EVALUATED_BY",
    RelationFamily.LINEAGE,
    f"ModelVersion {_DATA} > Evaluation",
    "Evaluation > Evaluation",
    changes=Direction.OUT,
    carries=True,
)


DEPLOYED_AS = _relation("DEPLOYED_AS", RelationFamily.LINEAGE, "ModelVersion > Deployment", changes=Direction.OUT)


SERVED_BY = _relation("SERVED_BY", RelationFamily.LINEAGE, "Deployment > Service")


TESTED_IN = _relation(
    "TESTED_IN", RelationFamily.LINEAGE, "ModelVersion Deployment > ExperimentCell", changes=Direction.OUT
)


CELL_OF = _relation("CELL_OF", RelationFamily.LINEAGE, "ExperimentCell > Experiment")


CALLED_BY = _relation("CALLED_BY", RelationFamily.LINEAGE, "Service > Service", changes=Direction.OUT)


TRIGGERS = _relation("TRIGGERS", RelationFamily.LINEAGE, "Workflow > Workflow")


VERSION_OF = _relation(
    "VERSION_OF", RelationFamily.STRUCTURE, "DatasetVersion > Dataset", "ModelVersion > Model", by_time=True
)


PRECEDES = _relation(
    "PRECEDES",
    RelationFamily.STRUCTURE,
    "DatasetVersion > DatasetVersion",
    "ModelVersion > ModelVersion",
    changes=Direction.OUT,
)


RUN_OF = _relation("RUN_OF", RelationFamily.STRUCTURE, "Run > Workflow", by_time=True)


CHILD_OF = _relation("CHILD_OF", RelationFamily.STRUCTURE, "Run > Run")


STARTED_BY = _relation("STARTED_BY", RelationFamily.STRUCTURE, "Run > User")


CONTAINS = _relation("CONTAINS", RelationFamily.STRUCTURE, "FeatureSet > Feature", "Workflow > Workflow", "Domain > *")


OWNED_BY = _relation("OWNED_BY", RelationFamily.OWNERSHIP, "* > Team User", "Domain > Team User")


MEMBER_OF = _relation("MEMBER_OF", RelationFamily.IDENTITY, "User > Team")


PART_OF = _relation("PART_OF", RelationFamily.IDENTITY, "Team > Team", "Domain > Domain")


TAGGED = _relation("TAGGED", RelationFamily.GOVERNANCE, "* > Tag")


REPLACED_BY = _relation("REPLACED_BY", RelationFamily.LIFECYCLE, "* > *")


DECIDED_FOR = _relation("DECIDED_FOR", RelationFamily.GOVERNANCE, "Approval > *", by_time=True)


MONITORED_BY = _relation("MONITORED_BY", RelationFamily.OBSERVABILITY, "* > Check")


RESULT_OF = _relation("RESULT_OF", RelationFamily.OBSERVABILITY, "CheckResult > Check", by_time=True)


RAISED_ON = _relation("RAISED_ON", RelationFamily.OBSERVABILITY, "Incident > *", by_time=True)


CAUSED_BY = _relation("CAUSED_BY", RelationFamily.OBSERVABILITY, "Incident > CheckResult Change")


USAGE_OF = _relation("USAGE_OF", RelationFamily.USAGE, "UsageMonth > *", by_time=True)


USED_BY = _relation("USED_BY", RelationFamily.USAGE, "UsageMonth > Team User Service", by_time=True)


CHANGED = _relation("CHANGED", RelationFamily.AUDIT, "Change > *", "Change > Team User Domain Tag", by_time=True)


RELATIONS: dict[str, Relation] = {
    relation.name: relation for relation in list(globals().values()) if isinstance(relation, Relation)
}


CARRYING: Final = tuple(relation.name for relation in RELATIONS.values() if relation.carries)
"""The relations over which data flows, and sensitivity with it."""


LINEAGE = tuple(relation for relation in RELATIONS.values() if relation.lineage)


CHILD_HOPS: dict[str, Hop] = {
    "Dataset": VERSION_OF.into("DatasetVersion"),
    "Model": VERSION_OF.into("ModelVersion"),
    "FeatureSet": CONTAINS.out("Feature"),
}
"""From a whole to its parts (rule 3.3)."""


PARENT_HOPS: dict[str, Hop] = {
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
