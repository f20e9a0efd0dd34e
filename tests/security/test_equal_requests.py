"""Requests to the store for a visible asset: their number is the same with and without a hidden one beside it."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from support.documents.change_plans import planned
from support.documents.observability import raised, report
from support.estates.leak_catalogue import token
from support.estates.promotions import ADS, RANKING
from support.servers.in_process import Api
from support.stores.observed_requests import ObservedRequests

WITH, WITHOUT, HIDDEN = (f"mlg://dataset/test/default/{name}" for name in ("with", "without", "hidden"))
TODAY = datetime.now(UTC).date().isoformat()
CONSUMER = "mlg://service/test/default/hidden"
DELETE = "mutation ($id: ID!) { deleteAsset(input: {asset: $id, dryRun: true}) { errors { code } } }"
USAGE = f"""mutation ($id: ID!) {{ recordUsage(input: {{dryRun: true, records: [
  {{asset: $id, consumer: "mlg://service/test/default/other", day: "{TODAY}", reads: 0}}
]}}) {{ errors {{ code }} }} }}"""
INCIDENT = """query ($id: ID!, $at: DateTime!) { asset(id: $id, asOf: $at) {
  incidents { nodes { assets { id } } } } }"""
PLAN = "query ($id: ID!, $at: DateTime!) { asset(id: $id, asOf: $at) { changePlans { nodes { roots { id } } } } }"


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API with two datasets of ads, one of which hidden assets of ranking use, and eva of ads."""
    api.tokens["eva"] = token(api, "eva", "ads", roles="engineer")
    await api.load(*({"dataset": {"id": each, "owners": [ADS]}} for each in (WITH, WITHOUT)))
    hidden = {"owners": [RANKING], "visibility": "TEAM"}
    await api.load(
        {"dataset": {"id": HIDDEN, "derivedFrom": [WITH], **hidden}}, {"service": {"id": CONSUMER, **hidden}}
    )
    used = {"asset": WITH, "consumer": CONSUMER, "day": TODAY, "reads": 3}
    recording = "mutation ($i: RecordUsageInput!) { recordUsage(input: $i) { errors { code } } }"
    assert (await api.ask("root", recording, i={"records": [used]}))["recordUsage"]["errors"] == []
    for assets in ([WITH, HIDDEN], [WITHOUT]):
        await raised(api, "root", *assets)
        await planned(api, "root", *assets)
    return api


async def observed(api: Api, document: str, who: str = "eva", **variables: Any) -> tuple[str, Counter[str]]:
    """Return what a caller gets, and the number of requests by their text, the second time."""
    requests = ObservedRequests()
    found = await api.ask(who, document, **variables)
    api.client.observers.append(requests)
    try:
        found = await api.ask(who, document, **variables)
    finally:
        api.client.observers.remove(requests)
    return str(found), requests.of_operations


@pytest.mark.parametrize("document", [DELETE, USAGE])
async def test_a_dry_run_takes_the_same_requests(api: Api, document: str) -> None:
    """A hidden asset that uses the own one costs no further request: the owner could try that at will."""
    shown, requests = await observed(api, document, id=WITH)
    expected, others = await observed(api, document, id=WITHOUT)
    assert shown == expected
    assert requests == others
    assert requests.total() > 0


@pytest.mark.parametrize("document", [INCIDENT, PLAN])
async def test_a_record_takes_the_same_requests(api: Api, document: str) -> None:
    """The hidden asset of an incident or a change plan costs no further request, also as of an instant."""
    at = datetime.now(UTC).isoformat()
    shown, requests = await observed(api, document, id=WITH, at=at)
    expected, others = await observed(api, document, id=WITHOUT, at=at)
    assert shown == expected.replace(WITHOUT, WITH)
    assert requests == others
    assert requests.total() > 0


MODELS = [f"mlg://model/test/default/{name}" for name in ("aliased", "plain")]
ALIASES = "query ($id: ID!, $at: DateTime!) { asset(id: $id, asOf: $at) { ... on Model { aliases { name } } } }"
REMOVE = """mutation ($id: ID!) { removeAlias(input: {model: $id, alias: "hidden", dryRun: true}) {
  changed errors { code } } }"""
COLUMNS = """query ($id: ID!, $at: DateTime!) { asset(id: $id, asOf: $at) {
  ... on Dataset { columns { name derivedFrom { column } } } } }"""
TABLES = [f"mlg://dataset/test/default/table-{name}" for name in ("of-hidden", "of-none")]


@pytest.mark.parametrize(("document", "ids"), [(ALIASES, MODELS), (COLUMNS, TABLES)])
async def test_a_value_with_ids_takes_the_same_requests(api: Api, document: str, ids: list[str]) -> None:
    """An alias of a hidden version, and a column of a hidden dataset, are as if there were none."""
    if ids is MODELS:
        api.tokens["pia"] = token(api, "pia", "ads", roles="approver")
        version = f"{MODELS[0].replace('model', 'model-version', 1)}@1"
        await api.load(*({"model": {"id": each, "owners": [ADS]}} for each in MODELS))
        await api.load({"modelVersion": {"id": version}})
        setting = "mutation ($i: SetAliasInput!) { setAlias(input: $i) { errors { code message } } }"
        given = {"model": MODELS[0], "alias": "hidden", "version": version}
        assert (await api.ask("pia", setting, i=given))["setAlias"]["errors"] == []
        await api.load({"modelVersion": {"id": version, "owners": [RANKING], "visibility": "TEAM"}})
    else:
        sources: list[list[Any]] = [[{"dataset": HIDDEN, "column": "x"}], []]
        columns = ([{"name": "c", "dataType": "int", "derivedFrom": each}] for each in sources)
        tables = ({"id": each, "columns": of, "owners": [ADS]} for each, of in zip(TABLES, columns, strict=True))
        await api.load(*({"dataset": each} for each in tables))
    at = datetime.now(UTC).isoformat()
    for each, more, who in ((document, {"at": at}, "eva"), *([(REMOVE, {}, "pia")] if ids is MODELS else [])):
        shown, requests = await observed(api, each, who, id=ids[0], **more)
        expected, others = await observed(api, each, who, id=ids[1], **more)
        assert shown == expected
        assert requests == others
        assert requests.total() > 0


RESOLVE = "mutation ($id: ID!) { resolveIncident(input: {incident: $id, dryRun: true}) { errors { code } } }"
CAUSES = """query ($id: ID!, $at: DateTime!) { nodes(ids: [$id], asOf: $at) { ... on Incident { cause { id } } } }"""


async def test_an_incident_of_a_hidden_cause_takes_the_same_requests(api: Api) -> None:
    """Its resolution, and its `cause`, are as if it had none, which is not visible either."""
    failed = await report(api, "root", HIDDEN, status="FAIL")
    causes = (failed["result"]["id"], None)
    incidents = [(await raised(api, "root", WITHOUT, title=f"{each}", cause=each))["incident"]["id"] for each in causes]
    at = datetime.now(UTC).isoformat()
    for document, more in ((RESOLVE, {}), (CAUSES, {"at": at})):
        shown, requests = await observed(api, document, id=incidents[0], **more)
        expected, others = await observed(api, document, id=incidents[1], **more)
        assert shown == expected
        assert requests == others
        assert requests.total() > 0
