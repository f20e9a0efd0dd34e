"""Transactions with an unknown outcome: until when what they touch may change, and what bounds them."""

from app.graph.cache.uncertain_writes import MAX_UNCERTAIN, UncertainWrites
from app.graph.commits.late_writes import LATE_SECONDS
from app.graph.records.touched import EVERYTHING, Touched

ONE, TWO = (Touched(frozenset({vid}), tenants=frozenset({"here"})) for vid in (1, 2))


def test_each_transaction_ends_for_itself() -> None:
    """What a later one touches as well stays until the end of that one."""
    now = 0.0
    writes = UncertainWrites(lambda: now)
    writes.add(ONE)
    now += 1
    writes.add(ONE)
    writes.add(TWO)
    now = LATE_SECONDS
    assert (writes.end_old(), writes.end_old()) == ([ONE], [])
    assert ({*writes.touched.vertices}, {*(writes.touched.tenants or ())}) == ({1, 2}, {"here"})
    now += 1
    assert writes.end_old() == [ONE, TWO]
    assert (len(writes.touched), writes.touched.tenants) == (0, {})


def test_too_many_are_one_that_touches_everything() -> None:
    """It ends when the last of them does."""
    now = 0.0
    writes = UncertainWrites(lambda: now)
    writes.add(ONE)
    now += 1
    writes.add(Touched(frozenset(range(MAX_UNCERTAIN))))
    assert (writes.touched.everything, len(writes.touched)) == (True, 0)
    now = LATE_SECONDS
    assert writes.end_old() == []
    now += 1
    assert writes.end_old() == [EVERYTHING]
    assert not writes.touched.everything
