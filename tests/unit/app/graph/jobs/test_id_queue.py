"""Queues of vertex ids: batches in order, each id once."""

import pytest

from app.graph.jobs.id_queue import IdQueue, take_first


@pytest.mark.parametrize(
    ("size", "taken", "left"),
    [(0, [], [3, 1, 2]), (2, [3, 1], [2]), (3, [3, 1, 2], []), (9, [3, 1, 2], [])],
)
def test_the_first_ids_are_taken_in_the_order_of_insertion(size: int, taken: list[int], left: list[int]) -> None:
    """A batch is never larger than requested, and what is taken is no longer in the queue."""
    queue: IdQueue = dict.fromkeys([3, 1, 2, 3])
    assert take_first(queue, size) == taken
    assert [*queue] == left


def test_an_empty_queue_gives_nothing() -> None:
    """There is no batch, and no error."""
    assert take_first({}, 5) == []
