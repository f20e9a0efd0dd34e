"""Loaders of one level receive the error if their shared request fails."""

import asyncio
from dataclasses import replace

import pytest
from support.stores.observed_requests import ObservedRequests

from app.graph.cache.graph_cache import GraphCache
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.reading.level import level_batcher
from app.graph.reading.level.hop_plan import HopSpec
from app.graph.reading.level.index_filter import NO_VERTEX, filter_of
from app.graph.reading.level.index_query import IndexQuery
from app.graph.reading.level.level_batcher import LevelBatcher, LevelRequest
from app.graph.records.read_time import ReadTime
from app.graph.records.record_text import text_of
from app.graph.records.vertex_id import vertex_id
from graphql_schema.ports.conditions import In
from graphql_schema.ports.operation_budget import MANY_ROWS, OperationBudget, UsageLimits
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.turns.gradual_release import GradualRelease
from policies.errors import CodedError, LimitError


class BrokenError(Exception):
    """An error that no code handles."""


@pytest.mark.parametrize("error", [CodedError("The store failed; try again."), BrokenError()])
async def test_every_waiting_loader_gets_the_error(
    client: GremlinClient, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """An error of any type reaches all waiting loaders unchanged and not as a cancellation; the next level is sent."""
    submit = GremlinClient.submit

    async def fail(*_: object, **__: object) -> None:
        raise error

    coalescer = LevelBatcher(client, "default", ReadTime(0))
    monkeypatch.setattr(GremlinClient, "submit", fail)
    requested = [coalescer.fetch(LevelRequest(vertices=[point])) for point in (256, 512)]
    assert await asyncio.gather(*requested, return_exceptions=True) == [error, error]
    monkeypatch.setattr(GremlinClient, "submit", submit)
    assert (await coalescer.fetch(LevelRequest(vertices=[256]))).records == {}


async def test_a_request_some_turns_later_still_joins_the_level(client: GremlinClient) -> None:
    """Resolvers need unequal numbers of turns of the event loop to reach a level.

    Their requests still travel together.
    """
    coalescer = LevelBatcher(client, "default", ReadTime(0))
    client.observers.append(requests := ObservedRequests())

    async def request_after(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await coalescer.fetch(LevelRequest(vertices=[256 * (turns + 1)]))

    await asyncio.gather(*(request_after(turns) for turns in (0, 3, 8)))
    assert len(requests.reports) == 1


async def test_what_a_large_operation_has_read_is_freed_in_turns(
    client: GremlinClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A level may be the last to refer to a hundred thousand edges, which take 50 ms; that of a small one is freed.

    A level is freed when the next one is requested, and the last one with its reader.
    """
    freed = list[int]()
    monkeypatch.setattr(GradualRelease, "free", lambda _, responses: freed.append(len(responses)))
    for rows, expected in ((MANY_ROWS, []), (MANY_ROWS + 1, [2])):
        batcher = LevelBatcher(client, "default", ReadTime(0), OperationBudget(rows=rows))
        await asyncio.gather(*(batcher.fetch(LevelRequest(vertices=[point])) for point in (256, 512)))
        last = await batcher.fetch(LevelRequest(vertices=[768]))
        for _ in range(10):
            await asyncio.sleep(0)
        assert freed == expected
        assert [each is last for each in batcher._former] == [True]  # noqa: SLF001 - what its reader is freed with


class SentListings:
    """Takes the place of the store: ``sent`` and ``points`` count the listings and the vertices of each request."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[int] = []
        self.points: list[int] = []

        async def submit(_self: object, _text: str, given: JsonObject, **_: object) -> list[JsonObject]:
            self.sent.append(len(given["listings"]))
            self.points.append(len(given["points"]))
            found = [{"x": [listing["n"]], "s": [], "n": -1} for listing in given["listings"]]
            edges: list[list[object]] = [[] for _ in given["hops"]]
            return [{"e": edges, "v": [], "w": [], "l": found, "over": False, "large": False, "r": [], "h": 0}]

        monkeypatch.setattr(GremlinClient, "submit", submit)


def listed(*numbers: int) -> LevelRequest:
    """Return a request of listings with these numbers of vertices."""
    return LevelRequest(listings=[IndexQuery(NO_VERTEX, number).wire() for number in numbers])


async def test_many_listings_are_sent_in_parts(client: GremlinClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part has at most 100 listings, unless one loader has more; what has no listing joins any part."""
    store = SentListings(monkeypatch)
    batcher = LevelBatcher(client, "default", ReadTime(0))
    requests = [listed(*range(first, first + count)) for first, count in ((0, 60), (60, 40), (100, 1), (101, 130))]
    requests[1:1] = [LevelRequest(vertices=[256]), LevelRequest(hops=[{"p": -1, "xs": [256]}])]
    found = await asyncio.gather(*map(batcher.fetch, requests))
    assert store.sent == [100, 1, 130]
    assert [each["x"] for response in found for each in response.listings] == [[number] for number in range(231)]
    assert [len(response.edges) for response in found] == [0, 0, 1, 0, 0, 0]


async def test_many_named_vertices_are_sent_in_parts(client: GremlinClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part names at most 10,000 vertices, unless one loader names more; what names none joins any part."""
    store = SentListings(monkeypatch)
    batcher = LevelBatcher(client, "default", ReadTime(0))
    counts = [6_000, 4_000, 1, 12_000]
    requests = [LevelRequest(vertices=range(begin, begin + count)) for begin, count in enumerate(counts)]
    await asyncio.gather(*map(batcher.fetch, [listed(1), *requests, listed(2)]))
    assert store.points == [6_000, 1, 12_000]
    assert store.sent == [1, 0, 1]


@pytest.mark.parametrize(
    ("limits", "limit"), [(UsageLimits(listings=199), "listings"), (UsageLimits(filters=20_000), "filters")]
)
async def test_too_many_or_large_listings_are_not_sent(
    client: GremlinClient, monkeypatch: pytest.MonkeyPatch, limits: UsageLimits, limit: str
) -> None:
    """All listings of a level count before the first part is sent; those that go on with others do not count."""
    store = SentListings(monkeypatch)
    where = filter_of(In("name", ("x" * 20,)))
    large = LevelRequest(listings=[IndexQuery(where, 1).wire()] * 100)
    batcher = LevelBatcher(client, "default", ReadTime(0), OperationBudget(limits))
    found = await asyncio.gather(*map(batcher.fetch, (large, replace(large, continues=True))))
    assert [len(each.listings) for each in found] == [100, 100]
    assert (store.sent, batcher.budget.listings, batcher.budget.filters) == ([100, 100], 100, 10_000)
    for _ in range(2):
        refused = await asyncio.gather(batcher.fetch(large), batcher.fetch(large), return_exceptions=True)
        for error in refused:
            assert isinstance(error, LimitError)
            assert error.extensions["limit"] == limit
    assert store.sent == [100, 100]


async def test_what_is_abandoned_sends_and_counts_nothing(
    client: GremlinClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller of a request in flight is cancelled, its rows are not counted, and one that waits is never sent."""
    sent = asyncio.Event()
    requests: list[int] = []

    async def wait(*_: object, **__: object) -> None:
        requests.append(1)
        sent.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(GremlinClient, "submit", wait)
    batcher = LevelBatcher(client, "default", ReadTime(0))
    first = asyncio.ensure_future(batcher.fetch(LevelRequest(vertices=[256])))
    await sent.wait()
    second = asyncio.ensure_future(batcher.fetch(LevelRequest(vertices=[512])))
    await asyncio.sleep(0)
    batcher.abandon()
    await asyncio.wait({first, second})
    assert first.cancelled()
    assert second.cancelled()
    assert (requests, batcher.budget.rows) == ([1], 0)


async def test_what_is_fetched_after_the_end_is_cancelled(
    client: GremlinClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task that goes on after the operation was abandoned neither sends a request nor waits for ever."""
    requests: list[int] = []

    async def wait(*_: object, **__: object) -> None:
        requests.append(1)
        await asyncio.Event().wait()

    monkeypatch.setattr(GremlinClient, "submit", wait)
    batcher = LevelBatcher(client, "default", ReadTime(0))
    first = asyncio.ensure_future(batcher.fetch(LevelRequest(vertices=[256])))
    await asyncio.sleep(0)
    batcher.abandon()
    late = asyncio.ensure_future(batcher.fetch(LevelRequest(vertices=[512])))
    done, waiting = await asyncio.wait({first, late}, timeout=5)
    assert (len(done), waiting) == (2, set())
    assert late.cancelled()
    assert requests == []


def _stored(vid: int, size: int) -> str:
    """Return the text of a record of an edge or a vertex, with a size in characters."""
    record = f'{{"id":"{URNS[vid]}","text":""}}'
    return record.replace('""', f'"{"x" * (size - len(record))}"')


URNS = {vertex_id("default", urn): urn for urn in ("mlg://team/a/b/small", "mlg://team/a/b/large")}
SMALL, LARGE = URNS


@pytest.mark.parametrize("large", [LevelRequest(hops=[{"p": -1, "xs": [LARGE]}]), LevelRequest(vertices=[LARGE])])
async def test_a_loader_that_reads_too_much_text_fails_no_other(
    client: GremlinClient, monkeypatch: pytest.MonkeyPatch, large: LevelRequest
) -> None:
    """Too large edges, or a too large record, are the error of their own loader; the others get what they need."""
    sizes = {SMALL: 80, LARGE: 200}

    async def submit(_self: object, _text: str, given: JsonObject, **_: object) -> list[JsonObject]:
        rows = [[vid, vid, _stored(vid, sizes[vid])] for hop in given["hops"] for vid in hop["xs"]]
        texts = [_stored(vid, sizes[vid]) for vid in given["points"]]
        read = texts if given["full"] else []
        if sum(len(text) for text in [*read, *(row[2] for row in rows)]) >= given["size"]:
            return [{"e": [], "v": [], "w": [], "l": [], "over": False, "large": True, "h": 0}]
        wanted = [] if given["full"] else given["points"]
        edges = rows or [[] for _ in given["hops"]]
        return [{"e": edges, "v": read, "w": wanted, "l": [], "over": False, "large": False, "r": [], "h": 0}]

    monkeypatch.setattr(GremlinClient, "submit", submit)
    monkeypatch.setattr(level_batcher, "RECORDS_CAP", 190)
    batcher = LevelBatcher(client, "default", ReadTime(0))
    requests = [large, LevelRequest(vertices=[SMALL]), LevelRequest(hops=[{"p": -1, "xs": [SMALL]}])]
    refused, point, edge = await asyncio.gather(*map(batcher.fetch, requests), return_exceptions=True)
    assert isinstance(refused, LimitError)
    assert (refused.extensions["limit"], refused.extensions["maximum"]) == ("stored", 190)
    assert not isinstance(point, BaseException)
    assert not isinstance(edge, BaseException)
    assert list(point.records) == [SMALL]
    assert [[*found] for found in edge.edges] == [[SMALL]]


@pytest.mark.parametrize("edges", [False, True])
async def test_short_values_count_by_the_memory_that_they_take(
    client: GremlinClient, monkeypatch: pytest.MonkeyPatch, *, edges: bool
) -> None:
    """Of two records of the same length, one long text is read, and thousands of short ones end the operation."""
    short = text_of({"id": URNS[LARGE], "names": ["a"] * 5_000})
    stored = {SMALL: _stored(SMALL, len(short)), LARGE: short}

    async def submit(_self: object, _text: str, given: JsonObject, **_: object) -> list[JsonObject]:
        rows = [[part for vid in hop["xs"] for part in (vid, vid, stored[vid])] for hop in given["hops"]]
        texts = [stored[vid] for vid in given["points"]]
        return [{"e": rows, "v": texts, "w": [], "l": [], "over": False, "large": False, "r": [], "h": 0}]

    monkeypatch.setattr(GremlinClient, "submit", submit)
    for vid, ends in ((SMALL, False), (LARGE, True)):
        budget = OperationBudget(UsageLimits(stored=5 * len(short)))
        batcher = LevelBatcher(client, "default", ReadTime(0), budget)
        request = LevelRequest(hops=[{"p": -1, "xs": [vid]}]) if edges else LevelRequest(vertices=[vid])
        (found,) = await asyncio.gather(batcher.fetch(request), return_exceptions=True)
        assert isinstance(found, LimitError) is ends, found
        assert getattr(budget.ended, "extensions", {}).get("limit") == ("stored" if ends else None)


@pytest.mark.parametrize("refused_from", [100, 0])
async def test_only_a_request_with_a_bound_is_refused_for_its_records(
    client: GremlinClient, monkeypatch: pytest.MonkeyPatch, refused_from: int
) -> None:
    """The records of other requests are read in parts."""

    async def submit(_self: object, _text: str, given: JsonObject, **_: object) -> list[JsonObject]:
        texts = [_stored(vid, 80) for vid in given["points"]]
        if given["full"] and sum(map(len, texts)) >= given["size"]:
            return [{"e": [], "v": [], "w": [], "l": [], "over": False, "large": True, "h": 0}]
        read, wanted = (texts, []) if given["full"] else ([], given["points"])
        edges: list[list[object]] = [[] for _ in given["hops"]]
        return [{"e": edges, "v": read, "w": wanted, "l": [], "over": False, "large": False, "r": [], "h": 0}]

    monkeypatch.setattr(GremlinClient, "submit", submit)
    monkeypatch.setattr(level_batcher, "RECORDS_CAP", 100)
    batcher = LevelBatcher(client, "default", ReadTime(0))
    request = LevelRequest(vertices=[SMALL, LARGE], hops=[{"p": -1, "xs": [SMALL]}], refused_from=refused_from)
    (found,) = await asyncio.gather(batcher.fetch(request), return_exceptions=True)
    if refused_from:
        assert isinstance(found, LimitError)
    else:
        assert not isinstance(found, BaseException)
        assert {*found.records} == {SMALL, LARGE}


@pytest.mark.parametrize("ends", [False, True])
async def test_an_operation_that_has_ended_continues_no_level(
    client: GremlinClient, monkeypatch: pytest.MonkeyPatch, *, ends: bool
) -> None:
    """A response that stops within a hop is continued by a further request, unless the operation ended meanwhile."""
    budget, sent = OperationBudget(), list[JsonObject]()

    async def submit(_self: object, _text: str, given: JsonObject, **_: object) -> list[JsonObject]:
        sent.append(given)
        rest = [0, [LARGE], [[SMALL, 0, 7, 0]], 40, 1_000] if len(sent) == 1 else []
        if ends:
            budget.end(CodedError("The operation took too long."))
        rows = [SMALL, len(sent) << 8, _stored(SMALL, 80)]
        found = {"e": [rows], "v": [], "w": [], "l": [], "over": False, "large": False, "r": rest, "h": 0}
        return [found]

    monkeypatch.setattr(GremlinClient, "submit", submit)
    batcher = LevelBatcher(client, "default", ReadTime(0), budget)
    request = LevelRequest(hops=[{"p": -1, "xs": [SMALL, LARGE]}])
    (found,) = await asyncio.gather(batcher.fetch(request), return_exceptions=True)
    if ends:
        assert (found, len(sent)) == (budget.ended, 1)
        return
    assert not isinstance(found, BaseException)
    assert [far for far, _ in found.edges[0][SMALL]] == [1 << 8, 2 << 8]
    assert [(each["cap"], each["size"]) for each in sent[1:]] == [(40, 1_000)]
    assert (sent[1]["hops"][0]["xs"], sent[1]["hops"][0]["b"]) == ([LARGE], [[SMALL, 0, 7, 0]])


@pytest.mark.usefixtures("by_chance")
@pytest.mark.parametrize(("number", "refusals"), [(1_000, {20}), (875, {*range(1, 20)}), (740, {0})])
@pytest.mark.parametrize("cached", [False, True])
async def test_the_limit_of_a_level_is_lower_by_chance(
    client: GremlinClient, monkeypatch: pytest.MonkeyPatch, *, number: int, refusals: set[int], cached: bool
) -> None:
    """Each level draws the number of edges at which it ends, for the store and the cache; the error has the maximum.

    A caller with own edges at an asset cannot count the hidden ones there by the number at which the answer ends.
    """
    caps: list[int] = []
    rows = [part for far in range(number) for part in (SMALL, (far + 3) << 8, text_of({"validFrom": 0}))]

    async def submit(_self: object, _text: str, given: JsonObject, **_: object) -> list[JsonObject]:
        caps.append(given["cap"])
        over = number >= given["cap"]
        edges = [[] if over else rows] * len(given["hops"])
        return [{"e": edges, "v": [], "w": [], "l": [], "over": over, "large": False, "r": [], "h": 0}]

    monkeypatch.setattr(GremlinClient, "submit", submit)
    monkeypatch.setattr(level_batcher, "EDGE_CAP", 1_000)
    hop, cache, refused = HopSpec("out", ("DERIVES",), (), -1).wire([SMALL]), GraphCache(1 << 24), 0
    for _ in range(20):
        batcher = LevelBatcher(client, "default", ReadTime(0), cache=cache if cached else None)
        (found,) = await asyncio.gather(batcher.fetch(LevelRequest(hops=[hop])), return_exceptions=True)
        if isinstance(found, LimitError):
            assert (found.extensions, "1000 edges" in found.message) == ({"limit": 1_000}, True)
            refused += 1
    assert refused in refusals
    assert cached or (len({*caps}) > 10 and 750 <= min(caps) < max(caps) <= 1_000)
