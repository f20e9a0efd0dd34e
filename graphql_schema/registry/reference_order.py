"""The order of the items of a call in which referenced items come first."""

from collections.abc import Iterator, Mapping

from graphql_schema.ports.commands import LinkCommand, RegisterCommand

Item = RegisterCommand | LinkCommand


def referenced_first(items: Mapping[int, Item]) -> dict[int, Item]:
    """Return the items by index, in their order, except that the items that one refers to come before it.

    Of items that refer to each other in a circle, the first one comes last.
    """
    index_of = {item.urn: index for index, item in items.items() if isinstance(item, RegisterCommand)}
    begun, ordered = set[int](), dict[int, Item]()

    def before(index: int) -> Iterator[int]:
        begun.add(index)
        yield from (index_of[urn] for urn in _references(items[index]) if urn in index_of)

    for first in items:
        path = [] if first in begun else [(first, before(first))]
        while path:
            index, others = path[-1]
            following = next((other for other in others if other not in begun), None)
            if following is None:
                path.pop()
                ordered[index] = items[index]
            else:
                path.append((following, before(following)))
    return ordered


def _references(item: Item) -> Iterator[str]:
    """Yield the ids that an item refers to."""
    if isinstance(item, LinkCommand):
        yield from (item.source, item.target)
    else:
        for edges in item.edges:
            yield from edges.targets
