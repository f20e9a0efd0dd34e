"""The date of a change follows the clock, whatever the order of the transactions."""

from hypothesis import given
from hypothesis import strategies as st

from app.graph.commits.commit_log import CommitLog
from graphql_schema.catalog.instants import MAX_AHEAD_MS
from graphql_schema.rules.change_stamp import MADE_AT, date_apart, dated, is_made_by, made_at

DAY_MS = 86_400_000
NOW = 1_700_000_000_000


@given(st.lists(st.integers(-500 * DAY_MS, 500 * DAY_MS), max_size=50))
def test_the_order_increases_and_dates_follow_the_clock(steps: list[int]) -> None:
    """For any jumps of the clock, places in the order increase strictly, and no date is far from the clock."""
    commit_log, now, places = CommitLog(), NOW, []
    for step in steps:
        now += step
        places.append(commit_log.instant(now, "default"))
        assert now <= dated(places[-1], now) <= now + MAX_AHEAD_MS
        commit_log.end()
    assert places == sorted({*places})


def test_a_date_is_apart_only_beyond_the_bound() -> None:
    """Up to five minutes ahead the place in the order is the date; beyond, the clock is."""
    assert [date_apart(NOW + ahead, NOW) for ahead in (0, MAX_AHEAD_MS, MAX_AHEAD_MS + 1)] == [None, None, NOW]
    assert [dated(NOW + ahead, NOW) for ahead in (0, MAX_AHEAD_MS, MAX_AHEAD_MS + 1)] == [NOW, NOW + MAX_AHEAD_MS, NOW]


def test_a_record_without_a_date_apart_is_dated_by_its_order() -> None:
    """Records that were stored without the key keep their date."""
    assert made_at({"createdAt": 7}) == 7
    assert made_at({"createdAt": 7, MADE_AT: 3}) == 3


def test_a_change_is_made_by_its_actor_only() -> None:
    """Another caller, and a caller whose subject begins alike, did not make it."""
    assert [is_made_by({"actor": "ada"}, subject) for subject in ("ada", "bo", "ad", "ada2")] == [True, *[False] * 3]
