"""The clock runs 400 days ahead for a while and is set back: changes keep their order, and later ones are dated now."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.documents.observability import report
from support.estates.promotions import approve, codes, register, version
from support.servers.in_process import Api, open_api
from support.servers.websocket_client import connected, serving
from support.stores.janusgraph import StoreGraph

from app.graph.records import clock as clock_module

FOLLOW = "subscription ($after: Cursor) { changes(after: $after) { subjectId at } }"
LISTED = """query ($filter: ChangeFilter, $after: Cursor) { changes(filter: $filter, first: 2, after: $after) {
  totalCount nodes { subjectId at cursor } pageInfo { hasNextPage endCursor } } }"""
HISTORY = """query ($id: ID!, $asOf: DateTime) { asset(id: $id, asOf: $asOf) { history { nodes { action at } } } }"""
HEALTH = """query ($id: ID!) { asset(id: $id) { health { status }
  checks { nodes { latestResult { status } results { nodes { status } } } } } }"""
DUE = """query ($now: DateTime!) {
  thinEvents(filter: {sources: ["prod"], states: [PENDING], dueBefore: $now}) { totalCount nodes { objectId } } }"""
TAKE = "mutation ($ids: [ID!]!) { takeThinEvents(input: {events: $ids}) { events { attempts } errors { code } } }"
GATE = """query ($id: ID!) { asset(id: $id) { ... on ModelVersion {
  gate(alias: "champion") { missingApprovals } approvals { nodes { decision decidedAt } } } } }"""
LINK = "mutation ($input: LinkInput!) { link(input: $input) { changed errors { code } } }"
SENSITIVITY = "query ($id: ID!) { asset(id: $id) { sensitivity } }"
START = datetime.now(UTC).replace(microsecond=0)
JUMP, BACK = timedelta(days=400), timedelta(days=-400, seconds=1)


@dataclass
class Clock:
    """The clock of the process, which only the test moves."""

    now: datetime = START

    def time_ns(self) -> int:
        """Return the time as `time.time_ns` does."""
        return int(self.now.timestamp()) * 10**9

    def tick(self, step: timedelta = timedelta(seconds=1)) -> str:
        """Move the clock, and return its time as the API shows it."""
        self.now += step
        return shown(self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replace the clock of readers and writers."""
    clock = Clock()
    monkeypatch.setattr(clock_module, "time", SimpleNamespace(time_ns=clock.time_ns, monotonic=time.monotonic))
    return clock


def shown(instant: datetime) -> str:
    """Return an instant as the API shows it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def urn(name: str) -> str:
    """Return the id of a dataset."""
    return f"mlg://dataset/test/default/{name}"


async def load(api: Api, clock: Clock, name: str, step: timedelta = timedelta(seconds=1)) -> tuple[str, str]:
    """Move the clock and register a dataset; return its name and the time."""
    at = clock.tick(step)
    await api.load({"dataset": {"id": urn(name)}})
    return name, at


async def listed(api: Api, **filter_: str) -> list[tuple[str, str]]:
    """Return name and time of all changes that meet a filter, newest first, page by page; compare their total."""
    found: list[tuple[str, str]] = []
    page: dict[str, Any] = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
    while page["pageInfo"]["hasNextPage"]:
        page = (await api.ask("root", LISTED, filter=filter_, after=page["pageInfo"]["endCursor"]))["changes"]
        found += [(node["subjectId"].rsplit("/", 1)[1], node["at"]) for node in page["nodes"]]
    assert len(found) == page["totalCount"]
    return found


async def test_changes_keep_their_order_and_are_dated_by_the_clock(
    graph: StoreGraph, tmp_path: Path, clock: Clock
) -> None:
    """Pages and subscription have the order of the commits, also in a later process; dates are those of the clock."""
    async with open_api(graph, tmp_path) as api, serving(api.app) as address:
        begin = await load(api, clock, "begin")
        (first,) = (await api.ask("root", LISTED))["changes"]["nodes"]
        jump = await load(api, clock, "jump", JUMP)
        with capture_logs() as events:
            back = await load(api, clock, "back", BACK)
            later = await load(api, clock, "later")
        assert [event["log_level"] for event in events if event["event"] == "clock_behind_changes"] == ["warning"]
        async with connected(address, api.tokens["root"]) as talk:
            await talk.subscribe(FOLLOW, after=first["cursor"])
            sent = [(await talk.event())["changes"] for _ in range(3)]
            live = await load(api, clock, "live")
            sent.append((await talk.event())["changes"])
            await talk.subscribe(FOLLOW)
    async with open_api(graph, tmp_path) as api:
        with capture_logs() as events:
            restarted = await load(api, clock, "restarted")
        assert [event["event"] for event in events].count("clock_behind_changes") == 1
        everything = [begin, jump, back, later, live, restarted]
        assert [(each["subjectId"].rsplit("/", 1)[1], each["at"]) for each in sent] == everything[1:5]
        assert await listed(api) == everything[::-1]


async def test_filters_by_time_use_the_dates(graph: StoreGraph, tmp_path: Path, clock: Clock) -> None:
    """`since`, `until` and both together select the changes by the dates that they show, with right totals."""
    async with open_api(graph, tmp_path) as api:
        begin = await load(api, clock, "begin")
        jump = await load(api, clock, "jump", JUMP)
        back = await load(api, clock, "back", BACK)
        later = await load(api, clock, "later")
        distant = shown(START + JUMP / 2)
        assert await listed(api, since=begin[1]) == [later, back, jump, begin]
        assert await listed(api, since=later[1]) == [later, jump]
        assert await listed(api, since=distant) == [jump]
        assert await listed(api, until=distant) == [later, back, begin]
        assert await listed(api, until=later[1]) == [back, begin]
        assert await listed(api, since=back[1], until=distant) == [later, back]
        assert await listed(api, since=back[1], until=later[1]) == [back]


async def test_the_history_at_an_instant_uses_the_dates(graph: StoreGraph, tmp_path: Path, clock: Clock) -> None:
    """With `asOf`, the history of an asset contains the changes that are dated until then."""
    async with open_api(graph, tmp_path) as api:
        await load(api, clock, "begin")
        await load(api, clock, "jump", JUMP)
        _, back = await load(api, clock, "back", BACK)
        between = clock.tick()
        at = clock.tick()
        await api.load({"dataset": {"id": urn("back"), "description": "More."}})
        clock.tick()
        newest = {"action": "UPDATED", "at": at}
        oldest = {"action": "REGISTERED", "at": back}
        assert (await api.ask("root", HISTORY, id=urn("back")))["asset"]["history"]["nodes"] == [newest, oldest]
        found = await api.ask("root", HISTORY, id=urn("back"), asOf=between)
        assert found["asset"]["history"]["nodes"] == [oldest]


async def test_a_revocation_ends_an_approval_from_the_future(graph: StoreGraph, tmp_path: Path, clock: Clock) -> None:
    """A decision replaces an earlier one also if the clock was ahead when that was made."""
    async with open_api(graph, tmp_path) as api:
        clock.tick()
        await register(api, "ranker", riskTier="HIGH")
        subject = version("ranker")
        clock.tick(JUMP)
        assert codes(await approve(api, "eli", subject)) == []
        revoked = clock.tick(BACK)
        assert codes(await approve(api, "eli", subject, decision="REVOKED")) == []
        assert codes(await approve(api, "eli", subject, decision="REVOKED")) == ["CONFLICT"]
        found = (await api.ask("root", GATE, id=subject))["asset"]
        assert "release" in found["gate"]["missingApprovals"]
        assert [node["decision"] for node in found["approvals"]["nodes"]] == ["REVOKED", "APPROVED"]
        assert found["approvals"]["nodes"][0]["decidedAt"] == revoked


@pytest.mark.parametrize(("before", "since"), [("PASS", "FAIL"), ("FAIL", "PASS")])
async def test_a_check_from_the_future_is_not_the_latest(
    graph: StoreGraph, tmp_path: Path, clock: Clock, before: str, since: str
) -> None:
    """Health and the latest result are those of the reports since, which open incidents; all results remain listed."""
    async with open_api(graph, tmp_path) as api:
        name, _ = await load(api, clock, f"checked-{since}")
        clock.tick(JUMP)
        assert (await report(api, "root", urn(name), status=before))["errors"] == []
        clock.tick(BACK)
        empty = (await api.ask("root", HEALTH, id=urn(name)))["asset"]
        assert (empty["health"]["status"], empty["checks"]["nodes"][0]["latestResult"]) == ("UNKNOWN", None)
        payload = await report(api, "root", urn(name), status=since, openIncidentOnFail=True)
        assert (payload["incident"] is not None) == (since == "FAIL")
        found = (await api.ask("root", HEALTH, id=urn(name)))["asset"]
        assert found["health"]["status"] == {"FAIL": "UNHEALTHY", "PASS": "HEALTHY"}[since]
        (check,) = found["checks"]["nodes"]
        assert check["latestResult"]["status"] == since
        assert [node["status"] for node in check["results"]["nodes"]] == [before, since]


async def test_a_thin_event_from_the_future_is_due(graph: StoreGraph, tmp_path: Path, clock: Clock) -> None:
    """It is listed as due, and a worker takes it, once; one that was queued since is not affected."""
    async with open_api(graph, tmp_path) as api:
        source = {"id": "mlg://workflow/ingest/default/prod", "workflowKind": "mlflow"}
        await api.load({"workflow": source})
        ids = []
        for step, name in ((JUMP, "ahead"), (BACK, "since")):
            clock.tick(step)
            headers = {"Authorization": f"Bearer {api.tokens['root']}"}
            event = {"source": "prod", "type": "run", "id": name}
            ids.append((await api.http.post("/ingest/events", json=event, headers=headers)).json()["id"])
        due = (await api.ask("root", DUE, now=clock.tick()))["thinEvents"]
        assert (due["totalCount"], [node["objectId"] for node in due["nodes"]]) == (2, ["since", "ahead"])
        for attempts in ([{"attempts": 1}] * 2, []):
            assert (await api.ask("root", TAKE, ids=ids))["takeThinEvents"]["events"] == attempts
        assert (await api.ask("root", DUE, now=clock.tick()))["thinEvents"]["totalCount"] == 0


async def test_an_end_is_not_taken_as_passed_by_a_clock_that_is_ahead(
    graph: StoreGraph, tmp_path: Path, clock: Clock
) -> None:
    """What an asset has from a source, until an end in the future, stays although the job works while it is ahead."""
    async with open_api(graph, tmp_path) as api:
        await api.load(
            {"dataset": {"id": urn("secret"), "sensitivity": "RESTRICTED"}}, {"dataset": {"id": urn("copy")}}
        )
        until = shown(clock.now + timedelta(days=1))
        edge = {"relation": "DERIVES", "from": urn("secret"), "to": urn("copy"), "validTo": until}
        assert (await api.ask("root", LINK, input=edge))["link"] == {"changed": True, "errors": []}
        clock.tick(JUMP)
        await api.load({"dataset": {"id": urn("other"), "sensitivity": "RESTRICTED", "derivedFrom": [urn("copy")]}})
        await api.load({"dataset": {"id": urn("other"), "sensitivity": "INTERNAL"}})
        clock.tick(BACK)
        await api.wait_for_jobs()
        assert (await api.ask("root", SENSITIVITY, id=urn("copy")))["asset"] == {"sensitivity": "RESTRICTED"}
