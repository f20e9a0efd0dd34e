"""Ends of edges in the future are bounded for each caller, and no longer count when they have passed."""

from structlog.testing import capture_logs

from app.graph.commits.entries.planned_ends import MAX_PLANNED, PlannedEnds

ADA, BOB = ("acme", "ada"), ("acme", "bob")


def filled() -> PlannedEnds:
    """Return as many ends as a caller may have, one of them at 100 and the others at 200."""
    ends = PlannedEnds()
    for vid in range(MAX_PLANNED):
        assert ends.may_add(ADA, (vid, 0), 50)
        ends.add(ADA, (vid, 0), 100 if vid == 7 else 200)
    return ends


def test_a_caller_may_add_again_when_an_end_has_passed() -> None:
    """An asset that has an end may get others; another asset has to wait until one end of all has passed."""
    ends = filled()
    assert ends.may_add(ADA, (8, 0), 50)
    assert not ends.may_add(ADA, (8, 3), 50)
    assert not ends.may_add(ADA, (MAX_PLANNED, 0), 99)
    assert ends.may_add(BOB, (MAX_PLANNED, 0), 99)
    assert ends.may_add(ADA, (MAX_PLANNED, 0), 100)
    ends.add(ADA, (MAX_PLANNED, 0), 150)
    assert not ends.may_add(ADA, (7, 0), 149)
    assert ends.may_add(ADA, (7, 0), 150)


def test_an_asset_counts_until_its_last_end() -> None:
    """Another end at the same asset frees no place before both have passed."""
    ends = filled()
    ends.add(ADA, (7, 0), 180)
    ends.add(ADA, (7, 0), 120)
    assert not ends.may_add(ADA, (MAX_PLANNED, 0), 179)
    assert ends.may_add(ADA, (MAX_PLANNED, 0), 180)


def test_callers_whose_ends_have_passed_are_forgotten() -> None:
    """Many callers declare an end once and never return: the process keeps those alone whose ends are to come."""
    ends = PlannedEnds()
    for number in range(50):
        ends.add(("acme", f"caller {number}"), (5, 0), 200 if number == 20 else 100)
    for _ in range(50):
        assert ends.may_add(ADA, (5, 0), 99)
    assert len(ends) == 50
    for _ in range(50):
        assert ends.may_add(ADA, (5, 0), 100)
    assert len(ends) == 1
    assert ends.may_add(ADA, (5, 0), 200)
    assert len(ends) == 0


def test_the_log_has_the_caller_once() -> None:
    """Operators see whose ends fill the memory, and repeated calls do not fill the log."""
    ends = filled()
    with capture_logs() as logs:
        for _ in range(3):
            ends.may_add(ADA, (MAX_PLANNED, 0), 50)
    expected = {"event": "planned_ends_exhausted", "tenant": "acme", "caller": "ada", "assets": MAX_PLANNED}
    assert logs == [{**expected, "log_level": "warning"}]
