"""Checks: results reported in any order are listed by observation time; a failure can open an incident."""

from random import Random
from typing import Any

import pytest
from support.documents.observability import Writes, codes, report, resolved
from support.estates.owned_items import owned, urn
from support.servers.in_process import Api

from graphql_schema.fields.scalars import instant_text, parse_instant

DATA, THEIRS = urn("dataset", "orders"), urn("dataset", "clicks")
START = parse_instant("2026-11-01T00:00:00Z")
CHECKS = """query ($id: ID!, $since: DateTime, $after: Cursor) { asset(id: $id) { checks { totalCount nodes {
  name checkKind threshold latestResult { observedAt status }
  results(since: $since, first: 3, after: $after) { totalCount pageInfo { hasNextPage endCursor }
    nodes { status value window observedAt } } } } } }"""


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over a dataset of ranking and one of ads."""
    await api.load(owned("dataset", "orders"), owned("dataset", "clicks", "ads"))
    return api


def at(minute: int) -> str:
    """Return a past instant, ``minute`` minutes after the start."""
    return instant_text(START + minute * 60_000)


async def one_check(
    api: Api, asset: str, since: str | None = None, *, total: bool = True
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the only check of an asset and all its results, read page by page, with or without a total."""
    document = CHECKS if total else CHECKS.replace("totalCount", "")
    after, found = None, []
    while True:
        data = await api.ask("ada", document, id=asset, since=since, after=after)
        (check,) = data["asset"]["checks"]["nodes"]
        results = check.pop("results")
        found += results["nodes"]
        if not results["pageInfo"]["hasNextPage"]:
            assert results.get("totalCount", len(found)) == len(found)
            return check, found
        after = results["pageInfo"]["endCursor"]


@pytest.mark.parametrize("seed", range(4))
async def test_results_are_ordered_by_observation_time(api: Api, seed: int) -> None:
    """Random reports, late and corrected ones included, are read as a plain loop keeps them."""
    random, asset = Random(seed), urn("dataset", f"random-{seed}")
    await api.load(owned("dataset", f"random-{seed}"))
    kept: dict[tuple[int, str | None], dict[str, Any]] = {}
    check: dict[str, Any] = {"name": "fresh", "threshold": None}
    newest = -1
    for number in range(25):
        minute, window = random.randrange(12), random.choice([None, None, "1h"])
        stated = {
            "status": random.choice(["PASS", "WARN", "FAIL", "ERROR"]),
            "value": random.choice([None, number / 4]),
        }
        own = {"checkKind": random.choice(["FRESHNESS", "VOLUME"]), "threshold": random.choice([None, f"< {number}"])}
        payload = await report(api, "ada", asset, **stated, **own, window=window, observedAt=at(minute))
        assert payload["errors"] == []
        kept[minute, window] = {**stated, "window": window, "observedAt": at(minute)}
        if minute >= newest:
            newest = minute
            check |= {name: value for name, value in own.items() if value is not None}
        stored = payload["result"].pop("check")
        assert {key: payload["result"][key] for key in kept[minute, window]} == kept[minute, window]
        assert {key: stored[key] for key in check} == check
    shown, results = await one_check(api, asset)
    latest = shown.pop("latestResult")
    assert shown == check
    assert latest["observedAt"] == at(newest)
    assert latest["status"] in {kept[key]["status"] for key in kept if key[0] == newest}
    assert [result["observedAt"] for result in results] == [at(minute) for minute, _ in sorted(kept, key=_downwards)]
    assert sorted(results, key=str) == sorted(kept.values(), key=str)
    since = random.randrange(1, newest + 1)
    for total in (True, False):
        _, later = await one_check(api, asset, at(since), total=total)
        assert sorted(later, key=str) == sorted((kept[key] for key in kept if key[0] >= since), key=str)


def _downwards(key: tuple[int, str | None]) -> int:
    return -key[0]


async def test_a_repeated_report_writes_nothing(api: Api) -> None:
    """A repeated report, as after a lost response, returns the first payload and writes nothing."""
    given = {"check": "again", "status": "FAIL", "value": 3.5, "observedAt": at(1), "openIncidentOnFail": True}
    first = await report(api, "ada", DATA, **given)
    with Writes(api) as writes:
        assert await report(api, "ada", DATA, **given) == first
    assert writes.count == 0
    assert (await report(api, "ada", DATA, **{**given, "status": "PASS"}))["result"]["id"] == first["result"]["id"]


async def test_a_key_makes_a_report_without_observation_time_idempotent(api: Api) -> None:
    """A report without `observedAt`, repeated with the same key, returns the first result."""
    given = {"check": "keyed", "idempotencyKey": "build-7"}
    assert await report(api, "ada", DATA, **given) == await report(api, "ada", DATA, **given)


async def test_conditions_for_opening_an_incident(api: Api) -> None:
    """With `openIncidentOnFail` the newest FAIL or ERROR opens an incident, unless one is open already."""

    async def incident(status: str, minute: int, **given: Any) -> Any:
        given = {"check": "opening", "openIncidentOnFail": True, **given}
        payload = await report(api, "ada", DATA, status=status, observedAt=at(minute), **given)
        return payload["incident"]

    assert await incident("PASS", 1) is None
    assert await incident("FAIL", 2, openIncidentOnFail=False) is None
    opened = await incident("FAIL", 3)
    assert (opened["title"], opened["state"], opened["severity"]) == ("Freshness check opening failed", "OPEN", "HIGH")
    assert [each["id"] for each in opened["assets"]] == [DATA]
    assert (await incident("ERROR", 4))["id"] == opened["id"]
    assert await incident("PASS", 5) is None
    assert (await resolved(api, "ada", opened["id"]))["incident"]["state"] == "RESOLVED"
    assert (await incident("FAIL", 3))["id"] == opened["id"], "the same report again is the same result"
    assert await incident("FAIL", 4, window="late") is None, "a late result opens nothing"
    again = await incident("ERROR", 6)
    assert again["id"] != opened["id"]
    assert (again["severity"], again["title"]) == ("MEDIUM", "Freshness check opening could not run")


async def test_an_incident_names_its_cause(api: Api) -> None:
    """The cause of an incident that a result opened is this result."""
    payload = await report(api, "ada", DATA, check="cause", status="FAIL", openIncidentOnFail=True)
    assert payload["incident"]["cause"]["id"] == payload["result"]["id"]


async def test_a_manual_incident_for_a_check_is_reused(api: Api) -> None:
    """If an incident was opened by hand with a result as cause, the next failure returns this incident."""
    failed = await report(api, "ada", DATA, check="by-hand", status="FAIL", observedAt=at(1))
    given = {"assets": [DATA], "title": "Seen by people", "severity": "LOW", "cause": failed["result"]["id"]}
    document = "mutation ($i: OpenIncidentInput!) { openIncident(input: $i) { incident { id } } }"
    opened = (await api.ask("ada", document, i=given))["openIncident"]["incident"]
    given = {"check": "by-hand", "status": "FAIL", "observedAt": at(2), "openIncidentOnFail": True}
    assert (await report(api, "ada", DATA, **given))["incident"]["id"] == opened["id"]


REFUSED: dict[str, tuple[str, dict[str, Any], tuple[str, list[str]]]] = {
    "in the future": (DATA, {"observedAt": "2999-01-01T00:00:00Z"}, ("INVALID", ["observedAt"])),
    "on an unknown asset": (urn("dataset", "nothing"), {}, ("NOT_FOUND", ["asset"])),
    "on a team": ("mlg://team/catalog/default/ranking", {}, ("INVALID", ["asset"])),
    "on an asset of another team": (THEIRS, {}, ("DENIED", ["asset"])),
    "without a name": (DATA, {"check": " "}, ("INVALID", ["check"])),
    "a long name": (DATA, {"check": "c" * 201}, ("INVALID", ["check"])),
    "a long window": (DATA, {"window": "w" * 201}, ("INVALID", ["window"])),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_an_invalid_report_is_rejected(api: Api, case: str) -> None:
    """Each rejected report has a code and an input path, and writes nothing."""
    asset, given, wanted = REFUSED[case]
    with Writes(api) as writes:
        payload = await report(api, "ada", asset, **given)
    assert (payload["result"], payload["incident"], codes(payload)) == (None, None, [wanted])
    assert writes.count == 0


async def test_a_deleted_asset_keeps_its_checks_and_rejects_reports(api: Api) -> None:
    """Checks and results of a deleted asset stay readable by id; a new report is a CONFLICT."""
    await api.load(owned("dataset", "gone"))
    asset = urn("dataset", "gone")
    result = (await report(api, "ada", asset))["result"]["id"]
    document = "mutation ($i: DeleteAssetInput!) { deleteAsset(input: $i) { errors { message } } }"
    assert (await api.ask("ada", document, i={"asset": asset}))["deleteAsset"]["errors"] == []
    assert codes(await report(api, "ada", asset)) == [("CONFLICT", ["asset"])]
    check, results = await one_check(api, asset)
    assert (check["name"], len(results)) == ("fresh", 1)
    document = "query ($id: ID!) { node(id: $id) { ... on CheckResult { check { asset { id } } } } }"
    assert (await api.ask("ada", document, id=result))["node"]["check"]["asset"]["id"] == asset
