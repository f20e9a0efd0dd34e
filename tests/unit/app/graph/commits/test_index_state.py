"""How far the index was compared: the lag in transactions, and from when on the index counts as lagging."""

from dataclasses import dataclass

import pytest

from app.graph.commits.index_state import LAG_SECONDS, IndexState
from app.graph.driver.errors import StoreUnavailableError
from app.store.errors import StoreReason


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


@pytest.fixture
def state(clock: Clock) -> IndexState:
    """Return the state of a process that knows nothing yet."""
    return IndexState(clock)


def test_the_lag_counts_transactions_that_were_not_compared(state: IndexState) -> None:
    """Before a number is known there is no lag; then it is the number of the last transaction less that number."""
    state.learned(7)
    assert state.lag == 0
    state.has(5)
    assert state.lag == 2
    state.learned(9)
    state.has(9)
    assert state.lag == 0


def test_the_index_lags_after_a_while(state: IndexState, clock: Clock) -> None:
    """A transaction that is not compared within LAG_SECONDS makes the index lag, until it is; a later one does not."""
    state.has(0)
    state.learned(1)
    clock.now += LAG_SECONDS - 0.1
    state.learned(2)
    assert not state.lags
    state.refuse_lag()
    clock.now += 0.1
    assert state.lags
    with pytest.raises(StoreUnavailableError) as caught:
        state.refuse_lag()
    assert caught.value.reason is StoreReason.INDEX
    state.has(1)
    assert not state.lags
    clock.now += LAG_SECONDS
    assert state.lags
    state.end()
    assert not state.lags
    assert state.compared is None


def test_old_transactions_have_been_committed(state: IndexState, clock: Clock) -> None:
    """The last number that was learned before some seconds is returned, 0 without one."""
    assert state.older_than(3.0) == 0
    state.learned(1)
    clock.now += 2
    state.learned(4)
    clock.now += 1
    assert state.older_than(3.0) == 1
    clock.now += 2
    assert state.older_than(3.0) == 4
    state.has(4)
    assert state.older_than(3.0) == 0


def test_a_restored_store_begins_anew(state: IndexState, clock: Clock) -> None:
    """If the log has fewer transactions than before, the former ones do not count as missing."""
    state.has(0)
    state.learned(50)
    state.learned(10)
    assert state.lag == 10
    state.has(10)
    clock.now += LAG_SECONDS
    assert (state.lag, state.lags) == (0, False)
