"""Health: what is a cause, how severe it is, and the status that causes make (docs/health.md)."""

import re
from typing import Any

import pytest
from support.estates.plain_rows import PlainAccess, hiding, plain_row
from support.source_tree import read

from graphql_schema.catalog.enums import ContaminationVerdict, HealthStatus
from graphql_schema.ports.health_report import CauseSeverity, HealthFinding
from graphql_schema.ports.row import Row
from graphql_schema.rules.health_status import (
    CONTAMINATIONS,
    INCIDENTS,
    LEVELS,
    MAX_CAUSES,
    RESULTS,
    VERDICTS,
    brings_causes,
    counts_downstream,
    counts_in_group,
    newest_evaluations,
    propagates,
    status_of,
    weigh_check,
    weigh_contamination,
    weigh_evaluations,
    weigh_incident,
)

REPORTED, MINOR, SEVERE = CauseSeverity
PAGE = read("docs/health.md")
DAY = 86_400_000
OURS, THEIRS = "mlg://team/test/default/ranking", "mlg://team/test/default/ads"
VERSION = plain_row("MODEL_VERSION", "ranker", version="3", ownerTeam=OURS)


def stored(asset: Row) -> str:
    """Return the stored owner of an asset, which is visible to a viewer who sees all."""
    return str(asset.record["ownerTeam"])


def documented(about: str) -> dict[str, str]:
    """Return the severity by value in backticks, from the rows of the page's table that begin with ``about``."""
    return dict(re.findall(rf"(?m)^\| {about}.*`([A-Z]+)`(?: is open)? \| (severe|minor) \|$", PAGE))


def finding(severity: CauseSeverity, depth: int = 0) -> HealthFinding:
    """Return a cause of a severity, so many edges upstream."""
    return HealthFinding(VERSION, depth, severity)


def result(status: str, observed_at: int = 0) -> Row:
    """Return the latest result of a check."""
    return plain_row("CHECK_RESULT", "r", status=status, observedAt=observed_at)


def open_incident(reporters: list[str]) -> Row:
    """Return a severe incident that was opened for these owners on an asset without an owner."""
    return plain_row("INCIDENT", "i", state="OPEN", severity="HIGH", reporters=reporters, unowned=[VERSION.urn])


def evaluation(name: str, verdict: str, access: PlainAccess | None = None, **values: Any) -> Row:
    """Return an evaluation of the version by its own team, unless another is given."""
    default = {"ownerTeam": OURS, "evaluationKind": "OFFLINE", "evaluatedAt": 1, "stage": "ACTIVE"}
    return plain_row("EVALUATION", name, access, **{**default, "verdict": verdict, **values})


def causes(*evaluations: Row | tuple[Row, set[str]]) -> dict[str, CauseSeverity]:
    """Return the causes among evaluations by name; those given without data were made on no data."""
    pairs = [
        (each, frozenset[str]()) if isinstance(each, Row) else (each[0], frozenset(each[1])) for each in evaluations
    ]
    return {
        each.record["name"]: severity
        for each, severity in weigh_evaluations(VERSION, newest_evaluations(pairs, stored), stored)
    }


def test_an_earlier_reference_makes_no_evaluation_older() -> None:
    """A stranger refers to the id of a later evaluation, which fails; its registration makes it the newest."""
    passed = evaluation("passed", "PASS", evaluatedAt=None, createdAt=100)
    failed = evaluation("failed", "FAIL", evaluatedAt=None, createdAt=50, registeredAt=200)
    assert causes(passed, failed) == causes(failed, passed) == {"failed": SEVERE}


def test_the_documentation_lists_the_severities_and_limits_of_the_rule() -> None:
    """The page names each status, severity and verdict that is a cause, and the limits in its text are current."""
    for about, rule in (
        ("the latest result of a check", RESULTS),
        ("an incident", INCIDENTS),
        ("the newest", VERDICTS),
    ):
        assert documented(about) == {name: severity.name.lower() for name, severity in rule.items()}
    counting = {verdict.name: weight.name.lower() for verdict, weight in CONTAMINATIONS.items() if weight > REPORTED}
    assert documented("the contamination") == counting
    assert re.findall(r"(?m)^\| `([A-Z]+)` \| there is", PAGE) == ["UNHEALTHY", "DEGRADED", "HEALTHY", "UNKNOWN"]
    assert {status.name for status in HealthStatus} == {"UNHEALTHY", "DEGRADED", "HEALTHY", "UNKNOWN"}
    assert f"reaches, {LEVELS} levels far" in PAGE
    assert f"more than {MAX_CAUSES}." in PAGE


@pytest.mark.parametrize(
    ("found", "monitored", "status"),
    [
        ([], False, "UNKNOWN"),
        ([], True, "HEALTHY"),
        ([finding(MINOR)], True, "DEGRADED"),
        ([finding(SEVERE, depth=1)], False, "DEGRADED"),
        ([finding(MINOR), finding(SEVERE)], True, "UNHEALTHY"),
        ([finding(REPORTED)], True, "HEALTHY"),
        ([finding(REPORTED)], False, "UNKNOWN"),
    ],
)
def test_the_status_follows_from_the_causes(found: list[HealthFinding], *, monitored: bool, status: str) -> None:
    """Only a severe cause of the asset itself makes it unhealthy; without causes it must be monitored to be healthy."""
    assert status_of(iter(found), monitored=monitored) == status


@pytest.mark.parametrize(("status", "severity"), [("FAIL", SEVERE), ("ERROR", SEVERE), ("WARN", MINOR), ("PASS", None)])
def test_a_check_is_as_severe_as_its_latest_result(status: str, severity: CauseSeverity | None) -> None:
    """A check that passes is no cause."""
    assert weigh_check(VERSION, plain_row("CHECK", "c", checkKind="DRIFT"), result(status), OURS, now=0) is severity


@pytest.mark.parametrize(
    ("values", "check_kind", "age", "severity"),
    [
        ({"freshnessSla": "P1D"}, "FRESHNESS", DAY, None),
        ({"freshnessSla": "P1D"}, "FRESHNESS", DAY + 1, MINOR),
        ({"freshnessSla": "P1D"}, "VOLUME", DAY + 1, None),
        ({"freshnessSla": "soon"}, "FRESHNESS", DAY + 1, None),
        ({}, "FRESHNESS", DAY + 1, None),
    ],
)
def test_a_passed_freshness_check_is_minor_once_it_is_older_than_promised(
    values: dict[str, Any], check_kind: str, age: int, severity: CauseSeverity | None
) -> None:
    """The limit is the ``freshnessSla`` of the feature, counted from the observation; exactly that old is in time."""
    feature, check = plain_row("FEATURE", "f", **values), plain_row("CHECK", "c", checkKind=check_kind)
    assert weigh_check(feature, check, result("PASS", observed_at=500), OURS, now=500 + age) is severity


def test_a_failed_freshness_check_stays_severe_when_it_is_old() -> None:
    """Age makes no result less severe."""
    feature, check = plain_row("FEATURE", "f", freshnessSla="P1D"), plain_row("CHECK", "c", checkKind="FRESHNESS")
    assert weigh_check(feature, check, result("FAIL"), OURS, now=2 * DAY) is SEVERE


def test_a_hidden_promise_makes_no_check_stale() -> None:
    """Health discloses nothing about a ``freshnessSla`` that is hidden from the viewer."""
    feature = plain_row("FEATURE", "f", hiding("freshnessSla"), freshnessSla="P1D")
    check = plain_row("CHECK", "c", checkKind="FRESHNESS")
    assert weigh_check(feature, check, result("PASS"), OURS, now=2 * DAY) is None


@pytest.mark.parametrize(
    ("state", "severity", "expected"),
    [
        ("OPEN", "CRITICAL", SEVERE),
        ("OPEN", "HIGH", SEVERE),
        ("OPEN", "MEDIUM", MINOR),
        ("OPEN", "LOW", MINOR),
        ("RESOLVED", "CRITICAL", None),
    ],
)
def test_an_open_incident_is_a_cause(state: str, severity: str, expected: CauseSeverity | None) -> None:
    """A resolved incident is none."""
    assert weigh_incident(VERSION, plain_row("INCIDENT", "i", state=state, severity=severity), OURS) is expected


@pytest.mark.parametrize(("reporters", "severity"), [([OURS], SEVERE), ([THEIRS], REPORTED), ([], REPORTED)])
def test_what_others_recorded_before_there_was_an_owner_does_not_count(
    reporters: list[str], severity: CauseSeverity
) -> None:
    """Otherwise any caller could change the health of an asset by records on its placeholder."""
    incident = open_incident(reporters)
    assert weigh_incident(VERSION, incident, OURS) is severity
    failed = plain_row("CHECK_RESULT", "r", status="FAIL", observedAt=0, reporters=reporters, unowned=[VERSION.urn])
    assert weigh_check(VERSION, plain_row("CHECK", "c", checkKind="DRIFT"), failed, OURS, now=0) is severity
    unowned = plain_row("MODEL_VERSION", "ranker", version="3", ownerTeam="")
    assert weigh_incident(unowned, incident, "") is SEVERE
    passed = plain_row("CHECK_RESULT", "r", status="PASS", observedAt=0, reporters=reporters, unowned=[VERSION.urn])
    assert weigh_check(VERSION, plain_row("CHECK", "c", checkKind="DRIFT"), passed, OURS, now=0) is None
    resolved = plain_row("INCIDENT", "i", state="RESOLVED", severity="HIGH", reporters=reporters, unowned=[VERSION.urn])
    assert weigh_incident(VERSION, resolved, OURS) is None


def test_the_newest_evaluation_of_a_team_kind_and_data_counts() -> None:
    """A newer one replaces an older one only if team, kind and data are the same."""
    old, new = evaluation("old", "FAIL"), evaluation("new", "PASS", evaluatedAt=2)
    assert causes(old, new) == causes(new, old) == {}
    assert causes(evaluation("old", "PASS"), evaluation("new", "FAIL", evaluatedAt=2)) == {"new": SEVERE}
    assert causes(old, evaluation("new", "PASS", evaluatedAt=2, evaluationKind="SHADOW")) == {"old": SEVERE}
    assert causes(old, evaluation("new", "PASS", evaluatedAt=2, ownerTeam="")) == {"old": SEVERE}
    assert causes((old, {"d1"}), (new, {"d1", "d2"})) == {"old": SEVERE}
    assert causes((old, {"d1", "d2"}), (new, {"d2", "d1"})) == {}


def test_evaluations_of_one_instant_have_an_order() -> None:
    """Of two evaluations of one instant the one with the greater id counts, in whatever order they are read."""
    one, other = evaluation("a", "FAIL"), evaluation("b", "PASS")
    assert causes(one, other) == causes(other, one) == {}


def test_an_evaluation_is_as_old_as_its_most_exact_time() -> None:
    """``evaluatedAt`` counts, else ``sourceCreatedAt``, else ``createdAt``; without a visible time it is the oldest."""
    fail = evaluation("fail", "FAIL", evaluatedAt=5)
    times: dict[str, Any] = {"evaluatedAt": None, "sourceCreatedAt": None, "createdAt": None}
    assert causes(fail, evaluation("pass", "PASS", **{**times, "sourceCreatedAt": 6, "createdAt": 1})) == {}
    assert causes(fail, evaluation("pass", "PASS", **{**times, "createdAt": 6})) == {}
    assert causes(fail, evaluation("pass", "PASS", evaluatedAt=4, createdAt=9)) == {"fail": SEVERE}
    assert causes(evaluation("b", "FAIL", evaluatedAt=0), evaluation("a", "PASS", **times)) == {"b": SEVERE}
    assert causes(fail, evaluation("pass", "PASS", hiding("evaluatedAt"), evaluatedAt=9)) == {"fail": SEVERE}


@pytest.mark.parametrize(
    ("verdict", "owner", "severity"),
    [("FAIL", OURS, SEVERE), ("FAIL", "", REPORTED), ("FAIL", THEIRS, REPORTED), ("WARN", OURS, MINOR)],
)
def test_an_evaluation_of_others_does_not_count(verdict: str, owner: str, severity: CauseSeverity) -> None:
    """Otherwise any caller could change the health of a version by evaluating it."""
    assert causes(evaluation("e", verdict, ownerTeam=owner)) == {"e": severity}


def test_a_retired_evaluation_and_a_hidden_verdict_are_no_causes() -> None:
    """A retired evaluation gives way to the one before it; a hidden stage is not taken into account."""
    assert causes(evaluation("e", "FAIL", stage="RETIRED")) == {}
    assert causes(evaluation("e", "FAIL"), evaluation("new", "PASS", evaluatedAt=2, stage="RETIRED")) == {"e": SEVERE}
    assert causes(evaluation("e", "FAIL", hiding("stage"), stage="RETIRED")) == {"e": SEVERE}
    assert causes(evaluation("e", "FAIL", hiding("verdict"))) == {}


def owned(by: str, *owners: str) -> Row:
    """Return an asset with an owner team, and further owners."""
    listed = [[owner, ["STEWARD"]] for owner in owners]
    return plain_row("DEPLOYMENT", "x", ownerTeam=by, index={"owners": listed})


def test_an_edge_that_others_declare_brings_no_causes() -> None:
    """A reported edge brings causes to an asset of the same owner team, or of none; any other edge always does.

    A further owner is named by the team that owns the asset, and so is no consent.
    """
    reported = {"reported": True}
    assert not brings_causes(reported, owned(THEIRS), owned(OURS), stored)
    assert not brings_causes(reported, owned(""), owned(OURS), stored)
    assert brings_causes(reported, owned(OURS), owned(OURS), stored)
    assert not brings_causes(reported, owned(THEIRS, OURS), owned(OURS), stored)
    assert brings_causes(reported, owned(THEIRS), owned(""), stored)
    assert brings_causes({}, owned(THEIRS), owned(OURS), stored)


def test_a_cause_on_an_asset_without_owners_counts_for_such_assets_only() -> None:
    """Any engineer may record causes on an asset without an owner team."""
    assert not counts_downstream(owned(""), owned(OURS), stored)
    assert counts_downstream(owned(""), owned(""), stored)
    assert counts_downstream(owned(THEIRS), owned(OURS), stored)


def test_a_cause_on_a_child_of_others_does_not_count_for_its_parent() -> None:
    """Another team can register a version before its model has an owner, and causes on this model do not count."""
    model, version = (plain_row(kind, "m", ownerTeam=OURS) for kind in ("MODEL", "MODEL_VERSION"))
    theirs, unowned = plain_row("MODEL_VERSION", "m2", ownerTeam=THEIRS), plain_row("MODEL", "m0", ownerTeam="")
    assert [counts_in_group(each, model, stored) for each in (model, version, theirs)] == [True, True, False]
    of_domain = plain_row("MODEL", "m1", ownerTeam="mlg://domain/test/default/shop")
    for parent in (unowned, of_domain):
        assert [counts_in_group(each, parent, stored) for each in (parent, version, theirs)] == [True] * 3
    assert [counts_in_group(each, theirs, stored) for each in (theirs, model, unowned, of_domain)] == [
        True,
        True,
        False,
        True,
    ]
    child = plain_row("MODEL_VERSION", "m3", ownerTeam="")
    assert [counts_in_group(each, child, stored) for each in (child, model, unowned, of_domain)] == [True] * 4


def unknown(_: Row) -> None:
    """Return the owner of an asset, which is hidden from the viewer."""


def test_nothing_counts_by_an_unknown_owner() -> None:
    """An owner who is hidden from the viewer is neither that of another asset nor none, also if both are unknown."""
    model, version = (plain_row(kind, "m", ownerTeam=OURS) for kind in ("MODEL", "MODEL_VERSION"))
    assert [counts_in_group(*pair, unknown) for pair in ((model, version), (version, model), (model, model))] == [
        False,
        False,
        True,
    ]
    assert not brings_causes({"reported": True}, owned(OURS), owned(OURS), unknown)
    assert brings_causes({}, owned(OURS), owned(OURS), unknown)
    known: dict[str, str | None] = {model.urn: None}
    for owner, counts in ((OURS, True), ("", False)):
        known[version.urn] = owner
        assert counts_downstream(version, model, lambda row: known[row.urn]) is counts
        assert counts_downstream(model, version, lambda row: known[row.urn]) is not counts
    failed = evaluation("e", "FAIL")
    assert [*weigh_evaluations(VERSION, newest_evaluations([(failed, frozenset())], unknown), unknown)] == [
        (failed, REPORTED)
    ]
    assert weigh_contamination(VERSION, failed, ContaminationVerdict.DIRECT, unknown) is REPORTED
    assert weigh_contamination(failed, failed, ContaminationVerdict.DIRECT, unknown) is MINOR
    assert weigh_incident(VERSION, open_incident([OURS]), None) is REPORTED


@pytest.mark.parametrize("status", ["PENDING", "ROLLED_BACK", "RETIRED"])
def test_a_deployment_that_does_not_serve_passes_nothing_on(status: str) -> None:
    """A service has the causes of the deployments that serve in it, a canary included."""
    assert not propagates(plain_row("DEPLOYMENT", "d", status=status), 100, past=False)
    assert propagates(plain_row("DEPLOYMENT", "d", status="CANARY"), 100, past=False)
    assert propagates(plain_row("DEPLOYMENT", "d", hiding("status"), status=status), 100, past=False)
    assert propagates(plain_row("SERVICE", "s", status=status), 100, past=False)


@pytest.mark.parametrize(("retired_at", "past", "served"), [(101, True, True), (100, True, False), (101, False, False)])
def test_a_deployment_that_was_retired_later_served_in_the_past(retired_at: int, *, past: bool, served: bool) -> None:
    """Health as of an instant before the retirement includes the deployment; the present does not."""
    deployment = plain_row("DEPLOYMENT", "d", status="RETIRED", retiredAt=retired_at)
    assert propagates(deployment, 100, past=past) is served


def test_a_deployment_without_a_retirement_never_served() -> None:
    """A pending deployment has no ``retiredAt``, and passes nothing on at any instant."""
    assert not propagates(plain_row("DEPLOYMENT", "d", status="PENDING"), 100, past=True)


@pytest.mark.parametrize(
    ("verdict", "own", "of_version", "of_stranger"),
    [
        (ContaminationVerdict.DIRECT, MINOR, MINOR, REPORTED),
        (ContaminationVerdict.DERIVED, REPORTED, REPORTED, REPORTED),
        (ContaminationVerdict.CLEAN, None, None, None),
        (ContaminationVerdict.UNKNOWN, None, None, None),
    ],
)
def test_direct_contamination_impairs_the_evaluation_and_its_version(
    verdict: ContaminationVerdict,
    own: CauseSeverity | None,
    of_version: CauseSeverity | None,
    of_stranger: CauseSeverity | None,
) -> None:
    """DIRECT counts for the evaluation, and for the version if its own team evaluated; DERIVED is listed only."""
    ours, theirs = evaluation("ours", "PASS"), evaluation("theirs", "PASS", ownerTeam=THEIRS)
    assert weigh_contamination(theirs, theirs, verdict, stored) is own
    assert weigh_contamination(VERSION, ours, verdict, stored) is of_version
    assert weigh_contamination(VERSION, theirs, verdict, stored) is of_stranger
