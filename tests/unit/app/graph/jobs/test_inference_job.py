"""The job of inferred edges derives what it writes, and no more, in steps of bounded size."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count, cycle
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.stores.paged_edges import Row, page_of

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry, new_entry_id
from app.graph.commits.write_set import WriteSet
from app.graph.driver.edge_pages import EDGES
from app.graph.driver.errors import LostTurnError, WriteRefusedError
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs import chain_reads, inference_job
from app.graph.jobs.chain_reads import MAX_EDGES
from app.graph.jobs.inference_job import MAX_REQUESTS, InferenceJob
from app.graph.records.edge_record import EdgeKey
from app.graph.records.record_text import record_of, text_of
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.ports.record import Record

INPUTS = 1_000
RUN = vertex_id("default", "run")
BATCH = 50
ENDS = list(range(1, BATCH + 1))
VERSIONS = range(1_001, 1_001 + INPUTS)
KINDS_OF = {"INPUT_TO": ("MODEL_VERSION", "RUN"), "PRODUCES": ("RUN", "MODEL_VERSION")}
DERIVED = "INFERRED_BASE_OF"


@dataclass
class EdgeStore:
    """A client over edges in memory: those of a run with many model versions as inputs, which produced ENDS.

    It refuses a transaction of over ``most`` edges, or with an edge to ``bad``. ``losses`` has whether the next
    transaction loses its turn to another process. ``pages`` has the numbers of edges in the responses, ``written``
    those in the transactions, and ``done`` the entries that were worked off.
    """

    most: int = 10_000
    losses: Iterator[bool] = field(default_factory=lambda: cycle([False]))
    bad: int | None = None
    page: int = 10_000
    edges: dict[EdgeKey, Record] = field(default_factory=dict)
    pages: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    refused: int = 0
    done: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.edges |= {("INPUT_TO", version, RUN): {"validFrom": 0} for version in VERSIONS}
        self.edges |= {("PRODUCES", RUN, end): {"validFrom": 0} for end in ENDS}

    @property
    def derived(self) -> dict[EdgeKey, Record]:
        """The inferred edges by key."""
        return {key: edge for key, edge in self.edges.items() if key[0] == DERIVED}

    async def submit(self, statement: PreparedStatement, bindings: dict[str, Any]) -> list[Any]:
        """Return a page of the edges to vertices with their records, or of those from vertices without."""
        hops, to_vertices = bindings["hops"], statement is EDGES
        at = defaultdict[tuple[str, int], list[EdgeKey]](list)
        for key in self.edges:
            label, source, target = key
            at[label, target if to_vertices else source].append(key)

        def edges_of(hop: int, vid: int) -> list[Row]:
            keys = at[hops[hop]["ls"][0], vid]
            return [(key, key[1 if to_vertices else 2]) for key in keys]

        found, rest = page_of(hops, edges_of, self.page)
        self.pages.append(sum(map(len, found)))
        rows = [[value for key, _ in each for value in self._row(key, to_vertices)] for each in found]
        deletions = [value for hop in hops for vid in hop["xs"] for value in (vid, FOREVER)]
        return [{"e": rows, "r": rest, "d": deletions if bindings.get("deletions") else []}]

    def _row(self, key: EdgeKey, to_vertices: bool) -> list[Any]:  # noqa: FBT001 - as the caller has it
        """Return the values of an edge in a response."""
        label, source, target = key
        out, into = KINDS_OF.get(label, ("MODEL_VERSION", "MODEL_VERSION"))
        if to_vertices:
            return [target, into, source, out, text_of(self.edges[key])]
        return [source, out, target, into]

    async def take(self, writes: WriteSet) -> None:
        """Store the edges of a transaction."""
        rows: Any = writes.bindings()["edges"]
        if rows and next(self.losses):
            raise LostTurnError("another process wrote first")
        if len(rows) > self.most or self.bad in {row["i"] for row in rows}:
            self.refused += 1
            raise WriteRefusedError("The store refused the write.")
        found = {(row["l"], row["o"], row["i"]): record_of(row["p"]["record"]) for row in rows}
        assert all(row["fresh"] == (key not in self.edges) for row, key in zip(rows, found, strict=True))
        self.edges |= found
        self.written.append(len(rows))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> EdgeStore:
    """Return a store, which gets what the job writes."""
    found = EdgeStore()

    async def end(_outbox: Outbox, _client: object, *entries: OutboxEntry) -> None:
        found.done.extend(entry.x for entry in entries)

    monkeypatch.setattr(WriteSet, "submit", lambda writes, _: found.take(writes))
    monkeypatch.setattr(Outbox, "done", end)
    return found


def job_over(client: object) -> InferenceJob:
    """Return the job over a client."""
    coordinator: Any = SimpleNamespace(lock=asyncio.Lock(), outbox=Outbox(), inference_rules=RULES)
    return InferenceJob(client, coordinator)  # type: ignore[arg-type]


def entry(x: int, ends: Iterable[int] = (), middles: Iterable[int] = ()) -> OutboxEntry:
    """Return an entry with ends to derive and middles to follow."""
    return OutboxEntry(x, "acme", x, inference=True, frontier=dict.fromkeys(ends), expand=dict.fromkeys(middles))


async def work_off(store: EdgeStore, *due: OutboxEntry) -> int:
    """Let the job work entries off; return its steps."""
    job = job_over(store)
    for steps in range(1_000):
        with suppress(LostTurnError):
            if not await job.advance([each for each in due if each.x not in store.done]):
                return steps
    pytest.fail("the round does not end")


async def test_no_step_writes_more_edges_than_it_may(store: EdgeStore) -> None:
    """Of a run with a thousand inputs, few ends fill a batch; all are written, and each edge once."""
    await work_off(store, entry(1, ENDS))
    assert len(store.derived) == sum(store.written) == BATCH * INPUTS
    assert max(store.written) <= MAX_EDGES
    assert store.done == [1]


async def test_a_vertex_is_read_over_several_steps(store: EdgeStore) -> None:
    """The run and its inputs are read in pages of 90 edges, a page or few in each step, once for all transactions."""
    store.page = 90
    steps = await work_off(store, entry(1, ENDS[:1]))
    assert len(store.derived) == INPUTS
    assert max(store.pages) <= store.page
    assert INPUTS // store.page <= len(store.pages) <= INPUTS // store.page + 4
    assert steps >= len(store.pages) // MAX_REQUESTS


async def test_the_chains_of_a_vertex_are_examined_over_several_steps(
    store: EdgeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step examines no more chains than it may, and the next one continues with the same vertex."""
    monkeypatch.setattr(chain_reads, "MAX_EXAMINED", 100)
    steps = await work_off(store, entry(1, ENDS[:1]))
    assert steps > 2 * INPUTS // 100
    assert len(store.derived) == sum(store.written) == INPUTS
    assert sum(store.pages) == INPUTS + 1


async def test_the_ends_of_chains_through_a_vertex_are_found_over_several_steps(
    store: EdgeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run with 50 outputs is followed in pages of ten edges, one in each step, and all its outputs are derived."""
    monkeypatch.setattr(inference_job, "MAX_REQUESTS", 1)
    store.page = 10
    store.edges = {key: edge for key, edge in store.edges.items() if key[1] in {RUN, VERSIONS[0]}}
    steps = await work_off(store, entry(1, middles=[RUN]))
    assert steps > len(ENDS) // store.page
    assert max(store.pages) <= store.page
    assert store.derived.keys() == {(DERIVED, VERSIONS[0], end) for end in ENDS}


async def test_a_round_ends_in_a_stream_of_entries(store: EdgeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Middles and ends are worked off in turns, and entries that arrive during a round wait for the next one."""
    for module in (chain_reads, inference_job):
        monkeypatch.setattr(module, "AT_ONCE", 1)
    monkeypatch.setattr(inference_job, "MAX_REQUESTS", 1)
    started: list[int] = []
    every = store.submit

    async def submit(statement: PreparedStatement, bindings: dict[str, Any]) -> list[Any]:
        started.extend(bindings["hops"][0]["xs"])
        return await every(statement, bindings)

    monkeypatch.setattr(store, "submit", submit)
    job, due = job_over(store), [entry(100, [7, 8], [5_001, 5_002])]
    store.edges.clear()
    for step in range(6):
        assert await job.advance([each for each in due if each.x not in store.done])
        due.append(entry(step, (), [5_010 + step]))
    assert started == [5_001, 7, 5_002, 8, 5_010, 5_011]
    assert store.done == [100]


@pytest.mark.parametrize(("name", "value"), [("MAX_EDGES", 300), ("MAX_CHARACTERS", 60_000)])
async def test_the_edges_of_one_end_are_written_in_several_transactions(
    store: EdgeStore, monkeypatch: pytest.MonkeyPatch, name: str, value: int
) -> None:
    """No transaction has more edges or characters than one may have, and the entry ends when all edges are stored."""
    monkeypatch.setattr(chain_reads, name, value)
    store.most = 400
    await work_off(store, entry(1, ENDS[:3]))
    assert store.refused == 0
    assert len(store.derived) == sum(store.written) == 3 * INPUTS
    assert store.done == [1]


@pytest.mark.parametrize("losses", [[False], [True, False]], ids=["undisturbed", "overtaken"])
async def test_a_round_ends_while_all_edges_of_an_end_change_again_and_again(
    store: EdgeStore, monkeypatch: pytest.MonkeyPatch, losses: list[bool]
) -> None:
    """An end with more edges than a transaction is read once, so that each edge is written once in a round.

    What changes meanwhile has an entry for the next round. It is so if each transaction loses its turn once.
    """
    monkeypatch.setattr(chain_reads, "MAX_EDGES", 300)
    store.losses = cycle(losses)
    changed, every = count(1), store.submit

    async def changing(statement: PreparedStatement, bindings: dict[str, Any]) -> list[Any]:
        edge = {"validFrom": 0, "confidence": 1 / (1 + next(changed))}
        store.edges |= {("INPUT_TO", version, RUN): edge for version in VERSIONS}
        return await every(statement, bindings)

    monkeypatch.setattr(store, "submit", changing)
    await work_off(store, entry(1, ENDS[:3]))
    assert len(store.derived) == sum(store.written) == 3 * INPUTS


@pytest.mark.parametrize("losses", [[False], [*[False] * 6, True]], ids=["undisturbed", "overtaken"])
async def test_what_a_store_refuses_is_written_in_halves(store: EdgeStore, losses: list[bool]) -> None:
    """A store with a smaller maximum than the batches of the job gets all edges, and the entry ends.

    If the turn is lost between two halves, only the edges that are left are written again, and nothing is read again.
    """
    store.most, store.losses = 400, cycle(losses)
    await work_off(store, entry(1, ENDS[:3]))
    assert store.refused > 0
    assert sum(store.pages) == len(ENDS[:3]) + INPUTS
    assert len(store.derived) == sum(store.written) == 3 * INPUTS


async def test_an_end_that_is_refused_alone_does_not_stop_the_others(
    store: EdgeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is logged and left out, also if its edges exceed a transaction, so that the entry ends for all callers."""
    monkeypatch.setattr(chain_reads, "MAX_EDGES", 300)
    store.bad = ENDS[1]
    with capture_logs() as lines:
        await work_off(store, entry(1, ENDS[:3]))
    assert [(line["event"], line["end"]) for line in lines if "end" in line] == [("inference_end_failed", ENDS[1])]
    assert {end for _, _, end in store.derived} == {ENDS[0], ENDS[2]}
    assert len(store.derived) == 2 * INPUTS
    assert store.done == [1]


PAGES = {"": [1, 2], "b": [3, 4], "d": []}
"""Ids of the assets of each page of a full derivation, by the URN after which it begins; URNs are letters."""


async def test_a_full_derivation_goes_on_in_a_stream_of_entries(
    store: EdgeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page has its turn though there is always a round, and is stored when its last asset is derived.

    An asset that a batch leaves is derived in a later one: the page does not begin again, which could be without end.
    """
    monkeypatch.setattr(chain_reads, "AT_ONCE", 1)
    monkeypatch.setattr(inference_job, "MAX_REQUESTS", 1)
    derived, every = list[int](), store.submit
    store.edges.clear()

    async def submit(statement: PreparedStatement, bindings: dict[str, Any]) -> list[Any]:
        if "hops" not in bindings:
            after = bindings.get("after")
            return [[]] if after is None else [{"x": vid, "urn": "?abcd"[vid]} for vid in PAGES[after]]
        derived.extend(vid for vid in bindings["hops"][0]["xs"] if statement is EDGES)
        return await every(statement, bindings)

    monkeypatch.setattr(store, "submit", submit)
    job, after = job_over(store), list[str | None]()
    full = OutboxEntry(new_entry_id(), "", 1, inference=True, after="")
    for step in range(16):
        assert await job.advance([full, entry(step, (), [5_010 + step])])
        after.append(full.after)
    assert derived == [1, 2, 3, 4]
    assert list(dict.fromkeys(after)) == ["", "b", "d", None]


async def test_a_page_is_read_again_if_a_round_writes_its_edges(
    store: EdgeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a full derivation has read may be older than what a round has written, and does not replace it."""
    monkeypatch.setattr(inference_job, "MAX_REQUESTS", 1)
    version, store.page = VERSIONS[0], 1
    store.edges = {("PRODUCES", run, 2): {"validFrom": 0} for run in range(10_000, 10_020)}
    store.edges |= {("PRODUCES", RUN, 1): {"validFrom": 0}, ("INPUT_TO", version, RUN): {"validFrom": 0}}
    full, every = OutboxEntry(new_entry_id(), "", 1, inference=True, after=""), store.submit

    async def submit(statement: PreparedStatement, bindings: dict[str, Any]) -> list[Any]:
        if "hops" in bindings:
            return await every(statement, bindings)
        return [[]] if "urns" in bindings else [{"x": vid, "urn": "a"} for vid in (1, 2) if not bindings["after"]]

    monkeypatch.setattr(store, "submit", submit)
    job = job_over(store)
    await job.advance([full])
    assert store.pages == [1]
    store.edges["PRODUCES", RUN, 1] = {"validFrom": 0, "confidence": 0.5}
    while full.after is not None:
        await job.advance([full, *([] if 2 in store.done else [entry(2, [1])])])
    assert store.written.count(1) == 1
    (edge,) = store.derived.values()
    assert [chain["confidence"] for chain in edge["chains"]] == [0.3]
