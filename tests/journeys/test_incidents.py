"""Incidents: opened on assets, listed by team and asset, recorded in the audit, and open until resolved."""

from datetime import datetime
from random import Random
from typing import Any

import pytest
from support.documents.observability import REVERT, Writes, codes, raised, report, resolved
from support.estates.leak_catalogue import token
from support.estates.owned_items import owned, team, urn
from support.servers.in_process import Api

DATA, MODEL, THEIRS, SHUT = urn("dataset", "d"), urn("model", "m"), urn("dataset", "t"), urn("dataset", "shut")
PART = urn("model-version", "m@1")
LISTS = """query ($state: IncidentState, $team: ID, $asset: ID!) { incidents(state: $state, first: 500) { ...Ids }
  team(id: $team) { incidents(state: $state, first: 500) { ...Ids } }
  asset(id: $asset) { incidents(state: $state, first: 500) { ...Ids } } }
  fragment Ids on IncidentConnection { totalCount nodes { id } }"""
PAGES = """query ($team: ID, $state: IncidentState, $after: Cursor) { team(id: $team) {
  incidents(state: $state, first: 2, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } }"""
HISTORY = """query ($id: ID!) { asset(id: $id) { revision history { nodes {
  id action reason actor fields { field before after } } } } }"""


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over assets of ranking and ads, one of them team-only, and a token for zoe, an engineer of ads."""
    api.tokens["zoe"] = token(api, "zoe", "ads", roles="engineer")
    await api.load(
        owned("dataset", "d"),
        owned("model", "m"),
        {"modelVersion": {"id": PART}},
        owned("dataset", "t", "ads"),
        owned("dataset", "shut", visibility="TEAM"),
        owned("dataset", "audited"),
        owned("dataset", "audited-too"),
    )
    return api


async def history(api: Api, asset: str) -> tuple[int, list[dict[str, Any]]]:
    """Return the revision of an asset, and its audit entries about incidents."""
    found = (await api.ask("root", HISTORY, id=asset))["asset"]
    changes = found["history"]["nodes"]
    return found["revision"], [each for each in changes if any(f["field"] == "incidents" for f in each["fields"])]


async def test_lists_contain_exactly_the_visible_incidents(api: Api) -> None:
    """Random incidents are listed, by state, team and asset, for exactly the callers who can see one of the assets."""
    random = Random(5)
    owner = {DATA: "ranking", MODEL: "ranking", PART: "ranking", SHUT: "ranking", THEIRS: "ads"}
    hidden = {"bo": {SHUT}, "root": set[str](), "zoe": {SHUT}}
    known: list[tuple[str, set[str], str]] = []
    for _ in range(24):
        assets = set(random.sample(sorted(owner), random.choice([1, 1, 2])))
        payload = await raised(api, "root", *assets)
        incident = payload["incident"]
        assert {each["id"] for each in incident["assets"]} == assets
        ends = random.choice(["OPEN", "RESOLVED"])
        if ends == "RESOLVED":
            done = await resolved(api, "root", incident["id"])
            ends_at, begins_at = (
                datetime.fromisoformat(text) for text in (done["incident"]["resolvedAt"], incident["openedAt"])
            )
            assert ends_at >= begins_at
        known.insert(0, (incident["id"], assets, ends))
    for who, unseen in hidden.items():
        for state in ("OPEN", "RESOLVED", None):
            observed = [
                (urn, assets - unseen) for urn, assets, now in known if state in (None, now) and assets - unseen
            ]
            for name in ("ranking", "ads"):
                data = await api.ask(who, LISTS, state=state, team=team(name), asset=DATA)
                theirs = {asset for asset, by in owner.items() if by == name}
                assert _listed(data["incidents"]) == [urn for urn, _ in observed]
                assert _listed(data["team"]["incidents"]) == [urn for urn, assets in observed if assets & theirs]
                assert _listed(data["asset"]["incidents"]) == [urn for urn, assets in observed if DATA in assets]
                assert await _paged(api, who, team(name), state) == _listed(data["team"]["incidents"])


def _listed(connection: dict[str, Any]) -> list[str]:
    found = [node["id"] for node in connection["nodes"]]
    assert connection["totalCount"] == len(found)
    return found


async def _paged(api: Api, who: str, owner: str, state: str | None) -> list[str]:
    after: str | None = None
    found: list[str] = []
    while True:
        page = (await api.ask(who, PAGES, team=owner, state=state, after=after))["team"]["incidents"]
        found += [node["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def test_hidden_assets_of_an_incident_are_left_out(api: Api) -> None:
    """An incident returns its visible assets only, and a cause of null if the cause is on a hidden asset."""
    cause = (await report(api, "ada", SHUT, status="FAIL"))["result"]["id"]
    incident = (await raised(api, "ada", DATA, SHUT, cause=cause))["incident"]
    assert (incident["cause"], len(incident["assets"])) == ({"id": cause}, 2)
    document = "query ($id: ID!) { node(id: $id) { ... on Incident { title assets { id } cause { id } } } }"
    assert (await api.ask("bo", document, id=incident["id"]))["node"] == {
        "title": "It is broken",
        "assets": [{"id": DATA}],
        "cause": None,
    }


async def test_the_audit_of_each_asset_records_its_incidents(api: Api) -> None:
    """Opening and resolving are audit entries of each asset, with the reason, and do not bump its revision."""
    assets = [urn("dataset", "audited"), urn("dataset", "audited-too")]
    before = [(await history(api, asset))[0] for asset in assets]
    incident = (await raised(api, "ada", *assets))["incident"]["id"]
    await resolved(api, "ada", incident, reason="Loaded again")
    for asset, revision in zip(assets, before, strict=True):
        now, changes = await history(api, asset)
        assert now == revision
        assert [(each["action"], each["reason"], each["actor"], each["fields"]) for each in changes] == [
            ("UPDATED", "Loaded again", "ada", [{"field": "incidents", "before": incident, "after": None}]),
            ("UPDATED", None, "ada", [{"field": "incidents", "before": None, "after": incident}]),
        ]


async def test_opening_an_incident_cannot_be_reverted(api: Api) -> None:
    """Reverting the audit entry of an incident is INVALID, and the message names `resolveIncident`."""
    asset = urn("dataset", "audited")
    await raised(api, "ada", asset)
    _, changes = await history(api, asset)
    payload = (await api.ask("ada", REVERT, input={"change": changes[0]["id"]}))["revertChange"]
    assert codes(payload) == [("INVALID", ["change"])]
    assert "`resolveIncident`" in payload["errors"][0]["message"]


async def test_resolving_again_writes_nothing(api: Api) -> None:
    """Resolving a resolved incident returns the same response and writes nothing."""
    incident = (await raised(api, "ada", DATA))["incident"]["id"]
    first = await resolved(api, "ada", incident)
    with Writes(api) as writes:
        assert await resolved(api, "ada", incident) == first
    assert writes.count == 0


async def test_resolving_needs_the_right_on_each_asset(api: Api) -> None:
    """A caller who may update one of two assets is DENIED, and one who may update both resolves the incident."""
    both = (await raised(api, "root", DATA, THEIRS))["incident"]["id"]
    theirs = (await raised(api, "root", THEIRS))["incident"]["id"]
    assert codes(await resolved(api, "zoe", both)) == [("DENIED", ["incident"])]
    assert (await resolved(api, "zoe", theirs))["incident"]["state"] == "RESOLVED"
    assert (await resolved(api, "root", both))["incident"]["state"] == "RESOLVED"


async def test_a_change_can_be_the_cause(api: Api) -> None:
    """The cause of an incident can be a change, and is returned."""
    await api.load({"dataset": {"id": THEIRS, "description": "moved"}})
    change = await _newest_change(api, THEIRS)
    incident = (await raised(api, "zoe", THEIRS, cause=change))["incident"]
    assert incident["cause"] == {"id": change}


async def _newest_change(api: Api, asset: str) -> str:
    found = await api.ask("root", HISTORY, id=asset)
    urn: str = found["asset"]["history"]["nodes"][0]["id"]
    return urn


REFUSED: dict[str, tuple[list[str], dict[str, Any], tuple[str, list[str]]]] = {
    "on an empty list": ([], {}, ("INVALID", ["assets"])),
    "on too many assets": ([DATA] * 21, {}, ("INVALID", ["assets"])),
    "on a team": ([DATA, team("ads")], {}, ("INVALID", ["assets", "1"])),
    "on an unknown asset": ([DATA, urn("dataset", "nothing")], {}, ("NOT_FOUND", ["assets", "1"])),
    "also on an asset of another team": ([DATA, THEIRS], {}, ("DENIED", ["assets", "1"])),
    "without a title": ([DATA], {"title": ""}, ("INVALID", ["title"])),
    "with a title over 300 characters": ([DATA], {"title": "t" * 301}, ("INVALID", ["title"])),
    "caused by an asset": ([DATA], {"cause": DATA}, ("INVALID", ["cause"])),
    "caused by an unknown change": ([DATA], {"cause": "mlg://change/catalog/default/x"}, ("NOT_FOUND", ["cause"])),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_an_invalid_incident_is_rejected(api: Api, case: str) -> None:
    """Each rejected input has a code and an input path, and writes nothing."""
    assets, given, wanted = REFUSED[case]
    with Writes(api) as writes:
        payload = await raised(api, "ada", *assets, **given)
    assert (payload["incident"], codes(payload), writes.count) == (None, [wanted], 0)
