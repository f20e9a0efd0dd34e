"""The end of an operation: which one cancels it, and when."""

import pytest

from graphql_schema.ports.turns.operation_end import OperationEnd
from policies.errors import CodedError, InvalidError

LEFT = InvalidError("the client left")


@pytest.fixture
def called() -> list[str]:
    """Return a list of the calls of the function that cancels."""
    return []


def ending(called: list[str], *, writes: bool) -> OperationEnd:
    """Return the end of an operation that is recorded as cancelled."""
    end = OperationEnd(writes=writes)
    end.cancel_with(lambda: called.append("cancelled"))
    return end


def test_a_query_is_cancelled_once(called: list[str]) -> None:
    """Neither a later error nor the departure of its client cancels it again, and the first error remains."""
    end = ending(called, writes=False)
    end.end(first := InvalidError("first"))
    end.end(LEFT, is_unread=True)
    assert (called, end.ended, end.is_cancelled) == (["cancelled"], first, True)
    with pytest.raises(CodedError, match="first"):
        end.check()


def test_a_mutation_that_writes_is_not_cancelled(called: list[str]) -> None:
    """It is cancelled neither by an error nor when its client leaves; it counts as cancelled once it has written."""
    end = ending(called, writes=True)
    end.end(LEFT, is_unread=True)
    assert (called, end.is_cancelled) == ([], False)
    end.responds = True
    assert (called, end.is_cancelled) == ([], True)


def test_the_response_of_a_mutation_is_cancelled_if_its_client_has_left(called: list[str]) -> None:
    """After a limit or its deadline, it makes the response, which says what was written, until its client leaves."""
    end = ending(called, writes=True)
    end.responds = True
    end.end(late := InvalidError("late"))
    assert (called, end.is_cancelled) == ([], False)
    end.end(LEFT, is_unread=True)
    end.end(LEFT, is_unread=True)
    assert (called, end.is_cancelled, end.ended) == (["cancelled"], True, late)


@pytest.mark.parametrize("writes", [True, False])
def test_nothing_is_cancelled_without_a_function(writes: bool) -> None:  # noqa: FBT001 - a parameter
    """Such as after the operation; the error remains."""
    end = OperationEnd(writes=writes, responds=True)
    end.end(LEFT, is_unread=True)
    assert (end.is_cancelled, end.ended) == (False, LEFT)
