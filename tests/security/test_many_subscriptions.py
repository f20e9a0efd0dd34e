"""Many subscriptions of one caller cost the others little, and each of them is answered and logged as if alone."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from starlette.requests import HTTPConnection
from support.estates import leak_catalogue as leaks
from support.servers.in_process import Api, open_api
from support.servers.websocket_client import SocketClient, connected, serving
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.waiting import until

from app.graph.reading.level.level_statement import LEVEL
from policies.principal import Principal

FOLLOW = """subscription ($after: Cursor) { changes(after: $after) {
  id cursor subjectId fields { field after } subject { id displayName description } } }"""
CANARIES = """subscription ($after: Cursor) { changes(after: $after) {
  subjectId subject { ... on ModelVersion { artifactUri } } } }"""
PROBE = leaks.urn("dataset", "probe")


@pytest.fixture(scope="module")
async def api(leaky: Api) -> AsyncIterator[tuple[Api, str]]:
    """Serve the API over an estate that holds an instance of everything that could leak."""
    async with serving(leaky.app) as address:
        yield leaky, address


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep shared results until the next transaction, so that a slow machine reads nothing again."""
    for module in ("app.runtime.fan_out", "graphql_schema.subscription"):
        monkeypatch.setattr(f"{module}.FRESH_SECONDS", 600.0)


async def newest(api: Api, who: str) -> str:
    """Return the cursor of the newest change visible to a caller."""
    found = await api.ask(who, "{ changes(first: 1) { nodes { cursor } } }")
    cursor: str = found["changes"]["nodes"][0]["cursor"]
    return cursor


@asynccontextmanager
async def following(
    address: str, api: Api, callers: Sequence[str], documents: Sequence[str]
) -> AsyncIterator[list[SocketClient]]:
    """Open a connection of each caller with a subscription to each document, after the newest change."""
    async with AsyncExitStack() as stack:
        talks = []
        for who in callers:
            talks.append(await stack.enter_async_context(connected(address, api.tokens[who])))
            after = await newest(api, who)
            for number, document in enumerate(documents):
                await talks[-1].subscribe(document, str(number), after=after)
        # One change that all receive: from then on they wait at the same position.
        await api.load({"dataset": {"id": PROBE, "description": f"begin {uuid4()}"}})
        await events(talks, len(documents))
        yield talks
        await all_wait(api, len(callers) * len(documents))


async def all_wait(api: Api, number: int) -> None:
    """Return when this number of subscriptions have read everything."""
    log = api.coordinator.commit_log
    await until(lambda: log.waiting == number)


async def events(talks: Sequence[SocketClient], each: int) -> list[dict[str, Any]]:
    """Return the next payloads of some connections: ``each`` of every one."""
    found = await asyncio.gather(*(_payloads(talk, each) for talk in talks))
    return [payload for payloads in found for payload in payloads]


async def _payloads(talk: SocketClient, count: int) -> list[dict[str, Any]]:
    messages = [await talk.receive() for _ in range(count)]
    assert {message["type"] for message in messages} == {"next"}
    return [message["payload"] for message in messages]


async def reads_of_a_change(api: Api, talks: Sequence[SocketClient], each: int, text: str) -> int:
    """Return how many requests to the store subscriptions send for one change that all of them receive."""
    await api.wait_for_jobs()
    await all_wait(api, len(talks) * each)
    requests = ObservedRequests()
    api.client.observers.append(requests)
    try:
        await api.load({"dataset": {"id": PROBE, "description": text}})
        found = await events(talks, each)
        await all_wait(api, len(talks) * each)
    finally:
        api.client.observers.remove(requests)
    assert len({json.dumps(payload) for payload in found}) == 1
    assert text in json.dumps(found[0])
    return requests.texts[LEVEL.text]


async def test_equal_subscriptions_of_a_caller_read_a_change_once(api: tuple[Api, str]) -> None:
    """24 subscriptions of bo over three connections send the requests of one, and get the same event."""
    graph, address = api
    async with following(address, graph, ["bo"], [FOLLOW]) as talks:
        alone = await reads_of_a_change(graph, talks, 1, "one")
    async with following(address, graph, ["bo"] * 3, [FOLLOW] * 8) as talks:
        together = await reads_of_a_change(graph, talks, 8, "many")
    assert together == alone > 0


async def test_different_subscriptions_of_a_caller_share_the_batch(api: tuple[Api, str]) -> None:
    """Subscriptions with different selections read the changes once; only what they select is read by each."""
    graph, address = api
    plain = "subscription ($after: Cursor) { changes(after: $after) { fields { after } } }"
    async with following(address, graph, ["bo"], [plain]) as talks:
        alone = await reads_of_a_change(graph, talks, 1, "single")
    several = [plain + " " * number for number in range(10)]
    async with following(address, graph, ["bo"], several) as talks:
        together = await reads_of_a_change(graph, talks, 10, "several")
    assert together == alone > 0


async def test_subscriptions_that_continue_at_different_changes_share_them(api: tuple[Api, str]) -> None:
    """Those who are behind read what is ahead for the others; each receives every change after its own cursor once."""
    graph, address = api
    await graph.load({"dataset": {"id": PROBE}})
    cursors = []
    for number in range(5):
        cursors.append(await newest(graph, "bo"))
        await graph.load({"dataset": {"id": PROBE, "description": f"step {number}"}})
    sent, received = [], []
    for starts in ([0], [0, 1, 2, 3, 4, 2, 0]):
        await graph.load({"dataset": {"id": leaks.HIDDEN, "description": f"results are dropped {uuid4()}"}})
        await graph.wait_for_jobs()
        requests = ObservedRequests()
        graph.client.observers.append(requests)
        async with connected(address, graph.tokens["bo"]) as talk:
            for number, start in enumerate(starts):
                await talk.subscribe(FOLLOW, str(number), after=cursors[start])
            messages = [await talk.receive() for _ in range(sum(5 - start for start in starts))]
            await all_wait(graph, len(starts))
        graph.client.observers.remove(requests)
        sent.append(requests.texts[LEVEL.text])
        received.append(messages)
    assert sent[1] == sent[0] > 0
    steps: dict[str, list[str]] = {}
    for message in received[1]:
        steps.setdefault(message["id"], []).append(message["payload"]["data"]["changes"]["fields"][0]["after"])
    assert steps == {
        str(number): [f"step {step}" for step in range(start, 5)] for number, start in enumerate([0, 1, 2, 3, 4, 2, 0])
    }


async def test_a_subscription_whose_client_does_not_read_has_no_turn(graph: StoreGraph, tmp_path: Path) -> None:
    """While a client takes no event, other subscriptions of its caller get theirs; it continues where it was."""
    async with open_api(graph, tmp_path) as api:
        await api.load({"dataset": {"id": PROBE}})
        after = await newest(api, "bo")
        bo = await api.process.authenticator.authenticate(f"Bearer {api.tokens['bo']}")

        async def current() -> Principal:
            return bo

        socket = HTTPConnection({"type": "websocket", "headers": []})
        slow, quick = [
            await api.process.schema.stream(FOLLOW, {"after": after}, api.contexts.open(socket, bo, current))
            for _ in range(2)
        ]
        wanted = [f"text {number}" for number in range(4)]
        for text in wanted:
            await api.load({"dataset": {"id": PROBE, "description": text}})
        found = [await _description(slow)]
        assert [await _description(quick) for _ in wanted] == wanted
        found += [await _description(slow) for _ in wanted[1:]]
        assert found == wanted
        for events_ in (slow, quick):
            await events_.aclose()
        assert api.contexts.fan_out.turns.all.running == 0  # nothing is left behind


async def _description(stream: Any) -> str:
    """Return the description in the next event of a stream."""
    async with asyncio.timeout(30):
        result = await anext(stream)
    assert not result.errors
    text: str = result.data["changes"]["fields"][0]["after"]
    return text


async def test_callers_with_other_rights_share_nothing(api: tuple[Api, str]) -> None:
    """Ada and bo follow with one document: ada receives the change of a hidden asset, and bo no trace of it."""
    graph, address = api
    async with following(address, graph, ["ada", "bo"], [FOLLOW]) as (ada, bo):
        await graph.load({"dataset": {"id": leaks.HIDDEN, "description": f"{leaks.CANARY}-shared"}})
        await graph.load({"dataset": {"id": PROBE, "description": "after the hidden one"}})
        (hidden, *_), (shown,) = await events([ada], 2), await events([bo], 1)
    assert hidden["data"]["changes"]["subjectId"] == leaks.HIDDEN
    assert shown["data"]["changes"]["subjectId"] == PROBE
    assert leaks.CANARY not in json.dumps(shown)


@pytest.mark.parametrize(("who", "event"), [("ada", "read"), ("bo", "denied")])
async def test_shared_events_are_logged_for_each_subscription(api: tuple[Api, str], who: str, event: str) -> None:
    """Each of six equal subscriptions reports its denial, and each connection is in the access log by its own id."""
    graph, address = api
    path = graph.process.settings.data_dir / "access.jsonl"
    async with following(address, graph, [who] * 3, [CANARIES] * 2) as talks:
        before = path.read_text() if path.exists() else ""
        await graph.load({"modelVersion": {"id": leaks.VERSION, "description": f"shared {who}"}})
        found = await events(talks, 2)
    lines = [json.loads(line) for line in path.read_text().removeprefix(before).splitlines()]
    logged = [(line["event"], line["coordinate"], line["subject"]) for line in lines if line["subject"] == who]
    assert logged == [(event, "ModelVersion.artifactUri", who)] * 6
    assert len({line["requestId"] for line in lines if line["subject"] == who}) == 3
    denials = [payload.get("extensions", {}).get("authorization", {}).get("hidden", [{}]) for payload in found]
    reported = {denied[0].get("count") for denied in denials}
    assert reported == {1 if event == "denied" else None}


async def test_a_change_that_turns_hidden_is_not_delivered_from_what_is_shared(api: tuple[Api, str]) -> None:
    """What was read before a transaction is dropped with it, though results are kept for long otherwise."""
    graph, address = api
    turning = leaks.urn("dataset", "turning-shared")
    async with following(address, graph, ["bo"] * 2, [FOLLOW] * 4) as talks:
        await graph.load({"dataset": {"id": turning, "owners": [{"owner": leaks.RANKING}]}})
        assert {payload["data"]["changes"]["subjectId"] for payload in await events(talks, 4)} == {turning}
        secret = f"{leaks.CANARY}-turned"
        await graph.load({"dataset": {"id": turning, "description": secret, "visibility": "TEAM"}})
        await graph.load({"dataset": {"id": PROBE, "description": "turned, shared"}})
        found = await events(talks, 4)
    assert {payload["data"]["changes"]["subjectId"] for payload in found} == {PROBE}
