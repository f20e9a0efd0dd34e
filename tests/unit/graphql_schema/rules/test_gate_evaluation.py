"""Judging a gate: each kind of evidence by itself, and what does not count."""

from typing import Any

import pytest

from graphql_schema.ports.outcomes import GateResult
from graphql_schema.rules.gate_evaluation import Evidence, approved, evaluate_gate, newest, visible_fields
from policies.gates import Gate as Rule
from policies.gates import Gates, Needs

NOW = 1_000
STRICT = Gates(
    (Rule("strict", Needs(("release",), evaluations=True, incidents=frozenset({"HIGH"}), sensitivity="INTERNAL")),)
)
OPEN_VERSION = {"id": "v", "sensitivity": "INTERNAL", "ownerTeam": "ranking"}
OURS = {"ownerTeam": "ranking"}


def decision(at: int, said: str = "APPROVED", gate: str = "release", **more: Any) -> dict[str, Any]:
    """The record of a decision."""
    return {"id": f"{gate}{at}", "gate": gate, "decision": said, "decidedAt": at, **more}


def judged(**evidence: Any) -> GateResult:
    """What the strict gate says of evidence; all of it is good unless it is given."""
    good: dict[str, Any] = {"model": {}, "version": OPEN_VERSION, "approvals": [decision(1)]}
    return evaluate_gate(STRICT, "champion", Evidence(**(good | evidence)), NOW)


def test_nothing_missing_is_open() -> None:
    """With what it needs, and nothing against it, the gate is open."""
    assert judged() == GateResult()
    assert judged().open


@pytest.mark.parametrize(
    ("decisions", "missing"),
    [
        ([], True),
        ([decision(1, "REJECTED")], True),
        ([decision(1), decision(2, "REVOKED")], True),
        ([decision(2), decision(1, "REJECTED")], False),
        ([decision(1, "REJECTED"), decision(2)], False),
        ([decision(1, gate="governance")], True),
        ([decision(1, expiresAt=NOW)], True),
        ([decision(1, expiresAt=NOW + 1)], False),
        ([decision(1), decision(2, expiresAt=NOW - 1)], True),
    ],
)
def test_the_newest_decision_of_a_gate_counts(decisions: list[dict[str, Any]], *, missing: bool) -> None:
    """Only an approval that has not expired and that nothing newer replaces gives what is needed."""
    assert judged(approvals=decisions) == GateResult(missing_approvals=("release",) if missing else ())


def test_what_fails_closes_the_gate() -> None:
    """An evaluation counts by its verdict, unless it is retired, deleted, or hides the verdict."""
    failing = {"id": "e1", "verdict": "FAIL", "stage": "ACTIVE", **OURS}
    others: list[dict[str, Any]] = [
        {"id": "e2", "verdict": "PASS", "stage": "ACTIVE", **OURS},
        {"id": "e3", "verdict": "FAIL", "stage": "RETIRED", **OURS},
        {"id": "e4", "verdict": "FAIL", "stage": "ACTIVE", "deletedAt": 5, **OURS},
        dict(visible_fields({"id": "e5", "verdict": "FAIL", "stage": "ACTIVE", **OURS}, {"verdict"})),
    ]
    assert judged(evaluations=[failing, *others]) == GateResult(failing_evaluations=("e1",))
    assert judged(evaluations=others).open


def test_whose_evaluations_count() -> None:
    """Those of the version's own team, of nobody and of named evaluators: nobody else stops a version by judging it."""
    failing = {"verdict": "FAIL", "stage": "ACTIVE"}
    given = [{"id": owner or "nobody", "ownerTeam": owner, **failing} for owner in ("ranking", "", "audit", "ads")]
    named = Gates((Rule("named", Needs(evaluations=True, evaluators=frozenset({"audit"}))),))
    assert judged(evaluations=given).failing_evaluations == ("nobody", "ranking")
    assert evaluate_gate(named, "champion", Evidence({}, OPEN_VERSION, evaluations=given), NOW).failing_evaluations == (
        "audit",
        "nobody",
        "ranking",
    )


def test_a_grave_open_incident_closes_the_gate_once() -> None:
    """Severity and state decide, and one on the version and its model is one."""
    grave = {"id": "i1", "state": "OPEN", "severity": "HIGH"}
    others = [{"id": "i2", "state": "RESOLVED", "severity": "HIGH"}, {"id": "i3", "state": "OPEN", "severity": "LOW"}]
    assert judged(incidents=[grave, grave, *others]) == GateResult(blocking_incidents=("i1",))


def test_too_sensitive_data_close_the_gate() -> None:
    """A level above what the gate takes is a violation in words."""
    found = judged(version={**OPEN_VERSION, "sensitivity": "RESTRICTED"})
    assert found.sensitivity_violations == ("The version is RESTRICTED, and at most INTERNAL may pass.",)


def test_tier_and_domain_of_the_model_choose_the_gates() -> None:
    """A gate for a tier in a domain says nothing about others, nor where either is hidden."""
    rule = Rule(
        "g", Needs(("ethics",)), risk_tiers=frozenset({"HIGH"}), domains=frozenset({"mlg://domain/catalog/default/x"})
    )
    record = {"id": "m", "riskTier": "HIGH", "index": {"domain": "mlg://domain/catalog/default/x"}}

    def missing(*hidden: str) -> tuple[str, ...]:
        evidence = Evidence(visible_fields(record, hidden), OPEN_VERSION)
        return evaluate_gate(Gates((rule,)), "champion", evidence, NOW).missing_approvals

    assert missing() == ("ethics",)
    assert missing("riskTier") == missing("domain") == ()


def test_decisions_of_one_instant_have_an_order() -> None:
    """Ties are broken by id, so that readers and writers agree."""
    tied = [decision(1), {**decision(1, "REVOKED"), "id": "z"}]
    assert not approved(newest(tied, "release"), NOW)
    assert newest(tied, "release") == newest(tied[::-1], "release")
