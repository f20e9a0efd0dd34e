"""Teams that a change concerns: owners, users and on-call teams, as far as the caller may see usage and owners."""

from datetime import UTC, datetime
from typing import Any

import pytest
from support.documents.observability import recorded
from support.estates.owned_items import owned, team, urn
from support.servers.in_process import Api

from app.graph.reading import relation_pages

CLICKS, RANKER, PLAN = urn("dataset", "clicks"), urn("model", "ranker"), urn("dataset", "plan")
SHOP = urn("service", "shop")
TEAMS = """query ($roots: [ID!]!, $reasons: [ImpactReason!]) {
  impact(roots: $roots) { teams(reasons: $reasons) { team { name } assets reasons } } }"""
BEFORE = {"ranking": (2, ["OWNS"])}


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over a dataset, a model and a draft downstream of it, and the usage of each by other teams."""
    teams = [{"team": {"name": name}} for name in ("ads", "ranking", "search", "night", "web", "risk")]
    night = [{"owner": team("ranking")}, {"owner": team("night"), "ownership": "ONCALL"}]
    await api.load(
        *teams,
        {"team": {"name": "people", "members": [{"user": "mlg://user/catalog/default/uma"}]}},
        owned("dataset", "clicks", "ads"),
        {"model": {"id": RANKER, "owners": night, "inputs": [CLICKS]}},
        owned("dataset", "plan", stage="DRAFT", derivedFrom=[CLICKS]),
        owned("service", "shop", "web"),
    )
    uses = [(CLICKS, team("search")), (RANKER, SHOP), (RANKER, "mlg://user/catalog/default/uma"), (PLAN, team("risk"))]
    day = datetime.now(UTC).date().isoformat()
    payload = await recorded(
        api, "root", *({"asset": asset, "consumer": consumer, "day": day, "reads": 1} for asset, consumer in uses)
    )
    assert payload["errors"] == []
    return api


async def teams(api: Api, who: str, *roots: str, reasons: list[str] | None = None) -> dict[str, tuple[int, list[str]]]:
    """Return the number of assets and the reasons of each team."""
    found: list[dict[str, Any]] = (await api.ask(who, TEAMS, roots=roots, reasons=reasons))["impact"]["teams"]
    return {each["team"]["name"]: (each["assets"], each["reasons"]) for each in found}


async def test_teams_that_use_or_are_on_call_are_listed(api: Api) -> None:
    """A team that reads the changed dataset and owns nothing downstream is listed, as are members, services, on-call.

    The draft is used by team risk, which only its owners and auditors may see.
    """
    public = {
        **BEFORE,
        "night": (0, ["ONCALL"]),
        "people": (0, ["USES"]),
        "search": (0, ["USES"]),
        "web": (0, ["USES"]),
    }
    assert await teams(api, "ada", CLICKS) == {**public, "risk": (0, ["USES"])}
    assert await teams(api, "bo", CLICKS) == public


async def test_reasons_select_teams(api: Api) -> None:
    """Only the requested reasons are read and listed."""
    assert await teams(api, "ada", CLICKS, reasons=["OWNS"]) == BEFORE
    assert await teams(api, "ada", CLICKS, reasons=["ONCALL"]) == {"night": (0, ["ONCALL"])}
    assert set(await teams(api, "ada", RANKER, reasons=["USES"])) == {"people", "web"}


async def test_much_usage_of_one_asset_ends_no_impact(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """An own dataset derived from that of others, with usage for very many services, hides no other team."""
    hub, query = urn("dataset", "hub"), TEAMS.replace("reasons }", "reasons } teamsComplete total")
    await api.load(owned("dataset", "hub", "ads", derivedFrom=[CLICKS]), owned("dataset", "other", "ads"))
    day = datetime.now(UTC).date().isoformat()
    services = [urn("service", f"none{number}") for number in range(20)]
    payload = await recorded(
        api, "root", *({"asset": hub, "consumer": each, "day": day, "reads": 1} for each in services)
    )
    assert payload["errors"] == []
    every = (await api.ask("bo", query, roots=[CLICKS]))["impact"]
    assert every["teamsComplete"]
    monkeypatch.setattr(api.contexts, "graph_cache", None)  # the cap is that of a request
    monkeypatch.setattr("app.graph.reading.level.level_batcher.EDGE_CAP", 15)
    monkeypatch.setattr(relation_pages, "PART", 20)
    assert (await api.ask("bo", query, roots=[CLICKS]))["impact"] == every
    monkeypatch.setattr(relation_pages, "PART", 0)
    assert (await api.ask("bo", query, roots=[CLICKS]))["impact"] == {**every, "teamsComplete": False}


async def test_a_hidden_root_is_like_an_unknown_one(api: Api) -> None:
    """The users of a team-only dataset are listed for its owners, and for no caller to whom it is hidden."""
    hidden = urn("dataset", "shut")
    await api.load(owned("dataset", "shut", visibility="TEAM"))
    day = datetime.now(UTC).date().isoformat()
    await recorded(api, "root", {"asset": hidden, "consumer": team("risk"), "day": day, "reads": 1})
    assert await teams(api, "ada", hidden) == {"risk": (0, ["USES"])}
    assert await teams(api, "bo", hidden) == await teams(api, "bo", urn("dataset", "none")) == {}
