"""Attacks on what was approved: its content, the people behind it, and the time at which an approval counts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql import GraphQLInputObjectType
from support.estates.promotions import (
    ADS,
    ERRORS,
    RANKING,
    approve,
    codes,
    history,
    model,
    of_version,
    register,
    revert,
    set_alias,
    version,
)
from support.servers.in_process import Api

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import Persona
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.governance.approvals import SUBJECTS
from graphql_schema.schema import build_schema
from policies.principal import PrincipalKind

CONTENT: dict[str, Any] = {
    "artifactUri": "s3://elsewhere/model",
    "digest": "sha256:other",
    "framework": "pytorch",
    "codeRef": "git:other",
    "params": [{"key": "epochs", "value": "9"}],
}
"""Other content of a model version, by field."""

LINK = f"mutation ($input: LinkInput!) {{ done: link(input: $input) {{ {ERRORS} }} }}"
UNLINK = f"mutation ($input: UnlinkInput!) {{ done: unlink(input: $input) {{ {ERRORS} }} }}"
APPROVALS = """query ($id: ID!) { node(id: $id) { ... on Approval { gate decision digest voidedAt } } }"""
UPDATE = f"""mutation ($input: DeploymentInput!) {{ registerDeployment(input: $input) {{
  outcome voidedApprovals {ERRORS} }} }}"""
DATASET = f"""mutation ($input: DatasetInput!) {{ registerDataset(input: $input) {{
  outcome voidedApprovals {ERRORS} }} }}"""


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API with mo, engineer and approver of team ranking, eva, engineer of team ads, and cy, an auditor."""
    both = Persona(
        "mo", "", PrincipalKind.PERSON, "Mo", ("ranking",), ("engineer", "approver"), ("graph:read", "graph:write")
    )
    other = Persona("eva", "", PrincipalKind.PERSON, "Eva", ("ads",), ("engineer",), ("graph:read", "graph:write"))
    auditor = replace(other, name="cy", groups=("governance",), roles=("auditor",))
    issuer = DevIssuer(api.process.settings)
    api.tokens |= {"mo": issuer.mint(both), "eva": issuer.mint(other), "cy": issuer.mint(auditor)}
    return api


async def change(api: Api, name: str, who: str = "ada", **values: Any) -> list[str]:
    """Change values of the first version of a model, and return the codes of the errors."""
    (result,) = (await api.register(who, {"modelVersion": {"id": version(name), **values}}))["results"]
    return codes(result)


@pytest.mark.parametrize("field", CONTENT)
async def test_the_content_of_an_approved_version_is_fixed(api: Api, field: str) -> None:
    """No field of the content of an approved version changes: the approval would be for something else."""
    name = f"approved-{field}"
    await register(api, name, 1, riskTier="MEDIUM")
    await approve(api, "eli", version(name))
    given = {field: CONTENT[field]}
    (result,) = (await api.register("ada", {"modelVersion": {"id": version(name), **given}}))["results"]
    assert (codes(result), result["errors"][0]["inputPath"][-1]) == (["CONFLICT"], field)
    assert "is approved under 'release'" in result["errors"][0]["message"]
    assert "Register the other content as a version of its own" in result["errors"][0]["message"]
    assert (await of_version(api, "eli", name))["gate"]["open"]
    await approve(api, "eli", version(name), decision="REVOKED")
    assert await change(api, name, **given) == []


CONTENT_OF: dict[str, dict[str, Any]] = {
    "DatasetVersion": {"contentDigest": "sha256:other", "location": "s3://elsewhere", "rowCount": 7},
    "Dataset": {"format": "csv", "location": "s3://elsewhere", "columns": [{"name": "other"}]},
    "Deployment": {"environment": "PROD", "modelVersion": version("content-of", 2)},
    "ModelVersion": CONTENT,
}
"""Other content by the kinds that may be approved, and field."""

NO_CONTENT: dict[str, set[str]] = {
    "DatasetVersion": {"version", "dataset", "derivedFrom", "producedBy"},
    "Dataset": {"derivedFrom"},
    "Deployment": {"service", "status", "trafficShare", "deployedAt", "retiredAt"},
    "ModelVersion": {"version", "model", "metrics", "trainingRun", "trainedOn", "features", "basedOn"},
}
"""Fields that an approval is not for: what names the asset, where it comes from, how it was measured, how it runs."""


def test_every_field_of_what_is_approved_is_content_or_is_not() -> None:
    """A new field of a kind that may be approved is in one of both tables, and so is each kind."""
    inputs = {
        name.removesuffix("Input"): {*given.fields}
        for name, given in build_schema().core.type_map.items()
        if isinstance(given, GraphQLInputObjectType)
    }
    common = set.intersection(*(inputs[kind] for kind in (*CONTENT_OF, "Report", "Workflow")))
    own = {kind: inputs[kind] - common for kind in SUBJECTS}
    assert own == {kind: {*CONTENT_OF[kind]} | NO_CONTENT[kind] for kind in CONTENT_OF}


@pytest.mark.parametrize(
    ("kind", "field"),
    [(kind, field) for kind, fields in CONTENT_OF.items() for field in fields if kind != "ModelVersion"],
)
async def test_each_field_of_the_content_is_fixed_or_voids_the_approval(api: Api, kind: str, field: str) -> None:
    """Another value of a version is a CONFLICT; one of a dataset or deployment voids its approval and reports that."""
    await register(api, "content-of")
    name = f"{kind}-{field}".lower()
    given: dict[str, Any] = {"id": f"mlg://{KINDS[kind].slug}/test/default/{name}", "owners": [RANKING]}
    if kind == "Deployment":
        given["modelVersion"] = version("content-of", 1)
    if kind == "DatasetVersion":
        await api.load({"dataset": {"id": given["id"].replace("dataset-version", "dataset"), "owners": [RANKING]}})
        given["id"] += "@1"
    await api.load({kind[0].lower() + kind[1:]: given})
    assert codes(await approve(api, "eli", given["id"])) == []
    document = (
        f"mutation ($input: {kind}Input!) {{ done: register{kind}(input: $input) {{ voidedApprovals {ERRORS} }} }}"
    )
    done = (await api.ask("ada", document, input={"id": given["id"], field: CONTENT_OF[kind][field]}))["done"]
    is_fixed = kind == "DatasetVersion"
    assert codes(done) == ["CONFLICT"] * is_fixed
    assert done["voidedApprovals"] == ["release"] * (not is_fixed)


async def test_other_content_voids_the_approvals_of_deployments(api: Api) -> None:
    """The approval of a deployment is for the content of its version; another value of the version voids none."""
    deployment = "mlg://deployment/test/default/pending"
    await register(api, "pending", 1)
    await api.load({"deployment": {"id": deployment, "owners": [RANKING], "modelVersion": version("pending")}})
    approval = (await approve(api, "eli", deployment))["approval"]["id"]
    assert await change(api, "pending", description="better") == []
    assert (await api.ask("eli", APPROVALS, id=approval))["node"]["voidedAt"] is None
    assert await change(api, "pending", artifactUri="s3://elsewhere") == []
    assert (await api.ask("eli", APPROVALS, id=approval))["node"]["voidedAt"] is not None
    entries = [each["field"] for entry in await history(api, "eli", deployment) for each in entry["fields"]]
    assert "approvals" in entries


async def test_values_that_are_no_content_may_change_after_an_approval(api: Api) -> None:
    """Description and metrics of an approved version may change, and a repeated registration is UNCHANGED."""
    await register(api, "described", 1)
    await approve(api, "eli", version("described"))
    assert await change(api, "described", description="better", metrics=[{"name": "auc", "value": 0.9}]) == []
    payload = await api.register("ada", {"modelVersion": {"id": version("described"), "framework": "xgboost"}})
    assert payload["unchanged"] == 1


async def test_the_content_of_a_served_version_is_fixed(api: Api) -> None:
    """A version behind a protected alias, or in an ACTIVE deployment, keeps its content without any approval."""
    await register(api, "served", 1)
    await set_alias(api, "eli", "served", 1, protected=True)
    assert await change(api, "served", artifactUri="s3://x") == ["CONFLICT"]
    await register(api, "free-alias", 1)
    await set_alias(api, "eli", "free-alias", 1)
    assert await change(api, "free-alias", artifactUri="s3://x") == []
    await register(api, "deployed", 1)
    deployment = {"source": "test", "name": "deployed", "modelVersion": version("deployed"), "owners": [RANKING]}
    await api.load({"deployment": {**deployment, "status": "ACTIVE"}})
    assert await change(api, "deployed", artifactUri="s3://x") == ["CONFLICT"]
    await api.load({"deployment": {**deployment, "status": "RETIRED"}})
    assert await change(api, "deployed", artifactUri="s3://x") == []


async def test_a_hidden_deployment_is_no_reason_to_fix_content(api: Api) -> None:
    """A deployment that is hidden from the caller counts as absent, because a CONFLICT would disclose it.

    But the approval of a person who may approve the version as well also binds the caller, without a name.
    """
    await register(api, "hidden-use", 1)
    hidden = {"source": "test", "name": "hidden-use", "visibility": "TEAM", "owners": [ADS], "status": "ACTIVE"}
    await api.load({"deployment": {**hidden, "modelVersion": version("hidden-use")}})
    assert await change(api, "hidden-use", artifactUri="s3://x") == []
    assert codes(await approve(api, "cy", "mlg://deployment/test/default/hidden-use")) == []
    (result,) = (await api.register("ada", {"modelVersion": {"id": version("hidden-use"), "codeRef": "x"}}))["results"]
    assert codes(result) == ["CONFLICT"]
    assert "is in use by an asset that you may not see" in result["errors"][0]["message"]


async def test_a_revert_does_not_change_approved_content(api: Api) -> None:
    """Content that was changed before an approval is not changed back after it by `revertChange`."""
    await register(api, "reverted", 1)
    assert await change(api, "reverted", artifactUri="s3://one") == []
    assert await change(api, "reverted", artifactUri="s3://two") == []
    newest = (await history(api, "ada", version("reverted")))[0]["id"]
    await approve(api, "eli", version("reverted"))
    assert codes(await revert(api, "ada", newest)) == ["CONFLICT"]


async def test_a_change_of_an_approved_dataset_voids_its_approvals(api: Api) -> None:
    """A dataset may change; its approvals are void then, which the payload, the approval and the audit state."""
    data = "mlg://dataset/test/default/approved"
    await api.load({"dataset": {"id": data, "location": "s3://one", "owners": [RANKING]}})
    made = (await approve(api, "eli", data))["approval"]["id"]
    done = (await api.ask("ada", DATASET, input={"id": data, "description": "words"}))["registerDataset"]
    assert (done["outcome"], done["voidedApprovals"]) == ("UPDATED", [])
    done = (await api.ask("ada", DATASET, input={"id": data, "location": "s3://two"}))["registerDataset"]
    assert (done["outcome"], done["voidedApprovals"]) == ("UPDATED", ["release"])
    assert (await api.ask("eli", APPROVALS, id=made))["node"]["voidedAt"] is not None
    entry = (await history(api, "ada", data))[0]
    assert {each["field"]: (each["before"], each["after"]) for each in entry["fields"]} == {
        "approvals": (
            '{"gate":"release","decision":"APPROVED"}',
            '{"gate":"release","decision":"APPROVED","void":true}',
        ),
        "location": ("s3://one", "s3://two"),
    }
    assert codes(await approve(api, "eli", data, decision="REVOKED")) == ["CONFLICT"]
    assert codes(await revert(api, "ada", entry["id"])) == []


async def test_another_version_in_an_approved_deployment_voids_its_approvals(api: Api) -> None:
    """An approval of a deployment is for its version: another one voids it, by registration and by link."""
    await register(api, "swap")
    given = {"source": "test", "name": "swap", "owners": [RANKING]}
    deployment = "mlg://deployment/test/default/swap"
    await api.load({"deployment": {**given, "modelVersion": version("swap", 1)}})
    made = (await approve(api, "eli", deployment))["approval"]["id"]
    done = (await api.ask("ada", UPDATE, input={**given, "modelVersion": version("swap", 2)}))["registerDeployment"]
    assert (done["errors"], done["voidedApprovals"]) == ([], ["release"])
    assert (await api.ask("eli", APPROVALS, id=made))["node"]["voidedAt"] is not None
    made = (await approve(api, "eli", deployment))["approval"]["id"]
    link = f"mutation ($input: LinkInput!) {{ link(input: $input) {{ {ERRORS} }} }}"
    ends = {"relation": "DEPLOYED_AS", "from": version("swap", 1), "to": deployment}
    assert codes((await api.ask("ada", link, input=ends))["link"]) == []
    assert (await api.ask("eli", APPROVALS, id=made))["node"]["voidedAt"] is not None


async def test_an_approval_names_the_digest_of_what_was_approved(api: Api) -> None:
    """An approval holds the digest of the version, null for a version without one."""
    await register(api, "digest", 1)
    made = (await approve(api, "eli", version("digest"), "first"))["approval"]["id"]
    assert (await api.ask("eli", APPROVALS, id=made))["node"]["digest"] is None
    await register(api, "pinned", 1)
    await api.load({"modelVersion": {"id": version("pinned"), "digest": "sha256:1"}})
    made = (await approve(api, "eli", version("pinned")))["approval"]["id"]
    assert (await api.ask("eli", APPROVALS, id=made))["node"]["digest"] == "sha256:1"


async def test_what_changed_since_it_was_read_is_not_approved(api: Api) -> None:
    """With `expectedRevision` a version that changed after the approver read it is a CONFLICT."""
    await register(api, "race", 1)
    revision = (await of_version(api, "eli", "race"))["revision"]
    assert await change(api, "race", artifactUri="s3://swapped") == []
    payload = await approve(api, "eli", version("race"), expectedRevision=revision)
    assert (codes(payload), payload["errors"][0]["currentRevision"]) == (["CONFLICT"], revision + 1)
    assert codes(await approve(api, "eli", version("race"), expectedRevision=revision + 1)) == []


async def test_the_maker_of_a_version_does_not_approve_it(api: Api) -> None:
    """A caller who registered a version, or changed its content, is DENIED its approval; another approver decides."""
    await api.load({"model": {"id": model("eyes"), "owners": [RANKING]}})
    assert (await api.register("mo", {"modelVersion": {"id": version("eyes")}}))["created"] == 1
    payload = await approve(api, "mo", version("eyes"))
    assert codes(payload) == ["DENIED"]
    assert "another approver" in payload["errors"][0]["message"]
    assert codes(await approve(api, "mo", version("eyes"), decision="REJECTED")) == []
    assert codes(await approve(api, "eli", version("eyes"))) == []
    assert (await api.register("ada", {"modelVersion": {"id": version("eyes", 2)}}))["created"] == 1
    changed = {"modelVersion": {"id": version("eyes", 2), "codeRef": "git:1"}}
    assert (await api.register("mo", changed))["updated"] == 1
    assert codes(await approve(api, "mo", version("eyes", 2))) == ["DENIED"]


async def test_the_requester_of_a_version_does_not_approve_it(api: Api) -> None:
    """The user who started the run that made a version is DENIED its approval, also after the run names another."""
    run, user = "mlg://run/test/default/requested", "mlg://user/catalog/default/{}"
    await register(api, "requested", 1)
    given = {"id": run, "state": "COMPLETE", "owners": [RANKING]}
    await api.load({"run": {**given, "startedBy": user.format("eli"), "outputs": [version("requested")]}})
    assert codes(await approve(api, "eli", version("requested"))) == ["DENIED"]
    assert (await api.register("ada", {"run": {**given, "startedBy": user.format("ada")}}))["updated"] == 1
    assert codes(await approve(api, "eli", version("requested"))) == ["DENIED"]
    assert codes(await approve(api, "cy", version("requested"))) == []


async def test_a_requester_stays_one_when_the_output_is_unlinked(api: Api) -> None:
    """An engineer who is also an approver does not approve what the own run made, whatever that engineer unlinks."""
    run, user = "mlg://run/test/default/unlinked", "mlg://user/catalog/default/mo"
    await register(api, "unlinked", 1)
    made = {"startedBy": user, "outputs": [version("unlinked")]}
    await api.load({"run": {"id": run, "state": "COMPLETE", "owners": [RANKING], **made}})
    ended = {"relation": "PRODUCES", "from": run, "to": version("unlinked")}
    assert (await api.ask("mo", UNLINK, input=ended))["done"]["errors"] == []
    assert codes(await approve(api, "mo", version("unlinked"))) == ["DENIED"]


@pytest.mark.parametrize("how", ["hides the run", "dates the request"])
async def test_a_requester_stays_one_whatever_becomes_of_the_run(api: Api, how: str) -> None:
    """Mo, who started an unowned run, does not approve its output after making the run invisible, or its user later."""
    name = how.replace(" ", "-")
    run, user, source = (
        f"mlg://run/test/default/{name}",
        "mlg://user/catalog/default/mo",
        f"mlg://dataset/test/default/{name}",
    )
    await register(api, name, 1)
    await api.load({"run": {"id": run, "state": "COMPLETE", "startedBy": user, "outputs": [version(name)]}})
    if how == "hides the run":
        await api.load({"dataset": {"id": source, "sensitivity": "RESTRICTED", "owners": [RANKING]}})
        steps: list[tuple[str, dict[str, Any]]] = [(LINK, {"relation": "INPUT_TO", "from": source, "to": run})]
    else:
        started = {"relation": "STARTED_BY", "from": run, "to": user}
        steps = [(LINK, {**started, "validFrom": "2998-01-01T00:00:00Z"}), (UNLINK, started)]
    for document, given in steps:
        await api.ask("root" if how == "hides the run" else "mo", document, input=given)
    await api.wait_for_jobs()
    shown = (await api.ask("mo", "query ($id: ID!) { asset(id: $id) { id } }", id=run))["asset"]
    assert (shown is None) == (how == "hides the run")
    assert codes(await approve(api, "mo", version(name))) == ["DENIED"]


async def test_no_stranger_makes_a_requester_of_an_approver(api: Api) -> None:
    """An engineer of another team is DENIED to name the user of an unowned run that produced a version of ranking."""
    run, user = "mlg://run/test/default/unowned", "mlg://user/catalog/default/eli"
    await register(api, "named", 1)
    await api.load({"user": {"name": "eli"}}, {"run": {"id": run, "state": "COMPLETE", "outputs": [version("named")]}})
    named = {"run": {"id": run, "startedBy": user}}
    (result,) = (await api.register("eva", named))["results"]
    assert codes(result) == ["DENIED"]
    assert codes(await approve(api, "eli", version("named"))) == []


@pytest.mark.parametrize(("mutation", "field"), [("link", "validFrom"), ("unlink", "validTo")])
async def test_a_deployment_cannot_be_scheduled(api: Api, mutation: str, field: str) -> None:
    """A version that is deployed or removed later would change what was approved without any write."""
    deployment = f"mlg://deployment/test/default/scheduled-{mutation}"
    await register(api, f"scheduled-{mutation}", 1)
    deployed = version(f"scheduled-{mutation}")
    await api.load({"deployment": {"id": deployment, "owners": [RANKING], "modelVersion": deployed}})
    later = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
    given = {"relation": "DEPLOYED_AS", "from": deployed, "to": deployment, field: later}
    document = LINK if mutation == "link" else UNLINK
    (error,) = (await api.ask("ada", document, input=given))["done"]["errors"]
    assert (error["code"], error["inputPath"]) == ("INVALID", [field])


async def test_a_gate_that_asks_for_two_people_takes_no_two_approvals_of_one(api: Api) -> None:
    """The approvals of a HIGH risk release come from two people; the gate names a person who gave both."""
    await register(api, "two", 1, riskTier="HIGH")
    for gate in ("release", "governance"):
        assert codes(await approve(api, "cy", version("two"), gate)) == []
    gate = (await api.ask("eli", REPEATED, id=version("two")))["asset"]["gate"]
    sentence = "cy gave the approvals governance and release, which must be of different people."
    assert gate == {"open": False, "missingApprovals": [], "repeatedApprovers": [sentence]}
    payload = await set_alias(api, "eli", "two", 1, protected=True)
    assert codes(payload) == ["GATE_BLOCKED"]
    assert sentence.rstrip(".") in payload["errors"][0]["message"]
    await approve(api, "eli", version("two"))
    assert (await of_version(api, "eli", "two"))["gate"]["open"]


REPEATED = """query ($id: ID!) { asset(id: $id) { ... on ModelVersion { gate(alias: "champion") {
  open missingApprovals repeatedApprovers } } } }"""


async def test_an_approval_counts_at_the_read_time(api: Api) -> None:
    """An approval that has expired since counts in the gate of an instant at which it was valid, and no more now."""
    start = 1_800_000_000_000
    clock, api.contexts.clock = api.contexts.clock, lambda: start
    try:
        await register(api, "past", 1, riskTier="MEDIUM")
        decided = (await approve(api, "eli", version("past"), expiresAt="2999-01-01T00:00:00Z"))["approval"]
        query = """query ($id: ID!, $at: DateTime) { asset(id: $id, asOf: $at) { ... on ModelVersion {
          gate(alias: "champion") { missingApprovals } } } }"""
        api.contexts.clock = lambda: 40_000_000_000_000  # after 2999
        late = (await api.ask("eli", query, id=version("past"), at=None))["asset"]["gate"]
        past = (await api.ask("eli", query, id=version("past"), at=decided["decidedAt"]))["asset"]["gate"]
    finally:
        api.contexts.clock = clock
    assert late == {"missingApprovals": ["release"]}
    assert past == {"missingApprovals": []}
