"""Two API processes over one store: what one confirmed the other shows at once, and no write of either is lost.

Both run in this process, each with its own client, cache, outbox and jobs; they share nothing but the store.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count, cycle
from pathlib import Path
from typing import Any

import pytest
from support.servers.in_process import Api, no_jobs, open_api
from support.stores.janusgraph import StoreGraph
from support.waiting import until

from app.graph.commits import write_log
from app.graph.commits.write_log import WriteLog
from app.graph.writing.effects import raise_sensitivity

_NUMBERS = count()
_DATASET = """query ($id: ID!) { asset(id: $id) {
  ... on Dataset { id description revision sensitivity derivedFrom { nodes { id } } } } }"""


@pytest.fixture(scope="module")
async def both(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Api, Api]]:
    """Run two APIs over one graph, with the same keys."""
    keys = tmp_path_factory.mktemp("keys")
    async with open_api(module_graph, keys, shared=True) as first, open_api(module_graph, keys, shared=True) as second:
        yield first, second


def new_id() -> str:
    """Return the id of a dataset that is not registered."""
    return f"mlg://dataset/two/default/d{next(_NUMBERS)}"


def dataset(urn: str, **fields: Any) -> dict[str, Any]:
    """Return the item of a dataset."""
    return {"dataset": {"id": urn, **fields}}


def log_of(api: Api) -> WriteLog:
    """Return the write log of a process."""
    assert isinstance(api.client.write_order, WriteLog)
    return api.client.write_order


async def read(api: Api, urn: str) -> dict[str, Any]:
    """Return a dataset as root reads it."""
    found: dict[str, Any] = (await api.ask("root", _DATASET, id=urn))["asset"]
    return found


async def test_the_next_read_of_any_process_shows_a_write(both: tuple[Api, Api]) -> None:
    """A record and edges that one process has in its cache are read again after the other has written."""
    first, second = both
    urn = new_id()
    await first.load(dataset(urn, description="zero"))
    for writer, reader, text in ((first, second, "one"), (second, first, "two"), (first, second, "three")):
        await read(reader, urn)
        source = new_id()
        await writer.load(dataset(source), dataset(urn, description=text, derivedFrom=[source]))
        for api in (reader, writer, reader):
            found = await read(api, urn)
            assert (found["description"], [each["id"] for each in found["derivedFrom"]["nodes"]]) == (text, [source])


async def test_what_was_absent_is_found_after_another_process_created_it(both: tuple[Api, Api]) -> None:
    """That an id has no asset is forgotten, too, and a listing that lacked it is read again."""
    first, second = both
    urn = new_id()
    listing = f'{{ assets(filter: {{ids: ["{urn}"]}}) {{ nodes {{ id }} }} }}'
    assert (await second.ask("root", _DATASET, id=urn))["asset"] is None
    assert (await second.ask("root", listing))["assets"]["nodes"] == []
    await first.load(dataset(urn))
    assert (await read(second, urn))["id"] == urn
    assert (await second.ask("root", listing))["assets"]["nodes"] == [{"id": urn}]


async def test_of_two_writers_on_one_revision_one_wins(both: tuple[Api, Api]) -> None:
    """Writers in both processes who expect the same revision: one is UPDATED in each round, the others CONFLICT."""
    urn = new_id()
    await both[0].load(dataset(urn, description="0"))
    for revision in range(1, 16):
        calls = [
            api.register("root", dataset(urn, description=f"{revision} {number}", expectedRevision=revision))
            for number, api in zip(range(6), cycle(both), strict=False)
        ]
        payloads = await asyncio.gather(*calls)
        outcomes = Counter(payload["results"][0]["outcome"] for payload in payloads)
        assert outcomes == {"UPDATED": 1, "CONFLICT": 5}, payloads
    assert {(await read(api, urn))["revision"] for api in both} == {16}


async def test_no_write_of_either_process_is_lost(both: tuple[Api, Api]) -> None:
    """Many callers link to one dataset over both processes at once: every edge is there."""
    urn, sources = new_id(), [new_id() for _ in range(40)]
    await both[0].load(dataset(urn), *(dataset(source) for source in sources))
    link = """mutation ($input: LinkInput!) { link(input: $input) { changed errors { code message } } }"""

    async def add(api: Api, source: str) -> None:
        given = {"relation": "DERIVES", "from": source, "to": urn}
        assert (await api.ask("root", link, input=given))["link"] == {"changed": True, "errors": []}

    await asyncio.gather(*(add(api, source) for source, api in zip(sources, cycle(both), strict=False)))
    query = (
        "query ($id: ID!) { asset(id: $id) { ... on Dataset { revision derivedFrom(first: 100) { nodes { id } } } } }"
    )
    for api in both:
        found = (await api.ask("root", query, id=urn))["asset"]
        assert sorted(each["id"] for each in found["derivedFrom"]["nodes"]) == sorted(sources)


async def test_changes_of_both_processes_have_one_order(both: tuple[Api, Api]) -> None:
    """Writes in turns have increasing instants, and both processes list the same changes in that order."""
    urns = [new_id() for _ in range(10)]
    for urn, api in zip(urns, cycle(both), strict=False):
        await api.load(dataset(urn))
    newest = "{ changes(first: 10) { nodes { at subject { id } } } }"
    for api in both:
        found = (await api.ask("root", newest))["changes"]["nodes"]
        assert [each["subject"]["id"] for each in found] == urns[::-1]
        instants = [each["at"] for each in found]
        assert instants == sorted(set(instants), reverse=True)


async def test_one_process_leads(both: tuple[Api, Api]) -> None:
    """Exactly one of the processes holds the job lease, and what the other writes is worked off by it."""
    first, second = both
    await until(lambda: log_of(first).leads or log_of(second).leads)
    assert log_of(first).leads != log_of(second).leads
    follower = second if log_of(first).leads else first
    tag, urn, below = "mlg://tag/catalog/default/two", new_id(), new_id()
    await follower.load(
        {"tag": {"name": "two", "tagKind": "FREE", "propagates": True}},
        dataset(urn, tags=[tag]),
        dataset(below, derivedFrom=[urn]),
    )
    query = "query ($id: ID!) { asset(id: $id) { tags { tag { id } } } }"

    async def tags(api: Api) -> list[str]:
        return [each["tag"]["id"] for each in (await api.ask("root", query, id=below))["asset"]["tags"]]

    await until(lambda: not first.coordinator.outbox.entries and not second.coordinator.outbox.entries)
    assert await tags(second) == await tags(first) == [tag]


@pytest.mark.parametrize("ahead", [0, 1], ids=["first", "second"])
async def test_clocks_may_differ(both: tuple[Api, Api], monkeypatch: pytest.MonkeyPatch, ahead: int) -> None:
    """Writes of a process with a clock 20 s ahead are read by the other one at once, and their tags propagate."""
    writer, reader = both[ahead], both[1 - ahead]
    tag, urn, below = f"mlg://tag/catalog/default/ahead{ahead}", new_id(), new_id()
    await reader.load({"tag": {"name": f"ahead{ahead}", "tagKind": "FREE", "propagates": True}})
    monkeypatch.setattr(writer.coordinator.commit_log, "present", lambda now: now + 20_000)
    await writer.load(dataset(urn, tags=[tag]), dataset(below, derivedFrom=[urn]))
    assert [each["id"] for each in (await read(reader, below))["derivedFrom"]["nodes"]] == [urn]
    await until(lambda: not reader.coordinator.outbox.entries and not writer.coordinator.outbox.entries)
    query = "query ($id: ID!) { asset(id: $id) { tags { tag { id } } } }"
    for api in both:
        assert [each["tag"]["id"] for each in (await api.ask("root", query, id=below))["asset"]["tags"]] == [tag]


async def test_a_process_that_lags_too_far_forgets_everything(
    both: tuple[Api, Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the entries that it lacks were deleted, a process reads all again, and knows the last transaction."""
    first, second = both
    urn = new_id()
    await first.load(dataset(urn, description="old"))
    assert (await read(second, urn))["description"] == "old"
    monkeypatch.setattr(write_log, "KEPT", 0)
    monkeypatch.setattr(write_log, "DROPPED_AT_ONCE", 1)
    learn, log = log_of(second).learn, log_of(second)

    async def nothing() -> None:
        """Learn nothing, like a process that is paused."""

    monkeypatch.setattr(log, "learn", nothing)
    for number in range(3):
        await first.load(dataset(urn, description=f"new {number}"))
    monkeypatch.setattr(log, "learn", learn)
    assert (await read(second, urn))["description"] == "new 2"
    assert log.known >= log_of(first).known


async def test_a_sensitivity_floor_applies_in_every_process(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a write raises beyond its transaction is confidential in the other process at once, also if it is cached."""
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", 3)
    source, team = "mlg://dataset/test/default/source", {"owner": "mlg://team/catalog/default/ranking"}
    consumers = [f"mlg://dataset/test/default/c{number}" for number in range(8)]
    listing = "{ assets(filter: {kinds: [DATASET]}, first: 50) { nodes { id } } }"
    async with (
        open_api(graph, tmp_path, no_jobs, shared=True) as first,
        open_api(graph, tmp_path, no_jobs, shared=True) as second,
    ):
        items = [dataset(urn, owners=[team], derivedFrom=[source]) for urn in consumers]
        await first.load({"team": {"name": "ranking"}}, dataset(source, owners=[team]), *items)
        for _ in range(2):
            assert len((await second.ask("bo", listing))["assets"]["nodes"]) == 9
        await first.load(dataset(source, owners=[team], sensitivity="RESTRICTED"))
        assert first.coordinator.outbox.floors.active
        assert (await second.ask("bo", listing))["assets"]["nodes"] == []
        assert (await second.ask("bo", "query ($id: ID!) { asset(id: $id) { id } }", id=consumers[7]))["asset"] is None
