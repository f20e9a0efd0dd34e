"""Checks, incidents, usage and changes of hidden assets disclose as little as those of absent assets."""

import json
from typing import Any

import pytest
from support.documents.change_plans import ACKNOWLEDGE, CLOSE, PLAN, planned
from support.documents.observability import OPEN as OPEN_INCIDENT
from support.documents.observability import RECORD, REPORT, RESOLVE, REVERT, codes, raised, recorded, report
from support.estates.leak_catalogue import ADS, DRAFT, HIDDEN, OPEN, UNKNOWN, token, urn
from support.servers.in_process import Api
from support.stores.observed_requests import ObservedRequests
from support.stores.writers import person

from app.graph.writing.writer import PolicedWriter
from graphql_schema.ports.commands import Command
from graphql_schema.ports.events.event_commands import (
    FinishThinEventCommand,
    QueueThinEventCommand,
    TakeThinEventCommand,
)

MINE, SHUT, NO_CALLER = urn("dataset", "mine"), urn("service", "veiled-service"), urn("service", "nobody")
DAY = "2026-11-02"
FAR = "mlg://{}/catalog/default/0123456789abcdef0123456789abcdef"
NODE = "query ($id: ID!) { node(id: $id) { __typename id } }"
HISTORY = "query ($id: ID!) { asset(id: $id) { history { nodes { id } } } }"


@pytest.fixture(scope="module")
async def api(leaky: Api) -> Api:
    """Let zoe, an engineer of ads, own a dataset; ranking attaches records to a hidden asset and to a draft."""
    leaky.tokens["zoe"] = token(leaky, "zoe", "ads", roles="engineer")
    mine = {"dataset": {"id": MINE, "owners": [{"owner": ADS}]}}
    ranking = [{"owner": "mlg://team/catalog/default/ranking"}]
    await leaky.load(mine, {"service": {"id": SHUT, "owners": ranking, "visibility": "TEAM"}})
    return leaky


@pytest.fixture(scope="module", params=[HIDDEN, DRAFT], ids=["hidden", "discovered"])
async def details(api: Api, request: pytest.FixtureRequest) -> dict[str, str]:
    """Return the ids of attached records of an asset that is hidden from zoe, or only discoverable."""
    result = await report(api, "ada", request.param, status="FAIL", openIncidentOnFail=True)
    changes = (await api.ask("ada", HISTORY, id=request.param))["asset"]["history"]["nodes"]
    plan = await planned(api, "ada", request.param)
    await api.wait_for_jobs()  # their requests would count, too
    return {
        "change-plan": plan,
        "check": result["result"]["check"]["id"],
        "check-result": result["result"]["id"],
        "incident": result["incident"]["id"],
        "change": changes[-1]["id"],
    }


async def reported(api: Api, document: str, stated: str, **variables: Any) -> tuple[str, int]:
    """Return the response to zoe, without the id that she named, and the number of store requests."""
    requests = ObservedRequests()
    api.client.observers.append(requests)
    try:
        response = await api.ask("zoe", document, **variables)
    finally:
        api.client.observers.remove(requests)
    return json.dumps(response).replace(stated, "<id>"), requests.of_operations.total()


ABOUT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a cause": (OPEN_INCIDENT, "check-result", {"assets": [MINE], "title": "t", "severity": "LOW", "cause": "<id>"}),
    "a change as cause": (
        OPEN_INCIDENT,
        "change",
        {"assets": [MINE], "title": "t", "severity": "LOW", "cause": "<id>"},
    ),
    "an incident to resolve": (RESOLVE, "incident", {"incident": "<id>"}),
    "a plan to acknowledge": (ACKNOWLEDGE, "change-plan", {"plan": "<id>", "team": ADS, "decision": "AGREED"}),
    "a plan to close": (CLOSE, "change-plan", {"plan": "<id>", "outcome": "DONE"}),
    "a change to revert": (REVERT, "change", {"change": "<id>"}),
}


def _with(given: dict[str, Any], named: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(given).replace("<id>", named))
    return found


@pytest.mark.parametrize("case", ABOUT)
async def test_an_attached_record_of_a_hidden_asset(api: Api, details: dict[str, str], case: str) -> None:
    """A write that names such a record returns the response for an absent one, after as many requests."""
    document, kind, given = ABOUT[case]
    there, nothing = details[kind], FAR.format(kind)
    responses = [await reported(api, document, named, input=_with(given, named)) for named in (there, nothing)]
    assert "NOT_FOUND" in responses[0][0]
    assert responses[0] == responses[1]


@pytest.mark.parametrize("kind", ["check", "check-result", "incident", "change-plan", "change"])
async def test_an_attached_record_by_its_id(api: Api, details: dict[str, str], kind: str) -> None:
    """Reading such a record by its id returns the response for an absent one, after as many requests.

    A change takes two requests, whether or not it is about an asset besides its subject.
    """
    named = (details[kind], FAR.format(kind))
    responses = [await reported(api, NODE, each, id=each) for each in named]
    assert responses[0] == responses[1] == ('{"node": null}', 2 if kind == "change" else 1)


ASSETS: dict[str, tuple[str, dict[str, Any]]] = {
    "a report": (REPORT, {"asset": "<id>", "check": "fresh", "checkKind": "FRESHNESS", "status": "FAIL"}),
    "an incident": (OPEN_INCIDENT, {"assets": [MINE, "<id>"], "title": "t", "severity": "LOW"}),
    "a plan": (PLAN, {"roots": [MINE, "<id>"], "title": "t"}),
    "usage": (RECORD, {"records": [{"asset": "<id>", "consumer": ADS, "day": DAY, "reads": 1}]}),
}


@pytest.mark.parametrize("case", ASSETS)
async def test_attaching_a_record_to_a_hidden_asset(api: Api, case: str) -> None:
    """Attaching a record to a hidden asset returns the response for an unknown one, after as many requests."""
    document, given = ASSETS[case]
    responses = [await reported(api, document, named, input=_with(given, named)) for named in (HIDDEN, UNKNOWN)]
    assert "NOT_FOUND" in responses[0][0]
    assert responses[0] == responses[1]


async def test_a_consumer_that_is_hidden(api: Api) -> None:
    """Usage by a hidden service is accepted like that of an unknown one; only callers who see the service count it."""
    given = {"records": [{"asset": MINE, "consumer": "<id>", "day": DAY, "reads": 1}]}
    responses = [await reported(api, RECORD, named, input=_with(given, named)) for named in (SHUT, NO_CALLER)]
    assert responses[0] == responses[1]
    document = "query ($id: ID!) { asset(id: $id) { usage(days: 400) { reads distinctConsumers byDay { reads } } } }"
    shown = {who: (await api.ask(who, document, id=MINE))["asset"]["usage"]["reads"] for who in ("zoe", "root")}
    assert shown == {"zoe": 1, "root": 2}


async def test_a_consumer_that_is_hidden_has_no_costs_and_days(api: Api) -> None:
    """Usage shows neither days, costs nor last use that come from a hidden consumer alone."""
    await recorded(api, "root", {"asset": OPEN, "consumer": SHUT, "day": DAY, "calls": 5, "costUsd": 2})
    document = """query ($id: ID!) { asset(id: $id) { usage(days: 400) { reads calls costUsd lastUsedAt
      byDay { day } consumers { totalCount } } } }"""
    assert (await api.ask("zoe", document, id=OPEN))["asset"]["usage"] == {
        "reads": 0,
        "calls": 0,
        "costUsd": None,
        "lastUsedAt": None,
        "byDay": [],
        "consumers": {"totalCount": 0},
    }


async def test_an_incident_on_hidden_and_own_assets(api: Api) -> None:
    """Zoe resolves an incident on her asset and a hidden one without learning of the hidden one.

    Its owners see the audit.
    """
    incident = (await raised(api, "root", MINE, HIDDEN))["incident"]["id"]
    document = """mutation ($input: ResolveIncidentInput!) { resolveIncident(input: $input) {
      incident { state assets { id } } errors { code } } }"""
    data = await api.ask("zoe", document, input={"incident": incident})
    assert data["resolveIncident"] == {"incident": {"state": "RESOLVED", "assets": [{"id": MINE}]}, "errors": []}
    document = "query ($id: ID!) { asset(id: $id) { history { nodes { actor fields { before } } } } }"
    changes = (await api.ask("ada", document, id=HIDDEN))["asset"]["history"]["nodes"]
    assert changes[0] == {"actor": "zoe", "fields": [{"before": incident}]}


async def test_an_error_names_only_visible_assets(api: Api) -> None:
    """A caller who sees one asset of an incident and may change none gets an error with the kind of that asset only."""
    incident = (await raised(api, "root", OPEN, HIDDEN))["incident"]["id"]
    payload = (await api.ask("zoe", RESOLVE, input={"incident": incident}))["resolveIncident"]
    assert codes(payload) == [("DENIED", ["incident"])]
    assert "veiled" not in json.dumps(payload)


EVENTS = """query ($filter: ThinEventFilter, $first: Int = 20, $after: Cursor) {
  thinEvents(filter: $filter, first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor }
    nodes { id source objectType objectId outcome reason actor finishedAt asset { id } } } }"""
EVENT = "query ($id: ID!) { node(id: $id) { id ... on ThinEvent { source objectId outcome } } }"


@pytest.fixture(scope="module")
async def queued(api: Api) -> str:
    """Return a source of ranking with three events, of which one became a hidden asset, as did the one of zoe's own."""
    ranking = [{"owner": "mlg://team/catalog/default/ranking"}]
    theirs, zoes = (urn("workflow", f"thin-{name}") for name in ("theirs", "zoes"))
    for flow, owners in ((theirs, ranking), (zoes, [{"owner": ADS}])):
        await api.load({"workflow": {"id": flow, "workflowKind": "mlflow", "owners": owners}})
    access = api.process.policy.access(person("root", roles="admin"))
    writer = PolicedWriter(api.client, api.coordinator, access)

    async def write(*commands: Command) -> list[str]:
        outcomes = await writer.write([*commands], dry_run=False, atomic=False)
        assert [each.errors for each in outcomes if each.errors] == []
        return [str(each.created_record) for each in outcomes]

    first, _, _, own = await write(
        *(QueueThinEventCommand(theirs, "registered_model", f"secret-{each}") for each in range(3)),
        QueueThinEventCommand(zoes, "registered_model", "secret-of-zoe"),
    )
    for event in (first, own):
        await write(TakeThinEventCommand(event))
        await write(FinishThinEventCommand(event, 1, outcome="CREATED", asset=HIDDEN))
    return theirs


@pytest.mark.parametrize("by_filter", [False, True])
async def test_thin_events_name_no_hidden_asset(api: Api, queued: str, *, by_filter: bool) -> None:
    """Zoe reads the source, and by no list, count or cursor that it has events; its owners read them all.

    An event without its asset would give the name of a hidden asset, and say that it was written. Of the event of her
    own source, zoe reads all but the asset.
    """
    given = {"subjects": [queued]} if by_filter else {"sources": ["thin-theirs", "thin-zoes"]}
    assert (await api.ask("zoe", NODE, id=queued))["node"]["id"] == queued
    shown = {"zoe": [] if by_filter else ["secret-of-zoe"], "ada": ["secret-0", "secret-1", "secret-2"]}
    for who, objects in shown.items():
        first = (await api.ask(who, EVENTS, filter=given, first=1))["thinEvents"]
        assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (len(objects), len(objects) > 1)
        after = first["pageInfo"]["endCursor"]
        rest = (await api.ask(who, EVENTS, filter=given, first=5, after=after))["thinEvents"]
        assert sorted(each["objectId"] for each in first["nodes"] + (rest["nodes"] if after else [])) == objects
        assets = {each["asset"] and each["asset"]["id"] for each in first["nodes"] + rest["nodes"]}
        assert assets <= ({None} if who == "zoe" else {None, HIDDEN})


async def test_a_thin_event_of_a_source_of_others_by_its_id(api: Api, queued: str) -> None:
    """Its id gives zoe what an absent one gives her, after as many requests; the owners of the source read it."""
    where = {"subjects": [queued], "states": ["DONE"]}
    (event,) = (await api.ask("ada", EVENTS, filter=where))["thinEvents"]["nodes"]
    responses = [await reported(api, EVENT, each, id=each) for each in (event["id"], FAR.format("thin-event"))]
    assert responses == [('{"node": null}', 1)] * 2
    assert (await api.ask("ada", EVENT, id=event["id"]))["node"]["outcome"] == "CREATED"
