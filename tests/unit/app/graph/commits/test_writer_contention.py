"""Contention of writers: calls that overlap, and the time after them."""

from app.graph.commits.writer_contention import CONTENDED_SECONDS, WriterContention


def test_calls_that_overlap_contend_for_some_seconds() -> None:
    """One call after the other does not contend; two at once do, and for some seconds after that."""
    now = 0.0
    contention = WriterContention(lambda: now)
    for _ in range(2):
        with contention.call():
            assert not contention.is_contended
    with contention.call():
        with contention.call():
            assert contention.is_contended
        assert contention.is_contended
        now += CONTENDED_SECONDS
        assert not contention.is_contended
