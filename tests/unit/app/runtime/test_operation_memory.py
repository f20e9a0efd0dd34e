"""The memory that running operations share: the share of each caller, and that every end of an operation returns it."""

from collections import defaultdict
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.graph.driver.errors import StoreUnavailableError
from app.runtime.operation_memory import LITTLE, OperationAccount, OperationMemory
from app.settings import Settings
from graphql_schema.ports.operation_budget import OperationBudget, UsageLimits
from policies.errors import CodedError, LimitError

MIB = 1024 * 1024
MAXIMUM = 1_000 * MIB
ALL = 0
SIZES = st.none() | st.just(ALL) | st.integers(1, MAXIMUM)
STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), SIZES), max_size=60)
"""Steps of callers: who, which of their operations, and how many bytes it reads.

ALL is as much as the caller may have. With None, the operation ends, and another one begins.
"""


def budget_of(memory: OperationMemory, caller: str, *, writes: bool = False) -> OperationBudget:
    """Return the budget of a new operation of a caller."""
    return OperationBudget(memory=memory.account(caller), writes=writes)


def large(memory: OperationMemory, caller: object, size: int = 0) -> OperationAccount:
    """Return the account of an operation that has read LITTLE, and is charged a number of bytes beyond."""
    account = memory.account(caller)
    assert account.charge(LITTLE + size, writes=False) is None
    return account


def share(memory: OperationMemory, caller: object) -> int:
    """Return how many bytes more a new operation of a caller may be charged, found by trying."""
    passes, refused = 0, memory.maximum + 1
    while refused - passes > 1:
        middle = (passes + refused) // 2
        account = large(memory, caller)
        if account.charge(middle, writes=False) is None:
            passes = middle
        else:
            refused = middle
        account.close()
    return passes


def test_a_response_is_charged_until_it_is_sent() -> None:
    """It counts for what its caller may have, although the operation has ended, and beside the responses of others."""
    memory = OperationMemory(200 * MIB)
    first, second, other = (budget_of(memory, name) for name in ("ada", "ada", "bo"))
    for size in (LITTLE, 60 * MIB):
        first.count_response(size)
    first.close()
    with pytest.raises(LimitError):
        second.count_response(LITTLE + 41 * MIB)
    second.count_response(LITTLE + 40 * MIB)
    with pytest.raises(StoreUnavailableError):
        other.count_response(LITTLE + 51 * MIB)
    assert memory.charged == 100 * MIB
    assert (first.ended, second.ended, other.ended) == (None, None, None)
    for each in (first, second, other):
        each.response_sent()
    assert (memory.charged, memory.held) == (0, 0)


def test_half_of_it_is_the_bound_of_a_caller_alone() -> None:
    """The maximum passes, and one byte more is refused; the error of another caller states no limit of its own."""
    memory = OperationMemory(200 * MIB)
    first, second, other = (budget_of(memory, name) for name in ("ada", "ada", "bo"))
    first.count_stored(LITTLE + 60 * MIB)
    second.count_stored(LITTLE + 40 * MIB)
    with pytest.raises(LimitError) as caught:
        second.count_stored(1)
    assert caught.value.extensions == {"limit": "callerMemory", "maximum": 100 * MIB}
    assert second.ended is caught.value
    other.count_stored(LITTLE + 50 * MIB)
    assert memory.charged == 150 * MIB


@pytest.mark.parametrize("writes", [False, True])
def test_a_share_that_others_make_smaller_is_refused_as_busy(writes: bool) -> None:  # noqa: FBT001 - a parameter
    """The caller may try again; for a mutation, the outcome of which is unknown, the state is to be read first."""
    memory = OperationMemory(200 * MIB)
    first = budget_of(memory, "ada")
    first.count_stored(LITTLE + 100 * MIB)
    budget = budget_of(memory, "bo", writes=writes)
    budget.count_stored(LITTLE + 50 * MIB)
    with pytest.raises(StoreUnavailableError) as caught:
        budget.count_stored(1)
    assert (caught.value.extensions["reason"], caught.value.unknown_outcome) == ("BUSY", writes)
    assert caught.value.retry_after > 0
    assert memory.charged == 150 * MIB
    first.close()
    budget.close()
    budget_of(memory, "bo", writes=writes).count_stored(LITTLE + 100 * MIB)


def test_more_than_a_caller_may_have_alone_is_its_limit_also_beside_others() -> None:
    """To try again would not help, so it is not BUSY."""
    memory = OperationMemory(200 * MIB)
    budget_of(memory, "ada").count_stored(LITTLE + 100 * MIB)
    with pytest.raises(LimitError):
        budget_of(memory, "bo").count_stored(LITTLE + 100 * MIB + 1)


@given(STEPS)
def test_a_caller_may_have_half_of_what_others_leave(steps: list[tuple[int, int, int | None]]) -> None:
    """No more and no less, whatever four callers did before: a newcomer always has a share, of 1/32 at least."""
    memory = OperationMemory(MAXIMUM)
    running: dict[tuple[int, int], OperationAccount] = {}
    sizes: dict[tuple[int, int], int] = defaultdict(int)
    for caller, number, size in steps:
        account = running.setdefault((caller, number), memory.account(caller))
        if size is None:
            account.close()
            del running[caller, number]
            sizes[caller, number] = 0
        wanted = share(memory, caller) if size == ALL else size
        if wanted is not None and account.charge(wanted, writes=False) is None:
            sizes[caller, number] += wanted
        charged = [sum(max(0, sizes[each, number] - LITTLE) for number in range(3)) for each in range(5)]
        assert memory.charged == sum(charged) <= MAXIMUM * (1 - Fraction(1, 2 ** sum(map(bool, charged))))
        for each in {caller, 4}:
            most = (MAXIMUM - sum(charged) + charged[each]) // 2
            assert share(memory, each) == max(0, most - charged[each])
    assert share(memory, 4) >= MAXIMUM // 2**5


def test_each_caller_after_others_who_have_all_they_may_has_half_as_much() -> None:
    """They end nothing meanwhile: the least that is left, which is never nothing."""
    memory = OperationMemory(2**30)
    for caller in range(8):
        large(memory, caller, share(memory, caller))
        assert share(memory, caller) == 0
        assert share(memory, "new") == 2**30 // 2 ** (caller + 2)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8])
def test_callers_who_always_want_more_come_to_equal_shares(count: int) -> None:
    """Each has 1/(n+1) once all have begun anew a few times; one more gets its part likewise, and so has each one."""
    memory = OperationMemory(MAXIMUM)
    running: dict[int, OperationAccount] = {}
    for callers in (range(count), range(count + 1)):
        for _ in range(20):
            for caller in callers:
                if caller in running:
                    running[caller].close()
                running[caller] = large(memory, caller, share(memory, caller))
        assert memory.charged == pytest.approx(MAXIMUM * len(callers) / (len(callers) + 1), rel=1e-3)
        assert share(memory, "new") == pytest.approx(MAXIMUM / (len(callers) + 1) / 2, rel=1e-3)


def test_two_callers_can_have_a_query_of_the_maximal_size_by_default() -> None:
    """An operation may read as much as its own limit, alone and beside one of another caller."""
    memory = OperationMemory(Settings.from_env({}).operations_mb * MIB)
    for name in ("ada", "bo"):
        budget_of(memory, name).count_stored(UsageLimits().stored)


def test_an_operation_with_little_always_passes() -> None:
    """Also when the bounds are reached, by others or by the same caller; then it ends if it reads more."""
    memory = OperationMemory(2)
    budget_of(memory, "ada").count_stored(LITTLE + 1)
    for name in ("ada", "bo"):
        budget = budget_of(memory, name)
        for _ in range(16):
            budget.count_stored(LITTLE // 16)
        with pytest.raises(CodedError):
            budget.count_stored(1)


def test_operations_with_little_take_no_share_of_others() -> None:
    """However many there are of a caller, it and others may have as much as before."""
    memory = OperationMemory(MAXIMUM)
    for _ in range(100):
        budget_of(memory, "ada").count_stored(LITTLE)
    assert (memory.charged, share(memory, "ada"), share(memory, "bo")) == (0, MAXIMUM // 2, MAXIMUM // 2)


def test_an_operation_returns_what_it_was_charged() -> None:
    """At its end, once, and when it begins again; what arrives after its end is not charged."""
    memory = OperationMemory(100 * MIB)
    budget, other = budget_of(memory, "ada"), budget_of(memory, "bo")
    other.count_stored(LITTLE + 6)
    budget.count_stored(LITTLE + 30 * MIB)
    budget.restart()
    assert memory.charged == 6
    budget.count_stored(LITTLE + 50 * MIB - 3)
    budget.close()
    assert memory.charged == 6
    budget.count_stored(LITTLE + 20 * MIB)
    budget.close()
    assert memory.charged == 6
    other.close()
    assert (memory.charged, len(memory._charged)) == (0, 0)  # noqa: SLF001 - no caller is remembered


def test_what_work_no_longer_needs_is_returned_to_its_caller() -> None:
    """At its end, and as it becomes less; what was read besides stays charged, and what was refused was not charged."""
    memory = OperationMemory(100 * MIB)
    budget = budget_of(memory, "ada")
    budget.count_stored(LITTLE + 5 * MIB)
    with budget.holding() as hold:
        hold(40 * MIB)
        assert (memory.charged, memory.held) == (45 * MIB, LITTLE + 45 * MIB)
        hold(10 * MIB)
        assert memory.charged == 15 * MIB
    assert (memory.charged, memory.held) == (5 * MIB, LITTLE + 5 * MIB)
    with budget.holding() as hold:
        hold(10 * MIB)
        with pytest.raises(LimitError):
            hold(46 * MIB)
    assert (memory.charged, memory.held) == (5 * MIB, LITTLE + 5 * MIB)


def test_work_that_ends_after_its_operation_returns_nothing_of_others() -> None:
    """The charge of an operation that was closed, or began again, was returned then."""
    memory = OperationMemory(100 * MIB)
    budget, other = budget_of(memory, "ada"), budget_of(memory, "ada")
    other.count_stored(LITTLE + 7)
    with budget.holding() as hold:
        hold(LITTLE + 20)
        budget.restart()
    with budget.holding() as hold:
        hold(LITTLE + 20)
        budget.close()
    assert (memory.charged, memory.held) == (7, LITTLE + 7)


def test_what_running_operations_have_read_is_known_also_if_it_is_little() -> None:
    """It explains their objects to the garbage collector, which waits until nothing is held."""
    memory = OperationMemory(100 * MIB)
    little, large = budget_of(memory, "ada"), budget_of(memory, "bo")
    assert memory.held == 0
    little.count_stored(3)
    large.count_stored(LITTLE + 5)
    assert memory.held == LITTLE + 8
    large.restart()
    assert memory.held == 3
    large.count_stored(7)
    large.close()
    large.count_stored(1)
    little.close()
    assert memory.held == 0


def test_an_operation_without_an_account_has_its_own_limit_alone() -> None:
    """Work of the process is not charged, and counts as before."""
    budget = OperationBudget()
    budget.count_stored(budget.limits.stored)
    budget.close()
    with pytest.raises(LimitError):
        budget.count_stored(1)


@pytest.mark.usefixtures("lowest_limits")
def test_the_bound_of_a_caller_is_lower_by_chance() -> None:
    """Hidden records count, so no caller finds their size by own operations at once; the error has the maximum."""
    memory = OperationMemory(2 * 160 * MIB)
    budget = budget_of(memory, "ada")
    budget.count_stored(LITTLE + 120 * MIB)
    with pytest.raises(LimitError) as caught:
        budget.count_stored(20 * MIB)
    assert caught.value.extensions == {"limit": "callerMemory", "maximum": 160 * MIB}
