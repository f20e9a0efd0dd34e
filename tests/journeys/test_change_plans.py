"""Change plans: whom a change concerns, as each caller may see it, what it affects since, and acknowledgements."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.documents.change_plans import PLAN, acknowledged, closed, planned, status
from support.estates.leak_catalogue import token
from support.estates.owned_items import owned, team, urn
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.reading import attached_records
from app.graph.reading.lineage.walk_budget import WalkLimits
from graphql_schema.fields.context import Info
from graphql_schema.plans import pending_plans, plan_status
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.row import Row

ROOT, OPEN_ROOT, BESIDE = urn("dataset", "root"), urn("dataset", "open-root"), urn("dataset", "beside")
TEAMS = ("ranking", "ads", "risk", "vault", "deep", "late")
MINE = "{ myWork { plans { total examined complete nodes { plan { id } teams { id } } } } }"
HISTORY = """query ($id: ID!) { changes(filter: {subjects: [$id]}) { nodes {
  action reason fields { field before after } } } }"""


def fed(service: str, source: str, by: str) -> list[dict[str, Any]]:
    """Return the items of a service of a team that a dataset feeds."""
    link = {"relation": "FEEDS", "from": urn("dataset", source), "to": urn("service", service)}
    return [owned("service", service, by), {"link": link}]


@pytest.fixture(scope="module")
async def estate(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over a dataset of ranking, whose consumers are of four teams; two are behind a hidden dataset."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        await api.load(
            *({"team": {"name": name}} for name in TEAMS),
            *(owned("dataset", name) for name in ("root", "open-root", "beside")),
            owned("dataset", "clicks", "ads", derivedFrom=[ROOT]),
            owned("dataset", "secret", "vault", derivedFrom=[ROOT], visibility="TEAM"),
            owned("dataset", "views", "ads", derivedFrom=[OPEN_ROOT]),
            *fed("shop", "clicks", "risk"),
            *fed("far", "secret", "deep"),
        )
        api.tokens["mia"] = token(api, "mia", "ads", roles="reader")
        yield api


def teams_of(found: Any) -> dict[str, Any]:
    """Return the teams of a status by name, each with its reasons, whether it is new, and its decision."""
    listed = found["status"]["teams"]
    names = {team(name): name for name in TEAMS}
    return {names[each["team"]["id"]]: (each["reasons"], each["isNew"], each["acknowledgement"]) for each in listed}


async def test_each_reader_sees_the_teams_whose_reason_it_sees(estate: Api) -> None:
    """Teams behind a hidden asset are absent, also from numbers and state; an administrator sees all of them."""
    plan = await planned(estate, "ada", ROOT)
    owns = (["OWNS"], False, None)
    for who, expected in (
        ("ada", ("ads", "risk")),
        ("bo", ("ads", "risk")),
        ("root", ("ads", "deep", "risk", "vault")),
    ):
        found = await status(estate, who, plan)
        assert teams_of(found) == dict.fromkeys(expected, owns), who
        assert (found["status"]["waiting"], found["impact"]["total"]) == (len(expected), len(expected)), who
        assert (found["status"]["complete"], found["status"]["state"]) == (who == "root", "OPEN"), who
    assert teams_of(await status(estate, "root", plan)).keys() == {*("ads", "deep", "risk", "vault")}


async def test_hidden_roots_and_consumers_change_nothing_for_others(estate: Api) -> None:
    """A plan about a hidden and a visible asset reads for bo like one about the visible asset; alone it is absent."""
    shut, shown = urn("dataset", "secret"), urn("dataset", "views")
    both, alone = await planned(estate, "root", shut, shown), await planned(estate, "root", shown)
    assert await status(estate, "bo", both) == await status(estate, "bo", alone)
    assert await status(estate, "bo", await planned(estate, "root", shut)) is None
    assert len((await status(estate, "root", both))["roots"]) == 2


async def test_a_stricter_policy_applies_to_older_plans(estate: Api) -> None:
    """An asset that becomes hidden leaves the impact of a plan that was made before."""
    await estate.load(owned("dataset", "closing", "vault", derivedFrom=[BESIDE]))
    plan = await planned(estate, "ada", BESIDE)
    assert (await status(estate, "bo", plan))["impact"]["total"] == 1
    await estate.load({"dataset": {"id": urn("dataset", "closing"), "visibility": "TEAM"}})
    found = await status(estate, "bo", plan)
    assert (found["impact"]["total"], teams_of(found)) == (0, {})
    assert teams_of(await status(estate, "root", plan)) == {"vault": (["OWNS"], False, None)}


async def test_what_the_change_affects_since_is_asked_too(estate: Api) -> None:
    """The impact of the plan stays; the one of now grows and shrinks, and a team of the growth alone is new."""
    source = urn("dataset", "growing")
    await estate.load(owned("dataset", "growing"), owned("dataset", "first", "ads", derivedFrom=[source]))
    plan = await planned(estate, "ada", source)
    await estate.load(owned("dataset", "second", "late", derivedFrom=[source]))
    await estate.load({"dataset": {"id": urn("dataset", "first"), "derivedFrom": []}})
    found = await status(estate, "ada", plan)
    assert (found["impact"]["total"], found["impactNow"]["total"]) == (1, 1)
    assert (found["status"]["added"], found["status"]["removed"]) == (1, 1)
    assert teams_of(found) == {"ads": (["OWNS"], False, None), "late": (["OWNS"], True, None)}


async def test_the_state_follows_the_acknowledgements(estate: Api) -> None:
    """Open, objected and ready by the newest decision of each team, closed for good; each step is in the history."""
    plan = await planned(estate, "ada", OPEN_ROOT)
    assert (await status(estate, "bo", plan))["status"]["state"] == "OPEN"
    objected = await acknowledged(estate, "mia", plan, team("ads"), "OBJECTED", reason="not this week")
    assert (objected["errors"], objected["plan"]["state"]) == ([], {"state": "OBJECTED"})
    denied = await acknowledged(estate, "ada", plan, team("ads"))
    assert (denied["plan"], [each["code"] for each in denied["errors"]]) == (None, ["DENIED"])
    agreed = await acknowledged(estate, "mia", plan, team("ads"))
    assert agreed["plan"]["state"] == {"state": "READY"}
    ours = await acknowledged(estate, "ada", plan, team("ranking"), "NOT_CONCERNED")
    assert ours["plan"]["state"] == {"state": "READY"}
    decision = {"decision": "AGREED", "reason": None, "by": "mia"}
    not_ours = {"decision": "NOT_CONCERNED", "reason": None, "by": "ada"}
    assert teams_of(await status(estate, "ada", plan)) == {
        "ads": (["OWNS"], False, decision),
        "ranking": ([], False, not_ours),
    }
    done = await closed(estate, "ada", plan, reason="moved")
    assert (done["plan"]["state"], done["plan"]["outcome"]) == ({"state": "CLOSED"}, "DONE")
    late = await acknowledged(estate, "mia", plan, team("ads"), "OBJECTED", reason="late")
    assert [each["code"] for each in late["errors"]] == ["CONFLICT"]
    changes = (await estate.ask("bo", HISTORY, id=OPEN_ROOT))["changes"]["nodes"]
    steps = [each["action"] for each in changes if each["fields"] and each["fields"][0]["field"] == "changePlans"]
    assert steps[:5] == ["PLAN_CLOSED", "ACKNOWLEDGED", "ACKNOWLEDGED", "ACKNOWLEDGED", "PLANNED"]


async def test_a_plan_is_overdue_after_its_deadline(estate: Api) -> None:
    """The deadline decides nothing but the word for a plan that waits."""
    deadline = datetime.now(UTC) + timedelta(minutes=2)
    plan = await planned(estate, "ada", OPEN_ROOT, deadline=deadline.isoformat())
    query = """query ($id: ID!, $at: DateTime) { nodes(ids: [$id], asOf: $at) {
      ... on ChangePlan { deadline status { state } } } }"""
    for minutes, state in ((1, "OPEN"), (3, "OVERDUE")):
        at = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
        (found,) = (await estate.ask("ada", query, id=plan, at=at))["nodes"]
        assert found["status"] == {"state": state}
    await closed(estate, "ada", plan, "WITHDRAWN")


async def test_plans_wait_for_the_teams_of_the_caller(estate: Api) -> None:
    """A plan is in the work of a member until the team has acknowledged, and in no other work."""
    for each in (await estate.ask("root", "{ changePlans(closed: false) { nodes { id } } }"))["changePlans"]["nodes"]:
        await closed(estate, "root", each["id"], "WITHDRAWN")
    plan = await planned(estate, "ada", OPEN_ROOT)
    other = await planned(estate, "ada", ROOT)
    found = (await estate.ask("bo", MINE))["myWork"]["plans"]
    waiting = [{"plan": {"id": each}, "teams": [{"id": team("ads")}]} for each in (other, plan)]
    assert found == {"total": 2, "examined": 2, "complete": True, "nodes": waiting}
    assert (await estate.ask("ada", MINE))["myWork"]["plans"]["nodes"] == []
    await acknowledged(estate, "mia", plan, team("ads"))
    assert (await estate.ask("bo", MINE))["myWork"]["plans"]["nodes"] == waiting[:1]


async def test_plans_share_the_requests_of_their_levels(estate: Api) -> None:
    """Many plans of a page take as many requests to the store as one."""
    for _ in range(3):
        await planned(estate, "ada", OPEN_ROOT)
    query = "query ($n: Int!) { changePlans(first: $n, closed: false) { nodes { status { state waiting } } } }"
    one, three = [await estate.count("ada", query, n=number) for number in (1, 3)]
    assert one == three


async def test_a_repeated_call_returns_the_same_plan(estate: Api) -> None:
    """With an idempotency key a pipeline that runs again makes no second plan."""
    given = {"roots": [OPEN_ROOT], "title": "Move it", "idempotencyKey": "a1b2"}
    first, again = [(await estate.ask("ada", PLAN, input=given))["planChange"] for _ in range(2)]
    assert first["plan"]["id"] == again["plan"]["id"]


async def test_a_plan_that_affects_much_hides_no_other_plan(estate: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each examined plan has an equal share of the edges that one operation follows."""
    await estate.load(
        owned("dataset", "hub"),
        owned("dataset", "narrow"),
        owned("dataset", "narrow-use", "ads", derivedFrom=[urn("dataset", "narrow")]),
        *(owned("dataset", f"wide-{number}", "ads", derivedFrom=[urn("dataset", "hub")]) for number in range(20)),
    )
    small = await planned(estate, "ada", urn("dataset", "narrow"))
    large = await planned(estate, "root", urn("dataset", "hub"))
    monkeypatch.setattr(estate.contexts, "walk_limits", WalkLimits(edges=100))
    found = (await estate.ask("bo", MINE))["myWork"]["plans"]
    assert {small, large} <= {each["plan"]["id"] for each in found["nodes"]}
    monkeypatch.setattr(estate.contexts, "walk_limits", WalkLimits(edges=30))
    monkeypatch.setattr(pending_plans, "MAX_EDGES", 30)
    found = (await estate.ask("bo", MINE))["myWork"]["plans"]
    assert {small, large} & {each["plan"]["id"] for each in found["nodes"]} == {small}
    assert not found["complete"]


async def test_hidden_edges_are_no_part_of_a_share(estate: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan whose visible edges are as many as its share is examined completely, whatever else is derived there."""
    source = [urn("dataset", "shared")]
    await estate.load(
        owned("dataset", "shared"),
        *(owned("dataset", f"seen-{number}", "ads", derivedFrom=source) for number in range(3)),
        *(owned("dataset", f"shut-{number}", "vault", derivedFrom=source, visibility="TEAM") for number in range(3)),
    )
    plan = await planned(estate, "ada", *source)
    cut = dict[str, bool]()

    async def status_of(row: Row, info: Info, _: int) -> JsonObject:
        found = await plan_status.status_of(row, info, 3)
        cut[row.urn] = found["cut"]
        return found

    monkeypatch.setattr(pending_plans, "status_of", status_of)
    found = (await estate.ask("bo", MINE))["myWork"]["plans"]
    assert (plan in {each["plan"]["id"] for each in found["nodes"]}, cut[plan]) == (True, False)
    await estate.ask("root", MINE)
    assert cut[plan]


async def test_hidden_edges_of_a_plan_hide_no_other_plan(estate: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hidden edges count for no share, but all plans share what the operation reads."""
    await estate.load(
        owned("dataset", "vaulted"),
        owned("dataset", "slim"),
        owned("dataset", "slim-use", "ads", derivedFrom=[urn("dataset", "slim")]),
        *(
            owned("dataset", f"vault-{n}", "vault", derivedFrom=[urn("dataset", "vaulted")], visibility="TEAM")
            for n in range(20)
        ),
    )
    small = await planned(estate, "ada", urn("dataset", "slim"))
    await planned(estate, "root", urn("dataset", "vaulted"))
    monkeypatch.setattr(estate.contexts, "walk_limits", WalkLimits(edges=30))
    monkeypatch.setattr(pending_plans, "MAX_EDGES", 30)
    assert small in {each["plan"]["id"] for each in (await estate.ask("bo", MINE))["myWork"]["plans"]["nodes"]}


async def test_many_roots_of_plans_end_no_list(estate: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans are read in batches, and what waits has those that were read before half of the budget was spent."""
    roots = [urn("dataset", f"many-{number}") for number in range(5)]
    await estate.load(*(owned("dataset", f"many-{number}") for number in range(5)))
    await estate.load(owned("dataset", "many-use", "ads", derivedFrom=roots))
    plans = [await planned(estate, "ada", *roots) for _ in range(8)][::-1]
    every = "{ changePlans(closed: false, first: 8) { totalCount nodes { id } } }"
    before = (await estate.ask("bo", every))["changePlans"]
    monkeypatch.setitem(attached_records.BATCH_SIZES, "ChangePlan", 4)
    with monkeypatch.context() as capped:
        capped.setattr(estate.contexts, "graph_cache", None)  # the cap is that of a request
        capped.setattr("app.graph.reading.level.level_batcher.EDGE_CAP", 40)
        found = (await estate.ask("bo", every))["changePlans"]
    assert (found, [each["id"] for each in found["nodes"]]) == (before, plans)
    monkeypatch.setattr(OperationBudget, "is_half_read", property(lambda budget: budget.rows > 20))
    found = (await estate.ask("bo", MINE))["myWork"]["plans"]
    assert (found["nodes"][0]["plan"]["id"], found["complete"]) == (plans[0], False)
