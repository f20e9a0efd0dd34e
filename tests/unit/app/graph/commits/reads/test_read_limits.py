"""The limits of what a transaction reads, and the error of each."""

from typing import Any

import pytest

from app.graph.commits.reads.read_limits import (
    BYTES_AT_ONCE,
    FEW_BYTES,
    FEW_ELEMENTS,
    FEW_SIZE,
    MAX_AHEAD,
    MAX_ELEMENTS,
    MAX_SIZE,
    MAX_WEIGHT,
    UNLIMITED,
    AheadLimits,
    DivisibleLimits,
    FewLimits,
    ManyElementsError,
    ReadLimits,
    SharedLimits,
)
from app.graph.commits.state_read import StateReading
from app.graph.driver.errors import WriteTooLargeError
from app.graph.records.record_text import weight_of
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from policies.errors import LimitError


@pytest.mark.parametrize(
    ("limits", "allowed", "refused", "error"),
    [
        (DivisibleLimits(), (MAX_SIZE, 0, 0), (MAX_SIZE + 1, 0, 0), WriteTooLargeError),
        (DivisibleLimits(), (0, MAX_WEIGHT, 0), (0, MAX_WEIGHT + 1, 0), WriteTooLargeError),
        (DivisibleLimits(), (0, 0, MAX_ELEMENTS), (0, 0, MAX_ELEMENTS + 1), WriteTooLargeError),
        (SharedLimits(2), (0, 0, FEW_ELEMENTS + 8), (0, 0, FEW_ELEMENTS + 9), WriteTooLargeError),
        (SharedLimits(2), (FEW_SIZE + 2**17, 0, 0), (FEW_SIZE + 2**17 + 1, 0, 0), WriteTooLargeError),
        (SharedLimits(9_999), (MAX_SIZE, 0, MAX_ELEMENTS), (0, 0, MAX_ELEMENTS + 1), WriteTooLargeError),
        (SharedLimits(2), (0, MAX_WEIGHT, 0), (0, MAX_WEIGHT + 1, 0), WriteTooLargeError),
        (FewLimits(), (0, 0, FEW_ELEMENTS), (0, 0, FEW_ELEMENTS + 1), ManyElementsError),
        (FewLimits(), (FEW_SIZE, 0, 0), (FEW_SIZE + 1, 0, 0), ManyElementsError),
        (AheadLimits(OperationBudget(), "ada"), (0, 0, MAX_AHEAD), (0, 0, MAX_AHEAD + 1), LimitError),
    ],
)
def test_each_limit_has_its_error(
    limits: ReadLimits, allowed: tuple[int, int, int], refused: tuple[int, int, int], error: type[Exception]
) -> None:
    """As much as a limit is allowed, and more is refused; a reading without limits may read anything."""
    limits.check(*allowed)
    UNLIMITED.check(*refused)
    with pytest.raises(error):
        limits.check(*refused)


def test_what_is_read_counts_in_the_operation() -> None:
    """Records and edges are rows of the operation, whose end ends the reading as well."""
    budget = OperationBudget(UsageLimits(rows=10))
    limits = AheadLimits(budget, "ada")
    limits.charge(10, 1)
    assert budget.rows == 10
    with pytest.raises(LimitError):
        limits.charge(1, 1)
    with pytest.raises(LimitError):
        limits.charge(0, 0)
    UNLIMITED.charge(1_000_000, 2**60)


async def test_the_memory_of_what_is_read_counts_in_the_operation() -> None:
    """Calls that read ahead at once take memory at once; few records may have very many short values."""
    text = "[" + ",".join("1" * 1_000) + "]"

    class Client:
        async def submit(self, *_: object, **__: object) -> list[object]:
            """See :class:`app.graph.driver.gremlin_client.GremlinClient`."""
            records = {"v": [1, text], "e": [], "p": [], "w": [], "c": [], "n": len(text), "large": False}
            return [records]

    client: Any = Client()
    budget = OperationBudget(UsageLimits(stored=weight_of(text)))
    for limits in (AheadLimits(budget, "ada"), FewLimits()):
        await StateReading(client, follow=False, limits=limits).state([1], (), ())
    assert (budget.rows, budget.stored) == (1, weight_of(text))
    with pytest.raises(LimitError, match="stored"):
        await StateReading(client, follow=False, limits=AheadLimits(budget, "ada")).state([1], (), ())


def test_a_request_of_few_is_small() -> None:
    """A reading that ends after few characters, or edges, reads no more than these by one request."""
    assert FewLimits().at_once(2 * FEW_BYTES) == FEW_BYTES
    assert FewLimits().at_once(10) == UNLIMITED.at_once(10) == 10
    assert DivisibleLimits().at_once(2 * BYTES_AT_ONCE) == BYTES_AT_ONCE
    pages = [limits.page() for limits in (FewLimits(), SharedLimits(1), DivisibleLimits(), UNLIMITED)]
    assert [page and page.left for page in pages] == [FEW_ELEMENTS, FEW_ELEMENTS + 4, MAX_ELEMENTS, None]


@pytest.mark.usefixtures("lowest_limits")
def test_what_hidden_edges_count_for_is_lower_by_chance() -> None:
    """No caller counts hidden edges by the number of own ones at which an item is refused, or a transaction divided."""
    few = MAX_ELEMENTS * 3 // 4
    divisible, shared, ahead = DivisibleLimits(), SharedLimits(9_999), AheadLimits(OperationBudget(), "ada")
    for limits in (divisible, shared):
        limits.check(MAX_SIZE * 3 // 4, MAX_WEIGHT * 3 // 4, few)
        for size, weight, count in ((MAX_SIZE, 0, 0), (0, MAX_WEIGHT, 0), (0, 0, MAX_ELEMENTS)):
            with pytest.raises(WriteTooLargeError):
                limits.check(size, weight, count)
        assert limits.page().left < MAX_ELEMENTS
    ahead.check(0, 0, MAX_AHEAD * 3 // 4)
    with pytest.raises(LimitError, match=str(MAX_AHEAD)):
        ahead.check(0, 0, MAX_AHEAD)
