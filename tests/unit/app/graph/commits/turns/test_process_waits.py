"""The waits of one process for another one, and of others for it."""

from app.graph.commits.turns.lost_turns import MAX_WAIT_MS
from app.graph.commits.turns.process_waits import ProcessWaits


def test_a_wait_ends_by_a_transaction_of_its_process_or_by_time() -> None:
    """Transactions of third processes do not end it, and none is longer than the maximum."""
    waits = ProcessWaits()
    assert not waits.must_wait(-1)
    waits.learn("slow", 500, 1_000)
    waits.learn("other", 0, 1_000)
    assert (waits.must_wait(1_499), waits.must_wait(1_500)) == (True, False)
    waits.learn("slow", 0, 1_200)
    assert not waits.must_wait(1_200)
    waits.learn("slow", 10 * MAX_WAIT_MS, 0)
    assert (waits.must_wait(MAX_WAIT_MS - 1), waits.must_wait(MAX_WAIT_MS)) == (True, False)


def test_others_wait_until_this_process_has_written() -> None:
    """Or until the time is over."""
    waits = ProcessWaits()
    assert not waits.others_wait(-1)
    waits.let_others_wait(100)
    assert (waits.others_wait(99), waits.others_wait(100)) == (True, False)
    waits.release_others()
    assert not waits.others_wait(99)
