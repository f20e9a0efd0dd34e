"""Approvals and content, planned without a store: what is fixed, what is void, and who made it."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.in_memory_writer import ROOT, Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import with_effective_sensitivity
from graphql_schema.ports.commands import (
    ApproveCommand,
    RegisterCommand,
    RevertCommand,
    SetAliasCommand,
    UnlinkCommand,
)
from graphql_schema.ports.record import Record

ADA = person("ada", "team ranking", roles="engineer")
MO = person("mo", "team ranking", roles="engineer approver")
ELI = person("eli", "team ranking", roles="approver")
OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}
VERSION = asset("model-version m@1", {"framework": "xgboost"})


def changed(text: str, **values: Any) -> RegisterCommand:
    """Return the registration of other values of an asset."""
    return asset(text, values)


def approval(text: str) -> ApproveCommand:
    """Return the approval of an asset."""
    return ApproveCommand(urn(text), "release", "APPROVED")


def approvals(memory: Memory) -> list[Record]:
    """Return the stored decisions."""
    return [record for record in memory.vertices.values() if record["kind"] == "APPROVAL"]


@pytest.fixture
def memory(memory: Memory) -> Memory:
    """Return a store with a model, one version of it and a dataset."""
    return seeded(memory, asset("model m", owners=OURS), VERSION, asset("dataset d", {"format": "csv"}, owners=OURS))


@pytest.mark.parametrize(
    "values", [{"framework": "x"}, {"artifactUri": "s3://x"}, {"digest": "x"}, {"params": []}], ids=str
)
def test_a_version_with_a_valid_approval_keeps_its_content(memory: Memory, values: dict[str, Any]) -> None:
    """Other content is a CONFLICT while an approval is valid, and UPDATED once it has expired."""
    expiring = ApproveCommand(urn("model-version m@1"), "release", "APPROVED", expires_at=NOW + 10)
    assert memory.outcomes(expiring, who=ELI) == ["CREATED"]
    item = changed("model-version m@1", **values)
    assert memory.outcomes(item, who=ADA, now=NOW + 9) == ["CONFLICT"]
    assert memory.outcomes(item, who=ADA, now=NOW + 10) == ["UPDATED"]


@pytest.mark.parametrize("approved", [False, True])
def test_a_deployment_of_others_binds_no_approver_unless_it_is_approved(memory: Memory, *, approved: bool) -> None:
    """Sam may deploy any version. Who may approve it changes its content all the same; ada, who may not, does not.

    Mo is a maker after the first change, and so does not change it again alone.
    """
    deployment = asset("deployment s", {"status": "ACTIVE"}, owners=THEIRS, modelVersion=["model-version m@1"])
    assert memory.outcomes(deployment, who=person("sam", "team ads", roles="engineer")) == ["CREATED"]
    if approved:
        assert memory.outcomes(approval("deployment s"), who=person("cy", roles="auditor")) == ["CREATED"]
    item = changed("model-version m@1", framework="x")
    assert memory.outcomes(item, who=ADA, now=NOW + 1) == ["CONFLICT"]
    assert memory.outcomes(item, who=MO, now=NOW + 1) == ["CONFLICT" if approved else "UPDATED"]
    again = changed("model-version m@1", framework="y")
    assert memory.outcomes(again, who=MO, now=NOW + 2) == ["CONFLICT"]
    assert memory.outcomes(again, who=ROOT, now=NOW + 2) == ["CONFLICT" if approved else "UPDATED"]


@pytest.mark.parametrize("by", ["registration", "request"])
def test_no_maker_swaps_content_below_a_deployment_of_others(memory: Memory, by: str) -> None:
    """Mo may approve versions, but not this one: mo registered it, or started the run that produced it."""
    name = "model-version m@2"
    mo = replace(MO, user=urn("user mo"))
    made = memory.outcomes(asset(name, {"framework": "x"}), who=mo if by == "registration" else ROOT)
    assert made == ["CREATED"]
    if by == "request":
        run = asset("run r", {"state": "COMPLETE"}, outputs=[name])
        seeded(memory, asset("user mo"), run, link("STARTED_BY", "run r", "user mo"))
    seeded(memory, asset("deployment s", {"status": "ACTIVE"}, owners=THEIRS, modelVersion=[name]))
    item = changed(name, framework="y")
    assert memory.outcomes(item, who=mo, now=NOW + 1) == ["CONFLICT"]
    assert memory.outcomes(item, who=replace(MO, subject="kim"), now=NOW + 1) == ["UPDATED"]


def test_a_deployment_of_the_own_team_binds_its_approvers(memory: Memory) -> None:
    """Also if it has no approval."""
    deployment = asset("deployment s", {"status": "ACTIVE"}, owners=OURS, modelVersion=["model-version m@1"])
    assert memory.outcomes(deployment, who=ADA) == ["CREATED"]
    assert memory.outcomes(changed("model-version m@1", framework="x"), who=MO, now=NOW + 1) == ["CONFLICT"]


def test_a_withheld_deployment_keeps_the_content(memory: Memory) -> None:
    """Who raises an own version hides the deployment of others, and does not change the content below it.

    A deployment that is hidden by its visibility, and without an approval, counts as absent.
    """
    deployment = asset("deployment s", {"status": "ACTIVE"}, owners=THEIRS, modelVersion=["model-version m@1"])
    seeded(memory, deployment)
    vid = vertex_id("default", urn("deployment s"))
    memory.vertices[vid] = with_effective_sensitivity(memory.record("deployment s"), "RESTRICTED", confirmed=False)
    item = changed("model-version m@1", framework="x")
    for who in (ADA, MO):
        (done,) = memory.run(item, who=who, now=NOW + 1)
        assert [error.code.name for error in done.errors] == ["DENIED"]
        assert "deployment" not in done.errors[0].message
    memory.vertices[vid] = {**memory.vertices[vid], "visibility": "TEAM"}
    assert memory.outcomes(item, who=ADA, now=NOW + 1) == ["UPDATED"]


@pytest.mark.parametrize("status", ["ACTIVE", "INACTIVE"])
def test_a_hidden_deployment_loses_or_keeps_its_approval_with_the_content(memory: Memory, status: str) -> None:
    """Who hides an approved deployment does not change the content below it while it is ACTIVE; else it is void.

    Neither the error nor the result names it.
    """
    ada = person("ada", "team ranking", "team ads", roles="engineer")
    both = person("kim", "team ranking", "team ads", roles="approver")
    deployed = asset("deployment s", {"status": status}, owners=THEIRS, modelVersion=["model-version m@1"])
    assert memory.outcomes(deployed, who=ada) == ["CREATED"]
    assert memory.outcomes(approval("deployment s"), who=both) == ["CREATED"]
    assert memory.outcomes(asset("deployment s", {"visibility": "TEAM"}), who=ada, now=NOW + 1) == ["UPDATED"]
    item = changed("model-version m@1", framework="x")
    for who in (MO, ADA):
        (done,) = memory.run(item, who=who, now=NOW + 2, dry_run=who is MO)
        assert [error.code.name for error in done.errors] == (["CONFLICT"] if status == "ACTIVE" else [])
        assert done.voided_approvals == ()
        assert all("in use by an asset that you may not see" in error.message for error in done.errors)
    assert [each.get("voidedAt") for each in approvals(memory)] == [None if status == "ACTIVE" else NOW + 2]


@pytest.mark.parametrize("approved", [False, True])
def test_a_hidden_deployment_of_a_stranger_binds_no_owner(memory: Memory, *, approved: bool) -> None:
    """Also with the approval of a person who may not approve the version: this approval becomes void."""
    values = {"status": "ACTIVE", "visibility": "TEAM"}
    deployed = asset("deployment s", values, owners=THEIRS, modelVersion=["model-version m@1"])
    assert memory.outcomes(deployed, who=person("sam", "team ads", roles="engineer")) == ["CREATED"]
    if approved:
        given = memory.outcomes(approval("deployment s"), who=person("kim", "team ads", roles="approver"))
        assert given == ["CREATED"]
    (done,) = memory.run(changed("model-version m@1", framework="x"), who=ADA, now=NOW + 1)
    assert (done.outcome.name, done.voided_approvals) == ("UPDATED", ())
    assert [each["voidedAt"] for each in approvals(memory)] == ([NOW + 1] if approved else [])


def test_a_protected_alias_of_a_hidden_model_keeps_the_content(memory: Memory) -> None:
    """Who gives the model away does not change a version behind its alias; the message names neither of them."""
    mo = person("mo", "team ranking", "team ads", roles="engineer approver")
    direct = asset("model-version m@1", owners=OURS)
    protect = SetAliasCommand(urn("model m"), "champion", urn("model-version m@1"), protected=True)
    assert memory.outcomes(direct, protect, who=mo) == ["UPDATED", "UPDATED"]
    item = changed("model-version m@1", artifactUri="s3://x")
    messages = []
    for step in (asset("model m", owners=THEIRS), asset("model m", {"visibility": "TEAM"})):
        assert memory.outcomes(step, who=mo, now=NOW + 1) == ["UPDATED"]
        for dry_run in (True, False):
            (done,) = memory.run(item, who=ADA, now=NOW + 2, dry_run=dry_run)
            assert [error.code.name for error in done.errors] == ["CONFLICT"]
        messages.append(done.errors[0].message)
    assert ["champion" in message for message in messages] == [True, False]
    assert "in use by an asset that you may not see" in messages[1]


def test_a_message_names_some_of_the_uses(memory: Memory) -> None:
    """The error of a version with seven approvals names five, so that its length does not depend on their number."""
    names = [f"a{number}" for number in range(7)]
    given = [ApproveCommand(urn("model-version m@1"), name, "APPROVED") for name in names]
    assert memory.outcomes(*given, who=ELI) == ["CREATED"] * 7
    (refused,) = memory.run(changed("model-version m@1", framework="x"), who=ADA)
    message = refused.errors[0].message
    assert [name for name in names if f"{name!r}" in message] == names[:5]
    assert "and 2 more. Register" in message


def test_a_change_that_voids_names_the_approvals_once(memory: Memory) -> None:
    """A dataset may change: its valid approvals become void and are named; those of a void one are not named again."""
    assert memory.outcomes(approval("dataset d"), who=ELI) == ["CREATED"]
    for value, voided in (("csv", ()), ("parquet", ("release",)), ("orc", ())):
        (done,) = memory.run(changed("dataset d", format=value), who=ADA, now=NOW + 5)
        assert done.voided_approvals == voided
    assert [each["voidedAt"] for each in approvals(memory)] == [NOW + 5]


def test_a_dry_run_names_the_approvals_and_voids_none(memory: Memory) -> None:
    """The outcome of a dry run names the approvals, and none is changed."""
    memory.run(approval("dataset d"), who=ELI)
    (done,) = memory.run(changed("dataset d", format="orc"), who=ADA, dry_run=True)
    assert done.voided_approvals == ("release",)
    assert "voidedAt" not in approvals(memory)[0]


def test_an_approval_without_a_digest_counts_until_the_content_changes(memory: Memory) -> None:
    """A decision that was recorded before approvals had digests is bound to the content that is stored now."""
    memory.run(approval("model-version m@1"), who=ELI)
    assert "digest" not in approvals(memory)[0]
    assert memory.outcomes(changed("model-version m@1", digest="sha256:1"), who=ADA) == ["CONFLICT"]


def test_the_makers_are_who_registered_and_who_changed_the_content(memory: Memory) -> None:
    """Other changes make no maker; the creator of a stub is none either."""
    memory.run(changed("model-version m@1", description="x"), who=MO)
    assert memory.outcomes(approval("model-version m@1"), who=MO) == ["CREATED"]
    memory.run(asset("dataset other", owners=OURS), who=MO)
    memory.run(link("FEEDS", "dataset d", "model-version m@2"), who=MO)
    memory.run(changed("model-version m@2", framework="x"), who=ADA)
    assert memory.record("model-version m@2")["createdBy"] == "mo"
    assert memory.outcomes(approval("model-version m@2"), who=MO) == ["CREATED"]
    memory.run(changed("model-version m@3", framework="x"), who=ADA)
    memory.run(changed("model-version m@3", framework="y"), who=MO)
    assert memory.record("model-version m@3")["madeBy"] == ["ada", "mo"]
    assert memory.outcomes(approval("model-version m@3"), who=MO) == ["DENIED"]


def test_who_registers_a_stub_without_content_is_its_maker(memory: Memory) -> None:
    """Ada only names a service that mo registers: mo may not approve it, and ada may."""
    both = person("ada", "team ranking", roles="engineer approver")
    memory.run(link("CALLED_BY", "service other", "service s"), who=both)
    assert memory.outcomes(asset("service s", owners=OURS), who=MO) == ["CREATED"]
    assert memory.record("service s")["createdBy"] == "ada"
    assert memory.outcomes(approval("service s"), who=MO) == ["DENIED"]
    assert memory.outcomes(approval("service s"), who=both) == ["CREATED"]


@pytest.mark.parametrize("maker", [True, False])
def test_who_made_or_requested_a_version_approves_no_deployment_of_it(memory: Memory, *, maker: bool) -> None:
    """The approval of a deployment is for its present version, also if another caller deployed that."""
    mo = replace(MO, user=urn("user mo"))
    own, other = "model-version m@7", "model-version m@1"
    assert memory.outcomes(changed(own, framework="x"), who=mo if maker else ADA) == ["CREATED"]
    if not maker:
        seeded(memory, asset("user mo"), asset("run r", {"state": "COMPLETE"}, outputs=[own], startedBy=["user mo"]))
    for version, outcome in ((own, "DENIED"), (other, "CREATED")):
        memory.run(asset("deployment s", {"environment": "PROD"}, owners=OURS, modelVersion=[version]), who=ADA)
        assert memory.outcomes(approval("deployment s"), who=mo, now=NOW + 1) == [outcome]
        assert memory.outcomes(approval("deployment s"), who=ELI, now=NOW + 1) == ["CREATED"]


@pytest.mark.parametrize("hidden", [True, False])
def test_the_denial_names_the_own_version_of_a_deployment(memory: Memory, *, hidden: bool) -> None:
    """Mo did not make the deployment, so the message names what mo made; but not the id of a hidden version."""
    own = "model-version m@7"
    assert memory.outcomes(changed(own, framework="x"), who=MO) == ["CREATED"]
    seeded(memory, asset("deployment s", owners=OURS, modelVersion=[own]))
    if hidden:
        vid, values = vertex_id("default", urn(own)), {"visibility": "TEAM", "ownerTeam": urn("team growth")}
        memory.vertices[vid] = {**memory.record(own), **values}
    (done,) = memory.run(approval("deployment s"), who=MO, now=NOW + 1)
    shown = "its version" if hidden else urn(own)
    message = f"You made or requested {shown}; let another approver approve {urn('deployment s')}."
    assert [error.message for error in done.errors] == [message]


def test_a_run_that_is_hidden_from_the_registrant_counts(memory: Memory) -> None:
    """Mo's run comes before the version, so its edge becomes unconfirmed; mo still counts as who requested it."""
    mo = replace(person("mo", "team ranking", "team growth", roles="engineer approver"), user=urn("user mo"))
    shown = {"state": "COMPLETE", "visibility": "TEAM"}
    growth = {"team growth": ["TECHNICAL"]}
    run = asset("run r", shown, owners=growth, outputs=["model-version m@7"], startedBy=["user mo"])
    assert memory.outcomes(run, who=mo, now=NOW + 1) == ["CREATED"]
    registered = changed("model-version m@7", framework="x")
    assert memory.outcomes(registered, who=ADA, now=NOW + 2) == ["CREATED"]
    assert memory.edge("PRODUCES", "run r", "model-version m@7")["claim"]
    assert memory.outcomes(approval("model-version m@7"), who=mo, now=NOW + 3) == ["DENIED"]


@pytest.mark.parametrize("step", ["nothing", "another list", "unlink", "another link", "registers the run"])
def test_a_hidden_run_that_the_registrant_names_counts(memory: Memory, step: str) -> None:
    """Mo hides the run that mo started; a pipeline that may not see it names it for its version, unconfirmed.

    Mo, who may change the version and with all teams also the run, still does not approve what the run made.
    """
    mo = replace(person("mo", "team ranking", "team growth", roles="engineer approver"), user=urn("user mo"))
    fewer = replace(mo, teams=frozenset({urn("team ranking")}))
    growth, own = {"team growth": ["TECHNICAL"]}, "model-version m@7"
    run = asset("run r", {"state": "COMPLETE", "visibility": "TEAM"}, owners=growth, startedBy=["user mo"])
    assert memory.outcomes(run, who=mo, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(asset(own, {"framework": "x"}, producedBy=["run r"]), who=ADA, now=NOW + 2) == ["CREATED"]
    assert memory.edge("PRODUCES", "run r", own)["claim"]
    steps: dict[str, tuple[Any, Any]] = {
        "nothing": (asset(own), mo),
        "another list": (asset(own, producedBy=[]), mo),
        "unlink": (UnlinkCommand("PRODUCES", urn("run r"), urn(own)), mo),
        "another link": (link("PRODUCES", "run r", own), fewer),
        "registers the run": (asset("run r", outputs=[own]), mo),
    }
    item, who = steps[step]
    assert [each.errors for each in memory.run(item, who=who, now=NOW + 3)] == [()]
    assert memory.outcomes(approval(own), who=fewer, now=NOW + 4) == ["DENIED"]
    assert memory.outcomes(approval(own), who=ELI, now=NOW + 4) == ["CREATED"]


def test_naming_a_hidden_run_has_the_response_of_an_absent_one(memory: Memory) -> None:
    """Outcome, revision and history of the version do not show whether there is such a run."""
    run = asset("run r", {"state": "COMPLETE", "visibility": "TEAM"}, owners=THEIRS)
    seeded(memory, run, asset("model-version m@7"), asset("model-version m@8"))
    responses = []
    for number, name in ((7, "run r"), (8, "run absent")):
        text = f"model-version m@{number}"
        items = (link("PRODUCES", name, text), asset(text, producedBy=[name]), asset(text, producedBy=[name]))
        done = memory.run(*items, who=ADA, now=NOW + 1)
        changes = [each for each in memory.vertices.values() if each.get("subject") == urn(text)]
        responses.append(
            (
                [(each.outcome, each.revision) for each in done],
                memory.record(text)["revision"],
                sorted((each["action"], len(each["fields"])) for each in changes),
            )
        )
    assert responses[0] == responses[1]
    assert memory.record("model-version m@7")["namedRuns"] == [urn("run r")]
    assert "namedRuns" not in memory.record("model-version m@8")


def test_the_run_of_a_stranger_names_no_requester_of_a_hidden_version(memory: Memory) -> None:
    """Sam names eli in an own run, and a version of ranking that sam may not see as its output; eli approves it."""
    hidden = asset("model m", {"visibility": "TEAM"}), asset("model-version m@7", {"visibility": "TEAM"})
    seeded(memory, asset("user eli"), *hidden)
    eli, sam = replace(ELI, user=urn("user eli")), person("sam", "team ads", roles="engineer")
    run = asset("run r", {"state": "COMPLETE"}, owners=THEIRS, outputs=["model-version m@7"], startedBy=["user eli"])
    assert memory.outcomes(run, who=sam, now=NOW + 1) == ["CREATED"]
    assert memory.edge("PRODUCES", "run r", "model-version m@7")["claim"]
    hiding = asset("run r", {"visibility": "TEAM"}), link("PRODUCES", "run r", "model-version m@7")
    assert [each.errors for each in memory.run(*hiding, who=sam, now=NOW + 2)] == [(), ()]
    assert memory.outcomes(approval("model-version m@7"), who=eli, now=NOW + 3) == ["CREATED"]


def test_a_version_that_is_registered_after_its_deployment_was_approved(memory: Memory) -> None:
    """The approval was for a reference without content, so it is void when there is content."""
    deployment = asset("deployment s", {"environment": "PROD"}, owners=OURS, modelVersion=["model-version m@7"])
    assert memory.outcomes(deployment, who=ADA) == ["CREATED"]
    assert memory.outcomes(approval("deployment s"), who=ELI) == ["CREATED"]
    assert memory.outcomes(changed("model-version m@7", framework="x"), who=ADA, now=NOW + 2) == ["CREATED"]
    assert [each.get("voidedAt") for each in approvals(memory)] == [NOW + 2]


@pytest.mark.parametrize(
    ("name", "roles", "outcomes"),
    [("root", "admin", ["UPDATED", "CREATED"]), ("mo", "engineer admin", ["UNCHANGED", "DENIED"])],
)
def test_an_administrator_retracts_a_requester_who_was_named_by_mistake(
    memory: Memory, name: str, roles: str, outcomes: list[str]
) -> None:
    """Eva names mo, who then may approve nothing of the run. Its correction does not help, and mo cannot retract it."""
    mo = replace(person("mo", "team ranking", roles="engineer approver"), user=urn("user mo"))
    eva = person("eva", "team ads", roles="engineer")
    assert memory.outcomes(asset("run r", {"state": "RUNNING"}), who=ADA) == ["CREATED"]
    named = link("STARTED_BY", "run r", "user mo")
    assert memory.outcomes(named, who=eva, now=NOW + 1) == ["CREATED"]
    ending = UnlinkCommand("STARTED_BY", urn("run r"), urn("user mo"))
    assert memory.outcomes(ending, who=eva, now=NOW + 2) == ["UPDATED"]
    done = asset("run r", {"state": "COMPLETE"}, outputs=["model-version m@7"])
    assert memory.outcomes(changed("model-version m@7", framework="x"), done, who=ADA) == ["CREATED", "UPDATED"]
    assert memory.outcomes(approval("model-version m@7"), who=mo, now=NOW + 3) == ["DENIED"]
    who = replace(person(name, roles=roles), user=urn(f"user {name}"))
    retracting = memory.outcomes(replace(ending, valid_to=NOW + 2), who=who, now=NOW + 4)
    assert retracting + memory.outcomes(approval("model-version m@7"), who=mo, now=NOW + 5) == outcomes


def test_a_requester_who_is_named_again_is_not_retracted_by_a_revert(memory: Memory) -> None:
    """Ada names mo again for a time that has passed; mo reverts this, and still may not approve the output."""
    mo = replace(person("mo", "team ranking", roles="engineer approver"), user=urn("user mo"))
    run = asset("run r", {"state": "COMPLETE"}, owners=OURS, outputs=["model-version m@7"], startedBy=["user mo"])
    assert memory.outcomes(changed("model-version m@7", framework="x"), run, who=ADA) == ["CREATED", "CREATED"]
    ending = UnlinkCommand("STARTED_BY", urn("run r"), urn("user mo"))
    root = replace(person("root", roles="admin"), user=urn("user root"))
    assert memory.outcomes(ending, who=root, now=NOW + 10) == ["UPDATED"]
    again = link("STARTED_BY", "run r", "user mo", validFrom=NOW + 3, validTo=NOW + 12)
    assert memory.outcomes(again, who=ADA, now=NOW + 20) == ["UPDATED"]
    changes = [each for each in memory.vertices.values() if each.get("subject") == urn("run r")]
    last = max(changes, key=lambda change: change["createdAt"])
    assert memory.outcomes(RevertCommand(last["id"]), who=mo, now=NOW + 21) == ["UPDATED"]
    assert "retracted" not in memory.edge("STARTED_BY", "run r", "user mo")
    assert memory.outcomes(approval("model-version m@7"), who=mo, now=NOW + 22) == ["DENIED"]
    assert memory.outcomes(replace(ending, valid_to=NOW + 10), who=root, now=NOW + 23) != ["DENIED"]
    assert memory.outcomes(approval("model-version m@7"), who=mo, now=NOW + 24) == ["CREATED"]


def test_a_requester_who_is_named_again_by_a_later_end_is_retracted_no_more(memory: Memory) -> None:
    """An `unlink` with a later `validTo` makes the edge current, as a link does: mo may not approve the output."""
    mo = replace(person("mo", "team ranking", roles="engineer approver"), user=urn("user mo"))
    run = asset("run r", {"state": "COMPLETE"}, outputs=["model-version m@7"], startedBy=["user mo"])
    assert memory.outcomes(changed("model-version m@7", framework="x"), run, who=ADA) == ["CREATED", "CREATED"]
    ending = UnlinkCommand("STARTED_BY", urn("run r"), urn("user mo"))
    root = replace(person("root", roles="admin"), user=urn("user root"))
    assert memory.outcomes(ending, who=root, now=NOW + 1) == ["UPDATED"]
    assert memory.edge("STARTED_BY", "run r", "user mo")["retracted"]
    assert memory.outcomes(replace(ending, valid_to=NOW + 99), who=root, now=NOW + 2) == ["UPDATED"]
    assert "retracted" not in memory.edge("STARTED_BY", "run r", "user mo")
    assert memory.outcomes(approval("model-version m@7"), who=mo, now=NOW + 3) == ["DENIED"]
