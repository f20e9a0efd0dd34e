"""What the sensitivity job keeps for the next entry of a caller: what was not written since, of few callers."""

import pytest

from app.graph.jobs.sensitivity_work import kept_sources
from app.graph.jobs.sensitivity_work.kept_sources import KEPT_SECONDS, MAX_CALLERS, KeptSources
from app.graph.jobs.sensitivity_work.known_sources import KnownSources
from app.graph.records.touched import Touched

ADA = ("acme", "ada")


def known(*vids: int) -> KnownSources:
    """Return known vertices, each with the source 1."""
    found = KnownSources(ranks=dict.fromkeys((1, *vids), 0), declared=dict.fromkeys((1, *vids), 0))
    for vid in vids:
        found.set_sources(vid, (1,))
    return found


async def test_the_next_entry_of_a_caller_has_what_nothing_has_touched() -> None:
    """Another caller gets nothing, and so does a second entry of the caller that begins before the first ends."""
    kept = KeptSources()
    kept.keep(ADA, known(2, 3))
    kept.record(Touched(frozenset({2})))
    assert kept.take(("acme", "bo")).ranks == {}
    found = kept.take(ADA)
    await found.forget_written(())
    assert (found.ranks, found.of) == ({1: 0, 3: 0}, {2: (1,), 3: (1,)})
    assert kept.take(ADA).ranks == {}


async def test_what_a_decision_used_and_is_forgotten_is_not_read_for_the_next_entry() -> None:
    """The next entry makes a decision of its own."""
    kept, first = KeptSources(), known(2)
    first.record(Touched(frozenset({1})))
    await first.forget_written({1})
    kept.keep(ADA, first)
    assert await kept.take(ADA).compare_used() == (False, False)


def test_the_size_is_that_of_what_is_known() -> None:
    """It follows what is set, replaced and forgotten, by :meth:`KnownSources.set_sources`."""
    found = known(2, 3)
    assert found.size == 3 + 2 + 2
    found.set_sources(2, (1, 4, 5))
    found.set_sources(3, ())
    assert found.size == 3 + 2 + 3


async def test_the_size_falls_with_what_is_forgotten() -> None:
    """Forgotten ranks and sources count no longer, however many a caller has had."""
    found = known(2, 3)
    found.record(Touched(frozenset({3}), edge_ends=frozenset({("in", "DERIVES", 2)})))
    await found.forget_written(())
    assert found.size == len(found.ranks) + len(found.of) + sum(map(len, found.of.values())) == 4
    assert (found.declared.keys(), found.targets) == (found.ranks.keys(), {1: {3}})


async def test_few_are_kept_and_not_for_long() -> None:
    """The oldest callers have nothing, nor has any caller after a minute."""
    now = [0.0]
    kept = KeptSources(lambda: now[0])
    callers = [("acme", f"c{number}") for number in range(MAX_CALLERS + 2)]
    for caller in callers:
        kept.keep(caller, known(2))
    assert [bool(kept.take(caller).ranks) for caller in callers] == [False] * 2 + [True] * MAX_CALLERS
    kept.keep(ADA, known(2))
    now[0] = KEPT_SECONDS - 1
    again = kept.take(ADA)
    assert again.ranks == {2: 0, 1: 0}
    kept.keep(ADA, again)  # a further entry keeps it no longer
    now[0] = KEPT_SECONDS
    assert kept.take(ADA).ranks == {}


async def test_much_is_kept_for_one_caller_and_too_much_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """An asset with very many sources is not read again for each entry; the memory of all is bounded."""
    monkeypatch.setattr(kept_sources, "MAX_SIZE", 50)
    monkeypatch.setattr(kept_sources, "MAX_LARGE_SIZE", 500)
    kept, few, many = KeptSources(), known(2), [known(*range(2, 100 + number)) for number in range(2)]
    for caller, sources in (("bo", few), ("cy", many[0]), ("eli", many[1])):
        kept.keep(("acme", caller), sources)
    assert [kept.take(("acme", caller)).size for caller in ("bo", "cy", "eli")] == [few.size, 0, many[1].size]
    kept.keep(ADA, known(*range(2, 200)))
    assert kept.take(ADA).size == 0
