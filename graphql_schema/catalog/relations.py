"""Kinds, relations and stored properties as frozen values: the one place where they are declared.

Everything else is generated from here or refers to it: the JanusGraph schema, the loaders, the registration, the
importers and the tests. Direction rule: an edge is stored in the direction data flows, so downstream = OUT and
upstream = IN for every lineage relation (design README, section 3).
"""

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from graphql_schema.catalog.kinds import ASSETS, VERTICES


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


CARRYING: Final = tuple(relation.name for relation in RELATIONS.values() if relation.carries)
"""The relations over which data flows, and sensitivity with it."""


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
