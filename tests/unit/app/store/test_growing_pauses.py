"""Growing pauses, for servers that fail at once, that fail late, and that ran well."""

from app.store.growing_pauses import GrowingPauses, PausePolicy


def test_pauses_grow_to_the_longest() -> None:
    """With the defaults each pause is twice the one before, until the longest, which is reached and never exceeded."""
    pauses = GrowingPauses()
    found = [pauses.after(0.0) for _ in range(100)]
    assert found[:8] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6]
    assert set(found[8:]) == {30.0}


def test_a_good_uptime_begins_anew() -> None:
    """A server that was ready long enough starts the pauses again; one that was not continues them."""
    pauses = GrowingPauses(PausePolicy(first_pause=1.0, max_pause=100.0, good_uptime=60.0))
    assert [pauses.after(uptime) for uptime in (0.0, 0.0, 59.9, 60.0, 0.0, 3600.0)] == [1.0, 2.0, 4.0, 1.0, 2.0, 1.0]
