"""The fields that a selection selects directly, itself and by its fragments."""

from collections.abc import Callable, Iterator, Mapping

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
)


def selected_fields(
    selections: SelectionSetNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    is_included: Callable[[SelectionNode], bool] = lambda _: True,
) -> Iterator[FieldNode]:
    """Yield the fields of a selection and of the fragments in it, at any depth; not those below these fields.

    What ``is_included`` refuses is left out, with all in it. A fragment that is spread several times is visited once:
    fragments that spread each other twice would else be as many as two to the power of their number.
    """
    visited: set[str] = set()
    waiting = [selections]
    while waiting:
        for node in waiting.pop().selections:
            if not is_included(node):
                continue
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in visited:
                visited.add(node.name.value)
                waiting.append(fragments[node.name.value].selection_set)
