"""Size limits of a document, measured in one linear pass.

Each fragment is measured once, and sizes are added in the order of dependencies. So a document that doubles itself
twenty times (2^20 expanded fields in 758 bytes) costs as much as its text. The limiters of Strawberry visit every
expanded field.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    get_named_type,
    is_composite_type,
)

CEILING = 2**31 - 1
"""Maximal size that is reported; larger ones are cut, so that JSON readers with 32-bit integers accept the number."""

INTROSPECTION = frozenset({"__schema", "__type"})
"""Fields that add no level of depth, and nor do the fields below them."""

WRAPPERS = frozenset({"nodes", "edges", "node", "pageInfo"})
"""Names of fields that add no level of depth, except as fields of a root type; pages of lists have such fields."""

FAR_ENDS = frozenset({"Neighbour.asset"})
"""Fields from an item of a list to its one object; they add no level of depth either."""


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Limits of one operation (docs/http.md); the parser enforces ``tokens``.

    - ``alias``: the characters of the longest alias, because a response repeats it for each object.
    - ``objects``, ``values`` and ``introspection``: the most that the response can have, as
      :mod:`graphql_schema.operation.cost` estimates it before execution.
    - ``query_variables`` (also for subscriptions) and ``mutation_variables``: the size of all variables, as
      :mod:`graphql_schema.operation.variable_size` counts it, and of each argument with its variables. The second
      admits a registration of 1,000 assets.
    - ``list_elements``: the elements of one list in the variables, because the values of one item are converted in one
      turn of the event loop.
    - ``text``: the characters of one text in the variables. A record has no more, and work on one text cannot be
      divided between turns of the event loop.
    - ``query_characters`` (also for subscriptions): the characters of all texts in the variables. A filter is converted
      in one turn of the event loop, for each object whose assets it selects.
    """

    depth: int = 12
    aliases: int = 30
    alias: int = 64
    directives: int = 50
    fields: int = 5_000
    tokens: int = 4_000
    objects: int = 50_000
    values: int = 500_000
    introspection: int = 400_000
    query_variables: int = 10_000
    mutation_variables: int = 250_000
    list_elements: int = 5_000
    text: int = 65_536
    query_characters: int = 524_288


_SELECT_LESS = "Fragments count each time they are spread. Select less, or split the operation into several requests."
_SMALLER_PAGES = (
    "That is what the response can have: sizes of pages are multiplied down the tree. "
    "Use a smaller `first` in the outer or inner lists, or select less below them."
)
_ADVICE = {
    "objects": _SMALLER_PAGES,
    "values": _SMALLER_PAGES,
    "alias": "That is the number of characters of the longest alias. Shorten it.",
    "introspection": "Read the schema by one introspection query, as tools do, or from the file of the SDL.",
    "list": "That is the number of elements of the longest list in the variables. Send fewer, or several requests.",
    "texts": "That is the number of characters of all texts in the variables. Send fewer, or several requests.",
    "text": "That is the number of characters of the longest text in the variables. Shorten it, or give an address.",
    "variables": "An object also counts every field of its input type, and an argument each use of a variable in it. "
    "Send fewer elements, or several requests.",
}
"""What to do about an exceeded limit, by its name; :data:`_SELECT_LESS` for the others."""


@dataclass(frozen=True, slots=True)
class Size:
    """Numbers of one definition or operation; ``depth`` counts no introspection, WRAPPERS and FAR_ENDS.

    ``alias`` is the number of characters of the longest alias.
    """

    depth: int = 0
    aliases: int = 0
    alias: int = 0
    directives: int = 0
    fields: int = 0


@dataclass(frozen=True, slots=True)
class Breach:
    """A limit that an operation exceeds: its name in the response, the actual size and the maximum."""

    limit: str
    actual: int
    maximum: int
    operation: OperationDefinitionNode

    @property
    def message(self) -> str:
        """Message for the client: the limit, both sizes, and what to do."""
        advice = _ADVICE.get(self.limit, _SELECT_LESS)
        return f"The limit of {self.limit} is {self.maximum}; the operation has {self.actual}. {advice}"


_Type: TypeAlias = GraphQLNamedType | None


@dataclass(slots=True)
class _Outline:
    """Size of one definition without the fragments that it spreads, and the name of each with the depth of the spread.

    The depth is None inside introspection.
    """

    size: Size
    spreads: list[tuple[str, int | None]] = field(default_factory=list)


def breaches(schema: GraphQLSchema, document: DocumentNode, limits: DocumentLimits) -> list[Breach]:
    """Return each limit of the members of :class:`Size` that the first operation over one of them exceeds."""
    for operation, size in measure(schema, document):
        found = [
            Breach(name, actual, maximum, operation)
            for name in ("depth", "aliases", "alias", "directives", "fields")
            if (actual := getattr(size, name)) > (maximum := getattr(limits, name))
        ]
        if found:
            return found
    return []


def measure(schema: GraphQLSchema, document: DocumentNode) -> list[tuple[OperationDefinitionNode, Size]]:
    """Return the size of each operation with all fragments expanded.

    Unknown fragments and cycles count 0, because validation refuses them.
    """
    outlines = _Outlines(schema)
    fragments = {d.name.value: outlines.of(d) for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    sizes: dict[str, Size] = {}
    for name in _dependencies_first(fragments):
        sizes[name] = _total(fragments[name], sizes)
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    return [(operation, _total(outlines.of(operation), sizes)) for operation in operations]


@dataclass(frozen=True, slots=True)
class _Outlines:
    """Measures definitions against a schema; what the schema does not define counts as an object of no type."""

    schema: GraphQLSchema

    def of(self, definition: ExecutableDefinitionNode) -> _Outline:
        """Return the size and the spreads of one definition; visits each selection once, without recursion."""
        depth = aliases = alias = fields = 0
        directives = len(definition.directives or ())
        spreads: list[tuple[str, int | None]] = []
        root = self._root(definition)
        stack: list[tuple[SelectionNode, int | None, _Type]] = [
            (each, 0, root) for each in definition.selection_set.selections
        ]
        while stack:
            node, at, parent = stack.pop()
            directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                fields += 1
                aliases += node.alias is not None
                alias = max(alias, len(node.alias.value) if node.alias else 0)
                at, below = self._below(node, at, parent)
                depth = max(depth, at or 0)
                children = node.selection_set.selections if node.selection_set else ()
                stack.extend((child, at, below) for child in children)
            elif isinstance(node, InlineFragmentNode):
                on = self.schema.get_type(node.type_condition.name.value) if node.type_condition else parent
                stack.extend((child, at, on) for child in node.selection_set.selections)
            elif isinstance(node, FragmentSpreadNode):
                spreads.append((node.name.value, at))
        return _Outline(Size(depth, aliases, alias, directives, fields), spreads)

    def _root(self, definition: ExecutableDefinitionNode) -> _Type:
        """Return the type that the fields of a definition belong to."""
        if isinstance(definition, OperationDefinitionNode):
            return self.schema.get_root_type(definition.operation)
        assert isinstance(definition, FragmentDefinitionNode)  # noqa: S101 - the other executable definition
        return self.schema.get_type(definition.type_condition.name.value)

    def _below(self, node: FieldNode, at: int | None, parent: _Type) -> tuple[int | None, _Type]:
        """Return the depth and the type of a field of ``parent`` below ``at``; the depth None inside introspection."""
        name = node.name.value
        field = self.schema.get_field(parent, name) if parent is not None and is_composite_type(parent) else None
        type_ = None if field is None else get_named_type(field.type)
        if at is None or name in INTROSPECTION:
            return None, type_
        return at if field is not None and self._is_wrapper(parent, name) else at + 1, type_

    def _is_wrapper(self, parent: _Type, name: str) -> bool:
        """Return whether a field of ``parent`` is one of WRAPPERS, but no root field, or one of FAR_ENDS."""
        roots = (self.schema.query_type, self.schema.mutation_type, self.schema.subscription_type)
        return (name in WRAPPERS and parent not in roots) or f"{parent}.{name}" in FAR_ENDS


def _total(outline: _Outline, sizes: Mapping[str, Size]) -> Size:
    """Return the size of a definition with its spreads, given the sizes of the fragments."""
    total = outline.size
    for name, at in outline.spreads:
        part = sizes.get(name, Size())
        total = Size(
            depth=total.depth if at is None else max(total.depth, at + part.depth),
            aliases=total.aliases + part.aliases,
            alias=max(total.alias, part.alias),
            directives=total.directives + part.directives,
            fields=total.fields + part.fields,
        )
    return replace(
        total,
        aliases=min(total.aliases, CEILING),
        directives=min(total.directives, CEILING),
        fields=min(total.fields, CEILING),
    )


def _dependencies_first(fragments: Mapping[str, _Outline]) -> Iterator[str]:
    """Yield the names of fragments, each after those that it spreads; ignore spreads that close a cycle."""
    visited: set[str] = set()
    for root in fragments:
        path: list[tuple[str, Iterator[tuple[str, int | None]]]] = []
        if root not in visited:
            visited.add(root)
            path.append((root, iter(fragments[root].spreads)))
        while path:
            name, spreads = path[-1]
            following = next((spread for spread, _ in spreads if spread in fragments and spread not in visited), None)
            if following is None:
                path.pop()
                yield name
            else:
                visited.add(following)
                path.append((following, iter(fragments[following].spreads)))
