"""What counts for health and gates does not depend on the user or domain that owns a hidden parent."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from support.servers.in_process import Api, observes_one_process, open_api
from support.stores.janusgraph import StoreGraph

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona
from app.graph.reading.level import level_batcher
from app.graph.reading.lineage import health_evidence

GROWTH = "mlg://team/catalog/default/growth"
HANA, IVO = (f"mlg://user/catalog/default/{name}" for name in ("hana", "ivo"))
COMMERCE = "mlg://domain/catalog/default/commerce"
CASES: dict[str, dict[str, Any]] = {
    "hana": {"owners": [{"owner": HANA}]},
    "ivos": {"owners": [{"owner": IVO}]},
    "shop": {"domain": COMMERCE},
    "none": {},
}
"""What gives a hidden parent its owner, by the name in the ids of each case; all names are equally long."""

DATA = [f"mlg://dataset/test/default/test-data-{number}" for number in range(12)]
"""What each version is evaluated on."""

OPEN = "mutation ($input: OpenIncidentInput!) { openIncident(input: $input) { incident { id } errors { code } } }"
CHECK = "mutation ($input: ReportCheckInput!) { reportCheck(input: $input) { errors { code } } }"
HEALTH = """health { status completeness { state reason }
  causes { depth counts asset { id } check { name } incident { title } evaluation { displayName } } }"""
GATE = """gate(alias: "champion") { open failingEvaluations { displayName } reportedEvaluations { displayName }
  blockingIncidents { title } }"""
READ = f"""query ($version: ID!, $feature: ID!, $data: ID!, $table: ID!) {{
  version: asset(id: $version) {{ {HEALTH} ... on ModelVersion {{ {GATE} }} }}
  feature: asset(id: $feature) {{ {HEALTH} }}
  data: asset(id: $data) {{ {HEALTH} }}
  table: asset(id: $table) {{ {HEALTH} }} }}"""


def ids_of(case: str) -> dict[str, str]:
    """Return the ids of what is visible in a case."""
    return {
        "version": f"mlg://model-version/test/default/{case}@1",
        "feature": f"mlg://feature/test/default/{case}",
        "data": f"mlg://dataset-version/test/default/{case}@1",
        "table": f"mlg://dataset/test/default/of-{case}",
    }


async def load_case(api: Api, case: str, own: dict[str, Any]) -> None:
    """Load hidden parents, and visible children on which hana records before the parents have their owner."""
    ids, end = ids_of(case), f"test/default/{case}"
    parents = [
        {"model": {"id": f"mlg://model/{end}", "visibility": "TEAM"}},
        {"featureSet": {"id": f"mlg://feature-set/{end}", "visibility": "TEAM"}},
        {"dataset": {"id": f"mlg://dataset/{end}", "visibility": "TEAM"}},
    ]
    await api.load(
        *parents,
        {"modelVersion": {"id": ids["version"], "visibility": "ORG"}},
        {"feature": {"id": ids["feature"], "visibility": "ORG", "featureSet": f"mlg://feature-set/{end}"}},
        {"datasetVersion": {"id": ids["data"], "visibility": "ORG"}},
        {"dataset": {"id": ids["table"], "owners": [{"owner": GROWTH}], "derivedFrom": [ids["data"]]}},
    )
    for name in ("version", "feature", "data"):
        given: dict[str, Any] = {"assets": [ids[name]], "title": f"on the {name}", "severity": "CRITICAL"}
        assert (await api.ask("hana", OPEN, input=given))["openIncident"]["errors"] == []
        given = {"asset": ids[name], "check": f"of the {name}", "checkKind": "DRIFT", "status": "FAIL"}
        assert (await api.ask("hana", CHECK, input=given))["reportCheck"]["errors"] == []
    owners: dict[str, dict[str, Any]] = {**CASES, "team": {"owners": [{"owner": GROWTH}]}}
    evaluations = [
        {
            "id": f"mlg://evaluation/{end}-{name}",
            "displayName": f"by {name}",
            "verdict": "FAIL",
            "evaluatedOn": DATA,
            **given,
        }
        for name, given in owners.items()
    ]
    await api.load(
        *({next(iter(each)): {**next(iter(each.values())), **own}} for each in parents),
        *({"evaluation": {**each, "modelVersion": ids["version"]}} for each in evaluations),
    )


@pytest.fixture(scope="module")
async def api(module_graph: StoreGraph, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Return the API over the cases, with hana, who is an engineer of the team growth."""
    async with open_api(module_graph, tmp_path_factory.mktemp("keys")) as api:
        hana = replace(persona("ada"), name="hana", groups=("growth",))
        api.tokens["hana"] = DevIssuer(api.process.settings).mint(hana)
        await api.load(
            {"user": {"id": HANA, "name": "hana"}},
            {"user": {"id": IVO, "name": "ivo"}},
            {"team": {"id": GROWTH, "name": "growth", "members": [{"user": HANA}]}},
            {"domain": {"id": COMMERCE, "name": "commerce", "owners": [{"owner": GROWTH}]}},
        )
        await api.load(*({"dataset": {"id": each, "owners": [{"owner": GROWTH}]}} for each in DATA))
        for case, own in CASES.items():
            await load_case(api, case, own)
        yield api


async def answer(api: Api, who: str, case: str) -> dict[str, Any]:
    """Return what a caller reads of a case, without the name of the case in ids."""
    found = await api.send(who, READ, **ids_of(case))
    assert "errors" not in found
    text = {
        name: str(value).replace(f"/{case}", "/w").replace(f"of-{case}", "of-w")
        for name, value in found["data"].items()
    }
    return {"text": text, "data": found["data"]}


@pytest.mark.parametrize("who", ["ada", "bo"])
async def test_what_counts_does_not_disclose_who_owns_a_hidden_parent(api: Api, who: str) -> None:
    """An evaluation, a check or an incident of a user counts for the version only if the viewer knows that he owns it.

    Versions of a parent without an owner are the same, too.
    """
    answers = {case: await answer(api, who, case) for case in CASES}
    for name in ("version", "data", "table"):
        assert len({each["text"][name] for each in answers.values()}) == 1, name
    assert len({each["text"]["feature"] for case, each in answers.items() if case != "none"}) == 1
    version = answers["hana"]["data"]["version"]
    assert not any(each["counts"] for each in version["health"]["causes"] if each["evaluation"])
    assert version["gate"]["failingEvaluations"] == []


@observes_one_process
async def test_what_is_left_out_does_not_disclose_who_owns_a_hidden_parent(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If evaluations have too much data, those that do not count are left out: for who does not see the model, all."""
    read = f"query ($version: ID!) {{ version: asset(id: $version) {{ {HEALTH} }} }}"
    for module in (level_batcher, health_evidence):
        monkeypatch.setattr(module, "EDGE_CAP", 40)
    left: dict[str, dict[str, tuple[list[str], str]]] = {"ada": {}, "root": {}}
    for who, found in left.items():
        for case in CASES:
            health = (await api.ask(who, read, version=ids_of(case)["version"]))["version"]["health"]
            named = [each["evaluation"]["displayName"] for each in health["causes"] if each["evaluation"]]
            found[case] = named, health["status"]
    assert left["ada"] == dict.fromkeys(CASES, ([], "UNKNOWN"))
    assert left["root"] == {case: ([f"by {case}"], "UNHEALTHY") for case in CASES}


async def test_who_sees_the_parent_still_sees_what_counts(api: Api) -> None:
    """The evaluations of each owner count for the versions of this owner, and what hana reported for hers."""
    counting = {}
    for case in CASES:
        found = (await answer(api, "root", case))["data"]
        causes = found["version"]["health"]["causes"]
        named = [{"displayName": f"by {case}"}]
        assert [each["evaluation"] for each in causes if each["evaluation"] and each["counts"]] == named
        assert found["version"]["gate"]["failingEvaluations"] == named
        counting[case] = {each["incident"]["title"] for each in causes if each["incident"] and each["counts"]}
    assert counting == {"hana": {"on the version"}, "ivos": set(), "shop": set(), "none": {"on the version"}}
