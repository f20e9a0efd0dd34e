"""Health of the assets of a small estate; the expected causes were derived by hand from docs/health.md."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.documents.observability import raised, report, resolved
from support.estates.owned_items import owned, urn
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph
from support.waiting import until

from app.graph.records.clock import epoch_milliseconds
from graphql_schema.fields.scalars import instant_text
from policies.installation.disclosure import Disclosure

RAW, CLEAN, SECRET = urn("dataset", "raw"), urn("dataset", "clean"), urn("dataset", "secret")
MODEL, V1, V2 = urn("model", "ranker"), urn("model-version", "ranker@1"), urn("model-version", "ranker@2")
MAIN, CANARY = urn("deployment", "main"), urn("deployment", "canary")
SERVICE, CALLER = urn("service", "search"), urn("service", "app")
CAUSES = """causes { depth asset { id } check { name asset { id } } result { status } incident { title }
  evaluation { id } }"""
HEALTH = f"""query ($id: ID!, $asOf: DateTime) {{ asset(id: $id, asOf: $asOf) {{ health {{ status {CAUSES}
  completeness {{ state reason depthReached asOf }} }} }} }}"""


@pytest.fixture(scope="module")
async def opened(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over the assets, without checks and incidents."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        await api.load(
            owned("dataset", "raw"),
            owned("dataset", "secret", visibility="TEAM"),
            owned("dataset", "clean", derivedFrom=[RAW, SECRET]),
            owned("model-version", "ranker@1", trainedOn=[CLEAN]),
            owned("model-version", "ranker@2"),
            owned("service", "search"),
            owned("service", "app", calls=[SERVICE]),
            owned("deployment", "main", modelVersion=V2, service=SERVICE, status="ACTIVE"),
            owned("deployment", "canary", modelVersion=V1, service=SERVICE, status="ACTIVE"),
        )
        yield api


@pytest.fixture
async def api(opened: Api) -> AsyncIterator[Api]:
    """Return the API; afterwards report PASS for every check and resolve every incident."""
    yield opened
    requested = "query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on Asset { checks { nodes { name checkKind } } } } }"
    for asset in (await opened.ask("root", requested, ids=[RAW, CLEAN, SECRET, V1]))["nodes"]:
        for check in asset["checks"]["nodes"]:
            await report(opened, "root", asset["id"], check=check["name"], checkKind=check["checkKind"])
    standing = await opened.ask("root", "{ incidents(state: OPEN, first: 500) { nodes { id } } }")
    for incident in standing["incidents"]["nodes"]:
        await resolved(opened, "root", incident["id"])


async def health(api: Api, asset: str, who: str = "ada", **more: Any) -> Any:
    """Return the health of an asset, read by a persona."""
    return (await api.ask(who, HEALTH, id=asset, **more))["asset"]["health"]


def reported(response: Any) -> list[tuple[int, str, str]]:
    """Return the causes as depth, asset, and check status, incident title or evaluation id."""
    return [
        (
            cause["depth"],
            cause["asset"]["id"],
            (cause["result"] or {}).get("status") or (cause["incident"] or cause["evaluation"] or {}).get("title")
            or cause["evaluation"]["id"],
        )
        for cause in response["causes"]
    ]  # fmt: skip


async def test_own_and_upstream_causes_are_listed_nearest_first(api: Api) -> None:
    """A failure makes its asset UNHEALTHY and all downstream assets DEGRADED; other assets are unaffected."""
    await report(api, "ada", RAW, status="FAIL")
    await report(api, "ada", V1, check="drift", checkKind="DRIFT", status="WARN")
    await report(api, "ada", CLEAN, check="rows", checkKind="VOLUME")
    await raised(api, "ada", CLEAN, RAW, title="late", severity="HIGH")

    response = await health(api, RAW)
    assert (response["status"], sorted(reported(response))) == (
        "UNHEALTHY",
        [(0, RAW, "FAIL"), (0, RAW, "late")],
    )
    response = await health(api, CLEAN)
    assert (response["status"], reported(response)) == ("UNHEALTHY", [(0, CLEAN, "late"), (1, RAW, "FAIL")])
    response = await health(api, V1)
    assert (response["status"], reported(response)) == (
        "DEGRADED",
        [(0, V1, "WARN"), (1, CLEAN, "late"), (2, RAW, "FAIL")],
    )
    response = await health(api, CALLER)
    assert (response["status"], reported(response)) == (
        "DEGRADED", [(3, V1, "WARN"), (4, CLEAN, "late"), (5, RAW, "FAIL")]
    )  # fmt: skip
    assert response["completeness"]["state"] == "COMPLETE"
    assert response["completeness"]["depthReached"] == 5
    response = await health(api, V2)
    assert (response["status"], reported(response)) == ("UNKNOWN", [])


async def test_a_check_that_passes_again_clears_its_cause(api: Api) -> None:
    """The result with the latest observation time counts, whatever the order of the reports; PASS gives HEALTHY."""
    for minute, status in ((1, "PASS"), (3, "FAIL"), (2, "PASS")):
        await report(api, "ada", RAW, check="r", status=status, observedAt=f"2026-11-01T00:0{minute}:00Z")
    assert (await health(api, RAW))["status"] == "UNHEALTHY"
    for minute, status in ((5, "PASS"), (4, "ERROR")):
        await report(api, "ada", RAW, check="r", status=status, observedAt=f"2026-11-01T00:0{minute}:00Z")
    assert await health(api, RAW) | {"completeness": None} == {"status": "HEALTHY", "causes": [], "completeness": None}
    assert reported(await health(api, V1)) == []


async def test_an_incident_counts_while_it_is_open(api: Api) -> None:
    """A severe open incident gives UNHEALTHY, a minor one DEGRADED; a resolved incident has no effect."""
    light = (await raised(api, "ada", V2, title="slow", severity="MEDIUM"))["incident"]["id"]
    assert (await health(api, V2))["status"] == "DEGRADED"
    severe = (await raised(api, "ada", V2, title="wrong", severity="CRITICAL"))["incident"]["id"]
    response = await health(api, V2)
    assert response["status"] == "UNHEALTHY"
    assert [depth for depth, _, _ in reported(response)] == [0, 0]
    for incident in (light, severe):
        await resolved(api, "ada", incident)
    response = await health(api, V2)
    assert (response["status"], reported(response)) == ("UNKNOWN", [])


async def test_a_model_and_its_versions_share_causes(api: Api) -> None:
    """A cause on a model counts for its versions and vice versa; a cause on a version never counts for its siblings."""
    await report(api, "ada", V1, check="drift", checkKind="DRIFT", status="FAIL")
    assert reported(await health(api, MODEL)) == [(0, V1, "FAIL")]
    assert (await health(api, MODEL))["status"] == "UNHEALTHY"
    assert reported(await health(api, V2)) == []
    await raised(api, "ada", MODEL, title="biased", severity="HIGH")
    assert reported(await health(api, V2)) == [(0, MODEL, "biased")]
    assert reported(await health(api, SERVICE)) == [(2, V1, "FAIL"), (2, MODEL, "biased")]


async def test_retired_versions_do_not_count_for_their_model_but_a_retired_model_counts(api: Api) -> None:
    """Causes of a retired version are left out for its model; causes of a retired model count for its versions."""
    model, active, retired = urn("model", "w"), urn("model-version", "w@1"), urn("model-version", "w@2")
    await api.load(
        owned("model", "w", stage="RETIRED"),
        owned("model-version", "w@1", stage="ACTIVE"),
        owned("model-version", "w@2", stage="RETIRED"),
    )
    await report(api, "ada", model, check="bias", status="FAIL")
    await report(api, "ada", retired, check="drift", checkKind="DRIFT", status="FAIL")
    response = await health(api, active)
    assert (response["status"], reported(response)) == ("UNHEALTHY", [(0, model, "FAIL")])
    assert [asset for _, asset, _ in reported(await health(api, model))] == [model]
    assert sorted(asset for _, asset, _ in reported(await health(api, retired))) == sorted([model, retired])


async def test_an_inactive_deployment_does_not_affect_its_service(api: Api) -> None:
    """A service inherits causes of its active deployments, canaries included, and none of inactive deployments."""
    await report(api, "ada", V1, check="drift", checkKind="DRIFT", status="FAIL")
    await raised(api, "ada", CANARY, title="crashes", severity="LOW")
    assert reported(await health(api, SERVICE)) == [(1, CANARY, "crashes"), (2, V1, "FAIL")]
    for status in ("ROLLED_BACK", "RETIRED", "PENDING"):
        await api.load({"deployment": {"id": CANARY, "status": status}})
        assert reported(await health(api, SERVICE)) == []
        assert reported(await health(api, CANARY)) == [(0, CANARY, "crashes"), (1, V1, "FAIL")]
    await api.load({"deployment": {"id": CANARY, "status": "ACTIVE"}})
    assert len(reported(await health(api, SERVICE))) == 2


async def test_a_failing_evaluation_counts_until_a_newer_one_replaces_it(api: Api) -> None:
    """Per kind and data the newest evaluation counts; another team's is a minor cause, a retired one is no cause."""
    version = urn("model-version", "judged@1")
    first, other, theirs = (urn("evaluation", name) for name in ("first", "other", "theirs"))
    about: dict[str, Any] = {"modelVersion": version, "evaluationKind": "OFFLINE", "evaluatedOn": [CLEAN]}
    await api.load(
        owned("model-version", "judged@1"),
        owned("evaluation", "first", verdict="FAIL", evaluatedAt="2026-11-01T00:00:00Z", **about),
        owned("evaluation", "other", verdict="WARN", **{**about, "evaluationKind": "SHADOW"}),
        owned("evaluation", "theirs", "ads", verdict="FAIL", **about),
    )
    response = await health(api, version)
    assert (response["status"], sorted(reported(response))) == (
        "UNHEALTHY", [(0, version, first), (0, version, other), (0, version, theirs)]
    )  # fmt: skip
    await api.load(owned("evaluation", "older", verdict="PASS", evaluatedAt="2026-10-01T00:00:00Z", **about))
    assert (await health(api, version))["status"] == "UNHEALTHY"
    await api.load(owned("evaluation", "newer", verdict="PASS", evaluatedAt="2026-11-02T00:00:00Z", **about))
    response = await health(api, version)
    assert (response["status"], reported(response)) == (
        "DEGRADED",
        [(0, version, other), (0, version, theirs)],
    )
    await api.load(*({"evaluation": {"id": each, "stage": "RETIRED"}} for each in (other, theirs)))
    assert (await health(api, version))["status"] == "HEALTHY"


async def test_a_feature_is_stale_when_its_freshness_check_is_older_than_its_sla(api: Api) -> None:
    """A freshness check whose last PASS is older than `freshnessSla` is a minor cause; other checks never expire."""
    feature = urn("feature", "clicks")
    await api.load(owned("feature", "clicks", freshnessSla="PT6H", derivedFrom=[RAW]))
    old = instant_text(epoch_milliseconds() - 7 * 3_600_000)
    await report(api, "ada", feature, check="skew", checkKind="SKEW", observedAt=old)
    assert (await health(api, feature))["status"] == "HEALTHY"
    await report(api, "ada", feature, observedAt=old)
    response = await health(api, feature)
    assert (response["status"], reported(response)) == ("DEGRADED", [(0, feature, "PASS")])
    assert response["causes"][0]["check"]["name"] == "fresh"
    await report(api, "ada", feature)
    assert (await health(api, feature))["status"] == "HEALTHY"


async def test_a_hidden_cause_is_left_out(api: Api) -> None:
    """A failure on an asset hidden from bo is no cause for bo; completeness is PARTIAL if the policy discloses it."""
    await report(api, "ada", SECRET, status="FAIL")
    await raised(api, "ada", SECRET, RAW, title="both", severity="HIGH")
    assert reported(await health(api, CLEAN)) == [(1, RAW, "both"), (1, SECRET, "FAIL")]
    response = await health(api, CLEAN, "bo")
    assert (response["status"], reported(response)) == ("DEGRADED", [(1, RAW, "both")])
    assert (response["completeness"]["state"], response["completeness"]["reason"]) == ("PARTIAL", "POLICY")
    contexts = api.contexts
    contexts.disclosure, before = Disclosure.NONE, contexts.disclosure
    assert (await health(api, CLEAN, "bo"))["completeness"]["state"] == "COMPLETE"
    contexts.disclosure = before


async def test_a_discoverable_asset_discloses_no_health(api: Api) -> None:
    """If causes may be on a draft, a hidden evaluation or a hidden model, bo gets UNKNOWN with the reason POLICY."""
    draft, version = urn("dataset", "draft"), urn("model-version", "shy@1")
    evaluated: dict[str, Any] = {"modelVersion": version, "verdict": "FAIL", "visibility": "TEAM"}
    await api.load(
        owned("dataset", "draft", stage="DRAFT"),
        owned("model", "shy", visibility="TEAM"),
        owned("model-version", "shy@1", trainedOn=[draft], visibility="ORG"),
        owned("model-version", "shy@2", trainedOn=[draft], visibility="ORG", stage="RETIRED"),
        owned("evaluation", "hushed", **evaluated),
    )
    assert await _partial(api, draft) == ("UNKNOWN", None, None)
    await report(api, "ada", draft, status="FAIL")
    await raised(api, "ada", urn("model", "shy"), severity="HIGH")
    assert len(reported(await health(api, version))) == 3
    assert await _partial(api, version) == ("UNHEALTHY", "UNKNOWN", "POLICY")
    await report(api, "ada", urn("model-version", "shy@2"), status="FAIL")
    assert urn("model-version", "shy@2") not in [
        asset for _, asset, _ in reported(await health(api, urn("model", "shy")))
    ]


async def test_the_limits_of_health_are_reported_as_incomplete(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Causes end at depth 10 and at MAX_CAUSES, nearest first; completeness names the limit that was reached."""
    await api.load(
        owned("dataset", "line-0"),
        *(owned("dataset", f"line-{link}", derivedFrom=[urn("dataset", f"line-{link - 1}")]) for link in range(1, 13)),
    )
    for link in (0, 1, 2, 5):
        await raised(api, "ada", urn("dataset", f"line-{link}"), title=str(link))
    response = await health(api, urn("dataset", "line-11"))
    assert reported(response) == [(11 - link, urn("dataset", f"line-{link}"), str(link)) for link in (5, 2, 1)]
    assert (response["completeness"]["state"], response["completeness"]["reason"]) == ("TRUNCATED", "DEPTH")
    assert response["completeness"]["depthReached"] == 10
    monkeypatch.setattr("app.graph.reading.lineage.health_walk.MAX_CAUSES", 1)
    response = await health(api, urn("dataset", "line-5"))
    assert (response["status"], reported(response)) == ("DEGRADED", [(0, urn("dataset", "line-5"), "5")])
    assert (response["completeness"]["state"], response["completeness"]["reason"]) == (
        "TRUNCATED",
        "CAUSES",
    )


async def test_the_impact_of_an_incident_starts_at_visible_assets(api: Api) -> None:
    """The impact of an incident has its assets as roots; a hidden asset is no root, and its id is not disclosed."""
    hushed = urn("dataset", "hushed")
    await api.load(owned("dataset", "hushed", visibility="TEAM"), owned("dataset", "shown", derivedFrom=[hushed]))
    incident = (await raised(api, "ada", hushed, V2))["incident"]["id"]
    requested = """query ($id: ID!) { node(id: $id) { ... on Incident { assets { id } impact { total unknownRoots
      services { nodes { asset { id } via } } completeness { state } } } } }"""
    every = (await api.ask("ada", requested, id=incident))["node"]
    assert every["impact"]["total"] == 4  # the dataset derived from the hidden one; the deployment and both services
    assert every["impact"]["completeness"]["state"] == "COMPLETE"
    assert await api.ask("ada", "query ($ids: [ID!]!) { impact(roots: $ids) { total } }", ids=[hushed, V2]) == {
        "impact": {"total": 4}
    }
    routes = {node["asset"]["id"]: node["via"] for node in every["impact"]["services"]["nodes"]}
    assert routes == {SERVICE: [V2, MAIN, SERVICE], CALLER: [V2, MAIN, SERVICE, CALLER]}
    observed = (await api.ask("bo", requested, id=incident))["node"]
    assert observed["assets"] == [{"id": V2}]
    assert observed["impact"] == {**every["impact"], "total": 3}
    assert observed["impact"]["unknownRoots"] == []


async def test_health_at_an_instant_ignores_later_events(api: Api) -> None:
    """With `asOf`, results, incidents and resolutions after that instant are ignored."""
    instants = [await _tick()]
    await report(api, "ada", RAW, check="p", status="FAIL", observedAt=instant_text(instants[0]))
    incident = (await raised(api, "ada", CLEAN, title="gap", severity="LOW"))["incident"]["id"]
    instants.append(await _tick())
    await report(api, "ada", RAW, check="p", observedAt=instant_text(instants[1]))
    await resolved(api, "ada", incident)
    instants.append(await _tick())
    before, failed, over = instants[0] - 1, instants[1] - 1, instants[2]
    assert reported(await health(api, V1, asOf=instant_text(before))) == []
    response = await health(api, V1, asOf=instant_text(failed))
    assert (response["status"], reported(response)) == ("DEGRADED", [(1, CLEAN, "gap"), (2, RAW, "FAIL")])
    assert response["completeness"]["asOf"] == instant_text(failed)
    assert reported(await health(api, V1, asOf=instant_text(over))) == []


async def test_a_late_result_counts_from_its_observation_time(api: Api) -> None:
    """A result reported late counts from its `observedAt`; before the oldest observation the status is UNKNOWN."""
    await api.load(owned("dataset", "ancient", sourceCreatedAt="2020-01-01T00:00:00Z"))
    ancient = urn("dataset", "ancient")
    await report(api, "ada", ancient, status="PASS", observedAt="2026-05-03T00:00:00Z")
    await report(api, "ada", ancient, status="FAIL", observedAt="2026-05-01T00:00:00Z")
    found = [
        (await health(api, ancient, asOf=f"2026-05-0{day}T12:00:00Z"))["status"] for day in (1, 2, 3)
    ]  # fmt: skip
    assert found == ["UNHEALTHY", "UNHEALTHY", "HEALTHY"]
    assert (await health(api, ancient, asOf="2026-04-30T00:00:00Z"))["status"] == "UNKNOWN"


async def test_the_health_of_a_list_takes_the_requests_of_its_deepest_asset(api: Api) -> None:
    """The health of 100 assets takes as many store requests as that of one; assets inside the chains add none."""
    links = [
        owned("dataset", f"c-{chain}-{link}", derivedFrom=[urn("dataset", f"c-{chain}-{link - 1}") if link else RAW])
        for chain in range(10)
        for link in range(3)
    ]
    ends = [
        owned("dataset", f"end-{number}", derivedFrom=[urn("dataset", f"c-{number % 10}-2")]) for number in range(100)
    ]
    await api.load(*links, *ends)
    await report(api, "ada", RAW, status="FAIL")
    requested = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ id ... on Asset {{ health {{ status {CAUSES} }} }} }} }}"
    ids = [each["dataset"]["id"] for each in ends]
    one = await api.count("ada", requested, ids=ids[:1])
    assert one == 7  # the list, five levels (the last reads RAW), and the asset of its check
    assert await api.count("ada", requested, ids=ids) == one
    among = [*ids[:60], *(each["dataset"]["id"] for each in links)]
    assert await api.count("ada", requested, ids=among) <= one
    nodes = (await api.ask("ada", requested, ids=[*ids]))["nodes"]
    assert [[cause["depth"] for cause in node["health"]["causes"]] for node in nodes] == [[4]] * 100


async def _partial(api: Api, asset: str) -> tuple[str, str | None, str | None]:
    """Return the status for ada, and status and completeness reason for bo; None if the asset is hidden from bo."""
    mine, theirs = [await health(api, asset, who) for who in ("ada", "bo")]
    assert theirs is None or reported(theirs) == []
    return mine["status"], theirs and theirs["status"], theirs and theirs["completeness"]["reason"]


async def _tick() -> int:
    """Return the current instant in milliseconds, after waiting until it has passed."""
    now = epoch_milliseconds()
    await until(lambda: epoch_milliseconds() > now)
    return now
