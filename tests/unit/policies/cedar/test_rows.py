"""Rules compiled to row filters: equal to Cedar on every class of assets, or refused."""

import random
from itertools import product

import pytest

from policies.attributes import PolicyAttributes
from policies.errors import ConfigurationError
from policies.governed import Governed
from policies.policy import Policy
from policies.predicate import compiled
from policies.principal import Principal, PrincipalKind
from policies.vocabulary import Labels, RowAction

OWNERS = ("", "t1", "t2", "t3")
SPACE = [
    PolicyAttributes(*values, "PUBLIC")
    for values in product(
        ("MODEL", "DATASET", "RUN"),
        OWNERS,
        ("ORG", "TEAM", "OTHER"),
        ("PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED"),
        ("DRAFT", "ACTIVE", "DEPRECATED", "RETIRED"),
    )
]
ROLES = ("reader", "engineer", "auditor", "automation", "admin")

EVERY_CONSTRUCT = """
@id("a") @doc("?") permit(principal, action, resource)
  when { ["ORG", "TEAM"].contains(resource.visibility) && principal.teams.contains(resource.ownerTeam) };
@id("b") @doc("?") permit(principal is Principal, action == Action::"discover", resource is Asset)
  when { if principal.roles.contains("engineer") then resource.stage == "DRAFT" else resource.kind != "RUN" }
  unless { principal.teams.isEmpty() || resource.ownerTeam == "t3" };
@id("c") @doc("?") permit(principal == Principal::"s1", action == Action::"read", resource);
@id("d") @doc("?") permit(principal, action in [Action::"restricted", Action::"read"], resource)
  when { principal.roles.containsAny(["admin", "auditor"]) && !("DEPRECATED" == resource.stage) };
@id("e") @doc("?") forbid(principal, action in [Action::"restricted", Action::"read"], resource)
  when { resource.sensitivity == "RESTRICTED" && !principal.roles.containsAll(["admin", "engineer"]) }
  unless { principal.teams.contains(resource.ownerTeam) && principal.kind == "PERSON" };
@id("f") @doc("?") forbid(principal, action, resource)
  when { resource.visibility != "ORG" && (resource.kind == "RUN" || resource.stage == "RETIRED") && !false };
"""


def _callers() -> list[Principal]:
    dice = random.Random(7)
    return [
        Principal(
            f"s{number}",
            dice.choice([*PrincipalKind]),
            tenant="default",
            teams=frozenset(dice.sample(OWNERS, dice.randint(0, 3))),
            roles=frozenset(dice.sample(ROLES, dice.randint(0, 3))),
            scopes=frozenset({"graph:read"}),
        )
        for number in range(20)
    ]


@pytest.mark.parametrize("text", [pytest.param("", id="shipped"), pytest.param(EVERY_CONSTRUCT, id="every construct")])
def test_compiled_rules_equal_the_engine_on_every_class(
    text: str, shipped: str, labels: Labels, governed: Governed
) -> None:
    """Row filters, grades and masks equal the decisions of Cedar for 20 callers on every class of assets."""
    policy = Policy(text or shipped, labels, governed)
    actions = [*RowAction, "ModelVersion.artifactUri"]
    for caller in _callers():
        rows = {action: compiled(policy.access(caller).rows(action)) for action in RowAction}
        requests = [(action, attributes) for attributes in SPACE for action in actions]
        decisions = iter(policy.engine.decide_all(caller, requests))
        for attributes in SPACE:
            discover, read, field = (next(decisions).allowed for _ in actions)
            assert rows[RowAction.DISCOVER](attributes) == discover
            assert rows[RowAction.READ](attributes) == (discover and read)
            assert policy.access(caller).grade(attributes) == (2 if discover and read else 1 if discover else 0)
            hidden = "artifactUri" in policy.access(caller).field_mask("ModelVersion", attributes).hidden
            assert hidden == (not (discover and read and field))
        assert next(decisions, None) is None


@pytest.mark.parametrize(
    "condition",
    [
        'resource.ownerTeam like "mlg:*"',
        "resource.ownerTeam == resource.stage",
        '[resource.stage].contains("DRAFT")',
        "principal in principal",
        "9223372036854775807 + 1 > 0",
        'principal.subject == "x" && resource has ownerTeam',
        'false && resource.stage like "D*"',
        'action == Action::"read"',
        '(resource.stage == "DRAFT") == (resource.kind == "RUN")',
    ],
)
def test_a_row_rule_that_cannot_be_compiled_stops_the_start_up(
    condition: str, labels: Labels, governed: Governed
) -> None:
    """The refusal names the rule and lists the supported constructs, before any caller is known."""
    text = f'@id("odd") @doc("?") permit(principal, action == Action::"read", resource) when {{ {condition} }};'
    with pytest.raises(ConfigurationError, match=r"^Policy odd .* cannot be compiled .* Use =="):
        Policy(text, labels, governed)


def test_a_write_rule_need_not_be_compiled(labels: Labels, governed: Governed, shipped: str) -> None:
    """A rule about a write may use any construct of Cedar, because Cedar itself decides writes."""
    rule = (
        '@id("odd") @doc("?") forbid(principal, action == Action::"link", resource) when { resource.kind like "R*" };'
    )
    caller = Principal(
        "root", PrincipalKind.PERSON, "default", roles=frozenset({"admin"}), scopes=frozenset({"graph:write"})
    )
    policy = Policy(shipped + rule, labels, governed)
    assert policy.access(caller).may("link", SPACE[0]).allowed
    assert policy.access(caller).may("link", SPACE[0]._replace(kind="RUN")).policies == ("odd",)
