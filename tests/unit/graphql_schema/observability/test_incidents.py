"""Incidents of an asset, of a team and of all, and the commands that open and resolve them."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

from collections.abc import Awaitable, Callable
from threading import get_ident
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.estates.wide_lineage import noted_threads
from support.stores.plain_reader import PlainGraph

from graphql_schema.execution.side_thread import run_aside
from graphql_schema.observability import incidents
from graphql_schema.ports.commands import OpenIncidentCommand, ResolveIncidentCommand

Run = Callable[..., Awaitable[ExecutionResult]]
CLICKS, MODEL = "mlg://dataset/test/default/clicks", "mlg://model/test/default/m"
RESULT = "mlg://check-result/catalog/default/r"
OF_ASSET = (
    "query ($id: ID!, $s: IncidentState) { asset(id: $id) { incidents(state: $s) { totalCount nodes { title } } } }"
)
EVERY = "query ($s: IncidentState) { incidents(state: $s) { nodes { title } } }"
ONE = "query ($id: ID!) { node(id: $id) { ... on Incident { assets { id } cause { id } impact { total } } } }"
OPEN = """mutation ($input: OpenIncidentInput!) { openIncident(input: $input) {
  incident { title } errors { code message inputPath } } }"""
RESOLVE = (
    "mutation ($input: ResolveIncidentInput!) { resolveIncident(input: $input) { errors { code message inputPath } } }"
)
USUAL = {"assets": [CLICKS], "title": "late", "severity": "HIGH"}


@pytest.fixture
def estate(graph: PlainGraph) -> PlainGraph:
    """Add a dataset with three incidents; the second is resolved, the third is on a model as well."""
    graph.add("DATASET", "clicks")
    graph.add("MODEL", "m")
    graph.join("FEEDS", CLICKS, MODEL)
    for at, (state, assets) in enumerate([("OPEN", [CLICKS]), ("RESOLVED", [CLICKS]), ("OPEN", [CLICKS, MODEL])]):
        urn = graph.add("INCIDENT", f"i{at}", title=f"t{at}", state=state, subjects=assets, createdAt=at)
        for asset in assets:
            graph.join("RAISED_ON", urn, asset, at=at)
    return graph


@pytest.mark.usefixtures("estate")
@pytest.mark.parametrize(
    ("state", "titles"), [(None, ["t2", "t1", "t0"]), ("OPEN", ["t2", "t0"]), ("RESOLVED", ["t1"])]
)
async def test_incidents_are_filtered_by_state_newest_first(run: Run, state: str | None, titles: list[str]) -> None:
    """The list of an asset and the list of all have the same order, and the total counts the state."""
    found = (await run(OF_ASSET, id=CLICKS, s=state)).data["asset"]["incidents"]
    assert [node["title"] for node in found["nodes"]] == titles
    assert found["totalCount"] == len(titles)
    every = (await run(EVERY, s=state)).data["incidents"]
    assert [node["title"] for node in every["nodes"]] == titles


async def test_assets_and_causes_that_are_hidden_are_left_out(run: Run, estate: PlainGraph) -> None:
    """The impact begins at the visible assets only, and an unknown cause is null."""
    gone = "mlg://dataset/test/default/gone"
    result = estate.add("CHECK_RESULT", "r", subjects=[CLICKS])
    estate.records["mlg://incident/test/default/i0"] |= {"subjects": [CLICKS, gone], "cause": result}
    found = await run(ONE, id="mlg://incident/test/default/i0")
    assert found.errors is None
    assert found.data["node"] == {"assets": [{"id": CLICKS}], "cause": {"id": result}, "impact": {"total": 1}}
    estate.records["mlg://incident/test/default/i0"] |= {"subjects": [gone], "cause": gone}
    assert (await run(ONE, id="mlg://incident/test/default/i0")).data["node"] == {
        "assets": [],
        "cause": None,
        "impact": {"total": 0},
    }


async def test_an_incident_opens_on_each_asset_once(run: Run, graph: PlainGraph) -> None:
    """The assets keep their order, and one that is listed twice counts once."""
    given = {"assets": [MODEL, CLICKS, MODEL], "title": "late", "severity": "LOW", "cause": RESULT}
    found = await run(OPEN, input=given)
    assert (found.errors, found.data["openIncident"]["errors"]) == (None, [])
    assert graph.registered[0][0] == [OpenIncidentCommand((MODEL, CLICKS), "late", "LOW", RESULT)]


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        ({"assets": []}, ["assets"], "`assets` has 0 entries; give 1 to 20."),
        ({"assets": [CLICKS] * 21}, ["assets"], "`assets` has 21 entries; give 1 to 20."),
        ({"assets": [CLICKS, "mlg://team/a/default/b"]}, ["assets", "1"], "is a Team"),
        ({"title": "  "}, ["title"], "`title` needs 1 to 300 characters"),
        ({"title": "x" * 301}, ["title"], "`title` needs 1 to 300 characters"),
        ({"cause": CLICKS}, ["cause"], "is a Dataset; use the id of a Change or CheckResult"),
    ],
)
async def test_an_invalid_incident_is_refused_at_its_field(
    run: Run, graph: PlainGraph, given: dict[str, Any], path: list[str], message: str
) -> None:
    """The writer is not called."""
    (error,) = (await run(OPEN, input={**USUAL, **given})).data["openIncident"]["errors"]
    assert (error["code"], error["inputPath"]) == ("INVALID", path)
    assert message in error["message"]
    assert graph.registered == []


async def test_twenty_assets_and_a_title_of_300_characters_are_accepted(run: Run, graph: PlainGraph) -> None:
    """Both bounds are included."""
    assets = [f"mlg://dataset/test/default/d{number}" for number in range(20)]
    found = await run(OPEN, input={**USUAL, "assets": assets, "title": "x" * 300})
    assert found.data["openIncident"]["errors"] == []
    assert len(graph.registered) == 1


async def test_an_incident_is_resolved_by_its_id(run: Run, graph: PlainGraph) -> None:
    """An empty reason is none; the id of an asset, and a long reason, are refused."""
    urn = "mlg://incident/catalog/default/i"
    assert (await run(RESOLVE, input={"incident": urn, "reason": ""})).data["resolveIncident"]["errors"] == []
    assert graph.registered[0][0] == [ResolveIncidentCommand(urn)]
    for given, path in (({"incident": CLICKS}, ["incident"]), ({"incident": urn, "reason": "x" * 4_001}, ["reason"])):
        (error,) = (await run(RESOLVE, input=given)).data["resolveIncident"]["errors"]
        assert (error["code"], error["inputPath"]) == ("INVALID", path)
    assert len(graph.registered) == 1


async def test_a_team_lists_the_incidents_of_its_assets_once(run: Run, estate: PlainGraph) -> None:
    """An incident on two assets of the team is listed once; assets that hide their incidents are left out."""
    team = estate.add("TEAM", "t")
    for urn in (CLICKS, MODEL):
        estate.records[urn] |= {"ownerTeam": team, "owners": [team]}
    query = "query ($id: ID!) { team(id: $id) { incidents(first: 20) { nodes { title } } } }"
    titles = [node["title"] for node in (await run(query, id=team)).data["team"]["incidents"]["nodes"]]
    assert sorted(titles) == ["t0", "t1", "t2"]
    estate.hidden = {"DATASET": {"incidents"}}
    assert (await run(query, id=team)).data["team"]["incidents"]["nodes"] == [{"title": "t2"}]


async def test_many_incidents_of_a_team_are_put_in_order_in_the_side_thread(
    run: Run, graph: PlainGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others run beside a list of tens of thousands of incidents; a few are put in order at once."""
    noted = noted_threads(monkeypatch, incidents, "slice_page")
    monkeypatch.setattr(incidents, "MANY_INCIDENTS", 10)
    team = graph.add("TEAM", "t")
    asset = graph.add("DATASET", "clicks", ownerTeam=team, owners=[team])
    query = "query ($id: ID!) { team(id: $id) { incidents(first: 2) { totalCount nodes { title } } } }"
    side = await run_aside(get_ident)
    for numbers, thread in ((range(9), get_ident()), (range(9, 10), side)):  # the asset counts, too
        for at in numbers:
            each = graph.add("INCIDENT", f"i{at}", title=f"t{at}", state="OPEN", subjects=[asset], createdAt=at)
            graph.join("RAISED_ON", each, asset, at=at)
        noted.clear()
        found = (await run(query, id=team)).data["team"]["incidents"]
        last = numbers[-1]
        assert found == {"totalCount": last + 1, "nodes": [{"title": f"t{last}"}, {"title": f"t{last - 1}"}]}
        assert noted == {("slice_page", thread)}
