"""The job that follows the write log: which vertices it compares, when it compares all, and where it continues."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast

import pytest

from app.graph.admin import index_watch
from app.graph.admin.index_repair import COMPARE, CREATE, IndexNotComparableError
from app.graph.admin.index_scan import NEXT
from app.graph.admin.index_watch import (
    COMMIT_SECONDS,
    MAX_COMPARED,
    READ_POSITION,
    STEP_SECONDS,
    STORE_POSITION,
    IndexWatch,
)
from app.graph.commits.index_state import IndexState
from app.graph.commits.write_log import LEARN
from app.graph.driver.errors import StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient, WriteOrder
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.log_entry import LogEntry, entry_vid
from app.graph.records.touched import EVERYTHING, Touched
from app.store.self_check import VERTEX_ID

ALL = [512, 768, 1024]


@dataclass
class Store:
    """A log in memory, and an index that lacks the vertices in ``missing``; it is a client of itself."""

    known: int = 0
    leads: bool = True
    position: str | None = None
    now: float = 0.0
    entries: dict[int, LogEntry] = field(default_factory=dict)
    missing: set[int] = field(default_factory=set)
    compared: list[list[int]] = field(default_factory=list)
    texts: list[PreparedStatement] = field(default_factory=list)
    away: bool = False
    elasticsearch: bool = True

    def write(self, *vids: int, everything: bool = False) -> None:
        """Add a transaction."""
        self.known += 1
        touched = EVERYTHING if everything else Touched(frozenset(vids))
        self.entries[entry_vid(self.known)] = LogEntry(self.known, "other", touched=touched)

    def single(self) -> "Store":
        """Return a client of one server."""
        return self

    async def __aenter__(self) -> Self:
        """Open the client."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the client."""

    async def submit(self, prepared: PreparedStatement, bindings: Mapping[str, Any], **_: object) -> list[Any]:
        """Return what the store would."""
        self.texts.append(prepared)
        if prepared is READ_POSITION:
            return [self.position]
        if prepared is STORE_POSITION:
            self.position = bindings["number"]
            return [True]
        if prepared is LEARN:
            found = [self.entries[vid].text() for vid in bindings["xs"] if vid in self.entries]
            return [{"at": self.known, "notes": found}]
        if prepared is NEXT:
            return [[ALL, True]]
        if prepared is CREATE:
            return [False] if self.elasticsearch else []
        assert prepared is COMPARE
        if self.away:
            raise StoreUnavailableError("away")
        vids = bindings["xs"]
        self.compared.append(vids)
        repaired = len(self.missing.intersection(vids))
        self.missing -= set(vids)
        return [[len(vids), repaired, 0]] if self.elasticsearch else []

    def job(self) -> tuple[IndexWatch, IndexState]:
        """Return a new job, with its state."""
        state = IndexState(lambda: self.now)
        return IndexWatch(cast("GremlinClient", self), cast("WriteOrder", self), state), state


async def steps(store: Store, watch: IndexWatch, seconds: float = COMMIT_SECONDS) -> None:
    """Let the job do a step, and further ones after some seconds until there is nothing left to do."""
    await watch.step()
    store.now += seconds
    while await watch.step():
        pass


async def test_the_vertices_of_each_transaction_are_compared_once() -> None:
    """Transactions are compared together, some seconds after they were written, and the last number is stored."""
    store = Store(position="0")
    watch, state = store.job()
    store.write(256, 512)
    store.write(512, 768)
    store.missing = {768}
    await watch.step()
    assert store.compared == [[VERTEX_ID]]
    assert state.lag == 2
    await steps(store, watch)
    assert store.compared[1:] == [[256, 512, 768]]
    assert (store.position, state.lag, state.differing) == ("2", 0, 1)
    await steps(store, watch)
    assert len(store.compared) == 2


async def test_a_new_store_begins_with_its_first_transaction() -> None:
    """Without a stored number, and with all entries there, the job begins with the first one."""
    store = Store()
    watch, state = store.job()
    for number in range(40):
        store.write(256 * (number + 2))
    await steps(store, watch)
    assert sorted(vid for vids in store.compared[1:] for vid in vids) == [256 * (number + 2) for number in range(40)]
    assert (store.position, state.compared) == ("40", 40)


@pytest.mark.parametrize("case", ["no position", "entry gone", "unlisted"])
async def test_all_vertices_are_compared_when_the_log_does_not_list_them(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old store without a number, a deleted entry and an entry without its vertices lead to a full comparison."""
    store = Store(position=None if case == "no position" else "0")
    watch, state = store.job()
    store.write(256)
    store.write(512, everything=case == "unlisted")
    if case == "no position":
        monkeypatch.setattr(index_watch, "KEPT", 1)
    if case == "entry gone":
        del store.entries[entry_vid(1)]
    store.missing = {1024}
    await steps(store, watch)
    assert store.compared[1:] == [ALL]
    assert (store.position, state.differing, state.lag) == ("2", 1, 0)


async def test_a_large_transaction_is_compared_alone() -> None:
    """One item can create 20,000 vertices: these are compared, and not all of the store while the index lags."""
    store = Store(position="0")
    watch, state = store.job()
    many = [256 * number for number in range(1, 8 * MAX_COMPARED + 1)]
    store.write(*many)
    store.missing = {many[-1]}
    await steps(store, watch)
    assert NEXT not in store.texts
    assert {vid for vids in store.compared[1:] for vid in vids}.symmetric_difference(many) == set()
    assert (store.position, state.differing, state.lag) == ("1", 1, 0)


async def test_the_number_moves_between_large_transactions() -> None:
    """A step compares few vertices, unless a transaction has more, so that several large ones are no lag."""
    store = Store(position="0")
    watch, state = store.job()
    for size in (MAX_COMPARED - 1, 1, 1, 2 * MAX_COMPARED, 1):
        store.write(*(256 * number for number in range(1, size + 1)))
    await watch.step()
    store.now += COMMIT_SECONDS
    moved = []
    while await watch.step():
        moved.append(state.compared)
    assert (moved, store.position) == ([2, 3, 4], "5")


async def test_a_process_that_does_not_lead_reads_how_far_the_leader_is() -> None:
    """It compares nothing but the vertex of the readiness check at its start, and its lag follows the stored number."""
    store = Store(leads=False, position="1")
    watch, state = store.job()
    for _ in range(3):
        store.write(256)
    await watch.step()
    assert (state.compared, state.lag) == (1, 2)
    store.position = "3"
    for _ in range(6):
        await watch.step()
    assert (state.compared, state.lag) == (3, 0)
    assert store.compared == [[VERTEX_ID]]


async def test_the_next_leader_continues_at_the_stored_number() -> None:
    """A process that begins to lead reads the number again, and compares what follows."""
    store = Store(leads=False, position="0")
    watch, _ = store.job()
    for number in range(3):
        store.write(256 * (number + 2))
    await watch.step()
    store.leads, store.position = True, "2"
    await steps(store, watch)
    assert store.compared[1:] == [[256 * 4]]
    assert store.position == "3"


async def test_a_failed_comparison_is_repeated() -> None:
    """While Elasticsearch is away the number does not move, and the index lags; afterwards all is compared."""
    store = Store(position="0")
    watch, state = store.job()
    await watch.step()
    store.write(512)
    await watch.step()
    store.away = True
    store.now += 60
    with pytest.raises(StoreUnavailableError):
        await watch.step()
    assert (store.position, state.lags) == ("0", True)
    store.away, store.missing = False, {512}
    await steps(store, watch)
    assert (store.position, state.lags, state.differing) == ("1", False, 1)


async def test_the_vertex_of_the_readiness_check_is_compared_beside_the_log() -> None:
    """It has no entry in the log, so it is compared again after some steps without any transaction."""
    store = Store(position="0")
    watch, state = store.job()
    await watch.step()
    store.missing = {VERTEX_ID}
    for _ in range(20):
        await watch.step()
    assert store.missing == set()
    assert state.differing == 1


async def test_pauses_grow_while_comparisons_fail() -> None:
    """Failures are logged and followed by growing pauses; an index of another kind ends the job without a lag."""
    store = Store(position="0", away=True)
    watch, state = store.job()
    store.write(256)
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        store.now += 60
        store.away = len(pauses) < 6
        store.elasticsearch = len(pauses) < 7

    await asyncio.wait_for(watch.run(pause), 10)
    assert pauses[:5] == [1.0, 2.0, 4.0, 8.0, 15.0]
    assert not state.lags


async def test_an_index_of_another_kind_is_not_watched() -> None:
    """A store whose index is not in Elasticsearch is not compared, and its index never counts as lagging."""
    store = Store(elasticsearch=False)
    watch, state = store.job()
    store.write(256)
    with pytest.raises(IndexNotComparableError):
        await watch.step()
    await watch.run()
    store.now += 60
    assert (state.lags, state.lag, STEP_SECONDS) == (False, 0, 1.0)
