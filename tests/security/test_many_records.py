"""Thousands of checks or other records on one asset: its health has a part, and that of others their own evidence."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from support.estates.leak_catalogue import token
from support.estates.promotions import ERRORS, RANKING, codes
from support.servers.in_process import Api, observes_one_process

from app.graph.reading.level import level_batcher
from app.graph.reading.lineage import health_evidence
from app.graph.writing.handlers import report_check
from app.graph.writing.rules import attach

CHECK = f"mutation ($input: ReportCheckInput!) {{ done: reportCheck(input: $input) {{ {ERRORS} }} }}"
INCIDENT = f"mutation ($input: OpenIncidentInput!) {{ done: openIncident(input: $input) {{ {ERRORS} }} }}"
USAGE = f"mutation ($input: RecordUsageInput!) {{ done: recordUsage(input: $input) {{ {ERRORS} }} }}"
HEALTH = """query ($id: ID!) { asset(id: $id) { health {
  status causes { depth asset { id } } completeness { reason } } } }"""
HISTORY = "query ($id: ID!) { asset(id: $id) { revision history(first: 9) { nodes { action } } } }"
HUB, SOURCE, RESULT, PLAIN = (f"mlg://dataset/test/default/{name}" for name in ("hub", "source", "result", "plain"))
CHECKS = 24


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API with an unowned hub that eva checks, and what is derived from it and a failing source."""
    api.tokens["eva"] = token(api, "eva", "ads", roles="engineer")
    assert (await api.register("eva", {"dataset": {"id": HUB}}))["created"] == 1
    for number in range(CHECKS):
        assert codes(await report(api, "eva", HUB, f"c{number}", "PASS")) == []
    owned = {"owners": [RANKING]}
    await api.load(
        {"dataset": {"id": SOURCE, **owned}},
        {"dataset": {"id": RESULT, "derivedFrom": [SOURCE, HUB], **owned}},
        {"dataset": {"id": PLAIN, "derivedFrom": [SOURCE], **owned}},
    )
    assert codes(await report(api, "ada", SOURCE, "rows", "FAIL")) == []
    return api


async def report(api: Api, who: str, asset: str, check: str, status: str) -> Any:
    """Return the payload of the report of a result."""
    given = {"asset": asset, "check": check, "checkKind": "FRESHNESS", "status": status}
    return (await api.ask(who, CHECK, input=given))["done"]


async def health(api: Api, urn: str) -> tuple[str, list[tuple[int, str]], str | None]:
    """Return the status of an asset, its causes by depth and asset, and why its health is not complete."""
    found = (await api.ask("bo", HEALTH, id=urn))["asset"]["health"]
    causes = [(cause["depth"], cause["asset"]["id"]) for cause in found["causes"]]
    return found["status"], causes, found["completeness"]["reason"]


async def test_the_limit_discloses_no_hidden_consumer(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its known month is refused like that of an absent one, equal counters too; a visible consumer's is recorded."""
    monkeypatch.setitem(attach.MAX_UNOWNED, "months of usage", 2)
    urn = "mlg://dataset/test/default/consumed"
    hidden, shown, absent = (used(urn, number) for number in range(100, 103))
    await api.load(
        {"dataset": {"id": urn}},
        {"service": {"id": hidden["consumer"], "owners": [RANKING], "visibility": "TEAM"}},
        {"service": {"id": shown["consumer"], "owners": [RANKING]}},
    )
    assert codes((await api.ask("ada", USAGE, input={"records": [hidden, shown]}))["done"]) == []
    found = [
        codes((await api.ask("eva", USAGE, input={"records": [{**each, "reads": reads}], "dryRun": True}))["done"])
        for each in (hidden, absent, shown)
        for reads in (1, 2)
    ]
    assert found == [*[["LIMIT_EXCEEDED"]] * 4, [], []]


async def test_a_failure_is_recorded_where_no_further_incident_is_opened(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strangers who open as many as an asset without an owner may have keep no check of it from failing."""
    monkeypatch.setitem(attach.MAX_UNOWNED, "incidents", 1)
    urn = "mlg://dataset/test/default/flooded"
    assert (await api.register("ada", {"dataset": {"id": urn}}))["created"] == 1
    given = {"assets": [urn], "title": "t", "severity": "LOW"}
    assert codes((await api.ask("eva", INCIDENT, input=given))["done"]) == []
    failed = {"asset": urn, "check": "c", "checkKind": "FRESHNESS", "status": "FAIL", "openIncidentOnFail": True}
    mutation = CHECK.replace("{ errors", "{ incident { id } result { status } errors")
    done = (await api.ask("ada", mutation, input=failed))["done"]
    assert (codes(done), done["incident"], done["result"]) == ([], None, {"status": "FAIL"})


def used(urn: str, number: int) -> dict[str, Any]:
    """Return a record of a day of usage of an asset by one of several teams."""
    day = datetime.now(UTC).date().isoformat()
    return {"asset": urn, "consumer": f"mlg://service/test/default/s{number}", "day": day, "reads": 1}


@observes_one_process
async def test_many_checks_hide_no_evidence_of_other_assets(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing source of the same level stays a cause, and the health says that the checks of the hub are cut."""
    assert await health(api, RESULT) == ("DEGRADED", [(1, SOURCE)], None)
    monkeypatch.setattr(health_evidence, "MAX_CHECKS", 4)
    for module in (level_batcher, health_evidence):
        monkeypatch.setattr(module, "EDGE_CAP", 20)
    assert await health(api, RESULT) == ("DEGRADED", [(1, SOURCE)], "EDGES")
    assert await health(api, PLAIN) == ("DEGRADED", [(1, SOURCE)], None)
    assert (await health(api, HUB))[2] == "EDGES"


@observes_one_process
async def test_a_page_of_assets_with_checks_is_read_in_parts(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Together they have too many for one request, and each of them is complete, whatever is read beside it."""
    ids = [f"mlg://dataset/test/default/part{number}" for number in range(4)]
    await api.load(*({"dataset": {"id": each, "owners": [RANKING]}} for each in ids))
    for urn in ids:
        for number in range(4):
            assert codes(await report(api, "ada", urn, f"c{number}", "FAIL" if urn == ids[2] else "PASS")) == []
    for module in (level_batcher, health_evidence):
        monkeypatch.setattr(module, "EDGE_CAP", 30)
    page = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Asset { health { status completeness { reason } } } } }"
    with api.without_cache():
        found = (await api.ask("bo", page, ids=ids))["nodes"]
    states = [(each["health"]["status"], each["health"]["completeness"]["reason"]) for each in found]
    assert states == [("HEALTHY", None), ("HEALTHY", None), ("UNHEALTHY", None), ("HEALTHY", None)]


async def test_an_asset_without_an_owner_has_few_checks(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its later owner makes further ones, and results of the known ones are recorded in any case."""
    monkeypatch.setitem(attach.MAX_UNOWNED, "checks", 3)
    monkeypatch.setattr(report_check, "MAX_CHECKS", 5)
    urn = "mlg://dataset/test/default/free"
    assert (await api.register("eva", {"dataset": {"id": urn}}))["created"] == 1
    made = [codes(await report(api, "eva", urn, f"c{number}", "PASS")) for number in range(4)]
    assert made == [[], [], [], ["LIMIT_EXCEEDED"]]
    assert codes(await report(api, "eva", urn, "c0", "FAIL")) == []
    assert (await api.register("root", {"dataset": {"id": urn, "owners": [RANKING]}}))["updated"] == 1
    made = [codes(await report(api, "ada", urn, f"own{number}", "PASS")) for number in range(3)]
    assert made == [[], [], ["LIMIT_EXCEEDED"]]
    found = (await api.ask("bo", HISTORY, id=urn))["asset"]
    assert found["revision"] == 2
    assert [each["action"] for each in found["history"]["nodes"]] == ["UPDATED", "REGISTERED"]


@pytest.mark.parametrize(
    ("what", "mutation", "given"),
    [
        ("incidents", INCIDENT, lambda urn, number: {"assets": [urn], "title": f"t{number}", "severity": "LOW"}),
        ("months of usage", USAGE, lambda urn, number: {"records": [used(urn, number)]}),
    ],
    ids=["incidents", "usage"],
)
async def test_an_asset_without_an_owner_has_few_records(
    api: Api, monkeypatch: pytest.MonkeyPatch, what: str, mutation: str, given: Callable[[str, int], dict[str, Any]]
) -> None:
    """Its later owner, and administrators before, make further ones."""
    monkeypatch.setitem(attach.MAX_UNOWNED, what, 2)
    urn = f"mlg://dataset/test/default/{what.replace(' ', '-')}"
    assert (await api.register("eva", {"dataset": {"id": urn}}))["created"] == 1

    async def made(who: str, number: int) -> list[str]:
        return codes((await api.ask(who, mutation, input=given(urn, number)))["done"])

    assert [await made("eva", number) for number in range(3)] == [[], [], ["LIMIT_EXCEEDED"]]
    assert await made("root", 3) == []
    assert (await api.register("root", {"dataset": {"id": urn, "owners": [RANKING]}}))["updated"] == 1
    assert await made("ada", 4) == []
