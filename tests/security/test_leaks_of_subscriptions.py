"""What a subscription discloses and to whom: connections, expiry, and changes that become hidden before delivery."""

import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import HTTPConnection
from support.estates import leak_catalogue as leaks
from support.servers.in_process import Api, open_api
from support.servers.websocket_client import SocketClient, connected, serving
from support.stores.janusgraph import StoreGraph

from app.auth.dev_issuer import LIFETIME_SECONDS, DevIssuer
from app.auth.personas import persona
from app.telemetry.access_log import AccessLog

SHOWN = "mlg://model-version/test/default/ranker@9"
"""A version that no deployment uses, so that its content may change."""

FOLLOW = """subscription ($after: Cursor, $filter: ChangeFilter) { changes(after: $after, filter: $filter) {
  id subjectId actor reason cursor fields { field before after } subject { id displayName description
    ... on ModelVersion { artifactUri } } } }"""
PROBE, UNSEEN = leaks.urn("dataset", "probe"), leaks.urn("dataset", "zz-new")
TEAM = {"owners": [{"owner": leaks.RANKING}]}


@pytest.fixture(scope="module")
async def api(leaky: Api) -> AsyncIterator[tuple[Api, str]]:
    """Serve the API over an estate that holds an instance of everything that could leak."""
    async with serving(leaky.app) as address:
        yield leaky, address


async def newest(api: Api, who: str) -> str:
    """Return the cursor of the newest change visible to a caller."""
    found = await api.ask(who, "{ changes(first: 1) { nodes { cursor } } }")
    cursor: str = found["changes"]["nodes"][0]["cursor"]
    return cursor


async def reported_until(talk: SocketClient, subject: str) -> list[dict[str, Any]]:
    """Return the changes up to the first one of a subject."""
    reported: list[dict[str, Any]] = []
    while not reported or reported[-1]["subjectId"] != subject:
        reported.append((await talk.event())["changes"])
    return reported


async def test_no_hidden_change_is_delivered(api: tuple[Api, str]) -> None:
    """Bo receives no event and no gap for hidden assets and no value of a draft, though ada receives all of them."""
    graph, address = api
    await graph.load({"modelVersion": {"id": SHOWN, "owners": [{"owner": leaks.RANKING}]}})
    cursors = {who: await newest(graph, who) for who in ("ada", "bo")}
    for round_ in ("one", "two"):
        hidden = {"description": f"{leaks.CANARY}-{round_}"}
        await graph.load({"dataset": {"id": leaks.HIDDEN, **hidden}}, {"dataset": {"id": leaks.DRAFT, **hidden}})
        await graph.load({"modelVersion": {"id": SHOWN, "artifactUri": f"s3://{leaks.CANARY}-{round_}"}})
        await graph.load({"dataset": {"id": PROBE, "description": round_}})
    reported = {}
    for who, cursor in cursors.items():
        async with connected(address, graph.tokens[who]) as talk:
            await talk.subscribe(FOLLOW, after=cursor)
            reported[who] = [*await reported_until(talk, PROBE), *await reported_until(talk, PROBE)]
    subjects = {who: [change["subjectId"] for change in changes] for who, changes in reported.items()}
    assert set(subjects["ada"]) == {leaks.HIDDEN, leaks.DRAFT, SHOWN, PROBE}
    assert len(subjects["ada"]) == 8
    assert subjects["bo"] == [SHOWN, PROBE] * 2
    assert leaks.CANARY in str(reported["ada"])
    assert leaks.CANARY not in str(reported["bo"])
    assert leaks.HIDDEN_NAME not in str(reported["bo"])


async def test_a_filter_for_what_is_hidden(api: tuple[Api, str]) -> None:
    """A subscription to the changes of a hidden id discloses as little as one to those of an unknown id."""
    graph, address = api
    after = await newest(graph, "bo")
    async with connected(address, graph.tokens["bo"]) as talk:
        for name, urn in (("hidden", leaks.HIDDEN), ("unknown", leaks.UNKNOWN), ("probe", PROBE)):
            await talk.subscribe(FOLLOW, name, after=after, filter={"subjects": [urn]})
        await graph.load({"dataset": {"id": leaks.HIDDEN, "description": f"{leaks.CANARY}-filtered"}})
        await graph.load({"dataset": {"id": PROBE, "description": "filtered"}})
        assert (await talk.receive())["id"] == "probe"


async def test_visibility_is_evaluated_at_delivery(api: tuple[Api, str]) -> None:
    """A subject's changes are delivered while it is open; the change that hides it and later ones are not."""
    graph, address = api
    turning = leaks.urn("dataset", "turning")
    await graph.load({"dataset": {"id": turning, **TEAM}})
    after = await newest(graph, "bo")
    async with connected(address, graph.tokens["bo"]) as talk:
        await talk.subscribe(FOLLOW, after=after)
        await graph.load({"dataset": {"id": turning, "description": "seen"}})
        assert (await talk.event())["changes"]["subjectId"] == turning
        await graph.load({"dataset": {"id": turning, "description": "seen, or not"}})
        await graph.load({"dataset": {"id": turning, "description": f"{leaks.CANARY}-turned", "visibility": "TEAM"}})
        await graph.load({"dataset": {"id": PROBE, "description": "turned"}})
        reported = await reported_until(talk, PROBE)
    assert [change["subjectId"] for change in reported].count(turning) <= 1
    assert leaks.CANARY not in str(reported)


async def test_a_change_read_ahead_is_evaluated_again(graph: StoreGraph, tmp_path: Path) -> None:
    """A change read together with an earlier one is evaluated against the policy again if a write came in between."""
    async with open_api(graph, tmp_path) as api:
        first, second = (leaks.urn("dataset", name) for name in ("first", "second"))
        await api.load({"team": {"name": "ranking"}}, {"dataset": {"id": PROBE}})
        after = await newest(api, "bo")
        await api.load(*({"dataset": {"id": each, **TEAM}} for each in (first, second)))
        bo = await api.process.authenticator.authenticate(f"Bearer {api.tokens['bo']}")
        context = api.contexts.open(HTTPConnection({"type": "websocket", "headers": []}), bo)
        events = await api.process.schema.stream(FOLLOW, {"after": after}, context)
        reported = [await _subject(events)]
        (other,) = {first, second}.difference(reported)
        await api.load({"dataset": {"id": other, "visibility": "TEAM"}}, {"dataset": {"id": UNSEEN}})
        assert await _subject(events) == UNSEEN
        await events.aclose()


async def _subject(events: Any) -> str:
    result = await anext(events)
    assert not result.errors
    subject: str = result.data["changes"]["subjectId"]
    return subject


async def test_membership_is_evaluated_at_delivery(graph: StoreGraph, tmp_path: Path) -> None:
    """A caller who leaves a parent team receives no further changes of it once team memberships are looked up again."""
    async with open_api(graph, tmp_path) as api, serving(api.app) as address:
        group = leaks.urn("dataset", "of-the-group")
        above = "mlg://team/catalog/default/group"
        await api.load({"team": {"name": "group"}}, {"team": {"name": "ranking", "parent": above}})
        await api.load({"dataset": {"id": group, "owners": [{"owner": above}], "visibility": "TEAM"}})
        async with connected(address, api.tokens["ada"]) as talk:
            await talk.subscribe(FOLLOW, after=await newest(api, "ada"))
            await api.load({"dataset": {"id": group, "description": "one"}})
            assert (await talk.event())["changes"]["subjectId"] == group
            await api.load({"team": {"name": "ranking", "parent": None}})
            api.process.authenticator._close_teams._closures.clear()  # noqa: SLF001 - a minute later
            await api.load({"dataset": {"id": group, "description": "two"}})
            await api.load({"dataset": {"id": PROBE}})
            assert group not in [change["subjectId"] for change in await reported_until(talk, PROBE)]


@pytest.mark.parametrize("idle", [True, False], ids=["idle", "busy"])
async def test_the_connection_ends_with_the_token(api: tuple[Api, str], *, idle: bool) -> None:
    """When the token expires the connection is closed, and no event is delivered afterwards."""
    graph, address = api
    issued = time.time() - LIFETIME_SECONDS + 4
    token = DevIssuer(graph.process.settings).mint(persona("ada"), now=issued)
    async with connected(address, token) as talk:
        await talk.subscribe(FOLLOW, after=await newest(graph, "ada"))
        if not idle:
            await graph.load({"dataset": {"id": PROBE, "description": "before"}})
            await talk.event()
        code, reason = await talk.closed()
        assert int(time.time()) - int(issued) >= LIFETIME_SECONDS
    assert (code, reason) == (4403, "The access token has expired. Connect again with a new token.")


async def test_an_expired_token_is_checked_with_each_event(
    api: tuple[Api, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the timer does not fire, as after a suspend of the machine, the next event finds the token expired."""
    graph, address = api
    async with connected(address, graph.tokens["ada"]) as talk:
        await talk.subscribe(FOLLOW, after=await newest(graph, "ada"))
        await graph.load({"dataset": {"id": PROBE, "description": "in time"}})
        await talk.event()
        monkeypatch.setattr("app.http.websocket.socket_session.time.time", lambda: 1e11)
        graph.coordinator.commit_log.written()
        assert (await talk.receive())["type"] == "error"
        assert (await talk.closed())[0] == 4403


async def test_a_socket_refuses_bad_tokens(api: tuple[Api, str]) -> None:
    """A socket refuses the tokens that HTTP refuses: expired, forged, and without the scope for reading."""
    graph, address = api
    issuer = DevIssuer(graph.process.settings)
    good = graph.tokens["ada"]
    bad = {
        "expired": issuer.mint(persona("ada"), now=time.time() - 2 * LIFETIME_SECONDS),
        "forged": good[:-8] + "AAAAAAAA",
        "without the scope": leaks.token(graph, "zoe", scopes="graph:write"),
        "empty": "",
    }
    for token in bad.values():
        async with connected(address) as talk:
            await talk.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
            code, reason = await talk.closed()
            assert (code, bool(reason)) == (4403, True)


async def test_a_cursor_of_another_caller(api: tuple[Api, str]) -> None:
    """A cursor works only for the caller it was issued to; any other is INVALID before an event is delivered."""
    graph, address = api
    page = (await graph.ask("bo", "{ changes(first: 1) { pageInfo { endCursor } } }"))["changes"]["pageInfo"]
    async with connected(address, graph.tokens["bo"]) as talk:
        for cursor in (await newest(graph, "ada"), page["endCursor"], "x", ""):
            await talk.subscribe(FOLLOW, after=cursor)
            message = await talk.receive()
            assert message["type"] == "error"
            assert [error["extensions"]["code"] for error in message["payload"]] == ["INVALID"]


async def test_every_disclosure_is_logged(api: tuple[Api, str]) -> None:
    """Each event adds to the access log the restricted fields it disclosed or denied, and no more."""
    graph, address = api
    path = graph.process.settings.data_dir / "access.jsonl"
    lines: dict[str, list[dict[str, Any]]] = {}
    for who in ("ada", "bo"):
        after = await newest(graph, who)
        async with connected(address, graph.tokens[who]) as talk:
            await graph.load({"modelVersion": {"id": leaks.VERSION, "description": who}})
            await graph.load({"modelVersion": {"id": leaks.VERSION, "description": f"{who} again"}})
            before = path.read_text() if path.exists() else ""
            query = "subscription ($after: Cursor) { changes(after: $after) { subject { ...F } } }"
            await talk.subscribe(f"{query} fragment F on ModelVersion {{ artifactUri }}", after=after)
            for _ in range(2):
                await talk.event()
            lines[who] = [json.loads(line) for line in path.read_text().removeprefix(before).splitlines()]
    for who, event in (("ada", "read"), ("bo", "denied")):
        assert [(line["event"], line["coordinate"], line["subject"]) for line in lines[who]] == [
            (event, "ModelVersion.artifactUri", who)
        ] * 2


async def test_an_event_that_cannot_be_logged_is_not_delivered(
    api: tuple[Api, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the access log is not writable, an event that must be logged ends the subscription undelivered."""
    graph, address = api
    broken = AccessLog(Path("/dev/full"), graph.process.policy.labels)
    monkeypatch.setattr(graph.contexts, "log_access", broken.write)
    after = await newest(graph, "ada")
    async with connected(address, graph.tokens["ada"]) as talk:
        await graph.load({"modelVersion": {"id": leaks.VERSION, "description": "unlogged"}})
        await talk.subscribe(FOLLOW, after=after)
        message = await talk.receive()
    assert message["type"] == "error"
    assert [error["extensions"]["code"] for error in message["payload"]] == ["ACCESS_LOG_UNAVAILABLE"]
