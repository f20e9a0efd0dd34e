"""Ends that another process declares at an asset of many edges while a job searches the next one are not lost."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Writers, asset, link, person, shipped_policy, shipped_stops, stored, urn

from app.graph.commits.outbox_worker import OutboxWorker
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_log import WriteLog
from app.graph.commits.write_statements import WRITE
from app.graph.driver import edge_pages
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.sensitivity_job import SensitivityJob
from app.graph.jobs.tag_job import TagJob
from app.graph.propagation.stored_ends import NextEnd
from graphql_schema.ports.commands import Command

SOURCES = [f"dataset s{number}" for number in range(9)]
"""Sources of the hub; a page has the edges of two."""

Action = Callable[[], Awaitable[None]]


class OvertakenClient(GremlinClient):
    """A client whose next transaction is sent after ``before``."""

    before: Action | None = None

    async def submit(self, prepared: PreparedStatement, bindings: Mapping[str, object], **named: Any) -> list[Any]:
        """Run the action, once, before a transaction, and then the text."""
        before = self.before
        if before is not None and prepared is WRITE:
            self.before = None
            await before()
        return await super().submit(prepared, bindings, **named)


@asynccontextmanager
async def process(graph: StoreGraph) -> AsyncIterator[Writers]:
    """Return the writers of a process beside which others write."""
    async with OvertakenClient(graph.url, source=graph.source) as client:
        coordinator = WriteCoordinator(shipped_stops())
        client.write_order = await WriteLog.opened(client, coordinator)
        yield Writers(client, shipped_policy(), coordinator)


async def write(writers: Writers, *items: Command, now: int = NOW) -> None:
    """Write the items as a caller who may."""
    done = await writers.of(person("root", roles="admin"), now=now).write(items, dry_run=False, atomic=False)
    assert {one.outcome.name for one in done} <= {"CREATED", "UPDATED"}


def job_of(name: str, writers: Writers, clock: Callable[[], int]) -> OutboxWorker:
    """Return a job of a process."""
    coordinator = writers.coordinator
    if name == "tag":
        return TagJob(writers.client, coordinator, clock)
    return SensitivityJob(writers.client, coordinator.lock, coordinator.outbox, coordinator.propagation_stops, clock)


@pytest.fixture
def searching(monkeypatch: pytest.MonkeyPatch) -> list[NextEnd]:
    """Let a page have two edges; return the searches that have taken a step, once for each."""
    monkeypatch.setattr(edge_pages, "PAGE", 2)
    found, advance = list[NextEnd](), NextEnd.advance

    async def noted(search: NextEnd, *args: Any) -> bool:
        is_read = await advance(search, *args)
        found.append(search)
        return is_read

    monkeypatch.setattr(NextEnd, "advance", noted)
    return found


@pytest.mark.parametrize("planned", [False, True], ids=["between two steps", "planned before a step"])
@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("name", ["sensitivity", "tag"])
async def test_an_end_that_another_process_declares_is_not_lost(
    graph: StoreGraph, searching: list[NextEnd], name: str, steps: int, *, planned: bool
) -> None:
    """It is declared after some steps of the search, at an edge that may be read, or planned before the last of these.

    At its instant the hub is lowered, or loses the tag.
    """
    now = NOW
    async with process(graph) as leader, process(graph) as other:
        await write(other, asset("tag pii", {"propagates": True}))
        await write(other, asset(SOURCES[0], {"sensitivity": "RESTRICTED"}, tags=["tag pii"]))
        await write(other, *(link("DERIVES", source, "dataset hub") for source in SOURCES))
        await write(other, link("DERIVES", SOURCES[-1], "dataset hub", validTo=NOW + 10))
        assert isinstance(leader.client.write_order, WriteLog)
        await leader.client.write_order.lead()
        jobs = {each: job_of(each, leader, lambda: now) for each in ("sensitivity", "tag")}

        async def work_off() -> None:
            for job in jobs.values():
                while await job.step():
                    pass

        async def search(count: int) -> None:
            while len(searching) < count:
                assert await jobs[name].step()

        await work_off()
        now = NOW + 10
        await search(steps - planned)
        assert isinstance(other.client, OvertakenClient)
        other.client.before = partial(search, steps) if planned else None
        await write(other, link("DERIVES", SOURCES[0], "dataset hub", validTo=NOW + 20), now=NOW + 10)
        assert not any(each.pages.is_read for each in searching[:steps])
        assert other.client.before is None
        await work_off()
        assert [each.due - NOW for each in leader.coordinator.outbox if each.kind == name] == [20]
        assert await state(graph) == ("RESTRICTED", [urn("tag pii")])
        now = NOW + 20
        await work_off()
        assert [*leader.coordinator.outbox] == []
    assert (await state(graph))[name == "tag"] == ([] if name == "tag" else "INTERNAL")


async def state(graph: StoreGraph) -> tuple[str, list[str]]:
    """Return the sensitivity and the tags of the hub."""
    record = (await stored(graph)).records[urn("dataset hub")]
    return record["sensitivity"], record["index"]["tags"]
