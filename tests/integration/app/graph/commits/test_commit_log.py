"""The commit log wakes waiting readers after a write of this process and after a write of another process."""

import asyncio
from pathlib import Path

from support.servers.in_process import open_api
from support.servers.websocket_client import connected, serving
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests

from app.graph.commits.commit_log import CommitLog

FOLLOW = "subscription ($after: Cursor) { changes(after: $after) { subjectId cursor } }"


async def test_no_commit_is_missed_before_a_wait() -> None:
    """A commit between reading the count and waiting for the next one ends the wait at once."""
    journal = CommitLog()
    count = journal.count
    journal.written()
    await journal.wait(count)
    waiting = asyncio.create_task(journal.wait(journal.count))
    await asyncio.sleep(0)
    assert not waiting.done()
    journal.written()
    await waiting


async def test_another_process_writes(graph: StoreGraph, tmp_path: Path) -> None:
    """Two processes over one store: a subscription of one delivers the changes that the other writes."""
    async with (
        open_api(graph, tmp_path, shared=True) as here,
        open_api(graph, tmp_path, shared=True) as there,
        serving(here.app) as address,
        connected(address, here.tokens["root"]) as talk,
    ):
        await here.load({"dataset": {"id": "mlg://dataset/test/default/begin"}})
        (begin,) = (await here.ask("root", "{ changes(first: 1) { nodes { cursor } } }"))["changes"]["nodes"]
        await talk.subscribe(FOLLOW, after=begin["cursor"])
        for name in ("one", "two"):
            await there.load({"dataset": {"id": f"mlg://dataset/test/default/{name}"}})
            assert (await talk.event())["changes"]["subjectId"].endswith(name)


async def test_the_end_of_the_feed_is_read_once_for_all_who_wait(graph: StoreGraph, tmp_path: Path) -> None:
    """Nine requests for the end, eight of them during the first, are two reads, and find what was written before."""
    async with open_api(graph, tmp_path) as api:
        feed, before = api.contexts.change_feed, await api.contexts.change_feed.end()
        await api.load({"dataset": {"id": "mlg://dataset/test/default/before"}})
        await api.wait_for_jobs()
        requests = ObservedRequests()
        api.client.observers.append(requests)
        first = asyncio.create_task(feed.end())
        for _ in range(5):
            await asyncio.sleep(0)  # the first read is sent
        later = await asyncio.gather(*(feed.end() for _ in range(8)))
        assert {await first, *later} == {later[0]}
        assert later[0] > before
        assert len(requests.reports) == 2
