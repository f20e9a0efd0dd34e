"""The values of one asset: values visible to the caller are equal in both twin estates, hidden ones differ.

The value of a field is made from its type in the schema, so a new field is covered without a line here.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
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

from graphql_schema.catalog.instants import INTERVALS
from graphql_schema.catalog.relations import CONTAINS, OWNED_BY, TAGGED
from graphql_schema.ports.commands import DeclaredEdges
from policies.access import Access
from policies.attributes import PolicyAttributes
from policies.decision import Grade

SENSITIVITIES = ("PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED")
HUSH = "hush"
VEIL = "veil"
"""What hidden texts, and hidden ids, have in them."""


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
IDENTITY = frozenset({"id", "source", "namespace", "name", "version"})


@dataclass(frozen=True)
class Thing:
    """One asset as far as it is equal in both twin estates. ``worlds`` names the estates that hold it."""

    urn: str
    kind: str
    attributes: PolicyAttributes
    grade: Grade
    team: str
    parent: str | None
    twins: tuple[str, ...]


@dataclass
class ValuePicker:
    """Makes the values of one asset: equal in both twin estates where visible to the caller, different otherwise."""

    access: Access
    schema: GraphQLSchema
    things: Mapping[str, Thing]
    marks: Iterator[int]
    thing: Thing
    common: Random
    own: Random

    def pick(self, name: str, choose: Callable[[Random, str], Any]) -> Any:
        """Return a value for a field; the choice gets its random source and the prefix of its texts.

        The common randomness moves on in any case, so that what follows does not depend on what is hidden.
        """
        reported = choose(self.common, "open-")
        return choose(self.own, self._mark()) if self.hides(name) else reported

    def hides(self, name: str) -> bool:
        """Return whether a field of this asset is hidden from the caller."""
        return name in self.access.field_mask(self.thing.kind, self.thing.attributes).hidden

    def text(self, name: str) -> str:
        """Return a text for a field."""
        return str(self.pick(name, lambda r, mark: f"{mark}{name}-{r.randrange(4)}"))

    def values(self) -> dict[str, Any]:
        """Return a value for each field that an input and its type share, and the attributes that the policy reads."""
        schema, kind = self.schema, self.thing.kind
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
        for begin, _ in INTERVALS:  # before each end of an interval
            if begin in values:
                values[begin] -= len(TIMES) * 86_400_000
        values["displayName"] = f"{self._mark() if self.thing.grade is Grade.HIDDEN else 'Open '}{self.thing.kind}"
        policy = self._policy_attributes()
        return values | {name: getattr(policy, name) for name in ("visibility", "sensitivity", "stage")}

    def edges(self) -> tuple[DeclaredEdges, ...]:
        """Return owners, tags, business area and feature set; what no team owns has neither, as both would own it."""
        kind, owned = self.thing.kind, bool(self.thing.attributes.owner_team)
        team = {self.thing.team: {"kinds": ["TECHNICAL"]}} if self.thing.team else {}
        others = self.pick("owners", lambda r, _: r.sample(USERS + (TEAMS[:3] if team else ()), r.randrange(3)))
        owners = {**{urn: {"kinds": ["BUSINESS", "STEWARD"]} for urn in others if owned and urn not in team}}
        tags = self.pick("tags", lambda r, _: r.sample(TAGS, r.randrange(3)))
        domain = self.pick("domain", lambda r, _: r.choice((*DOMAINS, None)))
        found = [
            DeclaredEdges(OWNED_BY.out(), f"{kind}.owners", {**team, **owners}),
            DeclaredEdges(TAGGED.out(), f"{kind}.tags", {tag: {} for tag in tags}),
        ]
        if domain and owned:
            found.append(DeclaredEdges(CONTAINS.into("Domain"), f"{kind}.domain", {domain: {}}))
        if kind == "Feature" and self.thing.parent:
            found.append(DeclaredEdges(CONTAINS.into("FeatureSet"), "Feature.featureSet", {self.thing.parent: {}}))
        return tuple(found)

    def _policy_attributes(self) -> PolicyAttributes:
        """Return the attributes that the policy reads.

        A hidden asset gets any that leave the caller with the same access.
        """
        mine, access = self.thing.attributes, self.access
        if not self.hides("stage"):
            return mine
        alike = [
            other
            for visibility in ("ORG", "TEAM")
            for sensitivity in self._sensitivities()
            for stage in ("DRAFT", "ACTIVE", "DEPRECATED", "RETIRED")
            for levels in [{"sensitivity": sensitivity, "confirmed_sensitivity": sensitivity}]
            for other in [mine._replace(visibility=visibility, stage=stage, **levels)]
            if access.grade(other) is self.thing.grade
            and access.field_mask(self.thing.kind, other) == access.field_mask(self.thing.kind, mine)
        ]
        return self.own.choice(alike)

    def _sensitivities(self) -> tuple[str, ...]:
        """Return its possible sensitivities: its own, and lower ones if it has neither parent nor children."""
        mine = self.thing.attributes.sensitivity
        if any(self.thing.urn == one.parent for one in self.things.values()) or self.thing.parent:
            return (mine,)
        return SENSITIVITIES[: SENSITIVITIES.index(mine) + 1]

    def _mark(self) -> str:
        return f"{HUSH}{next(self.marks)}-"

    def _value(self, type_: Any, random: Random, mark: str, depth: int = 0) -> Any:
        """Return a stored value of an output type: instants are epoch milliseconds, enums their names."""
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
        """Return columns of visible datasets, and beside them columns of hidden ones, which may differ."""
        things = self.things.values()
        observed = [one.urn for one in things if one.kind == "Dataset" and one.grade is not Grade.HIDDEN]
        secret = [one.urn for one in things if one.kind == "Dataset" and one.grade is Grade.HIDDEN]
        found = (
            [{"dataset": random.choice(observed), "column": f"c{random.randrange(3)}"}] if random.random() < 0.5 else []
        )
        if secret and self.own.random() < 0.5:
            found.append({"dataset": self.own.choice(secret), "column": f"{self._mark()}column"})
        return found or None
