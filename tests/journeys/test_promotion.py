"""Promotion: a protected alias only accepts versions that pass its gate; the gate reports why it is closed."""

import re
from pathlib import Path
from typing import Any

import pytest
from support.estates.promotions import RANKING, aliases, approve, codes, model, of_version, register, set_alias, version
from support.servers.in_process import Api
from support.source_tree import read
from support.stores.raw_incidents import raise_incident

from graphql_schema.catalog.urn import is_urn
from policies.installation.gates import load_gates

EXAMPLES = re.findall(r"(?ms)^```graphql\n# as (\w+)\n(.*?)^```$", read("docs/gates.md"))
"""The GraphQL examples of the documentation, as (persona, query)."""

OPEN: dict[str, Any] = {
    "open": True,
    "missingApprovals": [],
    "failingEvaluations": [],
    "blockingIncidents": [],
    "sensitivityViolations": [],
    "repeatedApprovers": [],
    "reportedEvaluations": [],
    "contaminatedEvaluations": [],
}


def closed(**why: Any) -> dict[str, Any]:
    """Return the report of a closed gate with these reasons."""
    return {**OPEN, "open": False, **why}


async def blocks(api: Api, name: str, report: dict[str, Any], number: int = 1) -> str:
    """Check that promotion to a protected alias fails with this gate report, and return the error message."""
    payload = await set_alias(api, "eli", name, number, protected=True)
    assert (codes(payload), payload["gate"], payload["changed"]) == (["GATE_BLOCKED"], report, False)
    assert (await of_version(api, "eli", name, number))["gate"] == report
    return str(payload["errors"][0]["message"])


async def passes(api: Api, name: str, number: int = 1) -> None:
    """Check that promotion of a version to a protected alias succeeds."""
    payload = await set_alias(api, "eli", name, number, protected=True)
    assert (codes(payload), payload["gate"]) == ([], OPEN)
    assert payload["alias"]["version"] == {"id": version(name, number)}


async def test_a_high_risk_model_requires_release_and_governance_approvals(api: Api) -> None:
    """Both approvals open the gate of a HIGH risk model, for the approved version only, until one is revoked."""
    await register(api, "grave", riskTier="HIGH")
    await set_alias(api, "eli", "grave", 2)
    message = await blocks(api, "grave", closed(missingApprovals=["governance", "release"]))
    assert "needs the approval 'governance'; needs the approval 'release'" in message
    assert (await aliases(api, "eli", "grave"))["aliases"][0]["version"] == {"id": version("grave", 2)}
    await approve(api, "eli", version("grave"))
    await blocks(api, "grave", closed(missingApprovals=["governance"]))
    await approve(api, "cy", version("grave"), "governance")
    await passes(api, "grave")
    await blocks(api, "grave", closed(missingApprovals=["governance", "release"]), 2)
    await approve(api, "cy", version("grave"), "governance", decision="REVOKED")
    assert (await of_version(api, "bo", "grave"))["gate"] == closed(missingApprovals=["governance"])


async def test_an_unprotected_alias_moves_through_a_closed_gate(api: Api) -> None:
    """An unprotected alias moves although the gate is closed; protecting the alias is blocked until it opens."""
    await register(api, "free", riskTier="MEDIUM")
    report = closed(missingApprovals=["release"])
    payload = await set_alias(api, "eli", "free", 1)
    assert (codes(payload), payload["changed"], payload["gate"]) == ([], True, report)
    await blocks(api, "free", report)
    await approve(api, "eli", version("free"))
    await passes(api, "free")


async def test_protection_cannot_be_removed_by_a_move(api: Api) -> None:
    """Moving with `protected: false` is blocked by the gate; protection is removed at the current version first."""
    await register(api, "shed", riskTier="MEDIUM")
    await approve(api, "eli", version("shed"))
    await passes(api, "shed")
    payload = await set_alias(api, "eli", "shed", 2, protected=False)
    assert codes(payload) == ["GATE_BLOCKED"]
    payload = await set_alias(api, "eli", "shed", 1, protected=False)
    assert (payload["changed"], payload["alias"]["protected"]) == (True, False)
    assert codes(await set_alias(api, "eli", "shed", 2)) == []


async def test_a_failing_evaluation_closes_the_gate_until_retired(api: Api) -> None:
    """A failing evaluation closes the gate and is named; warnings, other versions' and retired ones do not."""
    await register(api, "failing")
    for name, verdict, number in (("bad", "FAIL", 1), ("so-so", "WARN", 1), ("elsewhere", "FAIL", 2)):
        item = {"source": "test", "name": name, "verdict": verdict, "modelVersion": version("failing", number)}
        await api.load({"evaluation": {**item, "owners": [RANKING]}})
    bad = "mlg://evaluation/test/default/bad"
    assert f"fails the evaluation {bad}" in await blocks(api, "failing", closed(failingEvaluations=[{"id": bad}]))
    await api.load({"evaluation": {"id": bad, "stage": "RETIRED"}})
    await passes(api, "failing")


async def test_an_evaluation_with_a_hidden_verdict_is_not_reported(api: Api) -> None:
    """The gate does not disclose the verdict of a discoverable evaluation to a caller who may not read it."""
    await register(api, "discovered")
    draft = "mlg://evaluation/test/default/draft"
    item = {"id": draft, "verdict": "FAIL", "stage": "DRAFT"}
    await api.load({"evaluation": {**item, "modelVersion": version("discovered")}})
    assert (await of_version(api, "cy", "discovered"))["gate"] == {**OPEN, "reportedEvaluations": [{"id": draft}]}
    await passes(api, "discovered")


async def test_the_evaluation_of_another_team_does_not_count(api: Api) -> None:
    """An evaluation of another team does not close the gate: otherwise any team could block versions of others."""
    await register(api, "judged")
    owners = [{"owner": "mlg://team/catalog/default/ads"}]
    item = {"source": "test", "name": "hostile", "verdict": "FAIL", "owners": owners, "modelVersion": version("judged")}
    await api.load({"evaluation": item})
    hostile = [{"id": "mlg://evaluation/test/default/hostile"}]
    assert (await of_version(api, "eli", "judged"))["gate"] == {**OPEN, "reportedEvaluations": hostile}
    assert codes(await set_alias(api, "eli", "judged", protected=True)) == []


@pytest.mark.parametrize("on", ["version", "model"])
async def test_a_severe_open_incident_closes_the_gate(api: Api, on: str) -> None:
    """A severe open incident on the version or its model closes the gate; resolved and minor incidents do not."""
    name = f"incident-on-{on}"
    await register(api, name)
    about = {"version": version, "model": model}[on](name)
    await raise_incident(api, about, "CRITICAL", "RESOLVED")
    await raise_incident(api, about, "MEDIUM")
    assert (await of_version(api, "eli", name))["gate"] == OPEN
    severe = await raise_incident(api, about, "HIGH")
    message = await blocks(api, name, closed(blockingIncidents=[{"id": severe, "severity": "HIGH"}]))
    assert f"has the open incident {severe}" in message


async def test_too_sensitive_training_data_close_the_gate(api: Api) -> None:
    """The effective sensitivity of a version, propagated from upstream, can close the gate."""
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


async def test_the_examples_in_the_gates_docs_promote_a_version(api: Api) -> None:
    """The queries of docs/gates.md run without errors as the personas they name, and promote the version."""
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
    reported, decided, promoted, found, served, waiting = (next(iter(response.values())) for response in responses)
    assert reported["gate"]["missingApprovals"] == ["release"]
    assert decided["errors"] == promoted["errors"] == []
    assert promoted["gate"]["open"]
    assert [each["action"] for each in served["history"]["nodes"]].count("ALIAS_SET") == 2
    assert found["version"] == {"id": "mlg://model-version/mlflow/harbour/homepage-ranker@3", "framework": None}
    assert found["version"]["id"] not in {each["version"]["id"] for each in waiting["approvals"]["nodes"]}


def test_the_documented_gate_is_a_shipped_gate(tmp_path: Path) -> None:
    """The gate in the TOML example of docs/gates.md is one of the shipped gates."""
    (text,) = re.findall(r"(?ms)^```toml\n(.*?)^```$", read("docs/gates.md"))
    (tmp_path / "gates.toml").write_text(text)
    (shown,) = load_gates(is_urn, tmp_path / "gates.toml").gates
    assert shown in load_gates(is_urn).gates


async def test_gates_take_one_request_for_all_versions(api: Api) -> None:
    """The gates of eight versions take one store request after the versions, as the gate of one version does.

    The versions have the same time, so one more request reads how they precede each other.
    """
    await register(api, "cost", *range(1, 9))
    one = 'query ($id: ID!) { asset(id: $id) { ... on ModelVersion { gate(alias: "champion") { open } } } }'
    many = """query ($id: ID!) { asset(id: $id) { ... on Model {
      versions { nodes { gate(alias: "champion") { open } } } } } }"""
    assert await api.count("bo", one, id=version("cost")) == 2
    assert await api.count("bo", many, id=model("cost")) == 3 + 1
