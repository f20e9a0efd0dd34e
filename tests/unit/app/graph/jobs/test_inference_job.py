"""The job of inferred edges derives what it writes, and no more, in steps of bounded size."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from itertools import count, cycle
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs
from support.stores.edge_store import DERIVED, ENDS, INPUTS, RUN, VERSIONS, EdgeStore
from support.stores.writers import person

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry, new_entry_id
from app.graph.commits.write_set import WriteSet
from app.graph.driver.edge_pages import EDGES
from app.graph.driver.errors import LostTurnError, StoreUnavailableError
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs import chain_reads, inference_chains, inference_job
from app.graph.jobs.chain_reads import MAX_EDGES, DerivedBatch, EndQueue
from app.graph.jobs.inference_job import MAX_REQUESTS, InferenceJob
from graphql_schema.catalog.inference_rules import RULES
from policies.principal import Principal

BATCH = len(ENDS)
ADA, BO, EVE = (person(name, tenant="acme") for name in ("ada", "bo", "eve"))


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> EdgeStore:
    """Return a store, which gets what the job writes."""
    found = EdgeStore()

    async def end(_outbox: Outbox, _client: object, *entries: OutboxEntry) -> None:
        found.done.extend(entry.x for entry in entries)

    monkeypatch.setattr(WriteSet, "submit", lambda writes, _: found.take(writes))
    monkeypatch.setattr(Outbox, "done", end)
    return found


def job_over(client: object, outbox: Outbox | None = None) -> InferenceJob:
    """Return the job over a client."""
    made = {"job_lock": lambda _: asyncio.Lock(), "outbox": outbox or Outbox(), "inference_rules": RULES}
    return InferenceJob(client, SimpleNamespace(**made))  # type: ignore[arg-type]


def entry(
    x: int, ends: Iterable[int] = (), middles: Iterable[int] = (), caller: Principal | None = None
) -> OutboxEntry:
    """Return an entry with ends to derive and middles to follow."""
    found = OutboxEntry(x, "acme", x, inference=True, raised_by=caller)
    found.frontier, found.expand = dict.fromkeys(ends), dict.fromkeys(middles)
    return found


async def work_off(store: EdgeStore, *due: OutboxEntry) -> int:
    """Let the job work entries off; return its steps."""
    job = job_over(store)
    for steps in range(1_000):
        with suppress(LostTurnError):
            if not await job.advance([each for each in due if each.x not in store.done]):
                return steps
    pytest.fail("the round does not end")


async def test_no_step_writes_more_edges_than_it_may(store: EdgeStore) -> None:
    """Of a run with hundreds of inputs, few ends fill a batch; all are written, and each edge once."""
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


async def test_what_was_read_is_freed_in_turns(store: EdgeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last reference to a reading leads to ten thousand edges with twenty chains each: 0.1 s in one callback."""
    freed = list[object]()
    monkeypatch.setattr(chain_reads, "RELEASE", SimpleNamespace(free=freed.extend))
    await work_off(store, entry(1, ENDS))
    readings = [reading for batch in freed if isinstance(batch, DerivedBatch) for reading in batch.read]
    assert [end for each in readings for end in each.ends] == ENDS


async def test_vertices_with_many_inferred_edges_are_read_one_by_one(
    store: EdgeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten with all that the limits admit are 0.7 GB together; what was read of several is read again for the first."""
    await work_off(store, entry(1, ENDS))
    derived, store.edges["PRODUCES", RUN, ENDS[3]] = store.derived, {"validFrom": 5}
    freed = list[object]()
    monkeypatch.setattr(chain_reads, "RELEASE", SimpleNamespace(free=freed.extend))
    monkeypatch.setattr(chain_reads, "MAX_TOGETHER", INPUTS + 50)
    store.page = INPUTS // 4
    store.pages.clear()
    await work_off(store, entry(2, ENDS[:5]))
    assert sum(store.pages) <= 2 * 5 * INPUTS + INPUTS + 100  # each once, with the inputs of the run, and few in vain
    readings = [reading for batch in freed if isinstance(batch, DerivedBatch) for reading in batch.read]
    assert [[*each.ends] for each in readings if each.ends] == [[end] for end in ENDS[:5]]
    assert {key for key, edge in store.derived.items() if edge != derived[key]} == {
        (DERIVED, version, ENDS[3]) for version in VERSIONS
    }


async def test_a_step_that_has_read_much_derives_nothing(store: EdgeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writers wait for each step, so reading and deriving are two of them; each edge is written nevertheless."""
    monkeypatch.setattr(inference_job, "MAX_VISITED", INPUTS + 50)
    monkeypatch.setattr(chain_reads, "MAX_EXAMINED", 1_500)  # of ten vertices, more than half a batch is the last
    examined, derived = list[int](), EndQueue.derive

    async def noted(queue: EndQueue, *given: Any) -> None:
        before = queue.batch.examined
        await derived(queue, *given)
        examined.append(queue.batch.examined - before)

    monkeypatch.setattr(EndQueue, "derive", noted)
    for x in (1, 2):  # what the first round has written is only examined by the second one
        job, due, did_both = job_over(store), entry(x, ENDS[:25]), list[bool]()
        while x not in store.done:
            pages, steps = len(store.pages), len(examined)
            await job.advance([due])
            did_both.append(sum(store.pages[pages:]) > INPUTS // 2 + 25 and sum(examined[steps:]) > 750)
        assert True not in did_both
    assert sum(store.written) == len(store.derived) == 25 * INPUTS


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


async def test_the_ends_of_a_search_are_queued_page_by_page(store: EdgeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search for the outputs of runs may find hundreds of thousands: all at once, they held the event loop."""
    added, add = list[int](), EndQueue.add

    def counted(ends: EndQueue, vids: Iterable[int]) -> None:
        some = [*vids]
        added.append(len(some))
        add(ends, some)

    monkeypatch.setattr(EndQueue, "add", counted)
    store.page = 10
    await work_off(store, entry(1, middles=[RUN]))
    assert max(added) <= store.page
    assert sum(added) == len(ENDS) > store.page
    assert len(store.derived) == sum(store.written) == BATCH * INPUTS


async def test_a_round_ends_in_a_stream_of_entries(store: EdgeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Middles and ends are worked off in turns, and entries that arrive during a round wait for the next one."""
    for module in (chain_reads, inference_job):
        monkeypatch.setattr(module, "AT_ONCE", 1)
    monkeypatch.setattr(inference_job, "MAX_REQUESTS", 1)
    started: list[int] = []
    every = store.submit

    async def submit(statement: PreparedStatement, bindings: dict[str, Any], **_: object) -> list[Any]:
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

    async def changing(statement: PreparedStatement, bindings: dict[str, Any], **_: object) -> list[Any]:
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

    async def submit(statement: PreparedStatement, bindings: dict[str, Any], **_: object) -> list[Any]:
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


async def test_callers_take_turns(store: EdgeStore) -> None:
    """The thousands of edges of one caller delay those of another by a step, and the entries of both end."""
    job, due = job_over(store), [entry(1, ENDS[:40], caller=ADA)]
    for _ in range(2):
        await job.advance(due)
    due.append(entry(2, ENDS[40:41], caller=BO))
    for _ in range(2):
        await job.advance(due)
    assert store.done == [2]
    while await job.advance([each for each in due if each.x not in store.done]):
        pass
    assert store.done == [2, 1]
    assert len(store.derived) == sum(store.written) == 41 * INPUTS


async def test_an_end_that_another_round_has_begun_waits(store: EdgeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a full derivation has read is older than what a round reads of a vertex later, so it is written before."""
    monkeypatch.setattr(inference_job, "MAX_REQUESTS", 1)
    version, store.page = VERSIONS[0], 1
    store.edges = {("PRODUCES", run, 2): {"validFrom": 0} for run in range(10_000, 10_020)}
    store.edges |= {("PRODUCES", RUN, 1): {"validFrom": 0}, ("INPUT_TO", version, RUN): {"validFrom": 0}}
    full, every = OutboxEntry(new_entry_id(), "", 1, inference=True, after=""), store.submit

    async def submit(statement: PreparedStatement, bindings: dict[str, Any], **_: object) -> list[Any]:
        if "hops" in bindings:
            return await every(statement, bindings)
        return [[]] if "urns" in bindings else [{"x": vid, "urn": "a"} for vid in (1, 2) if not bindings["after"]]

    monkeypatch.setattr(store, "submit", submit)
    job = job_over(store)
    await job.advance([full])
    assert store.pages == [1]
    store.edges["PRODUCES", RUN, 1] = {"validFrom": 0, "confidence": 0.5}
    while {full.x, 2} - {*store.done}:
        await job.advance([each for each in (full, entry(2, [1])) if each.x not in store.done])
    (edge,) = store.derived.values()
    assert [chain["confidence"] for chain in edge["chains"]] == [0.3]


async def test_a_step_that_fails_stops_the_round_of_its_caller_alone(
    store: EdgeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each failure the entries are loaded again; the rounds of others continue, and lose no edge."""
    outbox = Outbox()
    due = [entry(1, ENDS[:20], caller=ADA), entry(2, ENDS[20:21], caller=BO), entry(3, ENDS[21:22], caller=EVE)]
    with outbox.committing(due):
        pass
    job = job_over(store, outbox)
    take, failures = store.take, count(1)

    async def fail(writes: WriteSet) -> None:
        rows: Any = writes.bindings()["edges"]
        ends = {row["i"] for row in rows}
        if ENDS[20] in ends or (ENDS[0] in ends and next(failures) == 1):
            raise StoreUnavailableError("The store does not respond.")
        await take(writes)

    monkeypatch.setattr(store, "take", fail)
    for _ in range(60):
        try:
            await job.advance([each for each in due if each.x not in store.done])
        except StoreUnavailableError:
            outbox.loads += 1
    assert sorted(store.done) == [1, 3]
    assert {end for _, _, end in store.derived} == {*ENDS[:20], ENDS[21]}
    assert len(store.derived) == sum(store.written) == 21 * INPUTS


async def test_a_run_with_too_many_inputs_infers_no_edges(store: EdgeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The edges through it end when it gets one input too many, with a line in the log for each round."""
    monkeypatch.setattr(inference_chains, "MAX_SOURCES", INPUTS)
    await work_off(store, entry(1, ENDS[:3]))
    assert len(store.derived) == 3 * INPUTS
    store.edges["INPUT_TO", VERSIONS[-1] + 1, RUN] = {"validFrom": 0}
    with capture_logs() as lines:
        await work_off(store, entry(2, middles=[RUN]))
    assert [edge for edge in store.derived.values() if edge["chains"]] == []
    assert [line["vertices"] for line in lines if line["event"] == "inferred_edges_limited"] == [[RUN]]


async def test_the_ends_that_a_job_finds_add_to_the_work_of_their_caller(
    store: EdgeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change of one input of a run counts by the outputs of the run."""
    added: list[tuple[int, int]] = []
    monkeypatch.setattr(Outbox, "add_weight", lambda _, x, ids: added.append((x, ids)))
    await work_off(store, entry(1, middles=[RUN]))
    assert added == [(1, len(ENDS))]


@pytest.mark.usefixtures("store")
async def test_a_store_that_was_derived_without_limits_is_derived_again() -> None:
    """An earlier release stored the rules alone, and the edges of runs with any number of inputs; it is done once."""
    stored = [orjson.dumps([rule.content() for rule in RULES]).decode()]

    async def submit(_statement: PreparedStatement, bindings: dict[str, Any], **_options: object) -> list[str]:
        stored[:] = [bindings["rules"]] if "rules" in bindings else stored
        return stored

    client: Any = SimpleNamespace(submit=submit, write_order=None, write_epoch=None)
    coordinator: Any = SimpleNamespace(outbox=Outbox(), inference_rules=RULES)
    for _ in range(2):
        await inference_job.schedule_full_derivation(client, coordinator)
    assert [each.after for each in coordinator.outbox] == [""]
