"""The relations of the graph as frozen values, and the hops over them.

The edge labels of the store, the enum `Relation`, the checks of registrations and links, and the picture in the README
follow from these values. A lineage edge points where the data flows: downstream is along it, upstream is against
it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from graphql_schema.catalog.kinds import ALL_KINDS, ASSETS, KINDS, VERSIONS


class RelationFamily(StrEnum):
    """The aspect of the graph that a relation belongs to."""

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

    @property
    def reverse(self) -> "Direction":
        """The other direction."""
        return Direction.IN if self is Direction.OUT else Direction.OUT


@dataclass(frozen=True, slots=True)
class Relation:
    """An edge label with the kinds that it joins.

    ``ends``: the allowed (from, to) pairs of kind names.
    ``by_time``: whether each edge stores the time of its *from* end in an index, so that the newest of many edges are
    read without the others.
    ``owning_end``: the end that an edge is a statement about, OUT for the *to* end and IN for the *from* end. The right
    to link is checked on the ends that :meth:`changed_ends` returns.
    ``carries``: whether data, and its sensitivity, flows along the edges (docs/sensitivity.md).
    ``description``: that of the value in the enum `Relation`; empty if the enum lacks the relation.
    """

    name: str
    family: RelationFamily
    ends: frozenset[tuple[str, str]]
    by_time: bool = False
    owning_end: Direction = Direction.IN
    carries: bool = False
    description: str = ""

    @property
    def lineage(self) -> bool:
        """Whether the relation is part of lineage."""
        return self.family is RelationFamily.LINEAGE

    def changed_ends(self, source: str) -> frozenset[Direction]:
        """Return the ends that a new edge changes; ``source`` is the kind of its *from* end.

        OUT is the *to* end, IN the *from* end. Of all relations except `CONTAINS` the owning end changes. Also the *to*
        end of a carrying edge takes over sensitivity, and that of a by-time edge may get another latest version or run.
        A contained asset may take over owners, so both ends of `CONTAINS` change. A domain does not change with its
        assets, so only the *to* end of a `CONTAINS` that leaves a domain changes.
        """
        if self.name != "CONTAINS":
            return frozenset({self.owning_end, Direction.OUT} if self.carries or self.by_time else {self.owning_end})
        return frozenset({Direction.OUT}) if source == "Domain" else frozenset(Direction)

    def out(self, *kinds: str) -> "Hop":
        """Return the hop along the edge, to the named kinds or to all that the relation allows."""
        return Hop(self, Direction.OUT, kinds)

    def into(self, *kinds: str) -> "Hop":
        """Return the hop against the edge, to the named kinds or to all that the relation allows."""
        return Hop(self, Direction.IN, kinds)

    def allows(self, source: str, target: str) -> bool:
        """Return whether an edge of this relation may join these kinds."""
        return (source, target) in self.ends


@dataclass(frozen=True, slots=True)
class Hop:
    """One step over one relation; ``kinds`` restricts the far end, and is empty for all that the relation allows."""

    relation: Relation
    direction: Direction
    kinds: tuple[str, ...] = ()

    def back(self, kind: str) -> "Hop":
        """Return the hop in the other direction; ``kind`` is the kind at its far end, where this hop starts."""
        return Hop(self.relation, self.direction.reverse, (kind,))

    def edge_key(self, near: int, far: int) -> tuple[str, int, int]:
        """Return the relation, and the *from* and *to* end, of the edge that the hop follows between two vertices."""
        return (self.relation.name, near, far) if self.direction is Direction.OUT else (self.relation.name, far, near)

    def far_end(self, key: tuple[str, int, int]) -> int:
        """Return the vertex id at the far end of an edge that the hop follows, whose key is given."""
        return key[2] if self.direction is Direction.OUT else key[1]


RELATIONS: Final[dict[str, Relation]] = {}
"""Every relation by name, in the order of this file."""


def _relation(
    name: str,
    family: RelationFamily,
    *rules: str,
    by_time: bool = False,
    owning_end: Direction = Direction.IN,
    carries: bool = False,
    description: str = "",
) -> Relation:
    """Return the relation and enter it in :data:`RELATIONS`.

    A rule such as ``"Dataset DatasetVersion > Run Workflow"`` joins each kind on the left to each on the right; ``*``
    alone is every kind of asset. The ``joins`` of the kinds are further rules.
    """
    joins = (kind.joins[name] for kind in KINDS.values() if name in kind.joins)
    ends = frozenset(_pairs((*rules, *joins)))
    relation = Relation(name, family, ends, by_time, owning_end, carries, description)
    RELATIONS[name] = relation
    return relation


def _pairs(rules: Iterable[str]) -> Iterator[tuple[str, str]]:
    for rule in rules:
        sources, _, targets = rule.partition(">")
        yield from ((source, target) for source in _named(sources, rule) for target in _named(targets, rule))


def _named(side: str, rule: str) -> tuple[str, ...]:
    """Return the kinds that one side of a rule names; raises ValueError for an unknown kind or an empty side."""
    names = side.split()
    unknown = [name for name in names if name != "*" and name not in ALL_KINDS]
    if unknown or not names:
        raise ValueError(f"`{rule}` must be `kinds > kinds`, with kinds of the catalog. Unknown kinds: {unknown}.")
    return ASSETS if names == ["*"] else tuple(names)


_DATA = "Dataset DatasetVersion"

INPUT_TO = _relation(
    "INPUT_TO",
    RelationFamily.LINEAGE,
    f"{_DATA} Feature ModelVersion > Run Workflow",
    owning_end=Direction.OUT,
    carries=True,
    description="Data, a feature or a model version is read by a run or workflow.",
)

PRODUCES = _relation(
    "PRODUCES",
    RelationFamily.LINEAGE,
    f"Run Workflow > {_DATA} Feature ModelVersion Evaluation",
    "Service > Dataset",
    carries=True,
    description="A run, workflow or service produces an asset.",
)

DERIVES = _relation(
    "DERIVES",
    RelationFamily.LINEAGE,
    f"{_DATA} Feature > {_DATA} Feature FeatureSet",
    owning_end=Direction.OUT,
    carries=True,
    description="Data or a feature is a source from which other data, a feature or a feature set is computed.",
)

FEEDS = _relation(
    "FEEDS",
    RelationFamily.LINEAGE,
    f"{_DATA} Feature FeatureSet > Model ModelVersion Service Report",
    "Report > Report",
    owning_end=Direction.OUT,
    carries=True,
    description="Data, a feature or a feature set is used by a model, model version, service or report; a report by "
    "another report.",
)

BASE_OF = _relation(
    "BASE_OF",
    RelationFamily.LINEAGE,
    "Model ModelVersion > Model ModelVersion",
    owning_end=Direction.OUT,
    carries=True,
    description="A model or version is the starting point of another: fine-tuned, distilled or merged.",
)

EVALUATED_BY = _relation(
    "EVALUATED_BY",
    RelationFamily.LINEAGE,
    f"ModelVersion {_DATA} > Evaluation",
    "Evaluation > Evaluation",
    owning_end=Direction.OUT,
    carries=True,
    description="A model version, data or a baseline evaluation is used by an evaluation.",
)

DEPLOYED_AS = _relation(
    "DEPLOYED_AS",
    RelationFamily.LINEAGE,
    "ModelVersion > Deployment",
    owning_end=Direction.OUT,
    description="A model version runs in a deployment.",
)

SERVED_BY = _relation(
    "SERVED_BY", RelationFamily.LINEAGE, "Deployment > Service", description="A deployment runs in a service."
)

TESTED_IN = _relation(
    "TESTED_IN",
    RelationFamily.LINEAGE,
    "ModelVersion Deployment > ExperimentCell",
    owning_end=Direction.OUT,
    description="A model version or deployment is tested by an experiment cell.",
)

CELL_OF = _relation(
    "CELL_OF", RelationFamily.LINEAGE, "ExperimentCell > Experiment", description="A cell is one arm of an experiment."
)

CALLED_BY = _relation(
    "CALLED_BY",
    RelationFamily.LINEAGE,
    "Service > Service",
    owning_end=Direction.OUT,
    description="A service is called by a service that depends on it.",
)

TRIGGERS = _relation(
    "TRIGGERS", RelationFamily.LINEAGE, "Workflow > Workflow", description="A workflow starts another workflow."
)

VERSION_OF = _relation(
    "VERSION_OF",
    RelationFamily.STRUCTURE,
    *(f"{kind.name} > {kind.version_of}" for kind in VERSIONS),
    by_time=True,
    description="A version belongs to its asset.",
)

PRECEDES = _relation(
    "PRECEDES",
    RelationFamily.STRUCTURE,
    *(f"{kind.name} > {kind.name}" for kind in VERSIONS),
    owning_end=Direction.OUT,
    description="A version comes directly before another.",
)

RUN_OF = _relation(
    "RUN_OF", RelationFamily.STRUCTURE, "Run > Workflow", by_time=True, description="A run executes a workflow."
)

CHILD_OF = _relation("CHILD_OF", RelationFamily.STRUCTURE, "Run > Run", description="A run was started by another run.")

STARTED_BY = _relation(
    "STARTED_BY",
    RelationFamily.STRUCTURE,
    "Run > User",
    description="A run was started by a person or service account.",
)

CONTAINS = _relation(
    "CONTAINS",
    RelationFamily.STRUCTURE,
    *(f"{kind.part_of} > {kind.name}" for kind in KINDS.values() if kind.part_of),
    "Workflow > Workflow",
    "Domain > *",
    description="A feature set contains a feature, a workflow one of its steps, a domain an asset.",
)

OWNED_BY = _relation("OWNED_BY", RelationFamily.OWNERSHIP, "* > Team User", "Domain > Team User")

MEMBER_OF = _relation("MEMBER_OF", RelationFamily.IDENTITY, "User > Team")

PART_OF = _relation("PART_OF", RelationFamily.IDENTITY, "Team > Team", "Domain > Domain")

TAGGED = _relation("TAGGED", RelationFamily.GOVERNANCE, "* > Tag")

REPLACED_BY = _relation(
    "REPLACED_BY", RelationFamily.LIFECYCLE, "* > *", description="An asset is replaced by another."
)

DECIDED_FOR = _relation("DECIDED_FOR", RelationFamily.GOVERNANCE, "Approval > *", by_time=True)

PLANNED_FOR = _relation("PLANNED_FOR", RelationFamily.GOVERNANCE, "ChangePlan > *", by_time=True)

MONITORED_BY = _relation("MONITORED_BY", RelationFamily.OBSERVABILITY, "* > Check")

RESULT_OF = _relation("RESULT_OF", RelationFamily.OBSERVABILITY, "CheckResult > Check", by_time=True)

RAISED_ON = _relation("RAISED_ON", RelationFamily.OBSERVABILITY, "Incident > *", by_time=True)

CAUSED_BY = _relation("CAUSED_BY", RelationFamily.OBSERVABILITY, "Incident > CheckResult Change")

USAGE_OF = _relation("USAGE_OF", RelationFamily.USAGE, "UsageMonth > *", by_time=True)

USED_BY = _relation("USED_BY", RelationFamily.USAGE, "UsageMonth > Team User Service", by_time=True)

CHANGED = _relation("CHANGED", RelationFamily.AUDIT, "Change > *", "Change > Team User Domain Tag", by_time=True)

OBSERVATION_OF = _relation("OBSERVATION_OF", RelationFamily.OBSERVABILITY, "Observation > *")

INGESTED_INTO = _relation("INGESTED_INTO", RelationFamily.OBSERVABILITY, "Ingestion > *")

QUEUED_FOR = _relation("QUEUED_FOR", RelationFamily.OBSERVABILITY, "ThinEvent > *", "ThinEventQueue > *")


CARRYING: Final = tuple(relation.name for relation in RELATIONS.values() if relation.carries)
"""The names of the relations over which data, and its sensitivity, flows."""


LINEAGE: Final = tuple(relation for relation in RELATIONS.values() if relation.lineage)


PARENT_HOPS: Final[dict[str, Hop]] = {
    **{kind.name: VERSION_OF.out(kind.version_of) for kind in KINDS.values() if kind.version_of},
    **{kind.name: CONTAINS.into(kind.part_of) for kind in KINDS.values() if kind.part_of},
}
"""From a child of an asset group to its parent, by the kind of the child."""


CHILD_HOPS: Final[dict[str, Hop]] = {hop.kinds[0]: hop.back(kind) for kind, hop in PARENT_HOPS.items()}
"""From the parent of an asset group to its children, by the kind of the parent."""


SUBJECT_HOPS: Final[dict[str, tuple[Hop, ...]]] = {
    "Check": (MONITORED_BY.into(),),
    "CheckResult": (RESULT_OF.out(), MONITORED_BY.into()),
    "Incident": (RAISED_ON.out(),),
    "Approval": (DECIDED_FOR.out(),),
    "ChangePlan": (PLANNED_FOR.out(),),
    "UsageMonth": (USAGE_OF.out(),),
    "Change": (CHANGED.out(),),
    "Observation": (OBSERVATION_OF.out(),),
    "Ingestion": (INGESTED_INTO.out(),),
    "ThinEvent": (QUEUED_FOR.out(),),
    "ThinEventQueue": (QUEUED_FOR.out(),),
}
"""The path of hops from an attached record to its subjects, by the kind of the record."""

MAX_PLAN_ROOTS: Final = 100
"""Maximal number of subjects of a change plan: as many roots as an impact may have."""


def _check() -> None:
    """Raise ValueError if a kind joins an unknown relation, or if two kinds have the same parent."""
    unknown = [(kind.name, name) for kind in KINDS.values() for name in kind.joins if name not in RELATIONS]
    if unknown:
        raise ValueError(f"`joins` of kinds name unknown relations: {unknown}. Use names of RELATIONS.")
    if len(CHILD_HOPS) != len(PARENT_HOPS):
        raise ValueError("Two kinds have the same parent; the children of an asset group must be of one kind.")


_check()
