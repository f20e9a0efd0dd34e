"""Promotion: protected aliases move through their gate, and what closes a gate is told and can be put right."""

import re
from pathlib import Path
from typing import Any

import pytest
from support.estates.promotions import RANKING, aliases, approve, codes, model, of_version, register, set_alias, version
from support.servers.in_process import Api
from support.source_tree import read
from support.stores.raw_incidents import raise_incident

from policies.gates import load_gates

EXAMPLES = re.findall(r"(?ms)^```graphql\n# as (\w+)\n(.*?)^```$", read("docs/gates.md"))
"""The queries of the documentation, each with who asks it."""

OPEN: dict[str, Any] = {
    "open": True,
    "missingApprovals": [],
    "failingEvaluations": [],
    "blockingIncidents": [],
    "sensitivityViolations": [],
}


def closed(**why: Any) -> dict[str, Any]:
    """The report of a closed gate."""
    return {**OPEN, "open": False, **why}


async def blocks(api: Api, name: str, report: dict[str, Any], number: int = 1) -> str:
    """Try to promote a version to a protected name, expect this report in payload and read, and return the message."""
    payload = await set_alias(api, "eli", name, number, protected=True)
    assert (codes(payload), payload["gate"], payload["changed"]) == (["GATE_BLOCKED"], report, False)
    assert (await of_version(api, "eli", name, number))["gate"] == report
    return str(payload["errors"][0]["message"])


async def passes(api: Api, name: str, number: int = 1) -> None:
    """Promote a version to a protected name."""
    payload = await set_alias(api, "eli", name, number, protected=True)
    assert (codes(payload), payload["gate"]) == ([], OPEN)
    assert payload["alias"]["version"] == {"id": version(name, number)}


async def test_what_can_do_much_harm_needs_release_and_governance(api: Api) -> None:
    """The team's approval and the auditor's open the gate together, for this version alone, until one is revoked."""
    await register(api, "grave", riskTier="HIGH")
    await set_alias(api, "eli", "grave", 2)
    message = await blocks(api, "grave", closed(missingApprovals=["governance", "release"]))
    assert "needs an approval by governance; needs an approval by release" in message
    assert (await aliases(api, "eli", "grave"))["aliases"][0]["version"] == {"id": version("grave", 2)}
    await approve(api, "eli", version("grave"))
    await blocks(api, "grave", closed(missingApprovals=["governance"]))
    await approve(api, "cy", version("grave"), "governance")
    await passes(api, "grave")
    await blocks(api, "grave", closed(missingApprovals=["governance", "release"]), 2)
    await approve(api, "cy", version("grave"), "governance", decision="REVOKED")
    assert (await of_version(api, "bo", "grave"))["gate"] == closed(missingApprovals=["governance"])


async def test_an_unprotected_alias_moves_whatever_the_gate_says(api: Api) -> None:
    """The report is told all the same; protecting the name then is what the gate holds back."""
    await register(api, "free", riskTier="MEDIUM")
    report = closed(missingApprovals=["release"])
    payload = await set_alias(api, "eli", "free", 1)
    assert (codes(payload), payload["changed"], payload["gate"]) == ([], True, report)
    await blocks(api, "free", report)
    await approve(api, "eli", version("free"))
    await passes(api, "free")


async def test_protection_holds_while_it_is_taken_away(api: Api) -> None:
    """A protected name cannot shed its protection by moving; it is taken away where it stands, and then it moves."""
    await register(api, "shed", riskTier="MEDIUM")
    await approve(api, "eli", version("shed"))
    await passes(api, "shed")
    payload = await set_alias(api, "eli", "shed", 2, protected=False)
    assert codes(payload) == ["GATE_BLOCKED"]
    payload = await set_alias(api, "eli", "shed", 1, protected=False)
    assert (payload["changed"], payload["alias"]["protected"]) == (True, False)
    assert codes(await set_alias(api, "eli", "shed", 2)) == []


async def test_a_failing_evaluation_closes_until_it_is_retired(api: Api) -> None:
    """The evaluation is named; a warning, one of another version, and a retired one close nothing."""
    await register(api, "failing")
    for name, verdict, number in (("bad", "FAIL", 1), ("so-so", "WARN", 1), ("elsewhere", "FAIL", 2)):
        item = {"source": "test", "name": name, "verdict": verdict, "modelVersion": version("failing", number)}
        await api.load({"evaluation": item})
    bad = "mlg://evaluation/test/default/bad"
    assert f"fails {bad}" in await blocks(api, "failing", closed(failingEvaluations=[{"id": bad}]))
    await api.load({"evaluation": {"id": bad, "stage": "RETIRED"}})
    await passes(api, "failing")


async def test_an_evaluation_that_hides_its_verdict_does_not_count(api: Api) -> None:
    """What may only be discovered would tell its verdict by closing the gate, so it does not, for whom it is hidden."""
    await register(api, "discovered")
    draft = "mlg://evaluation/test/default/draft"
    item = {"id": draft, "verdict": "FAIL", "stage": "DRAFT"}
    await api.load({"evaluation": {**item, "modelVersion": version("discovered")}})
    assert (await of_version(api, "cy", "discovered"))["gate"] == closed(failingEvaluations=[{"id": draft}])
    await passes(api, "discovered")


async def test_the_evaluation_of_another_team_does_not_count(api: Api) -> None:
    """Whoever may register evaluations of their own could else stop any version of others."""
    await register(api, "judged")
    owners = [{"owner": "mlg://team/catalog/default/ads"}]
    item = {"source": "test", "name": "hostile", "verdict": "FAIL", "owners": owners, "modelVersion": version("judged")}
    await api.load({"evaluation": item})
    assert (await of_version(api, "eli", "judged"))["gate"]["failingEvaluations"] == []
    await passes(api, "judged")


@pytest.mark.parametrize("on", ["version", "model"])
async def test_a_grave_open_incident_closes(api: Api, on: str) -> None:
    """On the version or on its model; resolved and lesser ones do not."""
    name = f"incident-on-{on}"
    await register(api, name)
    about = {"version": version, "model": model}[on](name)
    await raise_incident(api, about, "CRITICAL", "RESOLVED")
    await raise_incident(api, about, "MEDIUM")
    assert (await of_version(api, "eli", name))["gate"] == OPEN
    severe = await raise_incident(api, about, "HIGH")
    message = await blocks(api, name, closed(blockingIncidents=[{"id": severe, "severity": "HIGH"}]))
    assert f"has the open incident {severe}" in message


async def test_data_that_are_too_sensitive_close(api: Api) -> None:
    """What arrives from upstream counts, as it does for the policy."""
    await register(api, "sensitive", riskTier="HIGH")
    data = "mlg://dataset/test/default/patients"
    owners = [{"owner": "mlg://team/catalog/default/ranking"}]
    await api.load(
        {"dataset": {"id": data, "sensitivity": "RESTRICTED", "owners": owners}},
        {"modelVersion": {"id": version("sensitive"), "trainedOn": [data]}},
    )
    violation = "The version is RESTRICTED, and at most CONFIDENTIAL may pass."
    report = closed(missingApprovals=["governance", "release"], sensitivityViolations=[violation])
    assert violation.rstrip(".") in await blocks(api, "sensitive", report)


async def test_the_examples_of_the_documentation_work(api: Api) -> None:
    """Each query of docs/gates.md runs as the one it names, without errors, and the version is promoted in the end."""
    home = {"source": "mlflow", "namespace": "harbour", "name": "homepage-ranker"}
    await api.load(
        {"model": {**home, "owners": [RANKING]}},
        *({"modelVersion": {**home, "version": number}} for number in ("2", "3")),
    )
    urn = "mlg://model-version/mlflow/harbour/homepage-ranker@2"
    move = {"model": "mlg://model/mlflow/harbour/homepage-ranker", "alias": "champion", "version": urn}
    await api.ask("eli", "mutation ($input: SetAliasInput!) { setAlias(input: $input) { changed } }", input=move)
    await api.load({"model": {**home, "riskTier": "MEDIUM"}})
    responses = [await api.ask(who, query) for who, query in EXAMPLES]
    reported, decided, promoted, found = (next(iter(known_response.values())) for known_response in responses)
    assert reported["gate"]["missingApprovals"] == ["release"]
    assert decided["errors"] == promoted["errors"] == []
    assert promoted["gate"]["open"]
    assert found["version"] == {"id": "mlg://model-version/mlflow/harbour/homepage-ranker@3", "framework": None}


def test_the_documentation_shows_a_gate_that_is_shipped(tmp_path: Path) -> None:
    """The gate that docs/gates.md explains is the one of the product's own file."""
    (text,) = re.findall(r"(?ms)^```toml\n(.*?)^```$", read("docs/gates.md"))
    (tmp_path / "gates.toml").write_text(text)
    (shown,) = load_gates(tmp_path / "gates.toml").gates
    assert shown in load_gates().gates


async def test_reading_a_gate_takes_one_level(api: Api) -> None:
    """The evidence of many versions takes one request to the store, as that of one does: it comes after the asset."""
    await register(api, "cost", *range(1, 9))
    one = 'query ($id: ID!) { asset(id: $id) { ... on ModelVersion { gate(alias: "champion") { open } } } }'
    many = """query ($id: ID!) { asset(id: $id) { ... on Model {
      versions { nodes { gate(alias: "champion") { open } } } } } }"""
    assert await api.count("bo", one, id=version("cost")) == 2
    assert await api.count("bo", many, id=model("cost")) == 3
