"""What the sensitivity job keeps between steps, and what it forgets of what was written."""

from collections.abc import Mapping

import pytest

from app.graph.jobs import known_sources
from app.graph.jobs.known_sources import KnownSources
from app.graph.records.touched import EVERYTHING, NOTHING, EdgeEnd, Touched


def known(of: Mapping[int, tuple[int, ...]]) -> KnownSources:
    """Return known sources, with the ranks of all of them."""
    vids = {*of, *(source for sources in of.values() for source in sources)}
    return KnownSources(dict.fromkeys(vids, 1), dict.fromkeys(vids, 0), dict(of))


def edge(label: str, source: int, target: int) -> Touched:
    """Return what a transaction touches that writes an edge."""
    ends: set[EdgeEnd] = {("out", label, source), ("in", label, target)}
    return Touched(edge_ends=frozenset(ends))


@pytest.mark.parametrize(
    ("touched", "unknown_ranks", "unknown_sources"),
    [
        (NOTHING, set(), set()),
        (edge("OWNED_BY", 1, 9), set(), set()),
        (Touched(frozenset({2, 8})), {2}, set()),
        (edge("DERIVES", 2, 1), set(), {1}),
        (edge("VERSION_OF", 9, 3), set(), {2, 3}),
        (edge("VERSION_OF", 8, 6), set(), {5}),
        (EVERYTHING, {1, 2, 3, 4, 5, 6, 7}, {1, 2, 3, 5}),
    ],
)
def test_what_was_written_is_forgotten(touched: Touched, unknown_ranks: set[int], unknown_sources: set[int]) -> None:
    """A written vertex loses its rank, the target of a written edge its sources.

    A new child of a parent also propagates to the targets of the parent, also if these list the group.
    """
    sources = known({1: (2,), 2: (3,), 3: (4,), 5: (-6,), -6: (6, 7)})
    sources.record(touched)
    assert sources.forget_written() == bool(unknown_ranks or unknown_sources)
    assert {1, 2, 3, 4, 5, 6, 7} - sources.ranks.keys() == unknown_ranks
    assert {1, 2, 3, 5} - sources.of.keys() == unknown_sources
    assert not sources.forget_written()


def test_after_too_many_writes_everything_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is recorded of writes is bounded, also while the work waits for its turn."""
    monkeypatch.setattr(known_sources, "MAX_WRITTEN", 3)
    sources = known({1: (2,)})
    for vid in range(100, 105):
        sources.record(Touched(frozenset({vid})))
    assert sources.forget_written()
    assert (sources.ranks, sources.of) == ({}, {})
