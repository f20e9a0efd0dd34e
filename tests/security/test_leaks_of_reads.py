"""The leak catalogue (docs/policy.md), first part: what reads could disclose. Each entry has a test of its name."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.documents.change_plans import planned
from support.estates import leak_catalogue as leaks
from support.estates.leak_catalogue import DRAFT, HIDDEN, MODEL, NEXT, OPEN, UNKNOWN, VERSION
from support.estates.promotions import approve, codes, set_alias
from support.servers.in_process import Api

from graphql_schema.catalog.kinds import ASSETS, KINDS

LISTING = "query ($f: AssetFilter, $o: AssetOrder) { assets(filter: $f, orderBy: $o, first: 200) { nodes { id } } }"
LATER = "2100-01-01T00:00:00Z"
NULL = {"data": {"node": None, "asset": None, "nodes": [None]}}


@pytest.fixture(autouse=True)
async def _no_canary(leaky: Api) -> AsyncIterator[None]:
    """Wrap the API: no response to bo or a guest, and no log line, may hold a value hidden from them."""
    texts: list[str] = []

    async def record_response(response: Any) -> None:
        sender = response.request.headers["authorization"].removeprefix("Bearer ")
        if sender in {leaky.tokens["bo"], leaky.tokens["guest"]}:
            await response.aread()
            stated = response.request.content.decode()
            texts.append(f"{response.headers} {_without(response.text, stated)}")

    leaky.http.event_hooks["response"].append(record_response)
    with capture_logs() as log:
        yield
    leaky.http.event_hooks["response"].remove(record_response)
    assert [text for text in texts if leaks.CANARY in text or leaks.HIDDEN_NAME in text] == []
    assert leaks.CANARY not in str(log)


def _without(text: str, stated: str) -> str:
    """Return a text without the hidden ids that the caller has named."""
    for urn in leaks.HIDDEN_IDS:
        text = text.replace(urn, "") if urn in stated else text
    return text


async def _ids(api: Api, who: str, where: Any = None, order: Any = None) -> list[str]:
    nodes = (await api.ask(who, LISTING, f=where, o=order))["assets"]["nodes"]
    return [node["id"] for node in nodes]


CONDITIONS: dict[str, dict[str, Any]] = {
    "tags": {"tags": [leaks.GOLD]},
    "owners": {"owners": [leaks.UMA]},
    "domains": {"domains": [leaks.COMMERCE]},
    "stages": {"stages": ["DRAFT"]},
    "sensitivities": {"ids": [DRAFT], "sensitivities": ["INTERNAL"]},
    "hydration": {"ids": [DRAFT], "hydration": "FULL"},
    "created": {"ids": [DRAFT], "createdAfter": "1970-01-01T00:00:00Z"},
    "created before": {"ids": [DRAFT], "createdBefore": "9999-01-01T00:00:00Z"},
    "changed": {"ids": [DRAFT], "updatedAfter": "1970-01-01T00:00:00Z"},
    "changed before": {"ids": [DRAFT], "updatedBefore": "9999-01-01T00:00:00Z"},
    "property": {"ids": [DRAFT], "property": {"key": "k", "eq": f"{leaks.CANARY}-property"}},
    "either": {"or": [{"tags": [leaks.GOLD]}, {"ids": [HIDDEN]}]},
}


@pytest.mark.parametrize("condition", CONDITIONS)
async def test_filter(leaky: Api, condition: str) -> None:
    """A condition on a hidden field matches no row that hides it, and its negation matches each."""
    where = CONDITIONS[condition]
    assert DRAFT in await _ids(leaky, "ada", where)
    assert await _ids(leaky, "bo", where) == []
    ids = {"ids": where["ids"]} if "ids" in where else {}
    opposite = {**ids, "not": {key: value for key, value in where.items() if key != "ids"}}
    assert DRAFT in await _ids(leaky, "bo", opposite)


@pytest.mark.parametrize("field", ["CREATED_AT", "UPDATED_AT"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_sort(leaky: Api, field: str, direction: str) -> None:
    """Rows that hide the field of an order come last, by id, in both directions."""
    found = await _ids(leaky, "bo", None, {"field": field, "direction": direction})
    early = [leaks.DRAFT_BASE, leaks.SKETCH, NEXT, leaks.DRAFT_RUN, DRAFT]
    assert found[-len(early) :] == sorted(early)


async def test_least_and_greatest(leaky: Api) -> None:
    """The first row of an order never hides the ordered field; the latest version of a model is a visible one."""
    query = """query ($o: AssetOrder) { assets(orderBy: $o, first: 1) { nodes { createdAt } } }"""
    for direction in ("ASC", "DESC"):
        (first,) = (await leaky.ask("bo", query, o={"field": "CREATED_AT", "direction": direction}))["assets"]["nodes"]
        assert first["createdAt"] is not None
    latest = f'{{ asset(id: "{MODEL}") {{ ... on Model {{ latestVersion {{ id }} versions {{ nodes {{ id }} }} }} }} }}'
    assert (await leaky.ask("ada", latest))["asset"]["latestVersion"] == {"id": NEXT}
    observed = (await leaky.ask("bo", latest))["asset"]
    assert observed == {"latestVersion": {"id": VERSION}, "versions": {"nodes": [{"id": VERSION}, {"id": NEXT}]}}


@pytest.mark.parametrize(
    "place", [("tag", leaks.GOLD), ("domain", leaks.COMMERCE), ("user", leaks.UMA)], ids=lambda place: place[0]
)
async def test_listings_by_what_is_hidden(leaky: Api, place: tuple[str, str]) -> None:
    """Lists by tag, business area or user do not disclose the hidden fields of a draft."""
    kind = place[0].capitalize()
    query = f'{{ node(id: "{place[1]}") {{ ... on {kind} {{ assets {{ totalCount nodes {{ id }} }} }} }} }}'
    assert (await leaky.ask("ada", query))["node"]["assets"]["totalCount"] == 5
    assert (await leaky.ask("bo", query))["node"]["assets"] == {"totalCount": 0, "nodes": []}


COUNTED = {
    "list": ("{ assets(filter: {kinds: [DATASET]}) { totalCount } }", 5, 4),
    "team": (f'{{ team(id: "{leaks.RANKING}") {{ assets(filter: {{kinds: [DATASET]}}) {{ totalCount }} }} }}', 5, 4),
    "relation": (f'{{ node(id: "{leaks.HUB}") {{ ... on Workflow {{ runs {{ totalCount }} }} }} }}', 41, 1),
    "neighbours": (f'{{ node(id: "{leaks.SERVICE}") {{ ... on Service {{ upstream {{ totalCount }} }} }} }}', 1, 0),
    "several hops": (f'{{ node(id: "{MODEL}") {{ ... on Model {{ services {{ totalCount }} }} }} }}', 1, 0),
}


@pytest.mark.parametrize("place", COUNTED)
async def test_total_count(leaky: Api, place: str) -> None:
    """Totals, and therefore degrees, count only visible rows."""
    query, everything, observed = COUNTED[place]
    for who, count in (("ada", everything), ("bo", observed)):
        assert f"'totalCount': {count}}}" in str(await leaky.ask(who, query))


async def test_no_page_follows_with_hidden_rows_only(leaky: Api) -> None:
    """`hasNextPage` is true only if a visible row follows."""
    query = f"""{{ node(id: "{leaks.HUB}") {{ ... on Workflow {{
        runs(first: 1) {{ nodes {{ id }} pageInfo {{ hasNextPage }} }} latestRun {{ id }} }} }} }}"""
    expected = {"nodes": [{"id": leaks.RUN}], "pageInfo": {"hasNextPage": False}}
    assert (await leaky.ask("bo", query))["node"] == {"runs": expected, "latestRun": {"id": leaks.RUN}}
    assert (await leaky.ask("ada", query))["node"]["runs"]["pageInfo"]["hasNextPage"]


async def test_lists_by_what_is_hidden(leaky: Api) -> None:
    """Lists of serving or failed assets do not disclose that a draft is one of them."""
    early = {"stage": "DRAFT", "owners": [{"owner": leaks.RANKING}]}
    shop, flow = leaks.urn("service", "stall"), leaks.urn("workflow", "flow")
    await leaky.load(
        {"service": {"id": shop}},
        {"workflow": {"id": flow}},
        {"deployment": {"id": leaks.urn("deployment", "early"), "status": "ACTIVE", "service": shop, **early}},
        {"run": {"id": leaks.urn("run", "early"), "state": "FAIL", "workflow": flow, **early}},
    )
    query = f"""{{ nodes(ids: ["{shop}", "{flow}"]) {{ ... on Service {{ all: deployments(activeOnly: false) {{
        totalCount }} some: deployments {{ totalCount nodes {{ id }} }} }} ... on Workflow {{ all: runs {{ totalCount }}
        some: runs(state: FAIL) {{ totalCount nodes {{ id }} }} }} }} }}"""
    for who, count in (("ada", 1), ("bo", 0)):
        for node in (await leaky.ask(who, query))["nodes"]:
            assert (node["all"]["totalCount"], node["some"]["totalCount"], len(node["some"]["nodes"])) == (
                1,
                count,
                count,
            )


PAGE = "query ($c: Cursor) { assets(first: 1, after: $c) { nodes { id } pageInfo { endCursor } } }"
VERSIONS = f"""query ($c: Cursor) {{ node(id: "{MODEL}") {{ ... on Model {{ versions(first: 1, after: $c) {{
    nodes {{ id }} pageInfo {{ endCursor }} }} }} }} }}"""


async def test_cursors(leaky: Api) -> None:
    """A cursor is opaque, and valid for one caller and one query, unchanged."""
    cursors = {
        who: (await leaky.ask(who, PAGE))["assets"]["pageInfo"]["endCursor"] for who in ("ada", "bo", "ci-ranking")
    }
    cursors["versions"] = (await leaky.ask("bo", VERSIONS))["node"]["versions"]["pageInfo"]["endCursor"]
    for cursor in cursors.values():
        assert not re.search(rb"mlg|test|null|[0-9]{6}", base64.urlsafe_b64decode(cursor + "=="))
    assert (await leaky.ask("bo", PAGE, c=cursors["bo"]))["assets"]["nodes"]
    changed = cursors["bo"][:-4] + ("AAAA" if cursors["bo"][-4:] != "AAAA" else "BBBB")
    for wrong in (cursors["ada"], cursors["ci-ranking"], cursors["versions"], changed, "", "x"):
        body = await leaky.send("bo", PAGE, c=wrong)
        assert [error["extensions"]["code"] for error in body["errors"]] == ["INVALID"]
        assert body["errors"][0]["message"].startswith("`after` is not a cursor of this list")


BY_ID = "query ($id: ID!, $ids: [ID!]!) { node(id: $id) { id } asset(id: $id) { id } nodes(ids: $ids) { __typename } }"


@pytest.mark.parametrize("urn", leaks.HIDDEN_IDS)
async def test_existence_by_id(leaky: Api, urn: str) -> None:
    """A hidden id and an unknown one are answered alike, in bytes and in store requests."""
    unknown = urn.replace("default", "elsewhere")
    for who in ("bo", "guest"):
        assert await leaky.send(who, BY_ID, id=urn, ids=[urn]) == NULL
        assert await leaky.send(who, BY_ID, id=unknown, ids=[unknown]) == NULL
        counts = [await leaky.count(who, BY_ID, id=each, ids=[each]) for each in (urn, unknown)]
        assert counts[0] == counts[1]


async def test_existence_by_version(leaky: Api) -> None:
    """A hidden version is not among the versions of its model."""
    hidden = {"modelVersion": {"id": f"{MODEL.replace('/model/', '/model-version/')}@9", "visibility": "TEAM"}}
    await leaky.load(hidden)
    query = f"""{{ node(id: "{MODEL}") {{ ... on Model {{
        a: version(version: "9") {{ id }} b: version(version: "8") {{ id }} }} }} }}"""
    assert (await leaky.ask("bo", query))["node"] == {"a": None, "b": None}
    assert (await leaky.ask("ada", query))["node"]["a"]


async def test_lineage_is_cut_and_not_bridged(leaky: Api) -> None:
    """A hidden or merely discoverable run between two assets cuts their lineage; the two sides are not joined."""
    query = f"""{{ node(id: "{VERSION}") {{ ... on ModelVersion {{
        trainedOn {{ totalCount nodes {{ id }} }} upstream {{ nodes {{ asset {{ id }} }} }} }} }} }}"""
    everything, observed = [str(await leaky.ask(who, query)) for who in ("ada", "bo")]
    assert leaks.BEHIND in everything
    assert leaks.BEHIND not in observed
    assert leaks.HIDDEN_RUN not in observed
    assert leaks.DRAFT_RUN in observed


async def test_path_length(leaky: Api) -> None:
    """A path over several hops discloses neither the assets behind a hidden hop nor the length of the path."""
    query = f'{{ node(id: "{MODEL}") {{ ... on Model {{ services {{ totalCount nodes {{ id }} }} }} }} }}'
    assert (await leaky.send("bo", query)) == {"data": {"node": {"services": {"totalCount": 0, "nodes": []}}}}
    assert leaks.SERVICE in str(await leaky.ask("ada", query))


async def test_edge_properties(leaky: Api) -> None:
    """An edge to a draft shows its existence and no property, and filters treat its properties as absent."""
    query = f"""query ($f: LineageFilter) {{ node(id: "{OPEN}") {{ ... on Dataset {{ downstream(filter: $f) {{ nodes {{
        asset {{ id }} relation confidence validFrom runId properties {{ value }} }} }} }} }} }}"""
    relations = {"relations": ["DERIVES"]}
    edges = {
        edge.pop("asset")["id"]: edge
        for edge in (await leaky.ask("bo", query, f=relations))["node"]["downstream"]["nodes"]
    }
    nothing = {"relation": "DERIVES", "confidence": None, "validFrom": None, "runId": None, "properties": None}
    assert edges[DRAFT] == nothing
    assert edges[leaks.BEHIND]["validFrom"]
    assert edges[leaks.BEHIND]["runId"] is None
    for who, found in (("ada", False), ("bo", True)):
        sure = str(await leaky.ask(who, query, f={**relations, "minConfidence": 0.9}))
        assert (DRAFT in sure) is found
        assert DRAFT not in str(await leaky.ask("bo", query, f={**relations, "stages": ["DRAFT"]}))


async def test_error_texts(leaky: Api) -> None:
    """An error about a hidden id reads like one about an unknown id, and a strict error names only the field."""
    bad = "query ($id: ID!) { node(id: $id) { id } assets(first: 501, filter: {ids: [$id]}) { nodes { id } } }"
    hidden, unknown = [await leaky.send("bo", bad, id=urn) for urn in (HIDDEN, UNKNOWN)]
    for body in (hidden, unknown):
        for error in body["errors"]:
            del error["extensions"]["requestId"]
    assert hidden == unknown
    strict = await _strict(leaky, f'{{ node(id: "{DRAFT}") {{ ... on Dataset {{ description }} }} }}')
    assert [error["message"].split(" is hidden")[0] for error in strict["errors"]] == ["Dataset.description"]


async def _strict(api: Api, query: str) -> Any:
    headers = {"Authorization": f"Bearer {api.tokens['bo']}", "Prefer": "policy=strict"}
    return (await api.http.post("/graphql", json={"query": query}, headers=headers)).json()


@pytest.mark.parametrize("strict", [False, True], ids=["null", "strict"])
async def test_null_propagation(leaky: Api, strict: bool) -> None:  # noqa: FBT001 - a case
    """A hidden field is null on its own row; siblings, the row and the list stay."""
    query = f"""{{ nodes(ids: ["{OPEN}", "{DRAFT}", "{HIDDEN}"]) {{ id ... on Dataset {{ displayName stage
        tags {{ tag {{ id }} }} viewerAccess {{ grade }} }} }} }}"""
    body = await (_strict(leaky, query) if strict else leaky.send("bo", query))
    open_, draft, hidden = body["data"]["nodes"]
    assert open_["stage"] == "ACTIVE"
    assert open_["tags"] == [{"tag": {"id": leaks.PLAIN}}]
    shown = {"id": DRAFT, "displayName": "draft", "viewerAccess": {"grade": "DISCOVER"}}
    assert draft == {**shown, "stage": None, "tags": None}
    assert hidden is None
    paths = [error["path"] for error in body.get("errors", [])]
    assert sorted(paths) == ([["nodes", 1, "stage"], ["nodes", 1, "tags"]] if strict else [])


async def test_nothing_is_shared_between_callers(leaky: Api) -> None:
    """Callers with the same query, one after another and concurrently, each get their own result."""
    query = f"""{{ nodes(ids: ["{HIDDEN}", "{VERSION}", "{DRAFT}"]) {{ id ... on ModelVersion {{ artifactUri }}
        ... on Dataset {{ description }} }} assets {{ totalCount }} }}"""
    callers = ("ada", "bo", "root", "guest", "cy")
    alone = {who: await leaky.send(who, query) for who in callers}
    assert len({str(body) for body in alone.values()}) == 3  # ada and root see alike, and so do bo and a guest
    order = callers * 6
    together = await asyncio.gather(*(leaky.send(who, query) for who in order))
    assert [alone[who] for who in order] == together


ROUTES = {
    "interface": "node(id: $id) { ... on Asset { description } }",
    "concrete type": "node(id: $id) { ... on Dataset { description } }",
    "named fragment": "node(id: $id) { ...F }",
    "alias": "node(id: $id) { ... on Dataset { name: description } }",
    "include": "node(id: $id) { ... on Dataset { description @include(if: true) } }",
    "skip": "node(id: $id) { ... on Dataset { description @skip(if: false) } }",
    "both types": "node(id: $id) { ... on Asset { description } ... on Dataset { description } }",
    "asset": "asset(id: $id) { description }",
    "listing": "assets(filter: {ids: [$id]}) { nodes { description } }",
    "edges": "assets(filter: {ids: [$id]}) { edges { node { description } } }",
    "property": 'asset(id: $id) { property(key: "k") }',
    "properties": "asset(id: $id) { properties { value } }",
    "typename beside it": "node(id: $id) { __typename ... on Dataset { description } }",
}


@pytest.mark.parametrize("route", ROUTES)
async def test_every_path_to_a_field(leaky: Api, route: str) -> None:
    """A hidden field is null on each path: interface or type, fragment, alias, directive, derived field."""
    fragment = " fragment F on Asset { description }" if "..." + "F" in ROUTES[route] else ""
    query = f"query ($id: ID!) {{ {ROUTES[route]} }}{fragment}"
    assert leaks.CANARY in str(await leaky.ask("ada", query, id=DRAFT))
    body = await leaky.send("bo", query, id=DRAFT)
    assert "None" in str(body["data"])
    assert sum(entry["count"] for entry in body["extensions"]["authorization"]["hidden"]) == 1


DERIVED = {
    "against a draft": (leaks.AGAINST_DRAFT, "Evaluation", "againstBaseline { baseline }", None),
    "against what is hidden": (leaks.AGAINST_HIDDEN, "Evaluation", "againstBaseline { baseline }", None),
    "owners through a hidden whole": (leaks.PART, "ModelVersion", "owners { owner { ... on Team { id } } }", 1),
    "owners through a draft": (leaks.SKETCHED, "ModelVersion", "owners { owner { ... on User { id } } }", 1),
    "hidden whole": (leaks.PART, "ModelVersion", "model { id }", None),
}


@pytest.mark.parametrize("field", DERIVED)
async def test_derived_fields(leaky: Api, field: str) -> None:
    """Fields derived from other rows disclose nothing of the rows that hide the source fields."""
    urn, kind, text, expected = DERIVED[field]
    query = f'{{ node(id: "{urn}") {{ ... on {kind} {{ found: {text} }} }} }}'
    everything, observed = [(await leaky.ask(who, query))["node"]["found"] for who in ("ada", "bo")]
    assert everything
    assert observed is None if expected is None else len(observed) == expected < len(everything)


async def test_union_membership(leaky: Api) -> None:
    """An owner inherited through a hidden parent discloses not even its type."""
    owners = "owners { inherited owner { __typename } }"
    query = f'{{ node(id: "{leaks.SKETCHED}") {{ ... on ModelVersion {{ {owners} }} }} }}'
    observed = (await leaky.ask("bo", query))["node"]["owners"]
    assert observed == [{"inherited": False, "owner": {"__typename": "Team"}}]
    assert {"__typename": "User"} in [each["owner"] for each in (await leaky.ask("ada", query))["node"]["owners"]]


async def test_work(leaky: Api) -> None:
    """What waits for a caller is nothing of what is hidden, though a team of the caller is an owner of it."""
    kinds = ", ".join(KINDS[name].code for name in ASSETS)
    query = f"""{{ myWork {{ teams {{ id }} approvals {{ total nodes {{ version {{ id }} }} }}
      plans {{ total examined complete nodes {{ plan {{ id }} }} }}
      incidents {{ totalCount }} unhealthy(kinds: [{kinds}]) {{ total examined complete nodes {{ id }} }}
      unused(days: 1) {{ totalCount }} }} }}"""
    await planned(leaky, "ada", HIDDEN, leaks.OTHER_MODEL, DRAFT)
    assert (await leaky.ask("root", query))["myWork"]["teams"] == []
    nothing = {"total": 0, "examined": 0, "complete": True, "nodes": []}
    for who, teams in (("bo", [{"id": leaks.ADS}]), ("guest", [])):
        assert (await leaky.ask(who, query))["myWork"] == {
            "teams": teams,
            "approvals": {"total": 0, "nodes": []},
            "plans": nothing,
            "incidents": {"totalCount": 0},
            "unhealthy": nothing,
            "unused": {"totalCount": 0},
        }


async def test_work_behind_an_alias_of_a_hidden_version(leaky: Api) -> None:
    """A protected alias of a hidden version is absent from what waits for an approver of the model."""
    shown, veiled = leaks.urn("model", "shown"), leaks.urn("model-version", "shown@1")
    await leaky.load(
        {"team": {"name": "secret"}},
        {"model": {"id": shown, "riskTier": "MEDIUM", "owners": [{"owner": leaks.RANKING}]}},
        {"modelVersion": {"id": veiled, "visibility": "TEAM", "owners": [{"owner": f"{leaks.RANKING[:-7]}secret"}]}},
    )
    newer = {"modelVersion": {"id": veiled.replace("@1", "@2"), "owners": [{"owner": leaks.RANKING}]}}
    assert (await leaky.register("ada", newer))["failed"] == 0
    query = "{ myWork { approvals { total examined nodes { alias version { id } gate { missingApprovals } } } } }"
    before = await leaky.send("eli", query)
    assert codes(await approve(leaky, "cy", veiled)) == []
    leaky.tokens["sam"] = leaks.token(leaky, "sam", "ranking", "secret", roles="reader approver")
    assert codes(await set_alias(leaky, "sam", "shown", protected=True)) == []
    assert (await leaky.ask("sam", query))["myWork"]["approvals"]["total"] == 1
    assert await leaky.send("eli", query) == before
    assert before["data"]["myWork"]["approvals"]["nodes"] == []


async def test_absent_edges_of_a_draft(leaky: Api) -> None:
    """An edge of which the caller may not see the times is explained as if it had never been, before and after it."""
    past = {"validFrom": "2020-01-01T00:00:00Z", "validTo": "2021-01-01T00:00:00Z"}
    query = "query ($a: ID!, $b: ID!) { explainAbsence(from: $a, to: $b) { reason edge { id } change { id } } }"
    asked = {"ENDED": (DRAFT, leaks.BEHIND, past), "BEGINS_LATER": (leaks.BEHIND, DRAFT, {"validFrom": LATER})}
    for reason, (source, target, times) in asked.items():
        before = await leaky.send("bo", query, a=source, b=target)
        await leaky.load({"link": {"relation": "DERIVES", "from": source, "to": target, **times}})
        assert (await leaky.ask("ada", query, a=source, b=target))["explainAbsence"]["reason"] == reason
        assert await leaky.send("bo", query, a=source, b=target) == before
        assert before["data"]["explainAbsence"]["reason"] == "NEVER_OBSERVED"
