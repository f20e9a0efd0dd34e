"""The static limits of a document: one linear pass that visits every selection once, however often it is spread.

Fragments are measured once and added up in dependency order, so a document that doubles itself twenty times
(2^20 expanded fields in 758 bytes) costs as much as its text. Strawberry's own limiters walk the expansion.
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
"""Sizes saturate here, so that an absurd one is still a number JSON readers can hold."""

INTROSPECTION = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """What one document may ask for; the defaults are docs/http.md's. ``tokens`` is kept by the parser."""

    depth: int = 12
    aliases: int = 30
    directives: int = 50
    fields: int = 5_000
    tokens: int = 4_000


@dataclass(frozen=True, slots=True)
class Size:
    """How big a selection is once its fragments are expanded. ``depth`` leaves out what lies inside introspection."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0


@dataclass(frozen=True, slots=True)
class Breach:
    """One exceeded limit: its name in :class:`DocumentLimits`, the measured size, and the maximum."""

    limit: str
    actual: int
    maximum: int
    operation: OperationDefinitionNode

    @property
    def message(self) -> str:
        """What happened, and what to do next."""
        return (
            f"The operation asks for {self.limit} {self.actual}, and {self.maximum} is the limit. "
            "Fragments count each time they are spread. Ask for less, or split it into several requests."
        )


@dataclass(slots=True)
class _Outline:
    """A definition by itself: its own size, and the fragments it spreads with the depth they start at."""

    size: Size
    spreads: list[tuple[str, int | None]] = field(default_factory=list)


def breaches(document: DocumentNode, limits: DocumentLimits) -> list[Breach]:
    """Every limit that some operation of ``document`` goes over."""
    return [
        Breach(name, actual, maximum, operation)
        for operation, size in measure(document)
        for name in ("depth", "aliases", "directives", "fields")
        if (actual := getattr(size, name)) > (maximum := getattr(limits, name))
    ]


def measure(document: DocumentNode) -> list[tuple[OperationDefinitionNode, Size]]:
    """Add up the size of each operation. Unknown fragments and cycles count nothing: validation refuses those."""
    fragments = {d.name.value: _outline(d) for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    sizes: dict[str, Size] = {}
    for name in _dependencies_first(fragments):
        sizes[name] = _total(fragments[name], sizes)
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    return [(operation, _total(_outline(operation), sizes)) for operation in operations]


def _outline(definition: ExecutableDefinitionNode) -> _Outline:
    """Visit each selection of one definition once, without recursion and without following spreads."""
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
    """Fragment names so that each comes after those it spreads; an edge that closes a cycle is left out."""
    seen: set[str] = set()
    for root in fragments:
        path: list[tuple[str, Iterator[tuple[str, int | None]]]] = []
        if root not in seen:
            seen.add(root)
            path.append((root, iter(fragments[root].spreads)))
        while path:
            name, spreads = path[-1]
            following = next((spread for spread, _ in spreads if spread in fragments and spread not in seen), None)
            if following is None:
                path.pop()
                yield name
            else:
                seen.add(following)
                path.append((following, iter(fragments[following].spreads)))
