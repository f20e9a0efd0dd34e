"""Contention of writers: callers whose calls overlap, and the time after them."""

from app.graph.commits.writer_contention import (
    CONTENDED_SECONDS,
    CONTENDED_SHARE,
    CONTENDED_TIME_SHARE,
    WriterContention,
)


def test_callers_whose_calls_overlap_contend_for_some_seconds() -> None:
    """Calls of one caller do not contend; those of two at once do, and for some seconds after that."""
    now = 0.0
    contention = WriterContention(lambda: now)
    for caller in ("ada", "bo"):
        with contention.call(caller), contention.call(caller):
            assert not contention.is_contended
    with contention.call("ada"):
        with contention.call("bo"):
            assert contention.is_contended
        assert contention.is_contended
        now += CONTENDED_SECONDS
        assert not contention.is_contended


def test_maxima_are_divided_while_callers_contend() -> None:
    """One caller has all of them, and what takes time is divided more than the number of items."""
    contention = WriterContention(lambda: 0.0)
    with contention.call("ada"):
        assert (contention.share, contention.time_share) == (1, 1)
        with contention.call("bo"):
            assert (contention.share, contention.time_share) == (CONTENDED_SHARE, CONTENDED_TIME_SHARE)


def test_other_callers_write_during_their_calls_and_some_seconds_after_transactions() -> None:
    """A caller is no other one, and who writes no longer is forgotten; a call that wrote nothing does not count."""
    now = 0.0
    contention = WriterContention(lambda: now)
    with contention.call("ada"), contention.call("bo"):
        assert contention.others("ada") == {"bo"}
        now = 100.0
        assert contention.others("bo") == {"ada"}
        contention.wrote(["ada"])
    assert contention.others("cy") == {"ada"}
    now += CONTENDED_SECONDS
    assert contention.others("cy") == set()


def test_callers_who_wrote_elsewhere_write_for_some_seconds() -> None:
    """They are others, and make no calls of this process contend."""
    now = 0.0
    contention = WriterContention(lambda: now)
    contention.wrote(["ada"])
    with contention.call("bo"):
        assert (contention.others("bo"), contention.is_contended) == ({"ada"}, False)
    now += CONTENDED_SECONDS
    assert contention.others("bo") == set()
