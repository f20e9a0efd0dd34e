"""Gates: each kind of evidence by itself, and which evidence does not count (docs/gates.md)."""

from typing import Any

import pytest

from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.ports.outcomes import GateResult
from graphql_schema.rules.gate_evaluation import (
    REPORTERS,
    UNOWNED,
    Evidence,
    approved,
    counts_on,
    evaluate_gate,
    evaluations_to_examine,
    newest_decisions,
    visible_fields,
)
from policies.installation.gates import Gate, Gates, Needs

NOW = 1_000
STRICT = Gates(
    (Gate("strict", Needs(("release",), evaluations=True, incidents=frozenset({"HIGH"}), sensitivity="INTERNAL")),)
)
VERSION = {"id": "v", "sensitivity": "INTERNAL", "ownerTeam": "ranking"}
OURS = {"ownerTeam": "ranking"}


def decision(at: int, decision: str = "APPROVED", gate: str = "release", **values: Any) -> dict[str, Any]:
    """Return the record of a decision."""
    return {"id": f"{gate}{at}", "gate": gate, "decision": decision, "createdAt": at, "decidedBy": "eli", **values}


def incident(name: str, **values: Any) -> dict[str, Any]:
    """Return the record of an incident on the version, open and HIGH unless given otherwise."""
    return {"id": name, "state": "OPEN", "severity": "HIGH", "subjects": ["v"], **values}


def evaluated(**evidence: Any) -> GateResult:
    """Return the result of the strict gate; evidence that is not given meets the gate."""
    good: dict[str, Any] = {"model": {}, "version": VERSION, "approvals": [decision(1)]}
    return run_at_once(evaluate_gate(STRICT, "champion", Evidence(**(good | evidence)), NOW))


def test_a_gate_with_all_that_it_needs_is_open() -> None:
    """Nothing is missing and nothing blocks."""
    assert evaluated() == GateResult()
    assert evaluated().open


@pytest.mark.parametrize(
    ("decisions", "missing"),
    [
        ([], True),
        ([decision(1, "REJECTED")], True),
        ([decision(1), decision(2, "REVOKED")], True),
        ([decision(2), decision(1, "REJECTED")], False),
        ([decision(1, "REJECTED"), decision(2)], False),
        ([decision(1, gate="governance")], True),
        ([decision(1), decision(2, "REJECTED", gate="governance")], False),
        ([decision(1, expiresAt=NOW)], True),
        ([decision(1, expiresAt=NOW + 1)], False),
        ([decision(1), decision(2, expiresAt=NOW - 1)], True),
        ([decision(1, voidedAt=NOW)], True),
        ([decision(1, voidedAt=NOW + 1)], False),
        ([decision(1), decision(2, voidedAt=NOW)], True),
    ],
)
def test_the_newest_decision_of_a_gate_counts(decisions: list[dict[str, Any]], *, missing: bool) -> None:
    """Only an approval that is neither expired nor void, and that no newer decision replaces, meets the need."""
    assert evaluated(approvals=decisions) == GateResult(missing_approvals=("release",) if missing else ())


def test_a_failing_evaluation_closes_the_gate() -> None:
    """The verdict counts, unless the evaluation is retired or deleted, or its verdict is hidden."""
    failing = {"id": "e1", "verdict": "FAIL", "stage": "ACTIVE", **OURS}
    others: list[dict[str, Any]] = [
        {"id": "e2", "verdict": "PASS", "stage": "ACTIVE", **OURS},
        {"id": "e3", "verdict": "FAIL", "stage": "RETIRED", **OURS},
        {"id": "e4", "verdict": "FAIL", "stage": "ACTIVE", "deletedAt": 5, **OURS},
        dict(visible_fields({"id": "e5", "verdict": "FAIL", "stage": "ACTIVE", **OURS}, {"verdict"})),
    ]
    assert evaluated(evaluations=[failing, *others]) == GateResult(failing_evaluations=("e1",))
    assert evaluated(evaluations=others).open


def test_a_gate_that_needs_no_evaluations_ignores_a_failing_one() -> None:
    """Evaluations close a gate only if the gate says so."""
    lenient = Gates((Gate("lenient", Needs(("release",))),))
    failing = {"id": "e1", "verdict": "FAIL", "stage": "ACTIVE", **OURS}
    evidence = Evidence({}, VERSION, [decision(1)], [failing])
    assert run_at_once(evaluate_gate(lenient, "champion", evidence, NOW)).open


def test_evaluations_of_the_own_team_and_of_evaluators_count() -> None:
    """Others are reported and do not count: otherwise any caller could block a version by evaluating it."""
    failing = {"verdict": "FAIL", "stage": "ACTIVE"}
    given = [{"id": owner or "unowned", "ownerTeam": owner, **failing} for owner in ("ranking", "", "audit", "ads")]
    named = Gates((Gate("named", Needs(evaluations=True, evaluators=frozenset({"audit"}))),))
    assert evaluated(evaluations=given) == GateResult(
        (), ("ranking",), reported_evaluations=("ads", "audit", "unowned")
    )
    assert run_at_once(evaluate_gate(named, "champion", Evidence({}, VERSION, evaluations=given), NOW)) == GateResult(
        (), ("audit", "ranking"), reported_evaluations=("ads", "unowned")
    )
    assert evaluated(evaluations=given[1:2]).open


def test_evaluations_that_are_not_known_to_be_uncontaminated_close_a_gate_that_needs_it() -> None:
    """Only the active evaluations of a team that counts are examined, and only a gate that needs them is closed."""
    clean = Gates((Gate("clean", Needs(uncontaminated=True, evaluators=frozenset({"audit"}))),))
    given: list[dict[str, Any]] = [
        {"id": owner, "ownerTeam": owner, "stage": "ACTIVE"} for owner in ("ranking", "audit", "ads")
    ]
    given += [{"id": "old", "stage": "RETIRED", **OURS}, {"id": "gone", "deletedAt": 5, **OURS}]
    evidence = Evidence({}, VERSION, [decision(1)], given, contaminated=frozenset({"audit"}))
    assert [each["id"] for each in run_at_once(evaluations_to_examine(clean, "champion", evidence))] == [
        "ranking",
        "audit",
    ]
    assert run_at_once(evaluations_to_examine(STRICT, "champion", evidence)) == []
    assert run_at_once(evaluate_gate(clean, "champion", evidence, NOW)) == GateResult(
        contaminated_evaluations=("audit",)
    )
    assert not run_at_once(evaluate_gate(clean, "champion", evidence, NOW)).open
    assert run_at_once(evaluate_gate(STRICT, "champion", evidence, NOW)).open


def test_approvals_that_must_be_of_different_people_are_not_repeated() -> None:
    """Only the valid approvals of the names in one set are compared, and a person is named with all of them."""
    needs = Needs(("a", "b", "c"), distinct=frozenset({frozenset({"a", "b"})}))
    gates = Gates((Gate("g", needs),))

    def repeated(**people: str) -> tuple[str, ...]:
        approvals = [decision(1, gate=name, decidedBy=person) for name, person in people.items()]
        return run_at_once(evaluate_gate(gates, "champion", Evidence({}, VERSION, approvals), NOW)).repeated_approvers

    assert repeated(a="eli", b="cy", c="eli") == repeated(a="eli", c="eli") == ()
    assert repeated(a="eli", b="eli", c="cy") == ("eli gave the approvals a and b, which must be of different people.",)


def test_an_open_incident_of_a_listed_severity_closes_the_gate() -> None:
    """An incident that is raised on the version and on its model is listed once."""
    blocking = incident("i1")
    others = [incident("i2", state="RESOLVED"), incident("i3", severity="LOW")]
    assert evaluated(incidents=[blocking, blocking, *others]) == GateResult(blocking_incidents=("i1",))


@pytest.mark.parametrize(
    ("subjects", "reporters", "blocks"),
    [
        (["v"], ["ads"], False),
        (["v"], ["ads", "ranking"], True),
        (["m"], ["ads"], True),
        (["m"], ["ranking"], False),
        (["v", "m"], ["ads"], True),
        (["x"], ["ads", "ranking"], False),
    ],
)
def test_an_incident_that_others_opened_before_there_was_an_owner_blocks_nothing(
    subjects: list[str], reporters: list[str], *, blocks: bool
) -> None:
    """It counts for the version or the model if its author reported for the owner of this one."""
    model = {"id": "m", "ownerTeam": "ads"}
    found = evaluated(model=model, incidents=[incident("i1", subjects=subjects, reporters=reporters, unowned=subjects)])
    assert found == GateResult(blocking_incidents=("i1",) if blocks else ())


def test_what_is_recorded_on_an_asset_without_an_owner_counts_while_it_has_none() -> None:
    """Without an owner, all engineers maintain the asset together."""
    assert counts_on("v", "", {REPORTERS: ["ads"], UNOWNED: ["v"]})
    assert counts_on("v", "ranking", {})


def test_an_incident_still_counts_for_the_asset_that_had_an_owner() -> None:
    """Another asset of the incident had none, and the first one has another owner since."""
    report = {REPORTERS: ["ads"], UNOWNED: ["v"]}
    found = [counts_on(name, "ranking", report) for name in ("m", "v")]
    assert found == [True, False]
    assert not counts_on("v", "ranking", {REPORTERS: [], UNOWNED: ["v"]})


@pytest.mark.parametrize(
    ("sensitivity", "violations"),
    [
        ("PUBLIC", ()),
        ("INTERNAL", ()),
        ("CONFIDENTIAL", ("The version is CONFIDENTIAL, and at most INTERNAL may pass.",)),
        (None, ()),
    ],
)
def test_a_version_above_the_sensitivity_of_the_gate_is_a_violation(
    sensitivity: str | None, violations: tuple[str, ...]
) -> None:
    """The limit itself may pass, and a sensitivity that is hidden is not compared."""
    assert evaluated(version={**VERSION, "sensitivity": sensitivity}).sensitivity_violations == violations


def test_risk_tier_and_domain_of_the_model_select_the_gates() -> None:
    """A gate for a tier in a domain does not apply to other models, nor where either field is hidden."""
    rule = Gate(
        "g", Needs(("ethics",)), risk_tiers=frozenset({"HIGH"}), domains=frozenset({"mlg://domain/catalog/default/x"})
    )
    record = {"id": "m", "riskTier": "HIGH", "index": {"domain": "mlg://domain/catalog/default/x"}}

    def missing(record: dict[str, Any], *hidden: str) -> tuple[str, ...]:
        evidence = Evidence(visible_fields(record, hidden), VERSION)
        return run_at_once(evaluate_gate(Gates((rule,)), "champion", evidence, NOW)).missing_approvals

    assert missing(record) == ("ethics",)
    assert missing(record, "riskTier") == missing(record, "domain") == ()
    assert missing({**record, "riskTier": None}) == missing({"id": "m", "riskTier": "HIGH"}) == ()


def test_visible_fields_leave_out_hidden_fields_and_the_index() -> None:
    """The domain is copied from the index, which is internal and may hold hidden values."""
    record = {"id": "m", "task": "ranking", "riskTier": "HIGH", "index": {"domain": "d", "tags": ["t"]}}
    assert visible_fields(record, {"task"}) == {"id": "m", "riskTier": "HIGH", "domain": "d"}
    assert visible_fields(record, {"domain"}) == {"id": "m", "task": "ranking", "riskTier": "HIGH", "domain": ""}


def test_decisions_of_one_instant_have_an_order() -> None:
    """Ties are broken by id, so that readers and writers agree."""
    tied = [decision(1), {**decision(1, "REVOKED"), "id": "z"}]
    (found,) = newest_decisions(iter(tied)).values()
    assert not approved(found, NOW)
    assert newest_decisions(tied) == newest_decisions(tied[::-1]) == {"release": found}
