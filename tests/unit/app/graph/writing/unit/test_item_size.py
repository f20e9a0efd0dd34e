"""The size of an item: the edges that it declares."""

from support.stores.writers import asset, link

from app.graph.writing.unit.item_size import LONG_ITEM, edge_count, is_long


def test_edges_are_those_that_an_item_declares() -> None:
    """A registration has one for each target, a link is one."""
    assert edge_count(asset("dataset a", derivedFrom=["dataset b", "dataset c"], tags=["tag gold"])) == 3
    assert edge_count(link("DERIVES", "dataset a", "dataset b")) == 1


def test_an_item_of_more_edges_than_the_limit_is_long() -> None:
    """The limit itself is not."""
    many = [f"dataset d{number}" for number in range(LONG_ITEM + 1)]
    assert [is_long(asset("dataset a", derivedFrom=targets)) for targets in (many[1:], many)] == [False, True]
