"""What waits for the viewer: approvals, open incidents, unhealthy and unused assets of the viewer's teams."""

from typing import Any

import pytest
from support.documents.observability import recorded
from support.estates.leak_catalogue import token
from support.estates.owned_items import owned, team, urn
from support.estates.promotions import approve, codes, model, register, set_alias, version
from support.servers.in_process import Api
from support.today import TODAY

from app.graph.reading import listing_pages, relation_pages
from graphql_schema.governance import owned_assets
from graphql_schema.ports.operation_budget import UsageLimits
from graphql_schema.work import pending_approvals, unhealthy_assets

WORK = """query ($first: Int, $kinds: [AssetKind!], $days: Int) { myWork {
  teams { id }
  approvals(first: $first) { nodes { model { id } version { id } alias approvals gate { missingApprovals } }
    total examined complete }
  incidents(first: 10) { totalCount nodes { title assets { id } } }
  unhealthy(first: $first, kinds: $kinds) { nodes { id health { status } } total examined complete }
  unused(days: $days) { totalCount nodes { id usage(days: 400) { costUsd } } } } }"""
CLICKS, LATE, OLD, USED = (urn("dataset", name) for name in ("clicks", "late", "old", "used"))
OPEN = "mutation ($input: OpenIncidentInput!) { openIncident(input: $input) { errors { message } } }"
SEVERITIES = {"clicks": "HIGH", "late": "LOW"}


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over what waits for team ranking.

    A model of high risk has a protected alias at version 1, and a version 2 without approvals. One dataset is
    unhealthy, one degraded. Of two old datasets one was used lately, the other one long ago.
    """
    early = {"sourceCreatedAt": "2020-01-01T00:00:00Z"}
    await api.load(
        *({"team": {"name": name}} for name in ("ranking", "ads")),
        owned("dataset", "clicks"),
        owned("dataset", "late"),
        owned("dataset", "old", **early),
        owned("dataset", "used", **early),
        owned("dataset", "ours", "ads", **early),
    )
    await register(api, "ranker", 1)
    assert codes(await set_alias(api, "eli", "ranker", protected=True)) == []
    await register(api, "ranker", 1, 2, riskTier="HIGH")
    await register(api, "calm", 1)
    assert codes(await set_alias(api, "eli", "calm")) == []
    await register(api, "calm", 1, 2, riskTier="HIGH")
    for name, severity in SEVERITIES.items():
        given = {"assets": [urn("dataset", name)], "title": name, "severity": severity}
        assert (await api.ask("ada", OPEN, input=given))["openIncident"]["errors"] == []
    uses = [(USED, TODAY, 1.0), (OLD, TODAY.replace(year=TODAY.year - 1, day=1), 2.5)]
    await recorded(
        api,
        "root",
        *(
            {"asset": asset, "consumer": team("ads"), "day": day.isoformat(), "reads": 1, "costUsd": cost}
            for asset, day, cost in uses
        ),
    )
    return api


async def work(api: Api, who: str, **variables: Any) -> dict[str, Any]:
    """Return the work of a caller."""
    found: dict[str, Any] = (await api.ask(who, WORK, **variables))["myWork"]
    return found


async def test_approvals_wait_for_those_who_may_approve(api: Api) -> None:
    """An approver of the team and an auditor see the newest version behind the protected alias, others nothing.

    An alias that is not protected needs no approval.
    """
    pending = {
        "model": {"id": model("ranker")},
        "version": {"id": version("ranker", 2)},
        "alias": "champion",
        "approvals": ["governance", "release"],
        "gate": {"missingApprovals": ["governance", "release"]},
    }
    for who, expected in (("eli", [pending]), ("cy", [pending]), ("ada", []), ("bo", []), ("root", [])):
        found = (await work(api, who))["approvals"]
        assert (found["nodes"], found["total"], found["complete"]) == (expected, len(expected), True), who
    assert (await work(api, "eli", first=0))["approvals"] == {"nodes": [], "total": 1, "examined": 2, "complete": True}


async def test_the_approvals_of_all_models_are_read_together(api: Api) -> None:
    """Teams, models, aliases, versions and approvals are a request each, and so is the evidence for gates."""
    query = "query ($first: Int) { myWork { approvals(first: $first) { total nodes { alias } } } }"
    assert [await api.count("eli", query, first=first) for first in (20, 0)] == [6, 5]


async def test_incidents_and_unhealthy_assets_are_those_of_the_teams(api: Api) -> None:
    """The unhealthy asset comes before the degraded one; another team has neither."""
    found = await work(api, "ada")
    assert found["teams"] == [{"id": team("ranking")}]
    assert {each["title"]: each["assets"] for each in found["incidents"]["nodes"]} == {
        name: [{"id": urn("dataset", name)}] for name in SEVERITIES
    }
    assert found["unhealthy"]["nodes"] == [
        {"id": CLICKS, "health": {"status": "UNHEALTHY"}},
        {"id": LATE, "health": {"status": "DEGRADED"}},
    ]
    assert (found["unhealthy"]["total"], found["unhealthy"]["examined"], found["unhealthy"]["complete"]) == (2, 6, True)
    assert (await work(api, "ada", kinds=["MODEL"]))["unhealthy"]["examined"] == 2
    other = await work(api, "bo")
    assert (other["teams"], other["incidents"]["totalCount"], other["unhealthy"]["nodes"]) == (
        [{"id": team("ads")}],
        0,
        [],
    )


async def test_unused_assets_have_their_cost(api: Api) -> None:
    """A dataset that was used long ago is unused, with what it cost then; one that was used today is not."""
    found = (await work(api, "ada", days=30))["unused"]
    assert found == {"totalCount": 1, "nodes": [{"id": OLD, "usage": {"costUsd": 2.5}}]}
    assert (await work(api, "bo", days=30))["unused"]["nodes"][0]["id"] == urn("dataset", "ours")


async def test_a_caller_without_team_has_no_work(api: Api) -> None:
    """Nothing is of no team: neither assets without an owner nor those of others."""
    api.tokens["guest"] = token(api, "guest")
    found = await work(api, "guest")
    assert (found["teams"], found["incidents"]["nodes"], found["unhealthy"]["examined"], found["unused"]["nodes"]) == (
        [],
        [],
        0,
        [],
    )


async def test_no_person_is_asked_for_two_approvals_of_different_people(api: Api) -> None:
    """A caller who gave one of the two is not asked for the other one; the auditor still is, until it is given."""
    assert codes(await approve(api, "eli", version("ranker", 2))) == []
    assert (await work(api, "eli"))["approvals"]["nodes"] == []
    (waiting,) = (await work(api, "cy"))["approvals"]["nodes"]
    assert waiting["approvals"] == ["governance"]
    assert codes(await approve(api, "cy", version("ranker", 2), "governance")) == []
    assert (await work(api, "cy"))["approvals"]["nodes"] == []


async def test_a_further_owner_changes_no_work(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Assets of which another team made the team a further owner hide none of its work, however many they are."""
    usage = "query ($id: ID!) { team(id: $id) { usage { reads } incidents { totalCount } consumption { reads } } }"
    monkeypatch.setattr(owned_assets, "MAX_OWNED", 15)
    monkeypatch.setattr(unhealthy_assets, "MAX_EXAMINED", 15)
    monkeypatch.setattr(pending_approvals, "MAX_MODELS", 15)
    before, of_team = await work(api, "ada", first=10), await api.ask("ada", usage, id=team("ranking"))
    approvals = (await work(api, "eli"))["approvals"]
    owners = [{"owner": team("ads")}, {"owner": team("ranking")}]
    await api.load(
        *(
            {kind: {"id": urn(kind, f"further-{n}"), "owners": owners}}
            for n in range(16)
            for kind in ("dataset", "model")
        )
    )
    after = await work(api, "ada", first=10)
    assert after["unhealthy"] == {**before["unhealthy"], "examined": 15, "complete": False}
    assert after["incidents"] == before["incidents"]
    assert await api.ask("ada", usage, id=team("ranking")) == of_team
    assert (await work(api, "eli"))["approvals"] == {**approvals, "examined": 15, "complete": False}


async def test_evaluations_of_one_version_hide_no_other_approval(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Very many evaluations by another team of the version that waits are read in parts, and end no list."""
    query = """{ myWork { approvals { nodes { alias version { id }
      gate { open complete missingApprovals reportedEvaluations { name } } } } } }"""
    for name in ("other", "quiet"):
        await register(api, name, 1)
        assert codes(await set_alias(api, "eli", name, protected=True)) == []
        await register(api, name, 1, 2, riskTier="HIGH")
    names = [f"flood-{number:02}" for number in range(12)]
    given = {"modelVersion": version("other", 2), "owners": [{"owner": team("ads")}], "verdict": "FAIL"}
    await api.load(*({"evaluation": {"id": urn("evaluation", name), **given}} for name in names))
    monkeypatch.setattr(api.contexts, "graph_cache", None)  # the cap is that of a request
    monkeypatch.setattr("app.graph.reading.level.level_batcher.EDGE_CAP", 10)
    for part, is_read in ((8, True), (0, False)):
        monkeypatch.setattr(relation_pages, "PART", part)
        nodes = (await api.ask("cy", query))["myWork"]["approvals"]["nodes"]
        gates = {each["version"]["id"]: each["gate"] for each in nodes}
        listed = [{"name": name} for name in names] if is_read else []
        closed = {"open": False, "complete": True, "missingApprovals": ["governance", "release"]}
        assert gates == {
            version("other", 2): {**closed, "complete": is_read, "reportedEvaluations": listed},
            version("quiet", 2): {**closed, "reportedEvaluations": []},
        }


async def test_large_assets_of_others_end_no_list(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of assets by which the team is a further owner, those are left out that are too much to read beside its own."""
    query = """query ($id: ID!) { myWork { incidents { totalCount } unhealthy { total complete } }
      team(id: $id) { incidents { totalCount } usage { complete reads } consumption { complete reads } } }"""
    owners = [{"owner": team("ads")}, {"owner": team("ranking")}]
    large = [urn("service" if n % 2 else "dataset", f"large-{n}") for n in range(40)]
    given = {"owners": owners, "description": "x" * 60_000}
    before = await api.ask("ada", query, id=team("ranking"))
    await api.load(*({each.split("/")[2]: {"id": each, **given}} for each in large))
    monkeypatch.setattr("app.runtime.operation_context.UsageLimits", lambda: UsageLimits(stored=8_000_000))
    monkeypatch.setattr(listing_pages, "PART_BYTES", 200_000)
    with api.without_cache():
        after = await api.ask("ada", query, id=team("ranking"))
    for found, is_complete in ((before, True), (after, False)):
        assert found["team"]["usage"].pop("complete") is is_complete
        assert found["team"]["consumption"].pop("complete") is is_complete
        assert found["myWork"]["unhealthy"].pop("complete") is is_complete
    assert after == before
