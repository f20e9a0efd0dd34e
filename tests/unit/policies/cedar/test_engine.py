"""Decisions of Cedar with their reasons: what permitted, what forbade, and what would permit."""

import json

import pytest
from cedarpy import Entities, Schema
from structlog.testing import capture_logs

from policies.attributes import PolicyAttributes
from policies.cedar.engine import Engine
from policies.decision import Decision
from policies.errors import ConfigurationError
from policies.principal import Principal, PrincipalKind
from policies.vocabulary import Label, Labels

LABELS: Labels = {"Model": {"id": Label.PUBLIC, "params": Label.SECRET}}
TEXT = """
@id("team") @doc("A team of the caller owns it.")
permit(principal, action == Action::"update", resource) when { principal.teams.contains(resource.ownerTeam) };
@id("admin") @doc("The caller is an administrator.")
permit(principal, action in [Action::"update", Action::"secret"], resource) when { principal.roles.contains("admin") };
@id("retired") @doc("It is retired.")
forbid(principal, action == Action::"update", resource) when { resource.stage == "RETIRED" };
"""
ADA = Principal("ada", PrincipalKind.PERSON, "acme", teams=frozenset({"t1"}))
ROOT = Principal("root", PrincipalKind.PERSON, "acme", teams=frozenset({"t1"}), roles=frozenset({"admin"}))
MINE = PolicyAttributes("MODEL", "t1", "ORG", "PUBLIC", "ACTIVE", "PUBLIC")
THEIRS = MINE._replace(owner_team="t2")


@pytest.fixture(scope="module")
def engine() -> Engine:
    """Return an engine with two permits and one forbid."""
    return Engine(TEXT, LABELS)


def test_an_allowed_action_names_every_rule_that_permits_it(engine: Engine) -> None:
    """The rules are in the order of their ids, each with its reason."""
    assert engine.decide(ADA, "update", MINE) == Decision(
        allowed=True, policies=("team",), reasons=("team: A team of the caller owns it.",)
    )
    assert engine.decide(ROOT, "update", MINE) == Decision(
        allowed=True,
        policies=("admin", "team"),
        reasons=("admin: The caller is an administrator.", "team: A team of the caller owns it."),
    )


def test_a_forbid_wins_and_is_the_only_reason(engine: Engine) -> None:
    """An action that is permitted and forbidden is denied, and the reason is what forbids it."""
    assert engine.decide(ROOT, "update", MINE._replace(stage="RETIRED")) == Decision(
        allowed=False, policies=("retired",), reasons=("retired: It is retired.",)
    )


def test_a_denial_for_want_of_a_permit_lists_what_would_permit(engine: Engine) -> None:
    """Without a deciding rule, the reasons are the rules that permit the action, or their group, to others."""
    assert engine.decide(ADA, "update", THEIRS) == Decision(
        allowed=False,
        reasons=("needs team: A team of the caller owns it.", "needs admin: The caller is an administrator."),
    )
    assert engine.decide(ADA, "Model.params", MINE) == Decision(
        allowed=False, reasons=("needs admin: The caller is an administrator.",)
    )
    assert engine.decide(ADA, "link", MINE) == Decision(allowed=False, reasons=("No policy permits link.",))


def test_decisions_are_in_the_order_of_the_requests(engine: Engine) -> None:
    """Equal assets and equal requests in one batch do not mix up the answers."""
    requests = [("update", THEIRS), ("update", MINE), ("link", MINE), ("update", THEIRS), ("update", MINE)]
    assert [one.allowed for one in engine.decide_all(ADA, requests)] == [False, True, False, False, True]
    assert engine.decide_all(ADA, []) == []


def test_a_rule_that_cannot_be_evaluated_denies(engine: Engine) -> None:
    """An overflow in a forbid denies what a permit allows, shows no detail, and raises an alert with subject."""
    overflow = """@id("odd") @doc("?") forbid(principal, action == Action::"update", resource)
      when { 9223372036854775807 + 1 > 0 };"""
    assert engine.decide(ADA, "update", MINE).allowed
    with capture_logs() as logs:
        decision = Engine(TEXT + overflow, LABELS).decide(ADA, "update", MINE)
    assert decision == Decision(allowed=False, reasons=("A policy could not be evaluated. The error is in the log.",))
    assert [(log["log_level"], log["alert"], log["subject"], log["action"]) for log in logs] == [
        ("error", True, "ada", "update")
    ]


def test_rules_must_fit_the_labels() -> None:
    """A rule about a field without a label stops the start."""
    text = '@id("x") @doc("?") permit(principal, action == Action::"Model.task", resource);'
    with pytest.raises(ConfigurationError, match=r"x: .*Model\.task"):
        Engine(text, LABELS)


OWN = """
@id("own") @doc("An owner for whom the caller acts owns it.")
permit(principal, action == Action::"update", resource) when { principal.owners.contains(resource.ownerTeam) };
"""
BOARD = """
@id("board") @doc("The caller acts for the board.")
permit(principal, action == Action::"update", resource) when { principal.owners.contains("board") };
"""


INDIRECT = BOARD.replace("principal.owners", "{o: principal}.o.owners")


@pytest.mark.parametrize(
    ("text", "passed"), [(OWN, {"u7"}), (BOARD, None), (OWN + BOARD, None), (OWN + INDIRECT, None)]
)
def test_only_owners_that_a_rule_can_test_are_passed(
    monkeypatch: pytest.MonkeyPatch, text: str, passed: set[str] | None
) -> None:
    """A caller may act for thousands; the decision is that for all of them, also if a rule names one without assets."""
    given, from_text = list[str](), Entities.from_json_str

    def parsed(entities: str, schema: Schema) -> Entities:
        given.append(entities)
        return from_text(entities, schema)

    monkeypatch.setattr("policies.cedar.engine.Entities.from_json_str", parsed)
    who = Principal("ada", PrincipalKind.PERSON, "acme", teams=frozenset({"t1"}), acts_for=frozenset({"u7", "board"}))
    engine = Engine(text, LABELS)
    assert engine.decide(who, "update", MINE._replace(owner_team="u7")).allowed
    assert engine.decide(who, "update", THEIRS).allowed == ("board" in text)
    (caller, _) = json.loads(given[0])
    assert {*caller["attrs"]["owners"]} == (passed or who.owners)
    assert caller["attrs"]["teams"] == []


def test_teams_are_passed_if_a_rule_tests_them() -> None:
    """A token has hundreds of them, and without that each decision would take as long as passing them all."""
    rule = OWN.replace("principal.owners.contains(resource.ownerTeam)", 'principal.teams.contains("t1")')
    who = Principal("ada", PrincipalKind.PERSON, "acme", teams=frozenset({"t1"}))
    assert Engine(OWN + rule.replace('"own"', '"teams"'), LABELS).decide(who, "update", THEIRS).allowed
    indirect = rule.replace("principal.teams", "{o: principal}.o.teams")
    assert Engine(OWN + indirect.replace('"own"', '"teams"'), LABELS).decide(who, "update", THEIRS).allowed
