"""What the inference job reads around its ends: the first middles of an end, and no middle with too many sources."""

from collections.abc import Iterable
from typing import Any
from unittest import mock

import pytest
from support.stores.edge_store import ENDS, INPUTS, EdgeStore
from support.stores.paged_edges import Row, page_of

from app.graph.driver.edge_pages import VisitBudget
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs import chain_reads, inference_chains
from app.graph.jobs.chain_reads import ChainReading, DerivedBatch, EndQueue
from app.graph.records.edge_record import UNCONFIRMED, active_intervals
from app.graph.records.record_text import text_of
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.execution.side_thread import LONG_PART_SECONDS

KINDS = {1: "MODEL_VERSION", 2: "MODEL_VERSION", 3: "EVALUATION"}
"""Kinds of the ends; runs are from 10 on, features from 100, datasets from 200, model versions from 300."""

Edges = dict[tuple[str, int, int], dict[str, Any]]


def kind(vid: int) -> str:
    """Return the code of the kind of a vertex."""
    return KINDS.get(vid) or ("RUN", "FEATURE", "DATASET", "MODEL_VERSION")[min(vid // 100, 3)]


class EdgeClient:
    """A client over edges in memory, whose pages have ``page`` edges; ``rows`` counts those that it returned."""

    def __init__(self, edges: Edges, page: int) -> None:
        self.edges, self.page, self.rows = edges, page, 0

    async def submit(self, _statement: PreparedStatement, bindings: dict[str, Any], **_: object) -> list[Any]:
        """Return a page of the edges to vertices."""
        hops = bindings["hops"]

        def edges_of(hop: int, vid: int) -> list[Row]:
            keys = [key for key in self.edges if (key[0], key[2]) == (hops[hop]["ls"][0], vid)]
            return [(key, key[1]) for key in keys]

        found, rest = page_of(hops, edges_of, min(self.page, bindings["page"]))
        number = sum(map(len, found))
        self.rows += number
        rows = [
            [
                value
                for key, _ in each
                for value in (key[2], kind(key[2]), key[1], kind(key[1]), text_of(self.edges[key]))
            ]
            for each in found
        ]
        deletions = [value for hop in hops for vid in hop["xs"] for value in (vid, FOREVER)]
        return [{"e": rows, "r": rest, "d": deletions if bindings["deletions"] else [], "n": number}]


async def read(edges: Edges, *ends: int, page: int = 1_000) -> tuple[ChainReading, EdgeClient]:
    """Return what was read around ends."""
    client, reading = EdgeClient(edges, page), ChainReading(RULES, ends)
    while not reading.is_read:
        await reading.advance(client, VisitBudget())  # type: ignore[arg-type]
    return reading, client


def run(vid: int, *sources: int, ends: tuple[int, ...] = (1,), **values: Any) -> Edges:
    """Return the edges of a run from sources to ends; the values are those of the latter edges."""
    found: Edges = {("INPUT_TO", source, vid): {"validFrom": 0} for source in sources}
    return found | {("PRODUCES", vid, end): {"validFrom": 0, **values} for end in ends}


def sources(reading: ChainReading, *runs: int) -> list[list[int]]:
    """Return the sources of each run that chains may have."""
    return [sorted(reading.around.into.get(("INPUT_TO", each), ())) for each in runs]


@pytest.mark.parametrize("page", [2, 1_000])
@pytest.mark.parametrize("backwards", [False, True])
async def test_an_end_has_chains_over_its_first_middles(
    monkeypatch: pytest.MonkeyPatch,
    page: int,
    backwards: bool,  # noqa: FBT001 - a case
) -> None:
    """Runs that ended come last, the first to end at the end, before them unsure ones, late ones, and greater ids.

    The order of the edges in the store does not count. Runs without inputs, and edges without effect, take no place.
    """
    monkeypatch.setattr(inference_chains, "MAX_MIDDLES", 2)
    ranked = [
        run(18, 100),
        run(19, 100),
        run(12, 100, validFrom=5),
        run(11, 100, confidence=0.5),
        run(13, 100, validTo=9),
        run(10, 100, validTo=8),
    ]
    for first in range(len(ranked) - 1):
        edges = {key: edge for each in ranked[first:] for key, edge in each.items()}
        edges |= run(14, 100, claim=True) | run(15) | run(16) | run(17)
        edges["INPUT_TO", 100, 17] = {"validFrom": 0, "claim": True}
        edges = dict(reversed(edges.items())) if backwards else edges
        reading, _ = await read(edges, 1, page=page)
        (one, other) = (next(key[1] for key in each if key[0] == "PRODUCES") for each in ranked[first : first + 2])
        assert {*reading.around.into["PRODUCES", 1]} == {one, other}
        assert reading.limited == ({1} if first < len(ranked) - 2 else set())


@pytest.mark.parametrize("page", [2, 1_000])
async def test_a_middle_with_too_many_sources_has_no_chain(monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """Sources count once each, for the ends to which they lead, and those without effect do not count."""
    monkeypatch.setattr(inference_chains, "MAX_SOURCES", 3)
    edges = run(10, 100, 101, 102, 200, 201, 202, 203, ends=(1, 3)) | run(11, 100, 101, 102, 103)
    edges |= run(12, 100, 101, 102, 300)
    edges["INPUT_TO", 103, 11] = {"validFrom": 0, UNCONFIRMED: True}
    reading, _ = await read(edges, 1, 3, page=page)
    assert reading.around.crowded == {(("Evaluation",), 10), (("ModelVersion",), 12)}
    assert reading.limited == {10, 12}
    assert {100, 101, 102} <= {*reading.around.into["INPUT_TO", 10]}
    assert sources(reading, 11) == [[100, 101, 102]]


async def test_no_more_sources_are_read_than_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thousands of inputs of a run are not read further, and none of a kind that leads to none of the ends."""
    monkeypatch.setattr(inference_chains, "MAX_SOURCES", 3)
    features = range(100, 200)
    reading, client = await read(run(10, *features) | run(11, *range(200, 220)), 1, page=10)
    assert client.rows < len(features) / 2
    assert sources(reading, 11) == [[]]


async def test_few_middles_are_read_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends with too many runs before all of them are read one after the other; runs that they share count once."""
    monkeypatch.setattr(inference_chains, "MAX_MIDDLES", 3)
    apart = run(10, 100) | run(11, 100) | run(12, 100, ends=(2,)) | run(13, 100, ends=(2,))
    reading, _ = await read(apart, 1, 2)
    assert (reading.ends, sources(reading, 10, 11, 12)) == ((1,), [[100], [100], []])
    shared = run(10, 100, ends=(1, 2)) | run(11, 100) | run(12, 100, ends=(2,))
    reading, _ = await read(shared, 1, 2)
    assert (reading.ends, sources(reading, 10, 11, 12)) == ((1, 2), [[100], [100], [100]])


async def test_an_end_has_begun_until_its_edges_are_written() -> None:
    """The turn to write them may be lost: no other round works on it then. If the write fails, it is read again."""
    store: Any = EdgeStore()
    ends = EndQueue()
    ends.add(ENDS[:1])
    while ends.must_read:
        await ends.read(store, RULES, (), VisitBudget())
    await ends.derive((), 0)
    assert (len(ends.batch.edges), [*ends.begun]) == (INPUTS, ENDS[:1])
    ends.begin_again()
    assert (ends.batch.edges, [*ends.begun], ends.must_read, bool(ends)) == ([], [], True, True)


async def test_ends_that_are_put_back_are_next_and_the_queue_is_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read of a few ends copied the hundreds of thousands behind them, which was quadratic work."""
    monkeypatch.setattr(inference_chains, "MAX_MIDDLES", 3)
    monkeypatch.setattr(chain_reads, "AT_ONCE", 2)
    apart = run(10, 100) | run(11, 100) | run(12, 100, ends=(2,)) | run(13, 100, ends=(2,))
    ends, client = EndQueue(), EdgeClient(apart, 1_000)
    ends.add([1, 2, *range(3, 10)])
    waiting, begun = ends._waiting, list[list[int]]()  # noqa: SLF001 - its identity
    for _ in range(3):
        while ends.must_read:
            await ends.read(client, RULES, (), VisitBudget())  # type: ignore[arg-type]
        begun.append([*ends.begun])
        ends.begin_again()
        for vid in begun[-1]:
            del waiting[vid]
    assert begun == [[1], [2, 3], [4, 5]]  # the runs of 1 and 2 are too many to be read together
    assert ends._waiting is waiting  # noqa: SLF001 - its identity
    assert [*waiting] == [*range(6, 10)]


OFTEN = {"earlier": [[2 * begin, 2 * begin + 1] for begin in range(499)], "validFrom": 1_000}
"""Values of an edge with 500 intervals."""


async def derived(monkeypatch: pytest.MonkeyPatch, edges: Edges) -> tuple[list[int], list[int]]:
    """Derive the edges to the vertex 1; return the steps of each batch, and those that ran in parts."""
    aside: list[int] = []

    async def run_in_parts(steps: Iterable[None], *, seconds: float) -> None:
        assert seconds == LONG_PART_SECONDS  # the step holds the write lock
        aside.append(len([*steps]))

    monkeypatch.setattr(chain_reads, "run_in_parts", run_in_parts)
    ends, batches, client = EndQueue(), list[int](), EdgeClient(edges, 1_000)
    ends.add([1])
    while ends.must_read:
        await ends.read(client, RULES, (), VisitBudget())  # type: ignore[arg-type]
    while ends.begun and not ends.must_read:
        ends.batch = DerivedBatch()
        await ends.derive((), 0)
        batches.append(ends.batch.examined)
    return batches, aside


async def test_intervals_count_as_edges_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few edges of hundreds of intervals are read as many, and derived in the side thread in parts, and in batches."""
    monkeypatch.setattr(chain_reads, "MAX_EXAMINED", 100)
    few = run(10, *range(100, 105))
    often = {key: {"confidence": 1.0, **OFTEN} for key in few}
    reading, _ = await read(often, 1)
    assert reading.size > chain_reads.LONG > len(few)
    assert await derived(monkeypatch, few) == ([mock.ANY], [])
    batches, aside = await derived(monkeypatch, often)
    assert sum(batches) == sum(aside) > 2 * 5 * 500 / inference_chains.INTERVALS_A_STEP
    assert max(batches) == 100
    assert len(batches) >= 5


async def test_the_intervals_of_an_edge_are_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not again for each chain: a run may have hundreds of inputs and outputs."""
    counted = mock.Mock(wraps=active_intervals)
    monkeypatch.setattr(inference_chains, "active_intervals", counted)
    edges = run(10, *range(100, 120))
    await derived(monkeypatch, {key: {"confidence": 1.0, **OFTEN} for key in edges})
    assert counted.call_count == len(edges)
