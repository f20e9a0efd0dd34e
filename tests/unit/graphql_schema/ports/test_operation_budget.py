"""The budget of one operation: its limits, its end, and its turns of the event loop."""

import asyncio
import time
from contextlib import suppress
from dataclasses import fields

import pytest

from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from graphql_schema.ports.turns.loop_turns import TURN_SECONDS
from policies.errors import InvalidError, LimitError

SMALL = UsageLimits(
    items=10, values=50, characters=100, rows=20, paths=40, stored=30, listings=6, filters=60, substrings=4, errors=5
)


@pytest.mark.parametrize(
    ("limit", "maximum"),
    [(each.name, getattr(SMALL, each.name)) for each in fields(SMALL)],
)
def test_a_limit_admits_its_maximum_and_no_more(limit: str, maximum: int) -> None:
    """The maximum passes; one more raises LimitError with limit and maximum, and mostly the actual number.

    What is read from the store includes hidden assets, and filters include the policy: their number is left out.
    """
    budget = OperationBudget(SMALL)
    count = getattr(budget, f"count_{limit}")
    count(maximum)
    with pytest.raises(LimitError) as caught:
        count(1)
    actual = {} if limit in {"rows", "paths", "stored", "filters"} else {"actual": maximum + 1}
    assert caught.value.extensions == {"limit": limit, "maximum": maximum, **actual}
    assert (str(maximum + 1) in caught.value.message) == bool(actual)


def test_lists_that_will_be_too_long_end_the_operation() -> None:
    """Foreseen elements are not counted, but too many are refused; completed ones are foreseen no longer."""
    budget = OperationBudget(SMALL)
    budget.count_items(4)
    budget.foresee_items(3)
    budget.foresee_items(3)
    assert budget.items == 4
    budget.count_items(3)
    budget.count_items(3)
    assert (budget.items, budget.foreseen) == (10, 0)
    with pytest.raises(LimitError) as caught:
        budget.foresee_items(1)
    assert caught.value.extensions == {"limit": "items", "maximum": 10, "actual": 11}
    budget.renew()
    assert budget.foreseen == 0


def test_memory_of_work_counts_until_its_end() -> None:
    """It counts beside what was read, and no longer when the work ends; too much ends the operation."""
    budget = OperationBudget(SMALL)
    budget.count_stored(10)
    counted: list[int] = []
    with budget.holding() as hold:
        for size in (5, 20, 8):
            hold(size)
            counted.append(budget.stored)
    assert (counted, budget.stored) == ([15, 30, 18], 10)
    with budget.holding() as hold:
        hold(15)
        with pytest.raises(LimitError) as caught:
            hold(21)
    assert caught.value.extensions == {"limit": "stored", "maximum": 30}
    assert budget.ended is caught.value


def test_an_ended_operation_raises_the_first_error_everywhere() -> None:
    """After the end, checks and lists raise the error of the end, even if it ends again for another reason."""
    budget = OperationBudget(SMALL)
    first = InvalidError("the end")
    budget.end(first)
    budget.end(InvalidError("later"))
    for attempt in (budget.check, lambda: budget.count_items(1)):
        with pytest.raises(InvalidError, match="the end"):
            attempt()
    assert budget.ended is first


@pytest.mark.parametrize(("writes", "calls"), [(False, 1), (True, 0)])
def test_the_end_cancels_a_query_and_no_mutation(writes: bool, calls: int) -> None:  # noqa: FBT001 - a parameter
    """The end of a query cancels it once; a mutation is left to complete its transaction."""
    called: list[int] = []
    budget = OperationBudget(SMALL, writes=writes)
    budget.cancel_with(lambda: called.append(1))
    budget.end(InvalidError("the end"))
    budget.end(InvalidError("again"))
    assert len(called) == calls


def test_an_event_of_a_subscription_begins_with_nothing_used() -> None:
    """What earlier events used does not count for the next one."""
    budget = OperationBudget(SMALL)
    for _ in range(2):
        budget.renew()
        budget.count_items(10)
        budget.count_substrings(4)
        budget.count_errors(5)


def test_an_operation_that_begins_again_is_cancelled_again_if_it_has_ended() -> None:
    """The counts start at 0, the end remains, and the function that cancels is called once more."""
    called: list[int] = []
    budget = OperationBudget(SMALL)
    budget.cancel_with(lambda: called.append(1))
    budget.count_items(10)
    budget.restart()
    assert (budget.items, called) == (0, [])
    with pytest.raises(LimitError):
        budget.count_items(11)
    budget.restart()
    assert (budget.items, called) == (0, [1, 1])
    assert isinstance(budget.ended, LimitError)


def test_an_operation_that_nothing_cancels_finds_its_limits_again() -> None:
    """Only the end by one of its own limits is forgotten; that by its deadline or its client remains."""
    budget = OperationBudget(SMALL)
    with pytest.raises(LimitError):
        budget.count_rows(21)
    budget.restart()
    assert budget.ended is None
    late = InvalidError("late")
    budget.end(late)
    with pytest.raises(InvalidError):
        budget.count_rows(21)
    budget.restart()
    assert budget.ended is late


def work(seconds: float) -> None:
    """Hold the event loop, as long work of Python does."""
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


async def test_long_work_lets_others_run_between_its_items() -> None:
    """While 20 items of half a turn each are worked off, another task runs many times; no item is lost or doubled."""
    budget, others = OperationBudget(), 0
    done = asyncio.Event()

    async def other() -> None:
        nonlocal others
        while not done.is_set():
            others += 1
            await asyncio.sleep(0)

    async def long() -> list[int]:
        found = []
        async for item in budget.in_turns(range(20)):
            work(TURN_SECONDS / 2)
            found.append(item)
        done.set()
        return found

    _, found = await asyncio.gather(other(), long())
    assert found == list(range(20))
    assert others >= 5
    assert budget.paused == 0


async def test_many_tasks_take_turns() -> None:
    """Of 50 tasks that are ready at once, those after the first turn wait; all end, and none stays paused."""
    budget, ended, iterations = OperationBudget(), 0, 0

    async def task() -> None:
        nonlocal ended
        await budget.pause()
        work(TURN_SECONDS / 5)
        ended += 1

    async def count_iterations() -> None:
        nonlocal iterations
        while ended < 50:
            iterations += 1
            await asyncio.sleep(0)

    await asyncio.gather(count_iterations(), *(task() for _ in range(50)))
    assert iterations > 5
    assert budget.paused == 0


async def test_a_paused_operation_that_ends_does_not_go_on() -> None:
    """A task that waits for its turn when the operation ends raises the error of the end."""
    budget = OperationBudget()

    async def task() -> None:
        work(TURN_SECONDS * 2)
        await budget.pause()

    async def ends() -> None:
        budget.end(InvalidError("the end"))

    assert not budget.paused
    results = await asyncio.gather(task(), task(), ends(), return_exceptions=True)
    assert [str(each) for each in results if isinstance(each, InvalidError)]


@pytest.mark.parametrize("limit", ["rows", "stored"])
def test_half_of_what_may_be_read(limit: str) -> None:
    """Half of either limit has been read when more than half of it is counted."""
    budget = OperationBudget(UsageLimits(**{limit: 10}))
    count = getattr(budget, f"count_{limit}")
    count(5)
    assert not budget.is_half_read
    count(1)
    assert budget.is_half_read


@pytest.mark.usefixtures("lowest_limits")
@pytest.mark.parametrize("limit", [each.name for each in fields(UsageLimits)])
def test_a_limit_for_which_hidden_rows_count_is_lower_by_chance(limit: str) -> None:
    """No caller counts hidden rows by own ones: the limit is lower, always the same, and the error has the maximum."""
    budget = OperationBudget(UsageLimits(**{limit: 160}))
    count = getattr(budget, f"count_{limit}")
    lowest = 160 - 4 * 9 if limit in {"rows", "paths", "stored", "filters"} else 160
    count(lowest)
    with pytest.raises(LimitError) as caught:
        count(1)
    assert caught.value.extensions["maximum"] == 160
    assert "160" in caught.value.message
    assert str(lowest) not in caught.value.message or lowest == 160


@pytest.mark.usefixtures("by_chance")
def test_an_operation_draws_a_limit_once() -> None:
    """Rows that are counted one by one do not end at the least of many limits."""
    budgets = [OperationBudget(UsageLimits(rows=1_600)) for _ in range(20)]
    ends = set[int]()
    for budget in budgets:
        while budget.ended is None:
            with suppress(LimitError):
                budget.count_rows(1)
        ends.add(budget.rows)
    assert len(ends) > 10
    assert min(ends) > 1_200
    assert max(ends) > 1_350
