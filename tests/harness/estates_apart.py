"""Two estates that differ only in what one caller may not see, and in nothing else.

Whatever a field is, its value is made from the type that the schema gives it, so a new field is part of this as soon as
it is in the schema. Texts that are hidden carry :data:`HUSH`, ids that are hidden :data:`VEIL`, each with a number of
its own: no answer to the caller may hold one.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
)

from graphql_schema.catalog import CONTAINS, KINDS, OPEN, OWNED_BY, RELATIONS, TAGGED, Class
from graphql_schema.registration import EdgesOf, Linking, Registration
from graphql_schema.urn import make_urn, version_urn
from policies.access import Access
from policies.attributes import PolicyAttributes
from policies.decision import Grade

SENSITIVITIES = ("PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED")
HUSH = "hush"
VEIL = "veil"
"""What hidden texts, and hidden ids, have in them."""

WORLDS = ("a", "b")
NOW = 1_750_000_000_000
TIMES = tuple(NOW - days * 86_400_000 for days in range(6))
TEAMS, USERS, TAGS, DOMAINS = (
    tuple(f"mlg://{kind}/catalog/default/{name}" for name in names.split())
    for kind, names in (
        ("team", "ranking ads risk platform governance guild"),
        ("user", "uma vic"),
        ("tag", "pii gold stale"),
        ("domain", "commerce media"),
    )
)
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
SHARED_LINKS, OWN_LINKS = 160, 110
IDENTITY = frozenset({"id", "source", "namespace", "name", "version"})
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


@dataclass(frozen=True)
class Thing:
    """One asset as far as it is the same in both worlds. ``worlds`` says in which it is there."""

    urn: str
    kind: str
    attributes: PolicyAttributes
    grade: Grade
    team: str
    whole: str | None
    worlds: tuple[str, ...]


@dataclass
class Estate:
    """What one world is made of: registrations with their subject and time, and then links."""

    registered: list[tuple[str, int, Registration]] = field(default_factory=list)
    links: list[Linking] = field(default_factory=list)


@dataclass
class Apart:
    """A pair of estates and what they have in common. Made for the caller whose ``access`` it is."""

    seed: int
    access: Access
    schema: GraphQLSchema
    things: dict[str, Thing] = field(default_factory=dict)
    estates: dict[str, Estate] = field(default_factory=dict)
    marks: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        random = Random(self.seed)
        for kind, number in COUNTS.items():
            for index in range(number):
                self._add(random, kind, index)
        self._keep_wholes()
        shared = self._shared_links(random)
        self.estates = {name: self._estate(name, shared) for name in WORLDS}

    def ids(self, *grades: Grade, world: str = "") -> list[str]:
        """The ids of these grades, in one world or in any."""
        return [urn for urn, one in self.things.items() if one.grade in grades and (not world or world in one.worlds)]

    def _add(self, random: Random, kind: str, index: int) -> None:
        """Decide what the caller may see of it before it gets a name, since a hidden name is a secret."""
        first = _FIRST[index] if index < len(_FIRST) else None
        team, visibility, sensitivity, stage = first or (
            random.choice(("ranking", "ads", "risk", "guild", "")),
            random.choice(("ORG", "ORG", "TEAM") if kind not in {"Run", "Deployment"} else ("ORG", "TEAM", "TEAM")),
            random.choice(("INTERNAL", "INTERNAL", "INTERNAL", "PUBLIC", "CONFIDENTIAL", "RESTRICTED")),
            random.choice(("DRAFT", "ACTIVE", "ACTIVE", "DEPRECATED")),
        )
        owner = f"mlg://team/catalog/default/{team}" if team else ""
        while True:
            whole = self._whole(random, kind)
            inherited = self.things[whole].attributes.owner_team if whole and not owner else owner
            attributes = PolicyAttributes(KINDS[kind].code, inherited, visibility, sensitivity, stage)
            attributes = attributes._replace(sensitivity=self._strictest(sensitivity, whole))
            grade = self.access.grade(attributes)
            if grade is Grade.HIDDEN or not KINDS[kind].versioned or VEIL not in str(whole):
                break  # else a version that is seen would spell out the name of what is hidden
        worlds = random.choice((WORLDS, ("a",), ("b",))) if grade is Grade.HIDDEN else WORLDS
        urn = self._urn(random, kind, index, whole, grade)
        self.things[urn] = Thing(urn, kind, attributes, grade, owner, whole, worlds)

    def _strictest(self, sensitivity: str, whole: str | None) -> str:
        """A part is at least as sensitive as its whole, which would raise it otherwise."""
        levels = [sensitivity, self.things[whole].attributes.sensitivity] if whole else [sensitivity]
        return max(levels, key=SENSITIVITIES.index)

    def _whole(self, random: Random, kind: str) -> str | None:
        wholes = [urn for urn, one in self.things.items() if one.kind == KINDS[kind].whole]
        return random.choice((wholes[0], random.choice(wholes))) if wholes else None

    def _keep_wholes(self) -> None:
        """Let wholes be wherever their parts are, which would make them up otherwise."""
        for one in list(self.things.values()):
            if one.whole is not None:
                whole = self.things[one.whole]
                worlds = tuple(name for name in WORLDS if name in whole.worlds + one.worlds)
                self.things[one.whole] = replace(whole, worlds=worlds)

    def _urn(self, random: Random, kind: str, index: int, whole: str | None, grade: Grade) -> str:
        hidden = grade is Grade.HIDDEN and (KINDS[kind].versioned or index % 2 == 1)
        name = f"{VEIL}{next(self.marks)}" if hidden else random.choice(NAMES)
        if KINDS[kind].versioned and whole:
            return version_urn(whole, name if hidden else f"v{index}")
        return make_urn(KINDS[kind].slug, random.choice(("test", "prod")), f"n{index}", name)

    def _shared_links(self, random: Random) -> list[tuple[str, str, str]]:
        """Edges that the caller sees: between what is seen, of which one end at least is read."""
        seen = {urn: one for urn, one in self.things.items() if one.grade is not Grade.HIDDEN}
        return list(self._joined(random, seen, SHARED_LINKS, self._shows))

    def _shows(self, source: str, target: str) -> bool:
        grades = [self.things[urn].grade if urn in self.things else Grade.READ for urn in (source, target)]
        return Grade.HIDDEN not in grades and Grade.READ in grades

    def _joined(
        self, random: Random, things: dict[str, Thing], number: int, fits: Callable[[str, str], bool]
    ) -> Iterable[tuple[str, str, str]]:
        """Random edges of all relations; the first of each kind are joined more often than the others."""
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

    def _estate(self, world: str, shared: list[tuple[str, str, str]]) -> Estate:
        random = Random(f"{self.seed}{world}")
        estate = Estate()
        here = {urn: one for urn, one in self.things.items() if world in one.worlds}
        for one in here.values():
            estate.registered += self._registered(one, world, random)
        own = self._joined(random, here, OWN_LINKS, lambda *ends: not self._shows(*ends))
        hubs = [
            (relation, urn, hub)
            for relation, part, whole in (("RUN_OF", "Run", "Workflow"), ("SERVED_BY", "Deployment", "Service"))
            for hub in [next(urn for urn, one in here.items() if one.kind == whole)]
            for urn, one in here.items()
            if one.kind == part and one.grade is Grade.HIDDEN and random.random() < (1 if world == "a" else 0.2)
        ]
        for key in dict.fromkeys([*shared, *own, *hubs]):
            estate.links.append(Linking(*key, self._edge_facts(key, world, random)))
        return estate

    def _registered(self, one: Thing, world: str, random: Random) -> Iterator[tuple[str, int, Registration]]:
        """The registration of an asset, and for some a later change; who and when is hidden where the row is."""
        teller = Teller(self, one, Random(f"{self.seed}{one.urn}"), random)
        subject = teller.pick("createdBy", lambda r, _: self._subject(r, random, world))
        time = teller.pick("createdAt", lambda r, _: r.choice(TIMES[:2]))
        yield subject, time, Registration(one.urn, teller.values(), teller.edges())
        if teller.pick("revision", lambda r, _: r.random() < 0.3):
            by = teller.pick("updatedBy", lambda r, _: self._subject(r, random, world))
            at = time + teller.pick("updatedAt", lambda r, _: r.choice((1, 1, 2)) * 3_600_000)
            yield by, at, Registration(one.urn, {"description": teller.text("description")})

    @staticmethod
    def _subject(chosen: Random, own: Random, world: str) -> str:
        """Who wrote: few, since each writes in transactions of its own."""
        return f"{HUSH}{9_000 + WORLDS.index(world)}" if chosen is own else "loader"

    def _edge_facts(self, key: tuple[str, str, str], world: str, random: Random) -> dict[str, Any]:
        """What an edge says: where an end hides it, or is hidden itself, each world has its own."""
        relation, *ends = key
        common, hidden = Random(f"{self.seed}{key}"), self._edge_hidden(ends)
        facts: dict[str, Any] = {"origin": common.choice(("DECLARED", "OBSERVED", "INFERRED"))}
        if not self._shows(*ends):
            facts["origin"] = random.choice(("DECLARED", "OBSERVED", "INFERRED"))
        r = random if "confidence" in hidden else common
        if RELATIONS[relation].carries and self._strictest_of(ends[0]) > self._least_of(ends[1]):
            facts["declassified"] = True
        if facts["origin"] == "INFERRED":
            facts["confidence"] = r.choice((0.25, 0.5, 1.0))
        if RELATIONS[relation].family is not Class.LINEAGE:
            return facts
        r = random if {"validFrom", "validTo"} & hidden else common
        if r.random() < 0.4:
            facts["validFrom"] = r.choice(TIMES) - 86_400_000 * 30
        if common.random() < 0.1:
            facts["validFrom"], facts["validTo"] = TIMES[-1] - 86_400_000 * 40, TIMES[-1] - 86_400_000 * 30
        elif r.random() < 0.3:
            facts["validTo"] = OPEN - r.randrange(1_000_000)
        r = random if "properties" in hidden else common
        if r.random() < 0.5:
            mark = f"{HUSH}{next(self.marks)}" if r is random else "said"
            facts["properties"] = [{"key": f"{mark}-key", "value": f"{mark}-{r.randrange(3)}"}]
        facts["runId"] = self._run_id(common, random, hidden, world)
        return {name: value for name, value in facts.items() if value is not None}

    def _strictest_of(self, urn: str) -> int:
        """How sensitive it is, with its parts: what flows over an edge must not raise the other end."""
        alike = [one.attributes.sensitivity for one in self.things.values() if urn in (one.urn, one.whole)]
        return max(map(SENSITIVITIES.index, alike))

    def _least_of(self, urn: str) -> int:
        """How sensitive it is at least, in either world."""
        one = self.things[urn]
        return SENSITIVITIES.index(one.attributes.sensitivity) if one.grade is Grade.READ else 0

    def _edge_hidden(self, ends: Iterable[str]) -> frozenset[str]:
        masks = [
            self.access.hidden("Neighbour", self.things[urn].attributes).hidden for urn in ends if urn in self.things
        ]
        return frozenset().union(*masks)

    def _run_id(self, common: Random, random: Random, hidden: frozenset[str], world: str) -> str | None:
        """A run that the caller knows of where the edge is shown; else, or instead of none, one that is hidden."""
        runs = [urn for urn, one in self.things.items() if one.kind == "Run"]
        seen = [urn for urn in runs if self.things[urn].grade is not Grade.HIDDEN]
        secret = [urn for urn in runs if urn not in seen and world in self.things[urn].worlds]
        if common.random() < 0.3 and "runId" not in hidden:
            return common.choice(seen)
        return random.choice([*secret[:5], None]) if random.random() < 0.5 else None


@dataclass
class Teller:
    """Makes the values of one asset: the same in both worlds where the caller sees them, else each world's own."""

    apart: Apart
    thing: Thing
    common: Random
    own: Random

    def pick(self, name: str, choose: Callable[[Random, str], Any]) -> Any:
        """A value for a field; the choice gets what is random for it and how its texts begin.

        The common randomness moves on in any case, so that what follows does not depend on what is hidden.
        """
        told = choose(self.common, "open-")
        return choose(self.own, self._mark()) if self.hides(name) else told

    def hides(self, name: str) -> bool:
        """Whether the caller does not see a field of this asset."""
        return name in self.apart.access.hidden(self.thing.kind, self.thing.attributes).hidden

    def text(self, name: str) -> str:
        """A text for a field."""
        return str(self.pick(name, lambda r, mark: f"{mark}{name}-{r.randrange(4)}"))

    def values(self) -> dict[str, Any]:
        """A value for each field that an input and its type have in common, and what the policy goes by."""
        schema, kind = self.apart.schema, self.thing.kind
        given, shown = schema.type_map[f"{kind}Input"], schema.type_map[kind]
        assert isinstance(given, GraphQLInputObjectType)
        assert isinstance(shown, GraphQLObjectType)
        values = {
            name: self.pick(name, partial(self._value, shown.fields[name].type))
            for name in given.fields
            if name in shown.fields and name not in {*IDENTITY, "displayName", "owners"}
            if isinstance(get_named_type(given.fields[name].type), GraphQLInputObjectType)
            or not isinstance(get_named_type(shown.fields[name].type), GraphQLObjectType)
        }
        values = {name: value for name, value in values.items() if value is not None}
        values["displayName"] = f"{self._mark() if self.thing.grade is Grade.HIDDEN else 'Open '}{self.thing.kind}"
        policy = self._policy_attributes()
        return values | {name: getattr(policy, name) for name in ("visibility", "sensitivity", "stage")}

    def edges(self) -> tuple[EdgesOf, ...]:
        """Owners, tags, business area and feature set."""
        kind = self.thing.kind
        team = {self.thing.team: {"kinds": ["TECHNICAL"]}} if self.thing.team else {}
        others = self.pick("owners", lambda r, _: r.sample(USERS + (TEAMS[:3] if team else ()), r.randrange(3)))
        owners = {**{urn: {"kinds": ["BUSINESS", "STEWARD"]} for urn in others if urn not in team}}
        tags = self.pick("tags", lambda r, _: r.sample(TAGS, r.randrange(3)))
        domain = self.pick("domain", lambda r, _: r.choice((*DOMAINS, None)))
        found = [
            EdgesOf(OWNED_BY.out(), f"{kind}.owners", {**team, **owners}),
            EdgesOf(TAGGED.out(), f"{kind}.tags", {tag: {} for tag in tags}),
        ]
        if domain:
            found.append(EdgesOf(CONTAINS.into("Domain"), f"{kind}.domain", {domain: {}}))
        if kind == "Feature" and self.thing.whole:
            found.append(EdgesOf(CONTAINS.into("FeatureSet"), "Feature.featureSet", {self.thing.whole: {}}))
        return tuple(found)

    def _policy_attributes(self) -> PolicyAttributes:
        """What the policy goes by: where it is hidden itself, any that leaves the caller with the same view."""
        mine, access = self.thing.attributes, self.apart.access
        if not self.hides("stage"):
            return mine
        alike = [
            other
            for visibility in ("ORG", "TEAM")
            for sensitivity in self._sensitivities()
            for stage in ("DRAFT", "ACTIVE", "DEPRECATED", "RETIRED")
            for other in [mine._replace(visibility=visibility, sensitivity=sensitivity, stage=stage)]
            if access.grade(other) is self.thing.grade
            and access.hidden(self.thing.kind, other) == access.hidden(self.thing.kind, mine)
        ]
        return self.own.choice(alike)

    def _sensitivities(self) -> tuple[str, ...]:
        """What it may be while nothing that it flows to is raised: its own, or less where nothing is a part of it."""
        mine = self.thing.attributes.sensitivity
        if any(self.thing.urn == one.whole for one in self.apart.things.values()) or self.thing.whole:
            return (mine,)
        return SENSITIVITIES[: SENSITIVITIES.index(mine) + 1]

    def _mark(self) -> str:
        return f"{HUSH}{next(self.apart.marks)}-"

    def _value(self, type_: Any, random: Random, mark: str, depth: int = 0) -> Any:
        """A stored value of an output type: instants are epoch milliseconds, enums their names."""
        inner = get_nullable_type(type_)
        if inner is type_ and depth == 0 and random.random() < 0.1:
            return None
        if isinstance(inner, GraphQLList):
            return [self._value(inner.of_type, random, f"{mark}{index}", depth + 1) for index in range(2)]
        if isinstance(inner, GraphQLEnumType):
            return random.choice(sorted(inner.values))
        if isinstance(inner, GraphQLObjectType):
            return self._object(inner, random, mark, depth)
        makers: dict[str, Callable[[], Any]] = {
            "String": lambda: f"{mark}{random.randrange(3)}",
            "Int": lambda: random.randrange(5),
            "Float": lambda: random.randrange(100) / 100,
            "Boolean": lambda: random.random() < 0.5,
            "DateTime": lambda: random.choice(TIMES),
        }
        return makers[inner.name]()

    def _object(self, type_: GraphQLObjectType, random: Random, mark: str, depth: int) -> dict[str, Any]:
        values = {
            name: self._value(each.type, random, f"{mark}{name}-", depth + 1)
            for name, each in type_.fields.items()
            if name != "derivedFrom"
        }
        if type_.name == "Column":
            values["derivedFrom"] = self._sources(random)
        return {name: value for name, value in values.items() if value is not None}

    def _sources(self, random: Random) -> list[dict[str, Any]] | None:
        """Columns of datasets that the caller knows of, and beside them of hidden ones that may differ."""
        things = self.apart.things.values()
        seen = [one.urn for one in things if one.kind == "Dataset" and one.grade is not Grade.HIDDEN]
        secret = [one.urn for one in things if one.kind == "Dataset" and one.grade is Grade.HIDDEN]
        found = [{"dataset": random.choice(seen), "column": f"c{random.randrange(3)}"}] if random.random() < 0.5 else []
        if secret and self.own.random() < 0.5:
            found.append({"dataset": self.own.choice(secret), "column": f"{self._mark()}column"})
        return found or None
