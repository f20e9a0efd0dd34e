"""Size limits of a document, measured in one linear pass.

Each fragment is measured once, and sizes are added in the order of dependencies. So a document that doubles itself
twenty times (2^20 expanded fields in 758 bytes) costs as much as its text. The limiters of Strawberry visit every
expanded field.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
)

CEILING = 2**31 - 1
"""Maximal size that is reported; larger ones are cut, so that JSON readers with 32-bit integers accept the number."""

INTROSPECTION = frozenset({"__schema", "__type"})
"""Fields whose selections do not count for the depth."""


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """Limits of one operation (docs/http.md); the parser enforces ``tokens``.

    - ``objects``, ``values`` and ``introspection``: the most that the response can have, as
      :mod:`graphql_schema.operation.cost` estimates it before execution.
    - ``query_variables`` and ``mutation_variables``: sizes as :mod:`graphql_schema.operation.variable_size` counts
      them. The second admits a registration of 1,000 assets.
    """

    depth: int = 12
    aliases: int = 30
    directives: int = 50
    fields: int = 5_000
    tokens: int = 4_000
    objects: int = 50_000
    values: int = 500_000
    introspection: int = 250_000
    query_variables: int = 10_000
    mutation_variables: int = 250_000


_SELECT_LESS = "Fragments count each time they are spread. Select less, or split it into several requests."
_SMALLER_PAGES = (
    "That is what the response can have: sizes of pages are multiplied down the tree. "
    "Use a smaller `first` in the outer or inner lists, or select less below them."
)
_ADVICE = {
    "objects": _SMALLER_PAGES,
    "values": _SMALLER_PAGES,
    "introspection": "Read the schema by one introspection query, as tools do, or from the file of the SDL.",
    "variables": "Objects count the fields of their input type. Send fewer elements, or several requests.",
}
"""What to do about an exceeded limit, by its name; :data:`_SELECT_LESS` for the others."""


@dataclass(frozen=True, slots=True)
class Size:
    """Size of a selection with all fragments expanded; ``depth`` excludes introspection."""

    depth: int = 0
    aliases: int = 0
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


@dataclass(slots=True)
class _Outline:
    """Size of one definition without its spreads, and its spreads with the depth where they occur.

    The depth is None inside introspection.
    """

    size: Size
    spreads: list[tuple[str, int | None]] = field(default_factory=list)


def breaches(document: DocumentNode, limits: DocumentLimits) -> list[Breach]:
    """Return every limit of depth, aliases, directives and fields that an operation of ``document`` exceeds."""
    return [
        Breach(name, actual, maximum, operation)
        for operation, size in measure(document)
        for name in ("depth", "aliases", "directives", "fields")
        if (actual := getattr(size, name)) > (maximum := getattr(limits, name))
    ]


def measure(document: DocumentNode) -> list[tuple[OperationDefinitionNode, Size]]:
    """Return the size of each operation. Unknown fragments and cycles count 0, because validation refuses them."""
    fragments = {d.name.value: _outline(d) for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    sizes: dict[str, Size] = {}
    for name in _dependencies_first(fragments):
        sizes[name] = _total(fragments[name], sizes)
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    return [(operation, _total(_outline(operation), sizes)) for operation in operations]


def _outline(definition: ExecutableDefinitionNode) -> _Outline:
    """Return the size and the spreads of one definition; visits each selection once, without recursion."""
    depth = aliases = fields = 0
    directives = len(definition.directives or ())
    spreads: list[tuple[str, int | None]] = []
    stack: list[tuple[SelectionNode, int | None]] = [(s, 0) for s in definition.selection_set.selections]
    while stack:
        node, at = stack.pop()
        directives += len(node.directives or ())
        if isinstance(node, FieldNode):
            fields += 1
            aliases += node.alias is not None
            at = _below(node, at)
            depth = max(depth, at or 0)
            children = node.selection_set.selections if node.selection_set else ()
            stack.extend((child, at) for child in children)
        elif isinstance(node, InlineFragmentNode):
            stack.extend((child, at) for child in node.selection_set.selections)
        elif isinstance(node, FragmentSpreadNode):
            spreads.append((node.name.value, at))
    return _Outline(Size(depth, aliases, directives, fields), spreads)


def _below(node: FieldNode, at: int | None) -> int | None:
    """Return the depth of a field below ``at``; None inside introspection, where depth does not count."""
    return None if at is None or node.name.value in INTROSPECTION else at + 1


def _total(outline: _Outline, sizes: Mapping[str, Size]) -> Size:
    """Return the size of a definition with its spreads, given the sizes of the fragments."""
    total = outline.size
    for name, at in outline.spreads:
        part = sizes.get(name, Size())
        total = Size(
            depth=total.depth if at is None else max(total.depth, at + part.depth),
            aliases=total.aliases + part.aliases,
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
