"""The search for the data of evaluations within a write, planned without a store.

Verdicts are compared with those of reads in tests/integration/app/graph/reading/lineage/test_contamination_walk.py.
"""

from collections import Counter
from collections.abc import Iterator

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import asset, link, urn

from app.graph.records.edge_record import EdgeKey
from app.graph.writing.rules import contamination_search
from app.graph.writing.rules.contamination_search import contaminated
from app.graph.writing.unit.visibility import CallerVisibility
from graphql_schema.catalog.relations import Hop
from graphql_schema.ports.record import Record
from graphql_schema.rules.contamination_verdict import DataSources, Overlap, compared_ids, overlap

SOURCES = [f"dataset s{number}" for number in range(20)]


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with two evaluations of a version, each on five datasets of one hub with twenty sources."""
    seeded(memory, asset("dataset hub", derivedFrom=SOURCES), asset("model-version m@1", trainedOn=["dataset train"]))
    for evaluation in ("evaluation e", "evaluation f"):
        seeded(memory, asset(evaluation), link("EVALUATED_BY", "model-version m@1", evaluation))
        for number in range(5):
            name = f"dataset {evaluation[-1]}{number}"
            seeded(memory, asset(name, derivedFrom=["dataset hub"]), link("EVALUATED_BY", name, evaluation))
    return memory


def unclean(memory: Memory) -> frozenset[str]:
    """Return the names of the evaluations that are not known to be uncontaminated."""
    return contaminated(memory.unit(), [memory.record(f"evaluation {name}") for name in "ef"])


def test_an_asset_is_examined_once_for_all_walks(stored: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sources of a hub are read once, although ten datasets of two evaluations are derived from it."""
    follows: Counter[tuple[str, int]] = Counter()
    followed = CallerVisibility.active_edges

    def counted(self: CallerVisibility, hop: Hop, vid: int, *, ended: bool = False) -> Iterator[tuple[EdgeKey, Record]]:
        follows[f"{hop.direction} {hop.relation.name}", vid] += 1
        return followed(self, hop, vid, ended=ended)

    monkeypatch.setattr(CallerVisibility, "active_edges", counted)
    assert unclean(stored) == frozenset()
    assert len(follows) > 100
    assert set(follows.values()) == {1}


def test_a_pair_is_compared_once_for_all_evaluations(stored: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A nightly evaluation on the same data costs no comparison, so the gate of a version does not close by them."""
    nights = [f"evaluation night{number}" for number in range(150)]
    for night in nights:
        seeded(stored, asset(night), link("EVALUATED_BY", "model-version m@1", night))
        for number in range(5):
            seeded(stored, link("EVALUATED_BY", f"dataset e{number}", night))
    compared: Counter[tuple[str, str]] = Counter()

    def counted(training: DataSources, evaluated: DataSources) -> Overlap | None:
        compared[training.root, evaluated.root] += 1
        return overlap(training, evaluated)

    monkeypatch.setattr(contamination_search, "overlap", counted)
    assert contaminated(stored.unit(), [stored.record(night) for night in nights]) == frozenset()
    assert set(compared.values()) == {1}
    assert len(compared) == 5


def test_the_work_of_all_walks_is_bounded(stored: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it is done, the evaluations that are left are not known to be uncontaminated, and those before are."""
    found: dict[frozenset[str], int] = {}
    for limit in range(0, 4_000, 20):
        monkeypatch.setattr(contamination_search, "MAX_WORK", limit)
        found.setdefault(unclean(stored), limit)
    both = frozenset({urn("evaluation e"), urn("evaluation f")})
    assert [*found] == [both, frozenset({urn("evaluation f")}), frozenset()]


@pytest.mark.usefixtures("lowest_limits")
def test_the_work_has_no_sharp_limit(stored: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hidden sources count, so the limit is lower by chance, and no caller counts them by the number of own ones."""

    def least() -> int:
        for limit in range(0, 4_000, 20):
            monkeypatch.setattr(contamination_search, "MAX_WORK", limit)
            if not unclean(stored):
                return limit
        return 4_000

    lowered = least()
    monkeypatch.setattr(contamination_search, "blurred", lambda maximum: maximum)
    assert least() < lowered < 4_000


def test_no_group_and_no_comparison_exceeds_the_bound(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each examined asset counts ten times, and each comparison of a training with data once, whatever the limit.

    A source has 300 versions, whose edges are only read if there is work left for all of them. Forty versions of a
    model are compared with a hundred datasets, or none is.
    """
    models = [f"model-version m@{number}" for number in range(40)]
    data = [f"dataset d{number}" for number in range(100)]
    seeded(memory, asset("evaluation e"), asset("evaluation f"), asset("dataset hub"))
    seeded(memory, *(asset(name, trainedOn=["dataset train"]) for name in models), *map(asset, data))
    seeded(memory, *(link("EVALUATED_BY", name, "evaluation e") for name in (*models, *data)))
    seeded(memory, *(asset(f"dataset-version hub@{number}") for number in range(300)))
    seeded(memory, *(link("EVALUATED_BY", name, "evaluation f") for name in (models[0], "dataset hub")))
    followed = CallerVisibility.active_edges
    examined: set[int] = set()
    pairs: list[str] = []

    def counted(self: CallerVisibility, hop: Hop, vid: int, *, ended: bool = False) -> Iterator[tuple[EdgeKey, Record]]:
        examined.update([vid] if hop.relation.lineage else [])
        return followed(self, hop, vid, ended=ended)

    def counted_overlap(training: DataSources, evaluated: DataSources) -> Overlap | None:
        pairs.append(evaluated.root)
        return overlap(training, evaluated)

    monkeypatch.setattr(CallerVisibility, "active_edges", counted)
    monkeypatch.setattr(contamination_search, "overlap", counted_overlap)
    for limit in (*range(0, 10_000, 200), 50_000):
        examined.clear()
        pairs.clear()
        monkeypatch.setattr(contamination_search, "MAX_WORK", limit)
        found = unclean(memory)
        assert len(pairs) + contamination_search.FIRST * len(examined) <= limit
    assert (found, len(pairs)) == (frozenset(), 4_001)


def test_compared_ids_are_work(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty versions and sixty datasets are made from a hub of a hundred sources, so each pair has all in common."""
    names = [*(f"model-version m@{number}" for number in range(60)), *(f"dataset d{number}" for number in range(60))]
    seeded(memory, asset("evaluation e"), asset("dataset hub", derivedFrom=[f"dataset s{n}" for n in range(100)]))
    seeded(memory, *(asset(name, trainedOn=["dataset hub"]) for name in names[:60]))
    seeded(memory, *(asset(name, derivedFrom=["dataset hub"]) for name in names[60:]))
    seeded(memory, *(link("EVALUATED_BY", name, "evaluation e") for name in names))
    compared: list[int] = []

    def counted_overlap(training: DataSources, evaluated: DataSources) -> Overlap | None:
        assert len(training.paths.keys() & evaluated.paths.keys()) == 101
        compared.append(compared_ids(training, evaluated))
        return overlap(training, evaluated)

    monkeypatch.setattr(contamination_search, "overlap", counted_overlap)
    done = set()
    for limit in range(5_000, 90_000, 5_000):
        compared.clear()
        monkeypatch.setattr(contamination_search, "MAX_WORK", limit)
        assert contaminated(memory.unit(), [memory.record("evaluation e")]) == {urn("evaluation e")}
        assert sum(compared) <= contamination_search.IDS * limit
        done.add(len(compared))
    assert done == {0, 3_600}


def test_the_versions_of_an_evaluation_are_bounded(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An evaluation of more versions than are examined is not known to be uncontaminated."""
    names = [f"model-version m@{number}" for number in range(3)]
    seeded(memory, asset("evaluation e"), asset("dataset test"))
    seeded(memory, *(asset(name, trainedOn=["dataset train"]) for name in names))
    seeded(memory, *(link("EVALUATED_BY", name, "evaluation e") for name in (*names, "dataset test")))
    for most, unknown in ((3, frozenset[str]()), (2, {urn("evaluation e")})):
        monkeypatch.setattr(contamination_search, "MAX_DATA", most)
        assert contaminated(memory.unit(), [memory.record("evaluation e")]) == unknown
