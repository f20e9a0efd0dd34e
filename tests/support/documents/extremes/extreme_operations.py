"""One operation for each argument and input field of the schema and each extreme value of its type.

All other values of the operation are plain and valid, so that the work on the extreme one is reached. A mutation is a
dry run where it can be.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)
from support.documents.extremes.extreme_values import LENGTHS, Extreme, repeated, scalars

from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.urn import slug_of

Path = tuple[str, ...]
"""Names of input fields below an argument; ``[]`` is the one element of a list."""

ELEMENT: Final = "[]"
RECURSIVE: Final = frozenset({"and", "or", "not"})
"""Fields of filters that have filters: their values have no such fields again, except as extremes."""

LIST_LENGTHS: Final = (0, 400, 4_900, 5_001)
"""Elements of extreme lists: none, within the limits of most fields, the most of a query, one over that of any list."""

LONG_TEXTS: Final = 60
"""Number of the long texts of a list that is large by its texts."""

PLAIN: Final[Mapping[str, Any]] = {
    "String": "x",
    "Int": 1,
    "Float": 1.0,
    "Boolean": True,
    "Date": "2026-11-20",
    "Cursor": "x",
    "DateTime": "2026-11-24T09:30:00Z",
}

SLUGS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("tags", "add", "remove", "block"), "tag"),
    **dict.fromkeys(("owner", "ownerTeams", "owners", "team", "parent"), "team"),
    **dict.fromkeys(("version", "modelVersion", "runId"), "model-version"),
    **{slug: slug for slug in ("change", "incident", "domain", "user", "model", "service", "workflow", "run")},
    "experiment": "experiment",
    "plan": "change-plan",
    "members": "user",
    "consumer": "team",
    "domains": "domain",
}
"""Slug of the kind of ids that an argument or input field takes, where its name is enough; else a dataset."""

NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "RunInput": ("state",),
    "EvaluationInput": ("modelVersion",),
    "ExperimentCellInput": ("experiment",),
}
"""Fields that an input needs though its type does not say so."""


@dataclass(frozen=True, slots=True)
class Place:
    """An argument, or an input field in it: ``route`` leads to objects that have the field of the argument.

    ``route`` is a document with ``@`` in the place of the selection of the field.
    """

    route: str
    owner: str
    field: str
    argument: str
    path: Path
    type_: Any

    def __str__(self) -> str:
        return f"{self.owner}.{self.field}({'.'.join((self.argument, *self.path))})"


@dataclass(frozen=True, slots=True)
class ExtremeOperation:
    """An operation whose value at one place is extreme."""

    place: Place
    value: str
    text: str
    variables: dict[str, Any]


@dataclass
class Extremes:
    """Makes the operations; ``ids`` are those that exist."""

    schema: GraphQLSchema
    ids: list[str]
    lengths: tuple[int, ...] = LENGTHS
    dry: bool = True
    _of_slug: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for urn in self.ids:
            self._of_slug.setdefault(slug_of(urn), urn)

    def places(self) -> Iterator[Place]:
        """Yield each argument and each input field in it.

        A field of an input that registers an asset is yielded once for all kinds that have it. An argument of fields of
        objects is yielded once for all fields that have an equal one.
        """
        known = set[tuple[object, ...]]()
        for owner, route in self._routes():
            for name, each in owner.fields.items():
                if any(name in base.fields for base in getattr(owner, "interfaces", ())):
                    continue  # the interface has it
                for argument, given in each.args.items():
                    for path, type_, of in _paths(given.type):
                        place = Place(route, owner.name, name, argument, path, type_)
                        key = _common(place, of)
                        if key not in known:
                            known.add(key)
                            yield place

    def operations(self, place: Place) -> Iterator[ExtremeOperation]:
        """Yield an operation for each extreme value of a place."""
        for extreme in self._values(place):
            yield self.operation(place, extreme)

    def operation(self, place: Place, extreme: Extreme) -> ExtremeOperation:
        """Return the operation with a value at a place; all values are variables."""
        owner = self.schema.type_map[place.owner]
        assert isinstance(owner, GraphQLObjectType | GraphQLInterfaceType)
        field_ = owner.fields[place.field]
        variables, heads, given = dict[str, Any](), [], []
        for name, argument in field_.args.items():
            if name == place.argument:
                variables[name] = self._placed(name, argument.type, place.path, extreme.value)
            elif is_required_argument(argument):
                variables[name] = self._plain(name, argument.type)
            elif (place.field, name) in _BESIDE:
                variables[name] = _BESIDE[place.field, name]
            else:
                continue
            heads.append(f"${name}: {argument.type}")
            given.append(f"{name}: ${name}")
        selected = f"{place.field}({', '.join(given)}){self._selection(field_)}"
        word = {"Mutation": "mutation", "Subscription": "subscription"}.get(place.owner, "query")
        text = f"{word} ({', '.join(heads)}) {place.route.replace('@', selected)}"
        return ExtremeOperation(place, extreme.name, text, variables)

    def _values(self, place: Place) -> Iterator[Extreme]:
        type_ = get_nullable_type(place.type_)
        name = next((each for each in reversed((place.argument, *place.path)) if each != ELEMENT), "")
        if isinstance(type_, GraphQLList):
            yield from self._lists(name, type_)
        elif isinstance(type_, GraphQLInputObjectType):
            yield Extreme("no field", {})
            if type_.fields.keys() >= RECURSIVE:
                yield from _nested_filters()
        elif isinstance(type_, GraphQLEnumType):
            yield Extreme("letters, 60000", "a" * 60_000)
            yield from (Extreme(each, each) for each in type_.values)
        else:
            yield from scalars(type_.name, self._id(name), self.lengths)

    def _lists(self, name: str, type_: Any) -> Iterator[Extreme]:
        element = get_nullable_type(type_.of_type)
        for length in LIST_LENGTHS:
            yield Extreme(f"{length} equal", [self._plain(name, element)] * length)
            yield Extreme(f"{length} different", [self._numbered(name, element, number) for number in range(length)])
        if element.name in {"String", "ID"}:
            text = repeated("ab cd-ef_", 60_000)
            yield Extreme(f"{LONG_TEXTS} long", [f"{number}{text}" for number in range(LONG_TEXTS)])

    def _placed(self, name: str, type_: Any, path: Path, value: Any) -> Any:
        """Return a plain value of a type with ``value`` at a path."""
        if not path:
            return value
        type_ = get_nullable_type(type_)
        if isinstance(type_, GraphQLList):
            return [self._placed(name, type_.of_type, path[1:], value)]
        inner = self._placed(path[0], type_.fields[path[0]].type, path[1:], value)
        plain = {} if type_.name == "AssetInput" else self._object(type_)
        return {**plain, path[0]: inner}

    def _plain(self, name: str, type_: Any) -> Any:
        type_ = get_nullable_type(type_)
        if isinstance(type_, GraphQLList):
            return [self._plain(name, type_.of_type)]
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_)
        if isinstance(type_, GraphQLEnumType):
            return _ENUMS.get(type_.name, next(iter(type_.values)))
        return self._id(name) if type_.name == "ID" else _TEXTS.get(name, PLAIN[type_.name])

    def _object(self, type_: GraphQLInputObjectType) -> dict[str, Any]:
        if type_.name == "AssetInput":
            return {"dataset": {"id": "mlg://dataset/test/default/plain"}}
        needed = NEEDED.get(type_.name, ())
        found = {
            name: self._plain(name, each.type)
            for name, each in type_.fields.items()
            if is_required_input_field(each) or name in needed
        }
        kind = KINDS.get(type_.name.removesuffix("Input"))
        if kind is not None and "name" not in found:
            found["id"] = f"mlg://{kind.slug}/test/default/plain{'@1' if kind.versioned else ''}"
        if self.dry and "dryRun" in type_.fields:
            found["dryRun"] = True
        if type_.name in {"LinkInput", "UnlinkInput"}:
            found |= {"from": self._of_slug["dataset"], "to": self._of_slug["model"], "relation": "FEEDS"}
        return found

    def _numbered(self, name: str, type_: Any, number: int) -> Any:
        """Return a plain value that differs by a number, where the type can differ."""
        type_ = get_nullable_type(type_)
        if isinstance(type_, GraphQLInputObjectType):
            if type_.name == "AssetInput":
                return {"dataset": {"id": f"mlg://dataset/test/default/n{number}"}}
            plain = self._object(type_)
            for key, each in type_.fields.items():
                if get_named_type(each.type).name in {"ID", "String"} and key in plain:
                    plain[key] = self._numbered(key, each.type, number)
            return plain
        if isinstance(type_, GraphQLEnumType):
            return [*type_.values][number % len(type_.values)]
        if type_.name == "ID":
            return f"{self._id(name)}{number}"
        return f"{number}{_TEXTS.get(name, 'x')}" if type_.name == "String" else self._plain(name, type_)

    def _id(self, name: str) -> str:
        return self._of_slug.get(SLUGS.get(name, "dataset")) or self._of_slug["dataset"]

    def _routes(self) -> Iterator[tuple[GraphQLObjectType | GraphQLInterfaceType, str]]:
        """Yield each type with fields, the root types first, and the document that reaches it by the fewest fields."""
        roots = (self.schema.query_type, self.schema.mutation_type, self.schema.subscription_type)
        found = dict[str, str]()
        queue = deque[tuple[Any, str]]((root, "{ @ }") for root in roots if root is not None)
        asset = self._of_slug["dataset"]
        queue.append((self.schema.type_map["Asset"], f'{{ asset(id: "{asset}") {{ @ }} }}'))
        for slug, urn in self._of_slug.items():
            kind = next((each.name for each in KINDS.values() if each.slug == slug), None)
            if kind is not None:
                queue.append((self.schema.type_map[kind], f'{{ node(id: "{urn}") {{ ... on {kind} {{ @ }} }} }}'))
        while queue:
            type_, route = queue.popleft()
            if type_.name in found or type_.name.startswith("__"):
                continue
            found[type_.name] = route
            yield type_, route
            if type_.name in {"Mutation", "Subscription"}:
                continue
            for name, each in type_.fields.items():
                below = get_named_type(each.type)
                if hasattr(below, "fields") and below.name not in found and not _required(each):
                    queue.append((below, route.replace("@", f"{name} {{ @ }}")))

    def _selection(self, field_: GraphQLField) -> str:
        below = get_named_type(field_.type)
        return "" if is_leaf_type(below) else f" {{ {self._selected(below, 2)} }}"

    def _selected(self, type_: Any, levels: int) -> str:
        names = ["__typename"]
        for name, each in getattr(type_, "fields", {}).items():
            below = get_named_type(each.type)
            if _required(each):
                continue
            if is_leaf_type(below):
                names.append(name)
            elif levels and (not each.args or name in {"nodes", "edges", "pageInfo"}) and is_composite_type(below):
                names.append(f"{name} {{ {self._selected(below, levels - 1)} }}")
        return " ".join(names)


def _nested_filters() -> Iterator[Extreme]:
    """Yield filters that are nested deeply, that are wide, and that have many alternatives."""
    for leaf in ({}, {"name": {"contains": "a"}}, {"property": {"key": "a", "eq": "b"}}):
        name = next(iter(leaf), "no field")
        for depth in (5, 20, 60):
            for each in ("and", "or", "not"):
                value: Any = dict(leaf)
                for _ in range(depth):
                    value = {each: value if each == "not" else [value, dict(leaf)]}
                yield Extreme(f"{each} of {name}, {depth} levels", value)
        for wide in ("and", "or"):
            yield Extreme(f"{wide} of 100 {name}", {wide: [dict(leaf)] * 100})
        yield Extreme(f"and of ors of {name}", {"and": [{"or": [dict(leaf)] * 2}] * 7})
        yield Extreme(f"not of ands of ors of {name}", {"not": {"or": [{"and": [dict(leaf)] * 2}] * 7}})


def _common(place: Place, of: str) -> tuple[object, ...]:
    """Return what is equal for places with the same work on their values; the input ``of`` has the last field."""
    if (place.path and of.removesuffix("Input") in KINDS) or of in {"PropertyInput", "OwnerInput", "MetricInput"}:
        return place.path[-1], str(place.type_), of if place.path[-1] == ELEMENT else ""
    if place.owner not in {"Query", "Mutation", "Subscription"}:
        return place.argument, place.path, str(place.type_)
    return place.owner, place.field, place.argument, place.path


def _required(field_: GraphQLField) -> bool:
    return any(is_required_argument(each) for each in field_.args.values())


def _paths(type_: Any, path: Path = (), of: str = "") -> Iterator[tuple[Path, Any, str]]:
    """Yield each path into a type with the type of its end and the name of the input that has it."""
    yield path, type_, of
    type_ = get_nullable_type(type_)
    if isinstance(type_, GraphQLList):
        if isinstance(get_named_type(type_), GraphQLInputObjectType) or get_named_type(type_).name in {"String", "ID"}:
            yield from _paths(type_.of_type, (*path, ELEMENT), of)
    elif isinstance(type_, GraphQLInputObjectType):
        for name, each in type_.fields.items():
            if name in RECURSIVE:
                if not RECURSIVE & {*path}:
                    yield (*path, name), each.type, type_.name
            elif name != "dryRun":
                yield from _paths(each.type, (*path, name), type_.name)


_TEXTS: Final = {
    "name": "plain",
    "gate": "release",
    "alias": "champion",
    "url": "https://example.com/x",
    "version": "1",
}
_ENUMS: Final = {"LineageDirection": "DOWNSTREAM"}
_BESIDE: Final[Mapping[tuple[str, str], Any]] = {("explainAbsence", "to"): "mlg://model/test/default/m"}
