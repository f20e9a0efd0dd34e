"""Two estates that differ only in data hidden from one caller.

Hidden texts carry :data:`~support.estates.estate_values.HUSH` and hidden ids
:data:`~support.estates.estate_values.VEIL`, each with a number of its own: no answer to the caller may hold one.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from graphql import GraphQLSchema
from support.estates.estate_values import HUSH, NOW, SENSITIVITIES, TEAMS, TIMES, USERS, VEIL, Thing, ValuePicker

from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import CONTAINS, DEPLOYED_AS, RELATIONS, RelationFamily
from graphql_schema.catalog.urn import make_urn, version_urn
from graphql_schema.ports.commands import LinkCommand, PlanChangeCommand, RecordUsageCommand, RegisterCommand
from policies.access import Access
from policies.attributes import PolicyAttributes
from policies.decision import Grade

TWINS = ("a", "b")
NAMES = ("alpha", "beta", "beta.x", "Beta", "γάμμα")
"""Few names, so that many are equal."""

COUNTS = {
    "Dataset": 8,
    "DatasetVersion": 7,
    "FeatureSet": 4,
    "Feature": 6,
    "Model": 4,
    "ModelVersion": 10,
    "Workflow": 4,
    "Run": 34,
    "Evaluation": 6,
    "Service": 4,
    "Deployment": 10,
    "Experiment": 4,
    "ExperimentCell": 4,
    "Report": 4,
}
SHARED_LINKS, OWN_LINKS, PLANS = 160, 110, 6
SET_APART = frozenset({"VERSION_OF", "OWNED_BY", "TAGGED", "MEMBER_OF", "PART_OF"})
"""Relations whose edges come with what is registered, or have no assets at their ends."""

_FIRST = (
    ("risk", "ORG", "INTERNAL", "ACTIVE"),
    ("risk", "ORG", "PUBLIC", "DRAFT"),
    ("risk", "TEAM", "INTERNAL", "ACTIVE"),
    ("ads", "TEAM", "RESTRICTED", "ACTIVE"),
    ("ranking", "TEAM", "CONFIDENTIAL", "DEPRECATED"),
)
"""What the first of each kind are: read by everybody, discovered by everybody, hidden from most."""
_VISIBLE = 2


@dataclass
class Estate:
    """The content of one twin store: registrations with subject and time, then links, usage until today, and plans."""

    registered: list[tuple[str, int, RegisterCommand]] = field(default_factory=list)
    links: list[LinkCommand] = field(default_factory=list)
    uses: list[RecordUsageCommand] = field(default_factory=list)
    plans: list[PlanChangeCommand] = field(default_factory=list)


@dataclass
class TwinEstates:
    """A pair of estates and their common data. Made for the caller whose ``access`` it is."""

    seed: int
    access: Access
    schema: GraphQLSchema
    things: dict[str, Thing] = field(default_factory=dict)
    estates: dict[str, Estate] = field(default_factory=dict)
    marks: Iterator[int] = field(default_factory=lambda: count(1))
    today: date = field(default_factory=lambda: datetime.now(UTC).date())

    def __post_init__(self) -> None:
        random = Random(self.seed)
        for kind, number in COUNTS.items():
            for index in range(number):
                self._add(random, kind, index)
        self._keep_parents()
        shared = self._shared_links(random)
        self.estates = {name: self._estate(name, shared) for name in TWINS}

    def ids(self, *grades: Grade, twin: str = "") -> list[str]:
        """Return the ids of these access grades, in one estate or in any."""
        return [urn for urn, one in self.things.items() if one.grade in grades and (not twin or twin in one.twins)]

    def _add(self, random: Random, kind: str, index: int) -> None:
        """Choose the access grade of an asset before its name, because a hidden name is a secret."""
        first = _FIRST[index] if index < len(_FIRST) else None
        team, visibility, sensitivity, stage = first or (
            random.choice(("ranking", "ads", "risk", "guild", "")),
            random.choice(("ORG", "ORG", "TEAM") if kind not in {"Run", "Deployment"} else ("ORG", "TEAM", "TEAM")),
            random.choice(("INTERNAL", "INTERNAL", "INTERNAL", "PUBLIC", "CONFIDENTIAL", "RESTRICTED")),
            random.choice(("DRAFT", "ACTIVE", "ACTIVE", "DEPRECATED")),
        )
        owner = f"mlg://team/catalog/default/{team}" if team else ""
        while True:
            parent = self._parent(random, kind, index)
            inherited = self.things[parent].attributes.owner_team if parent and not owner else owner
            attributes = PolicyAttributes(KINDS[kind].code, inherited, visibility, sensitivity, stage, sensitivity)
            strictest = self._strictest(sensitivity, parent)
            attributes = attributes._replace(sensitivity=strictest, confirmed_sensitivity=strictest)
            grade = self.access.grade(attributes)
            if grade is Grade.HIDDEN or not KINDS[kind].versioned or VEIL not in str(parent):
                break  # else a version that is seen would spell out the name of what is hidden
        twins = random.choice((TWINS, ("a",), ("b",))) if grade is Grade.HIDDEN else TWINS
        urn = self._urn(random, kind, index, parent, grade)
        self.things[urn] = Thing(urn, kind, attributes, grade, owner, parent, twins)

    def _strictest(self, sensitivity: str, parent: str | None) -> str:
        """Make a child at least as sensitive as its parent, which would raise it otherwise."""
        levels = [sensitivity, self.things[parent].attributes.sensitivity] if parent else [sensitivity]
        return max(levels, key=SENSITIVITIES.index)

    def _parent(self, random: Random, kind: str, index: int) -> str | None:
        """Return the parent of a child: the first, readable parent for the first, visible children."""
        parents = [urn for urn, one in self.things.items() if one.kind == KINDS[kind].parent]
        return (
            random.choice((parents[0], parents[0] if index < _VISIBLE else random.choice(parents))) if parents else None
        )

    def _keep_parents(self) -> None:
        """Add each parent to the estates of its children, which would create it as a stub otherwise."""
        for one in list(self.things.values()):
            if one.parent is not None:
                parent = self.things[one.parent]
                twins = tuple(name for name in TWINS if name in parent.twins + one.twins)
                self.things[one.parent] = replace(parent, twins=twins)

    def _urn(self, random: Random, kind: str, index: int, parent: str | None, grade: Grade) -> str:
        hidden = grade is Grade.HIDDEN and (KINDS[kind].versioned or index % 2 == 1)
        name = f"{VEIL}{next(self.marks)}" if hidden else random.choice(NAMES)
        if KINDS[kind].versioned and parent:
            return version_urn(parent, name if hidden else f"v{index}")
        return make_urn(KINDS[kind].slug, random.choice(("test", "prod")), f"n{index}", name)

    def _shared_links(self, random: Random) -> list[tuple[str, str, str]]:
        """Return edges visible to the caller: between visible assets, at least one of which is readable."""
        observed = {urn: one for urn, one in self.things.items() if one.grade is not Grade.HIDDEN}
        return list(self._joined(random, observed, SHARED_LINKS, self._shows))

    def _shows(self, source: str, target: str) -> bool:
        grades = [self.things[urn].grade if urn in self.things else Grade.READ for urn in (source, target)]
        return Grade.HIDDEN not in grades and Grade.READ in grades

    def _joined(
        self, random: Random, things: dict[str, Thing], number: int, fits: Callable[[str, str], bool]
    ) -> Iterable[tuple[str, str, str]]:
        """Return random edges of all relations; the first assets of each kind are joined more often than the others."""
        of: dict[str, list[str]] = {"User": list(USERS)}
        for urn, one in things.items():
            of.setdefault(one.kind, []).append(urn)
        relations = [each for each in RELATIONS.values() if each.name not in SET_APART]
        found: dict[tuple[str, str, str], None] = {}
        for _ in range(number):
            relation = random.choice(relations)
            ends = [pair for pair in sorted(relation.ends) if relation is not CONTAINS or pair == ("Workflow",) * 2]
            ids = [of.get(kind, []) for kind in random.choice(ends)]
            if all(ids):
                source, target = (random.choice(random.choice((each[:2], each))) for each in ids)
                if fits(source, target) and (source != target or relation.lineage):
                    found[relation.name, source, target] = None
        return found

    def _estate(self, twin: str, shared: list[tuple[str, str, str]]) -> Estate:
        random = Random(f"{self.seed}{twin}")
        estate = Estate()
        here = {urn: one for urn, one in self.things.items() if twin in one.twins}
        for one in here.values():
            estate.registered += self._registered(one, twin, random)
        own = self._joined(random, here, OWN_LINKS, lambda *ends: not self._shows(*ends))
        hubs = [
            (relation, urn, hub)
            for relation, part, parent in (("RUN_OF", "Run", "Workflow"), ("SERVED_BY", "Deployment", "Service"))
            for hub in [next(urn for urn, one in here.items() if one.kind == parent)]
            for urn, one in here.items()
            if one.kind == part and one.grade is Grade.HIDDEN and random.random() < (1 if twin == "a" else 0.2)
        ]
        for key in dict.fromkeys([*shared, *own, *hubs]):
            estate.links.append(LinkCommand(*key, self._edge_details(key, twin, random)))
        estate.uses = self._uses(here, random)
        estate.plans = [*self._plans(here, random)]
        return estate

    def _plans(self, here: dict[str, Thing], random: Random) -> Iterator[PlanChangeCommand]:
        """Yield plans: of visible assets in both estates, each with up to two hidden ones; and of hidden ones alone."""
        common = Random(f"{self.seed}plans")
        secret = [urn for urn, one in here.items() if one.grade is Grade.HIDDEN]
        known = [urn for urn, one in here.items() if one.grade is not Grade.HIDDEN]
        for number in range(PLANS):
            roots = (*common.sample(known, 2), *random.sample(secret, min(len(secret), random.choice((0, 1, 2)))))
            yield PlanChangeCommand(roots, f"plan {number}", (NOW + 1, NOW + 1), common.choice((1, 3, 20)))
        for urn in secret[:PLANS]:
            yield PlanChangeCommand((urn,), f"{HUSH}{next(self.marks)}", (NOW + 1, NOW + 1), 20)

    def _uses(self, here: dict[str, Thing], random: Random) -> list[RecordUsageCommand]:
        """Return usage: equal in both estates where the caller sees asset and consumer, different otherwise."""
        common, uses = Random(f"{self.seed}uses"), {}
        known = [urn for urn, one in self.things.items() if one.kind == "Service" and one.grade is not Grade.HIDDEN]
        secret = [urn for urn, one in here.items() if one.kind == "Service" and one.grade is Grade.HIDDEN]
        for urn, one in self.things.items():
            reported = self.access.reads_field("usage", one.kind, one.attributes)
            for r, consumers in ((common, (*TEAMS, *USERS, *known)), (random, (*secret, *(() if reported else USERS)))):
                for consumer in r.sample(consumers, min(len(consumers), r.choice((0, 0, 1, 2)))):
                    day = (self.today - timedelta(days=r.choice((0, 1, 5, 6, 20, 29, 30, 45, 200, 500)))).isoformat()
                    uses[urn, consumer, day] = {"reads": r.randrange(4) / 2, "costUsd": r.randrange(8) / 4}
        return [RecordUsageCommand(*about, counts) for about, counts in uses.items() if about[0] in here]

    def _registered(self, one: Thing, twin: str, random: Random) -> Iterator[tuple[str, int, RegisterCommand]]:
        """Return the registration of an asset, and for some a later change; a hidden row has hidden author and time."""
        teller = ValuePicker(
            self.access, self.schema, self.things, self.marks, one, Random(f"{self.seed}{one.urn}"), random
        )
        subject = teller.pick("createdBy", lambda r, _: self._subject(r, random, twin))
        time = teller.pick("createdAt", lambda r, _: r.choice(TIMES[:2]))
        yield subject, time, RegisterCommand(one.urn, teller.values(), teller.edges())
        if teller.pick("revision", lambda r, _: r.random() < 0.3):
            by = teller.pick("updatedBy", lambda r, _: self._subject(r, random, twin))
            at = time + teller.pick("updatedAt", lambda r, _: r.choice((1, 1, 2)) * 3_600_000)
            yield by, at, RegisterCommand(one.urn, {"description": teller.text("description")})

    @staticmethod
    def _subject(chosen: Random, own: Random, twin: str) -> str:
        """Return the author: one of few, because each author writes in separate transactions."""
        return f"{HUSH}{9_000 + TWINS.index(twin)}" if chosen is own else "loader"

    def _edge_details(self, key: tuple[str, str, str], twin: str, random: Random) -> dict[str, Any]:
        """Return the properties of an edge: different in each estate where an end hides them or is hidden itself."""
        relation, *ends = key
        common, hidden = Random(f"{self.seed}{key}"), self._edge_hidden(ends)
        details: dict[str, Any] = {"origin": common.choice(("DECLARED", "OBSERVED", "INFERRED"))}
        if not self._shows(*ends):
            details["origin"] = random.choice(("DECLARED", "OBSERVED", "INFERRED"))
        r = random if "confidence" in hidden else common
        if RELATIONS[relation].carries and self._strictest_of(ends[0]) > self._least_of(ends[1]):
            details["declassified"] = True
        if details["origin"] == "INFERRED":
            details["confidence"] = r.choice((0.25, 0.5, 1.0))
        if RELATIONS[relation].family is not RelationFamily.LINEAGE:
            return details
        r = random if {"validFrom", "validTo"} & hidden else common
        if r.random() < 0.4:
            details["validFrom"] = r.choice(TIMES) - 86_400_000 * 30
        if common.random() < 0.1:
            details["validFrom"], details["validTo"] = TIMES[-1] - 86_400_000 * 40, TIMES[-1] - 86_400_000 * 30
        elif r.random() < 0.3 and relation != DEPLOYED_AS.name:  # a deployment cannot be scheduled
            details["validTo"] = FOREVER - r.randrange(1_000_000)
        r = random if "properties" in hidden else common
        if r.random() < 0.5:
            mark = f"{HUSH}{next(self.marks)}" if r is random else "said"
            details["properties"] = [{"key": f"{mark}-key", "value": f"{mark}-{r.randrange(3)}"}]
        details["runId"] = self._run_id(common, random, hidden, twin)
        return {name: value for name, value in details.items() if value is not None}

    def _strictest_of(self, urn: str) -> int:
        """Return the sensitivity of an asset with its children: data over an edge must not raise the other end."""
        alike = [one.attributes.sensitivity for one in self.things.values() if urn in (one.urn, one.parent)]
        return max(map(SENSITIVITIES.index, alike))

    def _least_of(self, urn: str) -> int:
        """Return the lowest sensitivity that the asset has in either estate, as an index."""
        one = self.things[urn]
        return SENSITIVITIES.index(one.attributes.sensitivity) if one.grade is Grade.READ else 0

    def _edge_hidden(self, ends: Iterable[str]) -> frozenset[str]:
        masks = [
            self.access.field_mask("Neighbour", self.things[urn].attributes).hidden
            for urn in ends
            if urn in self.things
        ]
        return frozenset().union(*masks)

    def _run_id(self, common: Random, random: Random, hidden: frozenset[str], twin: str) -> str | None:
        """Return a run visible to the caller if the edge is shown; otherwise, or in place of none, a hidden run."""
        runs = [urn for urn, one in self.things.items() if one.kind == "Run"]
        observed = [urn for urn in runs if self.things[urn].grade is not Grade.HIDDEN]
        secret = [urn for urn in runs if urn not in observed and twin in self.things[urn].twins]
        if common.random() < 0.3 and "runId" not in hidden:
            return common.choice(observed)
        return random.choice([*secret[:5], None]) if random.random() < 0.5 else None
