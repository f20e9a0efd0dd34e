"""Random operations with valid and invalid values: every root field, random selections, arguments of all types.

Unlike :mod:`support.documents.random_operations`, which reaches every field with values that make sense, this generator
tries the values that no caller expects. Arguments are variables, so that any text can be sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

from graphql_schema.catalog.kinds import KIND_OF_SLUG, KINDS
from graphql_schema.catalog.relations import RELATIONS
from graphql_schema.catalog.urn import slug_of

MAX_LEVELS = 3
"""Levels below a root field that are selected."""

TEXTS = (
    *("", " ", "x", "a b", "0", "null", "true", "-1", "1e9", "2026-01-01", "champion", "release", "default"),
    *("\x00", "a\x00b", "\n\t", "\ud800", "\udfff-", "e\u0301", "\U0001d518", "\u202eabc"),
    *("%", "%2F", "%zz", "..", "'", '"', "\\", "${x}", "*", "~1", "[*:*]", "AND OR NOT"),
    *("x" * 65, "x" * 300, "\u00e4" * 5_000, "(" * 200),
)
IDS = (
    *("x", "urn:li:x", "mlg://", "mlg://dataset", "mlg://dataset/a/b", "mlg://thing/a/b/c", "MLG://dataset/a/b/c"),
    *("mlg://dataset/A/b/c", "mlg://dataset/a/b/c d", "mlg://dataset/a/b/%zz", "mlg://dataset/a/b/%41"),
    *("mlg://dataset//b/c", "mlg://dataset/a//c", "mlg://dataset/a/b/", "mlg://dataset/a/b/c/d@e@f"),
    *("mlg://dataset/a/b/c@", "mlg://model-version/a/b/c", "mlg://model/a/b/c@1", "mlg://dataset/a/b/\u00e4"),
    *("mlg://dataset/a/b/" + "n" * 2_000, "mlg://dataset/a/b/\x00", "mlg://dataset/a/b/\ud800"),
    *(f"mlg://{kind}/catalog/default/x" for kind in ("change", "incident", "check", "usage-month", "tag", "team")),
    *("mlg://dataset/test/default/unknown", "mlg://model-version/test/default/unknown@1"),
)
INTS = (-1, 501, 10_000, 2**31 - 1, -(2**31), 2**31, 2**63, 1.5, "1")
FLOATS = (-0.5, 1e-300, 1e308, -1e308, 2**53 + 1, 10**400, "0.5")
INSTANTS = (
    *("2026-11-24T09:30:00.123456789+05:30", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "now", 0),
    *(
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01",
        "9999-12-31T23:59:59-23:59",
    ),
)
DAYS = ("2024-02-29", "2026-02-30", "0001-01-01", "9999-12-31", "1970-01-01", "26-1-1", "", 0)
CURSORS = ("", "x", "bm90IGEgY3Vyc29y", "=", "\x00", "A" * 5_000)
WRONG: tuple[Any, ...] = (None, True, 7, "x", [], {}, [[]], {"x": 1})
ODD = {"ID": IDS, "String": TEXTS, "Int": INTS, "Float": FLOATS, "DateTime": INSTANTS, "Date": DAYS, "Cursor": CURSORS}
PLAIN: Mapping[str, tuple[Any, ...]] = {
    "String": ("champion", "release", "default", "test", "1", "2", "auc", "x"),
    "Int": (0, 1, 2, 5, 30, 100),
    "Float": (0, 0.25, 0.5, 1),
    "Boolean": (True, False),
    "DateTime": ("2026-01-01T00:00:00Z", "2026-11-24T09:30:00Z", "2999-01-01T00:00:00Z"),
    "Date": ("2026-11-01", "2026-11-20"),
}
RARE: Mapping[str, float] = {"after": 0.05, "asOf": 0.1}
"""Probabilities of arguments that make most other fields of an operation fail."""

SHARES = (0.0, 0.0, 0.02, 0.2)
"""Shares of odd values; one of them applies to a whole operation, so that many operations are valid throughout."""

KINDS_OF: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("tags", "add", "remove", "block", "unblock"), ("tag",)),
    **dict.fromkeys(("owner", "ownerTeams"), ("team", "user")),
    **{slug: (slug,) for slug in ("change", "incident", "domain", "user", "model", "service")},
    **dict.fromkeys(("version", "modelVersion"), ("model-version",)),
    "parent": ("team",),
}
"""Slugs of the kinds that an argument or input field takes, where its name is enough to know them."""

Abstract = GraphQLInterfaceType | GraphQLUnionType


@dataclass(frozen=True)
class FuzzedOperation:
    """An operation of one root field, with its variables."""

    root: str
    text: str
    variables: dict[str, Any]


@dataclass
class Fuzzer:
    """Makes operations from a schema; ``ids`` and ``cursors`` are those that exist, which the caller may add to."""

    schema: GraphQLSchema
    random: Random
    ids: list[str]
    cursors: list[str] = field(default_factory=list)
    _variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    _share: float = 0.0
    _fields: int = 0

    def operation(self) -> FuzzedOperation:
        """Return the next operation, a query or a mutation."""
        root, word = self.random.choice(((self.schema.query_type, "query"), (self.schema.mutation_type, "mutation")))
        assert root is not None
        self._variables, self._share = {}, self.random.choice(SHARES)
        name = self.random.choice([*root.fields])
        selected = self._field(name, root.fields[name], MAX_LEVELS)
        head = ", ".join(f"${key}: {type_}" for key, (type_, _) in self._variables.items())
        variables = {key: value for key, (_, value) in self._variables.items() if value is not Ellipsis}
        return FuzzedOperation(name, f"{word}{f'({head})' if head else ''} {{ {selected} }}", variables)

    def _field(self, name: str, field_: GraphQLField, levels: int) -> str:
        arguments = [
            f"{key}: ${self._variable(key, argument)}"
            for key, argument in field_.args.items()
            if isinstance(argument.type, GraphQLNonNull) or self.random.random() < RARE.get(key, 0.4)
        ]
        self._fields += 1  # fields with arguments get an alias, because equal names with other arguments conflict
        head = f"f{self._fields}: {name}({', '.join(arguments)})" if arguments else name
        below = get_named_type(field_.type)
        return head if is_leaf_type(below) else f"{head} {{ {self._selection(below, levels)} }}"

    def _selection(self, type_: Any, levels: int) -> str:
        """Return a selection of a type; of an abstract type with fragments on some of its possible types."""
        found = {"__typename"}
        if isinstance(type_, Abstract):
            for kind in self.random.sample(self.schema.get_possible_types(type_), k=2):
                found.add(f"... on {kind.name} {{ {self._selection(kind, levels - 1)} }}")
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            fitting = [
                key for key, each in type_.fields.items() if levels > 0 or is_leaf_type(get_named_type(each.type))
            ]
            first = [key for key in fitting if key in {"errors", "asset", "edge", "alias", "nodes", "results"}]
            others = self.random.sample(fitting, k=min(len(fitting), self.random.randint(1, 4)))
            for key in dict.fromkeys([*first, *others]):
                found.add(self._field(key, type_.fields[key], levels - 1))
        return " ".join(sorted(found))

    def _variable(self, name: str, argument: GraphQLArgument) -> str:
        variable = f"v{len(self._variables)}"
        self._variables[variable] = (str(argument.type), Ellipsis)
        self._variables[variable] = (str(argument.type), self._value(name, argument.type, 4))
        return variable

    def _value(self, name: str, type_: Any, levels: int, of: str = "") -> Any:
        """Return a value for a type, now and then one of another type; ``of`` is the input with the field ``name``."""
        if self.random.random() < self._share / 10:
            return self.random.choice(WRONG)
        if isinstance(type_, GraphQLNonNull):
            return self._value(name, type_.of_type, levels, of)
        if self.random.random() < min(self._share, 0.05):
            return None
        if isinstance(type_, GraphQLList):
            number = self.random.choice((0, 1, 1, 1, 2, 3))
            return [self._value(name, type_.of_type, levels, of) for _ in range(number)]
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_, levels - 1)
        return (
            self.random.choice([*type_.values])
            if isinstance(type_, GraphQLEnumType)
            else self._scalar(name, type_.name, of)
        )

    def _object(self, type_: GraphQLInputObjectType, levels: int) -> dict[str, Any]:
        """Return an input object: its required fields and some others; of an input with ``oneOf`` one field."""
        needed = [key for key, each in type_.fields.items() if isinstance(each.type, GraphQLNonNull)]
        optional = [
            key for key in type_.fields if key not in needed and (levels > 0 or key not in {"and", "or", "not"})
        ]
        few = 1 if type_.name == "AssetInput" else self.random.choice((0, 1, 2, 4))
        identity = ["id"] if "id" in optional and self.random.random() < 0.8 else []
        chosen = dict.fromkeys([*needed, *identity, *self.random.sample(optional, k=min(few, len(optional)))])
        found = {key: self._value(key, type_.fields[key].type, levels, type_.name) for key in chosen}
        return {**found, **self._edge()} if {"relation", "from", "to"} <= found.keys() and self._plain() else found

    def _edge(self) -> dict[str, Any]:
        """Return a relation and existing ids of kinds that it may join."""
        enum = self.schema.type_map["Relation"]
        assert isinstance(enum, GraphQLEnumType)
        relation = RELATIONS[self.random.choice([*enum.values])]
        ends = self.random.choice(sorted(relation.ends))
        return {
            "relation": relation.name,
            **{key: self._of_kinds(KINDS[kind].slug) for key, kind in zip(("from", "to"), ends, strict=True)},
        }

    def _plain(self) -> bool:
        return self.random.random() >= self._share

    def _scalar(self, name: str, type_: str, of: str) -> Any:
        if not self._plain():
            return self.random.choice(ODD.get(type_, WRONG))
        if type_ == "Cursor":
            return self.random.choice(self.cursors or CURSORS)
        return self._id(name, of) if type_ == "ID" else self.random.choice(PLAIN[type_])

    def _id(self, name: str, of: str) -> str:
        """Return an existing id, mostly one of a kind that the field takes."""
        slugs = KINDS_OF.get(name, ())
        if name == "id" and of.endswith("Input"):
            slugs = tuple(slug for slug, kind in KIND_OF_SLUG.items() if f"{kind.name}Input" == of)
        return self._of_kinds(*slugs) if self.random.random() < 0.9 else self.random.choice(self.ids)

    def _of_kinds(self, *slugs: str) -> str:
        return self.random.choice([urn for urn in self.ids if slug_of(urn) in slugs] or self.ids)
