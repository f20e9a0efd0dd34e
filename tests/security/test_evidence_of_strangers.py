"""Attacks on versions of others by what strangers record: evaluations, lineage, uses, and what selects a gate."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.estates.leak_catalogue import token
from support.estates.promotions import (
    ADS,
    ERRORS,
    RANKING,
    codes,
    history,
    model,
    of_version,
    register,
    revert,
    version,
)
from support.servers.in_process import Api, observes_one_process, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.reading.level import level_batcher
from app.graph.reading.lineage import health_evidence
from policies.installation.disclosure import Disclosure
from policies.installation.gates import Gate, Gates, Needs

REPORTED = """query ($id: ID!) { asset(id: $id) { ... on ModelVersion { gate(alias: "champion") {
  open failingEvaluations { id } reportedEvaluations { id createdBy ownerTeam { id } } } } } }"""
HEALTH = "query ($id: ID!) { asset(id: $id) { health { status causes { depth counts evaluation { id } } } } }"
EVIDENCE = """query ($id: ID!) { asset(id: $id) { health {
  status causes { evaluation { id } } completeness { reason } } } }"""
OWN = f"mutation ($input: SetOwnersInput!) {{ done: setOwners(input: $input) {{ {ERRORS} }} }}"
STAGE = f"mutation ($input: SetStageInput!) {{ done: setStage(input: $input) {{ {ERRORS} }} }}"
DELETE = f"mutation ($input: DeleteAssetInput!) {{ done: deleteAsset(input: $input) {{ changed {ERRORS} }} }}"
INCIDENT = f"mutation ($input: OpenIncidentInput!) {{ done: openIncident(input: $input) {{ {ERRORS} }} }}"
CHECK = f"mutation ($input: ReportCheckInput!) {{ done: reportCheck(input: $input) {{ {ERRORS} }} }}"
STATUS = """query ($id: ID!) { asset(id: $id) { stage health { status causes { counts } }
  ... on ModelVersion { gate(alias: "champion") { blockingIncidents { title } } } } }"""
LINK = f"mutation ($input: LinkInput!) {{ done: link(input: $input) {{ {ERRORS} }} }}"
UNLINK = f"mutation ($input: UnlinkInput!) {{ done: unlink(input: $input) {{ {ERRORS} }} }}"
UNHEALTHY = "query ($ids: [ID!]) { assets(filter: {ids: $ids, health: [UNHEALTHY]}) { nodes { id } } }"
HEALTH_DOMAIN = "mlg://domain/catalog/default/health"
OTHER_DOMAIN = "mlg://domain/catalog/default/other"


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API with eva, an engineer of team ads."""
    api.tokens["eva"] = token(api, "eva", "ads", roles="engineer")
    return api


async def do(api: Api, who: str, mutation: str, **given: Any) -> Any:
    """Return the payload of a mutation."""
    return (await api.ask(who, mutation, input=given))["done"]


async def record(api: Api, who: str, name: str, number: int = 1, **values: Any) -> str:
    """Record a failing evaluation of a version without naming owners, and return its id."""
    urn = f"mlg://evaluation/test/default/{name}-by-{who}"
    item = {"id": urn, "verdict": "FAIL", "modelVersion": version(name, number), **values}
    (result,) = (await api.register(who, {"evaluation": item}))["results"]
    assert codes(result) == []
    return urn


async def test_the_evaluation_of_a_stranger_closes_no_gate(api: Api) -> None:
    """An evaluation without owners by another team's engineer is reported with its author, and closes no gate."""
    await register(api, "judged", 1)
    urn = await record(api, "eva", "judged")
    gate = (await api.ask("eli", REPORTED, id=version("judged")))["asset"]["gate"]
    assert gate == {
        "open": True,
        "failingEvaluations": [],
        "reportedEvaluations": [{"id": urn, "createdBy": "eva", "ownerTeam": None}],
    }


async def test_no_stranger_opens_a_gate_by_changing_an_evaluation(api: Api) -> None:
    """An evaluation that the owners recorded without naming owners is theirs: no other team changes or takes it."""
    await register(api, "guarded", 1)
    urn = await record(api, "ci-ranking", "guarded")
    gate = (await api.ask("eli", REPORTED, id=version("guarded")))["asset"]["gate"]
    assert (gate["open"], gate["failingEvaluations"]) == (False, [{"id": urn}])
    (passed,) = (await api.register("eva", {"evaluation": {"id": urn, "verdict": "PASS"}}))["results"]
    assert codes(passed) == ["DENIED"]
    assert codes(await do(api, "eva", OWN, asset=urn, owners=[ADS])) == ["DENIED"]
    assert codes(await do(api, "eva", STAGE, asset=urn, stage="DEPRECATED")) == ["DENIED"]
    assert codes(await do(api, "eva", DELETE, asset=urn)) == ["DENIED"]
    ends = {"relation": "EVALUATED_BY", "from": version("guarded"), "to": urn}
    assert codes(await do(api, "eva", UNLINK, **ends)) == ["DENIED"]
    assert not (await of_version(api, "eli", "guarded"))["gate"]["open"]


async def test_the_evaluation_of_a_stranger_changes_no_health(api: Api) -> None:
    """It is a cause that does not count: the status stays, in both directions, for the version and downstream."""
    await register(api, "sound", 1)
    service = {"id": "mlg://service/test/default/sound", "owners": [RANKING]}
    deployment = {"id": "mlg://deployment/test/default/sound", "owners": [RANKING], "status": "ACTIVE"}
    ends = {"modelVersion": version("sound"), "service": service["id"]}
    await api.load({"service": service}, {"deployment": {**deployment, **ends}})
    urn = await record(api, "eva", "sound")
    for asset, depth in ((version("sound"), 0), (service["id"], 2)):
        found = (await api.ask("bo", HEALTH, id=asset))["asset"]["health"]
        assert found == {
            "status": "UNKNOWN",
            "causes": [{"depth": depth, "counts": False, "evaluation": {"id": urn}}],
        }
    await register(api, "unproven", 1)
    await record(api, "eva", "unproven", verdict="PASS")
    assert (await api.ask("bo", HEALTH, id=version("unproven")))["asset"]["health"]["status"] == "UNKNOWN"


@pytest.mark.parametrize("relation", ["TRIGGERS", "SERVED_BY"])
async def test_no_stranger_impairs_health_by_an_edge_of_its_own(api: Api, relation: str) -> None:
    """An edge from a workflow or deployment of others brings no cause until an owner of its *to* end declares it.

    That the others name this owner as a further owner of the workflow or deployment changes nothing.
    """
    kind, target = {"TRIGGERS": ("workflow", "workflow"), "SERVED_BY": ("deployment", "service")}[relation]
    mine, theirs = (
        f"mlg://{each}/test/default/{relation.lower()}-{side}" for each, side in ((kind, "a"), (target, "b"))
    )
    await api.load({target: {"id": theirs, "owners": [RANKING]}})
    assert (await api.register("eva", {kind: {"id": mine, "owners": [ADS, RANKING]}}))["created"] == 1
    assert codes(await do(api, "eva", LINK, **{"relation": relation, "from": mine, "to": theirs})) == []
    assert codes(await do(api, "eva", INCIDENT, assets=[mine], title="fake", severity="CRITICAL")) == []
    assert (await api.ask("bo", HEALTH, id=theirs))["asset"]["health"]["status"] == "UNKNOWN"
    assert (await api.ask("bo", HEALTH, id=mine))["asset"]["health"]["status"] == "UNHEALTHY"
    assert codes(await do(api, "ada", LINK, **{"relation": relation, "from": mine, "to": theirs})) == []
    assert (await api.ask("bo", HEALTH, id=theirs))["asset"]["health"]["status"] == "DEGRADED"
    assert codes(await do(api, "eva", LINK, **{"relation": relation, "from": mine, "to": theirs})) == []
    assert (await api.ask("bo", HEALTH, id=theirs))["asset"]["health"]["status"] == "DEGRADED"


async def test_no_stranger_impairs_health_by_an_asset_without_owners(api: Api) -> None:
    """An incident on a source without owners, which any engineer may open, is a cause that does not count."""
    source, data = "mlg://dataset/test/default/nobodys", "mlg://dataset/test/default/of-nobodys"
    await api.load({"dataset": {"id": source}}, {"dataset": {"id": data, "owners": [RANKING], "derivedFrom": [source]}})
    assert codes(await do(api, "eva", INCIDENT, assets=[source], title="fake", severity="CRITICAL")) == []
    found = (await api.ask("bo", HEALTH, id=data))["asset"]["health"]
    assert found == {"status": "UNKNOWN", "causes": [{"depth": 1, "counts": False, "evaluation": None}]}
    assert (await api.ask("bo", HEALTH, id=source))["asset"]["health"]["status"] == "UNHEALTHY"


async def test_what_a_stranger_records_on_a_placeholder_does_not_count(api: Api) -> None:
    """Incident, check and stage on a version that was only referenced change no health, gate or stage of its owner.

    They count while it has no owner. What the owner records then counts.
    """
    urn = version("early")
    ends = {"relation": "PRODUCES", "from": "mlg://run/test/default/early", "to": urn}
    await api.load({"run": {"id": ends["from"], "state": "COMPLETE", "owners": [ADS]}}, {"link": ends})
    assert codes(await do(api, "eva", INCIDENT, assets=[urn], title="fake", severity="CRITICAL")) == []
    assert codes(await do(api, "eva", INCIDENT, assets=[model("early")], title="fake", severity="HIGH")) == []
    check = {"asset": urn, "check": "drift", "checkKind": "DRIFT", "status": "FAIL", "openIncidentOnFail": True}
    assert codes(await do(api, "eva", CHECK, **check)) == []
    assert codes(await do(api, "eva", STAGE, asset=urn, stage="DEPRECATED")) == []
    assert (await api.ask("eva", STATUS, id=urn))["asset"]["health"]["status"] == "UNHEALTHY"
    await register(api, "early", 1)
    found = (await api.ask("eli", STATUS, id=urn))["asset"]
    assert (found["stage"], found["health"]["status"]) == ("ACTIVE", "UNKNOWN")
    assert [cause["counts"] for cause in found["health"]["causes"]] == [False] * 4
    assert found["gate"]["blockingIncidents"] == []
    assert codes(await do(api, "ada", CHECK, **check)) == []
    found = (await api.ask("eli", STATUS, id=urn))["asset"]
    assert found["health"]["status"] == "UNHEALTHY"
    assert [each["title"] for each in found["gate"]["blockingIncidents"]] == ["Drift check drift failed"]


async def test_no_stranger_blocks_a_deletion(api: Api) -> None:
    """Uses by assets of other teams are named, and block a deletion only until the owner deletes despite others."""
    data, mine, theirs = (f"mlg://dataset/test/default/deletable-{each}" for each in ("data", "mine", "theirs"))
    await api.load({"dataset": {"id": data, "owners": [RANKING]}}, {"dataset": {"id": mine, "owners": [RANKING]}})
    payload = await api.register("eva", {"dataset": {"id": theirs, "owners": [ADS], "derivedFrom": [data]}})
    assert payload["created"] == 1
    refused = await do(api, "ada", DELETE, asset=data)
    assert codes(refused) == ["CONFLICT"]
    assert (
        f"by assets of other owners or of none, {theirs} (DERIVES); set `despiteOthers`"
        in refused["errors"][0]["message"]
    )
    await api.load({"dataset": {"id": mine, "derivedFrom": [data]}})
    refused = await do(api, "ada", DELETE, asset=data, despiteOthers=True)
    assert codes(refused) == ["CONFLICT"]
    assert mine in refused["errors"][0]["message"]
    assert theirs not in refused["errors"][0]["message"]
    await api.load({"dataset": {"id": mine, "derivedFrom": []}})
    done = await do(api, "ada", DELETE, asset=data, despiteOthers=True)
    assert (codes(done), done["changed"]) == ([], True)


async def test_a_child_of_a_stranger_neither_impairs_nor_keeps_its_parent(api: Api) -> None:
    """Eva's version, registered before the dataset, and its source are no causes that count; the parent is deleted."""
    data, source = "mlg://dataset/test/default/parent", "mlg://dataset/test/default/of-eva"
    child = "mlg://dataset-version/test/default/parent@zz"
    version_of_eva = {"datasetVersion": {"id": child, "owners": [ADS]}}
    assert (await api.register("eva", {"dataset": {"id": source, "owners": [ADS]}}, version_of_eva))["created"] == 2
    assert codes(await do(api, "eva", LINK, **{"relation": "DERIVES", "from": source, "to": child})) == []
    assert (await api.register("ada", {"dataset": {"id": data, "owners": [RANKING]}}))["created"] == 1
    for each in (child, source):
        assert codes(await do(api, "eva", INCIDENT, assets=[each], title="fake", severity="CRITICAL")) == []
    found = (await api.ask("bo", HEALTH, id=data))["asset"]["health"]
    assert found == {"status": "UNKNOWN", "causes": [{"depth": 0, "counts": False, "evaluation": None}]}
    found = (await api.ask("bo", HEALTH, id=child))["asset"]["health"]
    assert (found["status"], [cause["counts"] for cause in found["causes"]]) == ("UNHEALTHY", [True, True])
    assert codes(await do(api, "ada", DELETE, asset=data)) == ["DENIED"]
    assert codes(await do(api, "ada", DELETE, asset=data, despiteOthers=True)) == []
    deleted = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Asset { deletedAt } } }"
    of_parent, of_child = (await api.ask("root", deleted, ids=[data, child]))["nodes"]
    assert (of_parent["deletedAt"] is None, of_child["deletedAt"]) == (False, None)


async def test_no_stranger_impairs_a_version_by_its_parent(api: Api) -> None:
    """Eva's incident on a placeholder model, and on what she links to it, are causes of ada's version without effect.

    Once the model has the owner of the version, what its owner reports counts.
    """
    urn, source = version("orphan"), "mlg://dataset/test/default/orphan-source"
    mine = {"modelVersion": {"id": urn, "owners": [RANKING]}}
    assert (await api.register("ada", mine))["created"] == 1
    assert (await api.register("eva", {"dataset": {"id": source, "owners": [ADS]}}))["created"] == 1
    ends = {"from": source, "to": model("orphan")}
    assert codes(await do(api, "eva", LINK, relation="FEEDS", **ends)) == []
    for each in (model("orphan"), source):
        assert codes(await do(api, "eva", INCIDENT, assets=[each], title="fake", severity="CRITICAL")) == []
    found = (await api.ask("bo", HEALTH, id=urn))["asset"]["health"]
    assert found == {"status": "UNKNOWN", "causes": [{"depth": 0, "counts": False, "evaluation": None}]}
    assert (await api.ask("bo", HEALTH, id=model("orphan")))["asset"]["health"]["status"] == "UNHEALTHY"
    assert codes(await do(api, "root", UNLINK, relation="FEEDS", **ends)) == []
    assert (await api.register("ada", {"model": {"id": model("orphan"), "owners": [RANKING]}}))["created"] == 1
    assert (await api.ask("bo", HEALTH, id=urn))["asset"]["health"]["status"] == "UNKNOWN"
    assert codes(await do(api, "ada", INCIDENT, assets=[model("orphan")], title="real", severity="CRITICAL")) == []
    assert (await api.ask("bo", HEALTH, id=urn))["asset"]["health"]["status"] == "UNHEALTHY"


async def datasets(api: Api, name: str, count: int) -> list[str]:
    """Register so many datasets of the team ranking, and return their ids."""
    found = [f"mlg://dataset/test/default/{name}-{number}" for number in range(count)]
    await api.load(*({"dataset": {"id": each, "owners": [RANKING]}} for each in found))
    return found


def evaluated(name: str, of: str, data: Sequence[str], **values: Any) -> dict[str, Any]:
    """Return an item that records an evaluation of the first version of a model on some data."""
    urn = f"mlg://evaluation/test/default/{name}"
    return {"evaluation": {"id": urn, "modelVersion": version(of), "evaluatedOn": data, **values}}


async def evidence(api: Api, name: str, who: str = "bo") -> tuple[str, str | None, list[str]]:
    """Return the status of a version, the reason why its health is not complete, and the names of its causes."""
    found = (await api.ask(who, EVIDENCE, id=version(name)))["asset"]["health"]
    causes = [cause["evaluation"]["id"].removeprefix("mlg://evaluation/test/default/") for cause in found["causes"]]
    return found["status"], found["completeness"]["reason"], causes


def limit_edges(monkeypatch: pytest.MonkeyPatch, maximum: int) -> None:
    """Let a request to the store end at this number of edges."""
    for module in (level_batcher, health_evidence):
        monkeypatch.setattr(module, "EDGE_CAP", maximum)


@observes_one_process
async def test_no_stranger_hides_evidence_by_many_data(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations of eva with too many edges to data are left out, and those of the owner count by their own data.

    So the filter by health finds the version, and what is read beside it keeps its causes. The three requests of the
    level are sent one by one, and then two, however many evaluations there are.
    """
    data = await datasets(api, "judged", 12)
    for name in ("watched", "beside"):
        await register(api, name, 1)
    days = {name: f"2026-01-0{day}T00:00:00Z" for day, name in enumerate(("former", "latest", "other"), 1)}
    own = [
        evaluated(name, "watched", data[on : on + 1], verdict=verdict, evaluatedAt=days[name])
        for name, on, verdict in (("former", 0, "FAIL"), ("latest", 0, "PASS"), ("other", 1, "FAIL"))
    ]
    assert (await api.register("ci-ranking", *own, evaluated("lone", "beside", [], verdict="FAIL")))["created"] == 4
    strangers = [evaluated(f"far-{number}", "watched", data, verdict="FAIL") for number in range(3)]
    assert (await api.register("eva", *strangers))["created"] == 3
    assert await evidence(api, "watched") == ("UNHEALTHY", None, ["far-2", "other"])
    both = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Asset { health { status } } } }"
    ids = [version("watched"), version("beside")]
    before = await api.count("bo", both, ids=ids)
    limit_edges(monkeypatch, 40)
    assert await evidence(api, "watched") == ("UNHEALTHY", "CAUSES", ["other"])
    assert (await api.ask("bo", both, ids=ids))["nodes"] == 2 * [{"health": {"status": "UNHEALTHY"}}]
    assert await api.count("bo", both, ids=ids) == before + 5
    more = [evaluated(f"more-{number}", "watched", data[:number], verdict="FAIL") for number in range(9)]
    assert (await api.register("eva", *more))["created"] == 9
    assert await evidence(api, "watched") == ("UNHEALTHY", "CAUSES", ["other"])
    assert await api.count("bo", both, ids=ids) == before + 5
    assert {node["id"] for node in (await api.ask("bo", UNHEALTHY, ids=ids))["assets"]["nodes"]} == {*ids}


@observes_one_process
async def test_no_stranger_cuts_evidence_that_fits_by_itself(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations of eva do not reduce what is read of those that count: one request reads all data of these.

    The filter by health, which refuses what is cut, finds the version.
    """
    data = await datasets(api, "whole", 24)
    await register(api, "whole", 1)
    own = [evaluated(f"part-{number}", "whole", data[number::3], verdict="FAIL") for number in range(3)]
    assert (await api.register("ci-ranking", *own))["created"] == 3
    limit_edges(monkeypatch, 40)
    assert await evidence(api, "whole") == ("UNHEALTHY", None, names := ["part-0", "part-1", "part-2"])
    strangers = [evaluated(f"cut-{number}", "whole", data, verdict="FAIL") for number in range(3)]
    assert (await api.register("eva", *strangers))["created"] == 3
    assert await evidence(api, "whole") == ("UNHEALTHY", "CAUSES", names)
    assert (await api.ask("bo", UNHEALTHY, ids=[version("whole")]))["assets"]["nodes"] == [{"id": version("whole")}]


@observes_one_process
async def test_hidden_evaluations_that_are_left_out_are_like_none(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the policy discloses nothing, the health of a version says nothing of an evaluation that bo may not discover.

    Otherwise it says of all evaluations that are left out what it says of them if they are read.
    """
    data = await datasets(api, "veiled", 24)
    await register(api, "veiled", 1)
    hidden = {"owners": [{"owner": "mlg://team/catalog/default/fraud"}], "visibility": "TEAM"}
    await api.load(evaluated("secret", "veiled", data, verdict="FAIL", **hidden))
    assert (await api.register("ci-ranking", evaluated("shown", "veiled", data, verdict="FAIL")))["created"] == 1
    for maximum in (100, 40):
        limit_edges(monkeypatch, maximum)
        for disclosure, reason in ((Disclosure.FLAG, "POLICY"), (Disclosure.NONE, None)):
            monkeypatch.setattr(api.contexts, "disclosure", disclosure)
            assert await evidence(api, "veiled") == ("UNHEALTHY", reason, ["shown"])


@observes_one_process
async def test_hidden_evaluations_that_count_are_like_none(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the policy discloses nothing, data of an evaluation that bo may not discover are not missing for bo."""
    data = await datasets(api, "shaded", 36)
    await register(api, "shaded", 1)
    own = [evaluated(f"shade-{number}", "shaded", data, verdict="FAIL", visibility="TEAM") for number in range(3)]
    assert (await api.register("ci-ranking", *own, evaluated("lit", "shaded", [], verdict="FAIL")))["created"] == 4
    monkeypatch.setattr(api.contexts, "disclosure", Disclosure.NONE)
    for maximum, reason in ((400, None), (40, "EDGES")):
        limit_edges(monkeypatch, maximum)
        assert await evidence(api, "shaded") == ("UNHEALTHY", None, ["lit"])
        assert (await evidence(api, "shaded", "ada"))[1] == reason


@observes_one_process
async def test_the_data_of_many_own_evaluations_are_compared_in_part(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations that count stay causes if they have too many edges to data, and the health says that it is cut.

    If the edges are also too large, no data is read, and only the newest evaluation of an owner and kind is a cause.
    """
    data = await datasets(api, "many", 36)
    await register(api, "thorough", 1)
    own = [evaluated(f"own-{number}", "thorough", data[number::3], verdict="FAIL") for number in range(3)]
    assert (await api.register("ci-ranking", *own))["created"] == 3
    assert await evidence(api, "thorough") == ("UNHEALTHY", None, names := ["own-0", "own-1", "own-2"])
    limit_edges(monkeypatch, 30)
    assert await evidence(api, "thorough") == ("UNHEALTHY", "EDGES", names)
    limit_edges(monkeypatch, 38)
    monkeypatch.setattr(health_evidence, "EDGE_CAP", 180)
    monkeypatch.setattr(level_batcher, "RECORDS_CAP", 5_000)
    with api.without_cache():
        assert await evidence(api, "thorough") == ("UNHEALTHY", "EDGES", names[-1:])


@pytest.fixture
async def gated(graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """Return the API of an installation with one gate, which is for a domain."""
    gates = Gates((Gate("g", Needs(("ethics",)), domains=frozenset({HEALTH_DOMAIN})),))
    monkeypatch.setattr("app.runtime.process.load_gates", lambda *_: gates)
    async with open_api(graph, tmp_path) as opened:
        await opened.load({"domain": {"name": "health"}}, {"domain": {"name": "other"}})
        yield opened


async def test_what_selects_a_gate_is_guarded_like_the_gate(gated: Api) -> None:
    """No engineer opens a gate for a domain by moving the model: by null, another domain, an edge or a revert."""
    api, urn = gated, model("moved")
    await register(api, "moved", 1)
    await api.load({"model": {"id": urn, "domain": HEALTH_DOMAIN}})
    added = (await history(api, "ada", urn))[0]["id"]
    for domain in (None, OTHER_DOMAIN):
        (result,) = (await api.register("ada", {"model": {"id": urn, "domain": domain}}))["results"]
        assert codes(result) == ["DENIED"]
        assert "let an approver make it" in result["errors"][0]["message"]
    for mutation, domain in ((UNLINK, HEALTH_DOMAIN), (LINK, OTHER_DOMAIN)):
        assert codes(await do(api, "ada", mutation, **{"relation": "CONTAINS", "from": domain, "to": urn})) == [
            "DENIED"
        ]
    assert codes(await revert(api, "ada", added)) == ["DENIED"]
    assert (await of_version(api, "eli", "moved"))["gate"]["missingApprovals"] == ["ethics"]
    await register(api, "entered", 1)
    (result,) = (await api.register("ada", {"model": {"id": model("entered"), "domain": HEALTH_DOMAIN}}))["results"]
    assert codes(result) == []
