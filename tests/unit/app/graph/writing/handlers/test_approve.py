"""Decisions about an asset: who may decide, what can be revoked, and what is recorded."""

from collections.abc import Sequence
from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.partial_reads import Call, transact
from support.stores.writers import NOW, asset, link, person, set_owners, urn

from app.graph.records.vertex_id import vertex_id
from app.graph.writing.rules import approved_content
from graphql_schema.catalog.urn import is_urn
from graphql_schema.ports.background.owner_commands import InheritOwnerCommand
from graphql_schema.ports.commands import ApproveCommand, DeleteCommand
from graphql_schema.ports.record import Record
from graphql_schema.rules.gate_evaluation import approved, newest_decisions
from policies.installation.gates import load_gates

ELI = person("eli", "team ranking", roles="approver")
KIM = person("kim", "team ranking", roles="approver")
ADA = person("ada", "team ranking", roles="engineer")
OURS = {"team ranking": ["TECHNICAL"]}
DATA = urn("dataset d")


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with a dataset of the team."""
    return seeded(memory, asset("dataset d", owners=OURS))


def decision(value: str = "APPROVED", gate: str = "release", **more: Any) -> ApproveCommand:
    """Return a decision about the dataset."""
    return ApproveCommand(DATA, gate, value, **more)


def refusal(
    memory: Memory, command: ApproveCommand, who: Any = ELI, now: int = NOW + 1
) -> tuple[str, str, tuple[str, ...]]:
    """Return outcome, code and path of a refused decision."""
    (done,) = memory.run(command, who=who, now=now)
    (error,) = done.errors
    return done.outcome.name, error.code.name, error.path


def test_a_decision_is_recorded_with_its_author_and_instant(stored: Memory) -> None:
    """The record names the asset, and the revision of the asset stays."""
    (done,) = stored.run(decision(reason="tested", expires_at=NOW + 9), who=ELI, now=NOW + 1)
    assert (done.outcome.name, done.urn, done.revision) == ("CREATED", DATA, 1)
    made: Any = next(each for each in stored.vertices.values() if each["id"] == done.created_record)
    values = ("gate", "decision", "reason", "decidedBy", "decidedAt", "expiresAt", "subjects")
    assert [made[name] for name in values] == ["release", "APPROVED", "tested", "eli", NOW + 1, NOW + 9, [DATA]]


def test_other_decisions_are_records_of_their_own(stored: Memory) -> None:
    """A decision is never changed, so each other one has another id, also after others and at the same instant."""
    given = [decision(), decision(reason="again"), decision("REJECTED"), decision()]
    made = [stored.run(each, who=ELI, now=NOW + at)[0].created_record for at, each in enumerate(given, 1)]
    made += [stored.run(decision(gate="other", reason=f"{at}"), who=ELI)[0].created_record for at in range(3)]
    assert len(set(made)) == 7


def test_an_equal_decision_changes_nothing(stored: Memory) -> None:
    """The decision that still counts is returned, and the audit gets no entry; one of another approver is another."""
    for at, given in enumerate((decision(reason="tested"), decision("REJECTED"), decision(expires_at=NOW + 99))):
        (first,) = stored.run(given, who=ELI, now=NOW + 3 * at)
        (again,) = stored.run(given, who=ELI, now=NOW + 3 * at + 1)
        assert (again.outcome.name, again.created_record) == ("UNCHANGED", first.created_record)
        assert not stored.dirty
        assert stored.outcomes(given, who=KIM, now=NOW + 3 * at + 2) == ["CREATED"]


def test_an_approval_that_is_over_is_given_anew(stored: Memory) -> None:
    """An approval of other content is void, and an expired one equals no later one."""
    stored.run(decision(), who=ELI, now=NOW + 1)
    seeded(stored, asset("dataset d", {"location": "s3://other"}))
    assert stored.outcomes(decision(), who=ELI, now=NOW + 3) == ["CREATED"]
    assert stored.outcomes(decision(expires_at=NOW + 5), who=ELI, now=NOW + 4) == ["CREATED"]
    assert stored.outcomes(decision(expires_at=NOW + 9), who=ELI, now=NOW + 6) == ["CREATED"]


def decide_often(memory: Memory) -> None:
    """Record alternating decisions of eli under two names, up to the limit; the last one is an approval."""
    for number in range(100):
        given = decision("APPROVED" if number % 4 > 1 else "REJECTED", ("release", "other")[number % 2])
        assert memory.outcomes(given, who=ELI, now=NOW + number) == ["CREATED"]


def test_the_decisions_of_a_caller_about_one_content_are_bounded(stored: Memory) -> None:
    """The names do not matter. Only a valid approval can still be revoked, and others can decide."""
    decide_often(stored)
    assert refusal(stored, decision("REJECTED"), now=NOW + 200) == ("CONFLICT", "LIMIT_EXCEEDED", ("subject",))
    assert refusal(stored, decision(gate="third"), now=NOW + 200)[1] == "LIMIT_EXCEEDED"
    assert stored.outcomes(decision("REVOKED"), who=ELI, now=NOW + 201) == ["CREATED"]
    assert refusal(stored, decision("REVOKED"), now=NOW + 202)[1] == "CONFLICT"
    assert stored.outcomes(decision(), who=KIM, now=NOW + 203) == ["CREATED"]


def test_decisions_about_earlier_content_do_not_count(stored: Memory) -> None:
    """A dataset that changes and is approved every day reaches no limit."""
    decide_often(stored)
    stored.run(asset("dataset d", {"location": "s3://other"}), now=NOW + 200)
    assert stored.outcomes(decision(), who=ELI, now=NOW + 201) == ["CREATED"]


def test_rejections_of_other_contents_do_not_count(stored: Memory) -> None:
    """A dataset that changes and is rejected each time, also with equal reasons, reaches no limit.

    The decisions of another approver, who decided last under the name, are about other content as well.
    """
    for number in range(101):
        at = NOW + 10 * number
        assert stored.outcomes(decision("REJECTED", reason="bad"), who=ELI, now=at) == ["CREATED"]
        assert stored.outcomes(decision("REJECTED", reason="bad"), who=ELI, now=at + 1) == ["UNCHANGED"]
        assert stored.outcomes(decision("REJECTED", reason="worse"), who=KIM, now=at + 2) == ["CREATED"]
        (changed,) = stored.run(asset("dataset d", {"location": f"s3://{number}"}), now=at + 3)
        assert (changed.outcome.name, changed.voided_approvals) == ("UPDATED", ())
    assert stored.outcomes(decision(), who=ELI, now=NOW + 2_000) == ["CREATED"]


def test_decisions_that_expired_a_day_ago_do_not_count(stored: Memory) -> None:
    """Who approves for short times each day reaches no limit, and who does so 100 times on one day does."""
    for number in range(100):
        given = decision(expires_at=NOW + number + 1)
        assert stored.outcomes(given, who=ELI, now=NOW + number) == ["CREATED"]
    day = 24 * 60 * 60 * 1_000
    assert refusal(stored, decision(), now=NOW + day)[1] == "LIMIT_EXCEEDED"
    assert stored.outcomes(decision(), who=ELI, now=NOW + day + 1) == ["CREATED"]


@pytest.mark.parametrize("inherited", [True, False], ids=["of its model", "of its own"])
def test_an_asset_that_is_left_without_an_owner_loses_its_approvals(memory: Memory, *, inherited: bool) -> None:
    """A stranger takes a placeholder, gets a version of it approved, and leaves it: its later owner did not approve."""
    eve, eva = (person(name, "team ads", roles=role) for name, role in (("eve", "engineer"), ("eva", "approver")))
    owned, version = "model q" if inherited else "model-version q@1", urn("model-version q@1")
    memory.run(link("BASE_OF", "model q", "model own"), who=eve)
    taken = [asset("model-version q@1"), set_owners(owned, "team ads")]
    assert memory.outcomes(*taken, who=eve, now=NOW + 1) == ["CREATED", "UPDATED"]
    approval = ApproveCommand(version, "release", "APPROVED")
    assert memory.outcomes(approval, who=eva, now=NOW + 2) == ["CREATED"]
    (left,) = memory.run(set_owners(owned), who=eve, now=NOW + 3)
    assert (left.outcome.name, left.voided_approvals) == ("UPDATED", ("release",))
    assert memory.outcomes(asset("model q", owners=OURS), who=ADA, now=NOW + 4) == ["CREATED"]
    (made,) = (each for each in memory.vertices.values() if each["kind"] == "APPROVAL")
    assert (memory.record("model-version q@1")["ownerTeam"], made["voidedAt"]) == (urn("team ranking"), NOW + 3)


def test_no_decision_outlasts_a_change_of_the_owner(memory: Memory) -> None:
    """Zoe lends a version to a second team, whose approver approves it over a rejection: there and back opens nothing.

    Neither does the approval of the first owner count afterwards. That of the owner who has it now does.
    """
    zoe = person("zoe", "team ranking", "team ads", roles="engineer")
    eva, version = person("eva", "team ads", roles="approver"), urn("model-version m@1")
    seeded(memory, asset("model m", owners=OURS), asset("model-version m@1"))
    at = iter(range(1, 100))

    def decide(who: Any, value: str) -> None:
        command = ApproveCommand(version, "release", value, reason=f"{who.subject} {value}")
        assert memory.outcomes(command, who=who, now=NOW + next(at)) == ["CREATED"]

    def move(owned: str, team: str) -> list[str]:
        (moved,) = memory.run(set_owners(owned, team), who=zoe, now=NOW + next(at))
        assert moved.outcome.name == "UPDATED"
        return [*moved.voided_approvals]

    def is_approved() -> bool:
        made = [each for each in memory.vertices.values() if each["kind"] == "APPROVAL"]
        return approved(newest_decisions(made).get("release"), NOW + next(at))

    for owned in ("model-version m@1", "model m"):
        decide(ELI, "REJECTED")
        assert (move(owned, "team ads"), is_approved()) == ([], False)
        decide(eva, "APPROVED")
        assert is_approved()
        assert (move(owned, "team ranking"), is_approved()) == (["release"], False)
        decide(ELI, "APPROVED")
        assert (move(owned, "team ads"), is_approved()) == (["release"], False)
        assert (move(owned, "team ranking"), is_approved()) == ([], False)
        decide(ELI, "APPROVED")
        assert is_approved()
        memory.run(set_owners("model-version m@1"), who=zoe, now=NOW + next(at))


def test_a_child_that_follows_its_parent_later_loses_its_approvals(memory: Memory) -> None:
    """The job that lets many versions follow their model writes each as an item, which voids its approvals."""
    seeded(memory, asset("model m", owners=OURS), asset("model-version m@1"))
    assert memory.outcomes(ApproveCommand(urn("model-version m@1"), "release", "APPROVED"), who=ELI) == ["CREATED"]
    vid = vertex_id("default", urn("model m"))
    memory.vertices[vid] = {**memory.vertices[vid], "ownerTeam": urn("team ads")}
    followed = InheritOwnerCommand(urn("model-version m@1"), urn("model m"), ())
    (done,) = memory.run(followed, now=NOW + 1)
    assert (done.outcome.name, done.voided_approvals) == ("UPDATED", ("release",))
    (made,) = (each for each in memory.vertices.values() if each["kind"] == "APPROVAL")
    assert (memory.record("model-version m@1")["ownerTeam"], made["voidedAt"]) == (urn("team ads"), NOW + 1)


def test_the_approvals_of_many_versions_are_read_at_once(memory: Memory) -> None:
    """A model that is left without an owner needs one request for the decisions about all its versions."""
    versions = [asset(f"model-version m@{number}") for number in range(5)]
    seeded(memory, asset("model m", owners=OURS), *versions)
    done, rounds = transact(memory, Call(ADA, [set_owners("model m")]), now=NOW + 1)
    assert ([one.outcome.name for one in done[0]], rounds) == (["UPDATED"], 3)


def test_only_an_approver_of_a_registered_asset_decides(stored: Memory) -> None:
    """An engineer is denied; a stub, a deleted and an unknown asset have nothing to decide about."""
    assert refusal(stored, decision(), ADA)[:2] == ("DENIED", "DENIED")
    unknown = ApproveCommand(urn("dataset none"), "release", "APPROVED")
    assert refusal(stored, unknown) == ("INVALID", "NOT_FOUND", ("subject",))
    seeded(stored, asset("model m", owners=OURS), link("FEEDS", "dataset d", "model-version m@1"))
    stub = ApproveCommand(urn("model-version m@1"), "release", "APPROVED")
    assert refusal(stored, stub) == ("INVALID", "INVALID", ("subject",))
    stored.run(asset("dataset gone", owners=OURS), DeleteCommand(urn("dataset gone")))
    gone = ApproveCommand(urn("dataset gone"), "release", "APPROVED")
    assert refusal(stored, gone)[:2] == ("CONFLICT", "CONFLICT")


@pytest.mark.parametrize(("expires", "accepted"), [(NOW, False), (NOW + 1, False), (NOW + 2, True)])
def test_an_approval_expires_in_the_future(stored: Memory, expires: int, *, accepted: bool) -> None:
    """An expiry at the present instant has passed."""
    (done,) = stored.run(decision(expires_at=expires), who=ELI, now=NOW + 1)
    assert [error.path for error in done.errors] == ([] if accepted else [("expiresAt",)])


def test_only_a_valid_approval_is_revoked(stored: Memory) -> None:
    """Nothing, another gate, an expired and a revoked approval leave nothing to revoke."""
    nothing = ("CONFLICT", "CONFLICT", ("decision",))
    assert refusal(stored, decision("REVOKED")) == nothing
    stored.run(decision(expires_at=NOW + 5), who=ELI, now=NOW + 1)
    assert refusal(stored, decision("REVOKED", "governance"), now=NOW + 2) == nothing
    assert refusal(stored, decision("REVOKED"), now=NOW + 5) == nothing
    stored.run(decision(), who=ELI, now=NOW + 6)
    assert stored.outcomes(decision("REVOKED"), who=ELI, now=NOW + 7) == ["CREATED"]
    assert refusal(stored, decision("REVOKED"), now=NOW + 8) == nothing


def test_the_audit_has_the_decision_before_and_after(stored: Memory) -> None:
    """The change of the asset shows gate and decision, and the reason of the approver."""
    stored.run(decision(), who=ELI, now=NOW + 1)
    stored.run(decision("REVOKED", reason="a bug"), who=ELI, now=NOW + 2)
    changes: list[Any] = [each for each in stored.vertices.values() if each.get("action") == "APPROVED"]
    last = max(changes, key=lambda change: change["createdAt"])
    assert last["reason"] == "a bug"
    assert last["fields"] == [
        {
            "field": "approvals",
            "before": {"gate": "release", "decision": "APPROVED"},
            "after": {"gate": "release", "decision": "REVOKED"},
        }
    ]


def test_only_approvals_that_a_gate_needs_may_be_required(memory: Memory) -> None:
    """A mistyped approval is refused with near names on request; without the request any name is accepted."""
    memory.gates = load_gates(is_urn)
    stored = seeded(memory, asset("dataset d", owners=OURS))
    (done,) = stored.run(decision(gate="relase", only_known=True), who=ELI)
    (error,) = done.errors
    assert (error.code.name, error.path, error.suggestions) == ("UNKNOWN_REFERENCE", ("gate",), ("release",))
    assert error.message == (
        "No gate needs an approval 'relase', and `references` is EXISTING; check the spelling. Similar: release."
    )
    assert stored.outcomes(decision(gate="release", only_known=True), decision(gate="relase"), who=ELI) == [
        "CREATED",
        "CREATED",
    ]


def test_many_decisions_are_gone_through_a_few_times(stored: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """An asset keeps void decisions of any names: to go through all for each would take seconds of the write lock."""
    names = [f"gate {number}" for number in range(30)]
    assert {*stored.outcomes(*(decision("REJECTED", name) for name in names), who=ELI)} == {"CREATED"}
    passes = list[int]()

    def counting(decisions: Sequence[Record]) -> dict[str, Record]:
        passes.append(len(decisions))
        return newest_decisions(decisions)

    monkeypatch.setattr(approved_content, "newest_decisions", counting)
    assert stored.outcomes(asset("dataset d", {"format": "parquet"}), who=ADA, now=NOW + 1) == ["UPDATED"]
    assert {each["gate"] for each in stored.vertices.values() if each.get("voidedAt")} == {*names}
    assert 0 < len(passes) < 10
