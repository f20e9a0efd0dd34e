"""The selection of a subscription: all that its events depend on besides their change and the rights of the caller.

An event is executed once for all subscriptions with equal selections and equal rights.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from hashlib import blake2b

from graphql import ArgumentNode, FieldNode, FragmentDefinitionNode, Node, OperationDefinitionNode, VariableNode


def event_selection(
    operation: OperationDefinitionNode, fragments: Iterable[FragmentDefinitionNode], variables: Mapping[str, object]
) -> Hashable:
    """Return the text of a document, the name of its operation, and a digest of the variables that count.

    These are the variables used outside of root arguments. A subscription keeps its selection, and as text they take up
    to 8 MB.

    The arguments of the root fields select the changes. Subscriptions that differ only in variables there, such as the
    cursor after which they continue, show a change alike. Variables in fragments always count. ``variables`` are the
    coerced ones.
    """
    if operation.loc is None:
        return object()  # a document without its text equals no other
    names = {name for node in (*operation.selection_set.selections, *fragments) for name in _variables(_below(node))}
    used = [(name, variables[name]) for name in sorted(names & variables.keys())]
    return operation.loc.source.body, operation.name and operation.name.value, blake2b(repr(used).encode()).digest()


def _below(node: Node) -> list[Node]:
    """Return the nodes inside a selection of the root; of a field those without its arguments."""
    return [child for child in _children(node) if not (isinstance(node, FieldNode) and isinstance(child, ArgumentNode))]


def _variables(nodes: Iterable[Node]) -> Iterator[str]:
    """Yield the names of the variables that nodes contain."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, VariableNode):
            yield node.name.value
        waiting += _children(node)


def _children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly inside a node."""
    for key in node.keys:
        value = getattr(node, key, None)
        for child in value if isinstance(value, list | tuple) else (value,):
            if isinstance(child, Node):
                yield child
