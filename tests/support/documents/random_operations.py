"""Random operations made from the schema: in time they select, filter, order, page and name everything that it offers.

The generator prefers what it has used least, so a few hundred operations reach every field and argument of the
schema, new ones included. The same seed gives the same operations as long as the responses are the same.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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
    get_nullable_type,
    is_leaf_type,
)
from support.documents.filter_samples import BESIDE

DEEPEST = 12
"""The depth that the product allows (docs/http.md)."""

MOST_ALIASES = 28
MOST_FIELDS = 22

Abstract = GraphQLInterfaceType | GraphQLUnionType
Composite = GraphQLObjectType | Abstract
Pools = Mapping[str, tuple[Any, ...]]
"""Values by the name of the argument or input field that takes them, or by the name of its type."""


@dataclass
class Selected:
    """One selected field: its place in the schema, the key in the response, and the selection below it."""

    parent: str
    name: str
    key: str
    text: str
    below: "list[Selected]" = field(default_factory=list)


@dataclass
class Operation:
    """One operation. ``page`` leads to the connection that takes ``$after``, where it has one."""

    text: str
    selected: list[Selected]
    variables: dict[str, Any] = field(default_factory=dict)
    page: tuple[str, ...] = ()

    def reached(self, data: Any) -> Iterable[tuple[str, bool]]:
        """Yield the coordinates in a response, and whether each has a value."""
        yield from _reached(self.selected, data)


def _reached(selected: Iterable[Selected], data: Any) -> Iterable[tuple[str, bool]]:
    if isinstance(data, list):
        for each in data:
            yield from _reached(selected, each)
    elif isinstance(data, dict):
        for one in selected:
            if not one.key:  # a fragment: its fields are in the same object
                yield from _reached(one.below, data)
            elif one.key in data:
                yield f"{one.parent}.{one.name}", data[one.key] is not None
                yield from _reached(one.below, data[one.key])


@dataclass
class _Document:
    """The state of one operation while it is made."""

    variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    aliases: int = 0
    directives: int = 0
    fields: int = 0


@dataclass
class _Scope:
    """A place in a document: the selection so far, and the remaining depth."""

    document: _Document
    levels: int
    depth: int
    used: set[str] = field(default_factory=set)


@dataclass
class Generator:
    """Makes operations; ``pools`` hold what callers might know or guess, ``requested`` counts what has been asked for.

    ``answered`` is a report: how often each coordinate was answered. ``looked`` keeps operations that are made
    together from all looking at the same.
    """

    schema: GraphQLSchema
    random: Random
    pools: Pools
    requested: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    looked: Counter[str] = field(default_factory=Counter)
    cursors: list[str] = field(default_factory=lambda: ["bm90IGEgY3Vyc29y"])

    def query(self) -> Operation:
        """Return any query: two fields of the root."""
        document = _Document()
        root = self.schema.query_type
        assert root is not None
        selected = self._select(root, _Scope(document, self.random.choice((2, 3, 3, 4)), 0), 2)
        return self._operation(selected, document)

    def past(self) -> Operation:
        """Return a root field that reads the graph at an earlier instant."""
        document = _Document()
        root = self.schema.query_type
        assert root is not None
        name = min((name for name in root.fields if "asOf" in root.fields[name].args), key=self._worn)
        found = self._field("Query", name, root.fields[name], _Scope(document, self.random.choice((1, 2, 3)), 0))
        text = found[0].text
        as_of = f"asOf: {literal(self._value('asOf', root.fields[name].args['asOf'].type, 1))}, "
        found[0].text = text.replace(f"{name}(", f"{name}({as_of}", 1)
        return self._operation(found, document)

    def walked(self) -> Operation:
        """Return a lineage walk with every field of its edges."""
        document = _Document()
        root, edge = self.schema.query_type, self.schema.type_map["LineageEdge"]
        assert root is not None
        assert isinstance(edge, GraphQLObjectType)
        args = {name: arg for name, arg in root.fields["lineage"].args.items() if name not in {"asOf", "after"}}
        given = ", ".join(self._arguments(args, document, 0.4))
        shown = [Selected("LineageEdge", name, name, name) for name in edge.fields]
        edges = Selected("Lineage", "edges", "edges", f"edges {{ {_texts(shown)} }}", shown)
        counts = "countsByKind { kind count } completeness { state reason visited depthReached hidden asOf }"
        text = f"lineage({given}) {{ {edges.text} {counts} }}"
        return self._operation([Selected("Query", "lineage", "lineage", text, [edges])], document)

    def rolled_up(self) -> Operation:
        """Return a scene, a difference between two states of lineage, the work of the caller, or a search."""
        document = _Document()
        root = self.schema.query_type
        assert root is not None
        name = self._least("rolled up ", ("scene", "lineageDiff", "myWork", "search"))
        found = self._field("Query", name, root.fields[name], _Scope(document, self.random.choice((2, 3)), 0))
        return self._operation(found, document)

    def neighboured(self) -> Operation:
        """Return the neighbours of one asset with every field of the edges to them."""
        document = _Document()
        of, shown = self.schema.type_map["Asset"], self.schema.type_map["Neighbour"]
        assert isinstance(of, GraphQLInterfaceType)
        assert isinstance(shown, GraphQLObjectType)
        name = self._least("neighboured ", ("upstream", "downstream"))
        args = {key: arg for key, arg in of.fields[name].args.items() if key != "after"}
        given = ", ".join(("first: 5", *self._arguments({"filter": args["filter"]}, document, 0.2)))
        leaves = [key for key, each in shown.fields.items() if is_leaf_type(get_named_type(each.type))]
        nodes = [Selected("Neighbour", each, each, each) for each in leaves]
        page = Selected("NeighbourConnection", "nodes", "nodes", f"nodes {{ {_texts(nodes)} }}", nodes)
        beside = Selected("Asset", name, name, f"{name}({given}) {{ {page.text} }}", [page])
        urn = self.random.choice(self.pools["ids"])
        text = f"asset(id: {json.dumps(urn)}) {{ {beside.text} }}"
        return self._operation([Selected("Query", "asset", "asset", text, [beside])], document)

    def focused(self) -> Operation:
        """Return many fields of one asset, rarely returned ones first, of the kind with the rarest one."""
        document = _Document()
        kinds = {name: kind for name, kind in self._objects() if self.pools.get(name)}
        name = min(kinds, key=lambda each: min(self._answered(each, one) for one in kinds[each].fields))
        kind = kinds[name]
        below: list[Selected] = []
        scope = _Scope(document, 0, 1)
        for each in sorted(kind.fields, key=lambda one: self._answered(name, one))[:16]:
            self.looked[f"{name}.{each}"] += 1
            found = self._field(name, each, kind.fields[each], replace(scope, levels=self.random.choice((1, 1, 2, 3))))
            below += found
        urn = self.random.choice(self.pools[name])
        text = f"node(id: {json.dumps(urn)}) {{ __typename ... on {name} {{ {_texts(below)} }} }}"
        return self._operation([Selected("Query", "node", "node", text, below)], document)

    def paged(self) -> Operation:
        """Return a small page of a connection, of the root or of one asset, to be followed to its end."""
        document = _Document({"after": ("Cursor", None)})
        of = dict(self._objects())
        places = [
            (name, each)
            for name, type_ in of.items()
            if name == "Query" or self.pools.get(name)
            for each, field_ in type_.fields.items()
            if "after" in field_.args
        ]
        owner, name = min(places, key=lambda place: self._worn(f"paged {place}"))
        self.requested[f"paged {(owner, name)}"] += 1
        page = self._page(of[owner], name, document)
        if owner == "Query":
            inner = ("hits",) if page.below[0].name == "hits" else ()
            return self._operation([page], document, page=(page.key, *inner))
        urn = self.random.choice(self.pools[owner])
        text = f"node(id: {json.dumps(urn)}) {{ ... on {owner} {{ {page.text} }} }}"
        root = Selected("Query", "node", "node", text, [page])
        return self._operation([root], document, page=("node", page.key))

    def _objects(self) -> Iterable[tuple[str, GraphQLObjectType]]:
        return ((name, each) for name, each in self.schema.type_map.items() if isinstance(each, GraphQLObjectType))

    def _page(self, owner: GraphQLObjectType, name: str, document: _Document) -> Selected:
        field_ = owner.fields[name]
        others = {key: arg for key, arg in field_.args.items() if key not in {"first", "after"}}
        texts = [f"first: {self.random.randint(1, 3)}", "after: $after", *self._arguments(others, document, 0.7)]
        connection = get_named_type(field_.type)
        assert isinstance(connection, GraphQLObjectType)
        found = connection if "hits" in connection.fields else None
        connection = connection if found is None else get_named_type(found.fields["hits"].type)
        assert isinstance(connection, GraphQLObjectType)
        node = get_named_type(connection.fields["nodes"].type)
        assert isinstance(node, Composite)
        shown = self._select(node, _Scope(document, 1, 8), 4)
        total = "totalCount " if self.random.random() < 0.6 else ""
        info = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
        text = f"{total}{info} edges {{ cursor node {{ {_texts(shown)} }} }}"
        nodes = Selected(connection.name, "node", "node", "", shown)
        edges = Selected(connection.name, "edges", "edges", "", [nodes])
        if found is not None:
            text = f"hits {{ {text} }} facets {{ facet values {{ value count }} }}"
            edges = Selected(found.name, "hits", "hits", "", [edges])
        return Selected(owner.name, name, name, f"{name}({', '.join(texts)}) {{ {text} }}", [edges])

    def _operation(self, selected: list[Selected], document: _Document, page: tuple[str, ...] = ()) -> Operation:
        head = ", ".join(f"${name}: {type_}" for name, (type_, _) in document.variables.items())
        text = f"query{f'({head})' if head else ''} {{ {_texts(selected)} }} {' '.join(document.fragments)}"
        return Operation(text, selected, {name: value for name, (_, value) in document.variables.items()}, page)

    def _select(self, type_: Composite, scope: _Scope, most: int) -> list[Selected]:
        """Select fields of a type, the least used first; of an abstract type also those of its possible types."""
        found: list[Selected] = []
        if isinstance(type_, Abstract):
            found.append(Selected(type_.name, "__typename", "__typename", "__typename"))
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            fitting = [name for name in type_.fields if self._fits(type_.fields[name], scope)]
            for name in sorted(fitting, key=lambda each: self._worn(f"{type_.name}.{each}"))[:most]:
                found += self._field(type_.name, name, type_.fields[name], scope)
        if isinstance(type_, Abstract):
            kinds = sorted(self.schema.get_possible_types(type_), key=lambda one: self._worn(one.name))
            found += [self._narrowed(kind, scope, most) for kind in kinds[: self.random.randint(1, 3)]]
        return found or [Selected(type_.name, "__typename", "__typename", "__typename")]

    def _narrowed(self, kind: GraphQLObjectType, scope: _Scope, most: int) -> Selected:
        """Select fields of one possible type of an abstract type: in an inline fragment, or in a named one."""
        self.requested[kind.name] += 1
        document, inner = scope.document, self._select(kind, scope, most)
        when = self._directive(document)
        text = f"... on {kind.name}{when} {{ {_texts(inner)} }}"
        if self.random.random() < 0.2:
            name = f"F{len(document.fragments)}"
            document.fragments.append(f"fragment {name} on {kind.name} {{ {_texts(inner)} }}")
            text = f"...{name}{when} ...{name}"
        return Selected(kind.name, "", "", text, inner)

    def _fits(self, field_: GraphQLField, scope: _Scope) -> bool:
        type_ = get_named_type(field_.type)
        return is_leaf_type(type_) or (scope.levels > 0 and scope.depth + (4 if _is_page(type_) else 2) < DEEPEST)

    def _answered(self, kind: str, name: str) -> tuple[int, int, float]:
        coordinate = f"{kind}.{name}"
        return self.answered[coordinate], self.looked[coordinate], self.random.random()

    def _worn(self, what: str) -> tuple[int, float]:
        return self.requested[what], self.random.random()

    def _field(self, parent: str, name: str, field_: GraphQLField, scope: _Scope) -> list[Selected]:
        """Select a field with its arguments, under an alias if its name is already used beside it."""
        document, used = scope.document, scope.used
        aliased = name in used or self.random.random() < 0.03
        if document.fields > MOST_FIELDS or (aliased and document.aliases >= MOST_ALIASES):
            return []
        key = f"a{document.aliases}" if aliased else name
        document.aliases += aliased
        document.fields += 1
        used.add(key)
        self.requested[f"{parent}.{name}"] += 1
        head = f"{key}: {name}" if aliased else name
        texts = list(self._arguments(field_.args, document, 0.5))
        head += f"({', '.join(texts)})" if texts else ""
        head += self._directive(document)
        type_ = get_named_type(field_.type)
        if not isinstance(type_, Composite):
            return [Selected(parent, name, key, head)]
        inside = _is_page(type_) or type_.name.endswith("Edge")
        most = self.random.randint(2, 3) if inside or scope.levels > 2 else self.random.randint(2, 5)
        below = self._select(type_, _Scope(document, scope.levels - (not inside), scope.depth + 1), most)
        return [Selected(parent, name, key, f"{head} {{ {_texts(below)} }}", below)]

    def _directive(self, document: _Document) -> str:
        if self.random.random() > 0.04 or document.directives > 20:
            return ""
        document.directives += 1
        name, value = self.random.choice((("include", True), ("include", True), ("skip", False), ("include", False)))
        if self.random.random() < 0.5:
            return f" @{name}(if: {str(value).lower()})"
        variable = f"v{len(document.variables)}"
        document.variables[variable] = ("Boolean!", value)
        return f" @{name}(if: ${variable})"

    def _arguments(self, args: Mapping[str, GraphQLArgument], document: _Document, chance: float) -> Iterable[str]:
        for name, arg in args.items():
            required = isinstance(arg.type, GraphQLNonNull)
            of_operation = name == "asOf" and "alias" not in args  # one value for all fields, given by the caller
            if of_operation or (not required and self.random.random() > (0.03 if name == "after" else chance)):
                continue
            value = self._value(name, arg.type, 2)
            if self.random.random() < 0.4:
                variable = f"v{len(document.variables)}"
                document.variables[variable] = (str(arg.type), plain(value))
                yield f"{name}: ${variable}"
            else:
                yield f"{name}: {literal(value)}"

    def _value(self, name: str, type_: Any, levels: int, *, negated: bool = False) -> Any:
        """Return a value of an input type."""
        inner = get_nullable_type(type_)
        if isinstance(inner, GraphQLList):
            of = inner.of_type
            return [self._value(name, of, levels, negated=negated) for _ in range(self.random.randint(1, 2))]
        if isinstance(inner, GraphQLEnumType):
            value = self._least(f"{inner.name}=", inner.values)
            return Name(value)
        if isinstance(inner, GraphQLInputObjectType):
            return self._object(inner, levels, negated=negated or name == "not")
        if name == "after":
            return self.random.choice(self.cursors)
        pool = self.pools[inner.name] if inner.name == "Date" else self.pools.get(name) or self.pools[inner.name]
        return self.random.choice(pool)

    def _object(self, type_: GraphQLInputObjectType, levels: int, *, negated: bool) -> dict[str, Any]:
        names = [name for name in type_.fields if levels > 0 or name not in {"and", "or", "not"}]
        if negated and "contains" in names and self.random.random() < 0.95:
            names.remove("contains")
        needed = [name for name in names if isinstance(type_.fields[name].type, GraphQLNonNull)]
        names.sort(key=lambda name: self._worn(f"{type_.name}.{name}"))
        chosen = names[: 1 + (self.random.random() < 0.3)]
        found = dict.fromkeys([*needed, *chosen, *(also for name in chosen for also in BESIDE.get(name, ()))])
        for name in found:
            self.requested[f"{type_.name}.{name}"] += 1
            found[name] = self._value(name, type_.fields[name].type, levels - 1, negated=negated)
        return found

    def _least(self, prefix: str, values: Iterable[str]) -> str:
        value = min(values, key=lambda each: self._worn(prefix + each))
        self.requested[prefix + value] += 1
        return value


class Name(str):
    """An enum value, which is written without quotes."""

    __slots__ = ()


def literal(value: Any) -> str:
    """Return a value in GraphQL syntax."""
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {literal(each)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return json.dumps(value, ensure_ascii=False)


def plain(value: Any) -> Any:
    """Return a value in JSON syntax."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, Name) else value


def _texts(selected: Iterable[Selected]) -> str:
    return " ".join(one.text for one in selected)


def _is_page(type_: Any) -> bool:
    return str(type_).endswith("Connection")
