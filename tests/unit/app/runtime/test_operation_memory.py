"""The memory that running operations share: its bounds, and that every end of an operation returns it."""

import pytest

from app.graph.driver.errors import StoreUnavailableError
from app.runtime.operation_memory import LITTLE, OperationMemory
from graphql_schema.ports.operation_budget import OperationBudget
from policies.errors import CodedError, LimitError

MIB = 1024 * 1024


def budget_of(memory: OperationMemory, caller: str, *, writes: bool = False) -> OperationBudget:
    """Return the budget of a new operation of a caller."""
    return OperationBudget(memory=memory.account(caller), writes=writes)


def test_the_bound_of_a_caller_ends_its_further_operations() -> None:
    """The maximum passes, and one byte more is refused; what other callers may read does not depend on it."""
    memory = OperationMemory(1_000 * MIB, 100 * MIB)
    first, second, other = (budget_of(memory, name) for name in ("ada", "ada", "bo"))
    first.count_stored(60 * MIB)
    second.count_stored(40 * MIB)
    with pytest.raises(LimitError) as caught:
        second.count_stored(1)
    assert caught.value.extensions == {"limit": "callerMemory", "maximum": 100 * MIB}
    assert second.ended is caught.value
    other.count_stored(100 * MIB)
    assert memory.charged == 200 * MIB


@pytest.mark.parametrize("writes", [False, True])
def test_the_bound_of_the_process_refuses_as_busy(writes: bool) -> None:  # noqa: FBT001 - a parameter
    """The caller may try again; for a mutation, the outcome of which is unknown, the state is to be read first."""
    memory = OperationMemory(150 * MIB, 100 * MIB)
    budget_of(memory, "ada").count_stored(100 * MIB)
    budget_of(memory, "bo").count_stored(50 * MIB)
    with pytest.raises(StoreUnavailableError) as caught:
        budget_of(memory, "cy", writes=writes).count_stored(LITTLE + 1)
    assert (caught.value.extensions["reason"], caught.value.unknown_outcome) == ("BUSY", writes)
    assert memory.charged == 150 * MIB


def test_an_operation_with_little_always_passes() -> None:
    """Also when both bounds are reached, by others or by the same caller; then it ends if it reads more."""
    memory = OperationMemory(100 * MIB, 100 * MIB)
    budget_of(memory, "ada").count_stored(100 * MIB)
    for name in ("ada", "bo"):
        budget = budget_of(memory, name)
        for _ in range(16):
            budget.count_stored(LITTLE // 16)
        with pytest.raises(CodedError):
            budget.count_stored(1)


def test_an_operation_returns_what_it_was_charged() -> None:
    """At its end, once, and when it begins again; what arrives after its end is not charged."""
    memory = OperationMemory(100 * MIB, 50 * MIB)
    budget, other = budget_of(memory, "ada"), budget_of(memory, "bo")
    other.count_stored(7)
    budget.count_stored(30 * MIB)
    budget.restart()
    assert memory.charged == 7
    budget.count_stored(50 * MIB)
    budget.close()
    assert memory.charged == 7
    budget.count_stored(20 * MIB)
    budget.close()
    assert memory.charged == 7
    other.close()
    assert (memory.charged, len(memory._charged)) == (0, 0)  # noqa: SLF001 - no caller is remembered


def test_an_operation_without_an_account_has_its_own_limit_alone() -> None:
    """Work of the process is not charged, and counts as before."""
    budget = OperationBudget()
    budget.count_stored(budget.limits.stored)
    budget.close()
    with pytest.raises(LimitError):
        budget.count_stored(1)
