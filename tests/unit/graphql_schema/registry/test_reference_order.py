"""The order of items in which referenced ones come first."""

import pytest

from graphql_schema.catalog.relations import DERIVES
from graphql_schema.ports.commands import DeclaredEdges, LinkCommand, RegisterCommand
from graphql_schema.registry.reference_order import referenced_first


def item(text: str) -> RegisterCommand | LinkCommand:
    """Return an item by its id and those that it refers to; without a colon it is a link of two ids."""
    if ":" not in text:
        source, target = text.split()
        return LinkCommand(DERIVES.name, source, target)
    urn, others = text.split(":")
    return RegisterCommand(urn, {}, (edges(*others),))


def edges(*others: str) -> DeclaredEdges:
    """Return the edges to some ids."""
    return DeclaredEdges(DERIVES.into(), "Dataset.derivedFrom", {each: {} for each in others})


@pytest.mark.parametrize(
    ("items", "order"),
    [
        (["a:", "b:", "c:"], [0, 1, 2]),
        (["a:b", "b:c", "c:x"], [2, 1, 0]),
        (["a:cb", "b:", "c:b"], [1, 2, 0]),
        (["a b", "a:", "b:"], [1, 2, 0]),
        (["a:b", "b:a", "c:"], [1, 0, 2]),
        (["a:a", "b:a"], [0, 1]),
    ],
    ids=["independent", "chain", "diamond", "link", "circle", "itself"],
)
def test_referenced_items_come_first(items: list[str], order: list[int]) -> None:
    """An item comes after those that it refers to, and as early as before otherwise."""
    given = {index: item(text) for index, text in enumerate(items)}
    found = referenced_first(given)
    assert [*found] == order
    assert found == given


def test_a_long_chain_is_ordered() -> None:
    """The order of 5,000 items in a chain needs no deep recursion."""
    chain = {number: RegisterCommand(str(number), {}, (edges(str(number + 1)),)) for number in range(5_000)}
    assert [*referenced_first(chain)] == [*range(4_999, -1, -1)]
