"""The explained rights: which actions are allowed, by which rules, what is lacking, and nothing that is hidden."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from structlog.testing import capture_logs
from support.oracles.decision_table import CALLERS, classes, read_table, team, words

from policies.access import Access
from policies.attributes import PolicyAttributes
from policies.cedar.rights import EXPLAINED, unknown_attributes
from policies.decision import Grade, Right, Rights
from policies.governed import Governed
from policies.policy import Policy
from policies.principal import Principal
from policies.vocabulary import Label, Labels, WriteAction

Make = Callable[..., PolicyAttributes]
People = Mapping[str, Principal]
TABLE = read_table()
KIND = "MODEL_VERSION"
OWN = "The asset belongs to the caller or to a team of the caller, its members or domains"
DISCOVER_OPEN = "rows-org-discover: The visibility of the asset is ORG, and its sensitivity is PUBLIC or INTERNAL."
TEAM_RULE = f"rows-team: {OWN}."
READ_RULES = (
    f"{DISCOVER_OPEN[:-1].replace('discover', 'read').replace(', and', ',')}, and its stage is not DRAFT.",
    TEAM_RULE,
    "rows-auditor: The caller has the role auditor.",
    "rows-admin: The caller has the role admin.",
)
WRITE_RULES = (
    f"writes-team: {OWN}, and the caller has the role engineer or automation.",
    "writes-unowned: The asset has no owner, and the caller has the role engineer or automation.",
    "writes-admin: The caller has the role admin.",
)


def of(access: Access, attributes: PolicyAttributes, action: str) -> Right:
    """Return the right of a caller to an action on a model version."""
    (found,) = [each for each in access.rights("ModelVersion", attributes).rights if each.action == action]
    return found


def ids(reasons: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids of rules."""
    return tuple(each.partition(": ")[0] for each in reasons)


@pytest.mark.parametrize("name", CALLERS)
def test_rights_equal_the_table_and_the_rules_are_those_of_cedar(policy: Policy, name: str) -> None:
    """On each class, the allowed actions are those of the hand-written table, and the rules those that Cedar names."""
    caller, access = CALLERS[name], policy.access(CALLERS[name])
    compared = 0
    for where, attributes in classes(caller, (KIND,)):
        found = access.rights("ModelVersion", attributes)
        sees, does = (words(TABLE[name], verb, where) for verb in ("sees", "does"))
        expected = [each.name for each in EXPLAINED if sees and each in does]
        assert [each.action for each in found.rights if each.allowed] == ["READ"] * ("internal" in sees) + expected
        if not sees:  # without the scope to read, a caller who may write sees no rights
            assert found == Rights()
        else:
            actions = ("discover", "read", *EXPLAINED)
            discover, *rest = policy.engine.decide_all(caller, [(action, attributes) for action in actions])
            if "internal" in sees:
                permits = [each.policies if each.allowed else () for each in rest]
                assert ids(found.because) == permits[0]
                assert [ids(right.permitted_by) for right in found.rights] == permits
            else:
                assert set(ids(found.because)) & set(discover.policies)
        compared += 1
    assert compared >= 80


DISCOVERERS = {**CALLERS, "bo, who owns": replace(CALLERS["bo"], user="mlg://user/catalog/default/bo")}


@pytest.mark.parametrize("name", DISCOVERERS)
def test_a_discovered_row_discloses_no_hidden_attribute(policy: Policy, name: str) -> None:
    """Rows that look alike are explained alike, whatever their hidden visibility, sensitivity, stage and owner are.

    One part is disclosed by `extensions.authorization` too: the rule that forbids to read the row.
    """
    caller = DISCOVERERS[name]
    access, explained = policy.access(caller), defaultdict[str, set[Rights]](set)
    for _, attributes in classes(caller, (KIND,)):
        for owner in {attributes.owner_team, "", "mlg://user/catalog/default/uma", *caller.owners}:
            row = attributes._replace(owner_team=owner)
            if access.grade(row) is Grade.DISCOVER:
                found = access.rights("ModelVersion", row)
                shown = owner if owner.startswith("mlg://team/") else ""
                explained[shown].add(replace(found, rights=found.rights[1:]))
                reported = access.field_mask("ModelVersion", row).why["description"].policies
                assert ids(found.rights[0].forbidden_by) == reported
    assert all(len(each) == 1 for each in explained.values())
    lines = TABLE[name.partition(",")[0]]
    assert bool(explained) == any(line.verb == "sees" and line.words == {"public"} for line in lines)


def test_a_reader_learns_what_a_draft_lacks(policy: Policy, people: People, asset: Make) -> None:
    """Why a draft of others is discovered, what would permit to read it, and that writing needs to read."""
    found = policy.access(people["eli"]).rights("ModelVersion", asset("ads", "ORG", stage="DRAFT"))
    assert found.because == (DISCOVER_OPEN,)
    read, *writes = found.rights
    assert (read.allowed, read.permitted_by, read.forbidden_by, read.needs) == (False, (), (), READ_RULES)
    assert read.denial == f"One of these rules must permit it: {'; '.join(each.rstrip('.') for each in READ_RULES)}."
    denial = "The caller may not read the asset, so may not change it."
    assert {(each.allowed, each.permitted_by, each.needs, each.denial) for each in writes} == {(False, (), (), denial)}


def test_a_forbidden_row_names_the_rule_and_no_other_need(policy: Policy, people: People, asset: Make) -> None:
    """A restricted asset of a reader's own team: it is discovered as the team's, and a rule forbids to read it."""
    found = policy.access(people["bo"]).rights("ModelVersion", asset("ads", sensitivity="RESTRICTED"))
    assert found.because == (TEAM_RULE,)
    assert (ids(found.rights[0].forbidden_by), found.rights[0].needs) == (("rows-restricted",), ())


def test_lacks_are_scopes_and_rules(policy: Policy, people: People, asset: Make) -> None:
    """A token without the scope lacks it; the rules say whether anything else is missing."""
    scope = "scope:graph:write"
    reader = of(policy.access(people["bo"]), asset("ads"), "UPDATE")
    assert (reader.permitted_by, reader.needs) == ((), (scope, *WRITE_RULES))
    assert reader.denial == "The token needs the scope graph:write."
    without = replace(people["ada"], scopes=frozenset({"graph:read"}))
    engineer = of(policy.access(without), asset(), "UPDATE")
    assert (engineer.allowed, engineer.permitted_by, engineer.needs) == (False, (WRITE_RULES[0],), (scope,))
    promote = of(policy.access(people["ada"]), asset(), "PROMOTE")
    assert (ids(promote.needs), promote.allowed) == (("writes-promote",), False)


@pytest.mark.parametrize("name", ["ada", "bo", "eli", "root", "ads-writer", "guest"])
def test_denials_are_those_of_mutations(policy: Policy, name: str, asset: Make) -> None:
    """The denial is the cause that the decision on a mutation has, and whether it is allowed is the same."""
    access = policy.access(CALLERS[name])
    for row in (asset(), asset("ads", "ORG"), asset("none", "ORG"), asset("ads", "ORG", stage="DRAFT")):
        for right in access.rights("ModelVersion", row).rights[1:]:
            decision = access.may(WriteAction[right.action], row)
            assert (right.allowed, right.denial) == (decision.allowed, None if decision.allowed else decision.cause)


def test_a_forbid_of_a_write_is_named(
    shipped: str, labels: Labels, governed: Governed, people: People, asset: Make
) -> None:
    """A rule that forbids a write is named, and no rules that would permit it."""
    closing = '@id("frozen") @doc("It is frozen.") forbid(principal, action == Action::"update", resource);'
    access = Policy(shipped + closing, labels, governed).access(people["ada"])
    found = of(access, asset(), "UPDATE")
    assert (found.allowed, found.permitted_by, found.forbidden_by, found.needs) == (
        False,
        (),
        ("frozen: It is frozen.",),
        (),
    )
    assert of(access, asset(), "LINK").allowed


def test_a_rule_that_fails_is_a_denial_without_a_lack(
    shipped: str, labels: Labels, governed: Governed, people: People, asset: Make
) -> None:
    """The denial says so; nothing that the caller could get would help."""
    failing = """@id("f") @doc("?") forbid(principal, action == Action::"update", resource)
      when { 9223372036854775807 + 1 > 0 };"""
    with capture_logs() as logs:
        found = of(Policy(shipped + failing, labels, governed).access(people["ada"]), asset(), "UPDATE")
    assert [entry["event"] for entry in logs] == ["policy_decision_error"]
    assert found == Right("UPDATE", allowed=False, denial="A policy could not be evaluated. The error is in the log.")


def test_a_hidden_attribute_of_a_readable_row_is_not_disclosed(
    shipped: str, labels: Labels, governed: Governed, people: People, asset: Make
) -> None:
    """If the stage is secret, the rule that permits is not distinguished by it: all rules that may permit are named.

    Nor does a token without the scope learn what the rules would decide.
    """
    by_stage = "".join(
        f'@id("when-{stage.lower()}") @doc("It is {stage}.") permit(principal, action in '
        f'[Action::"bill", Action::"read", Action::"discover"], resource) when {{ resource.stage == "{stage}" }};'
        for stage in ("ACTIVE", "DEPRECATED")
    )
    relabelled = {**labels, "ModelVersion": {**labels["ModelVersion"], "stage": Label.SECRET}}
    policy = Policy(shipped + by_stage, relabelled, governed)
    rows = [asset("ads", stage=stage) for stage in ("ACTIVE", "DEPRECATED")]
    for scopes in ({"graph:read", "graph:write"}, {"graph:read"}):
        access = policy.access(replace(people["eli"], scopes=frozenset(scopes)))
        first, second = (access.rights("ModelVersion", row) for row in rows)
        assert access.grade(rows[0]) is Grade.READ
        assert first == second
    full = policy.access(people["eli"]).rights("ModelVersion", rows[0])
    assert ids(full.because) == ("when-active", "when-deprecated")
    bill = of(policy.access(people["eli"]), rows[0], "BILL")
    assert bill.allowed
    assert ids(bill.permitted_by) == ("when-active", "when-deprecated", "writes-admin", "writes-bill", "writes-team")


def test_unknown_attributes() -> None:
    """They are the hidden ones; an owner who is not a team is unknown where owners or domain are hidden."""
    row = PolicyAttributes(KIND, team("ranking"), "ORG", "INTERNAL", "ACTIVE", "INTERNAL")
    assert unknown_attributes(row, frozenset({"stage", "params"})) == {"stage"}
    assert unknown_attributes(row, frozenset({"owners"})) == frozenset()
    for other in ("", "mlg://user/catalog/default/uma", "mlg://domain/catalog/default/shop"):
        assert unknown_attributes(row._replace(owner_team=other), frozenset({"owners"})) == {"ownerTeam"}
        assert unknown_attributes(row._replace(owner_team=other), frozenset({"params"})) == frozenset()


def test_rights_are_computed_once(policy: Policy, people: People, asset: Make) -> None:
    """Rows with equal attributes share their rights; a hidden row and a caller without scopes have none."""
    access = policy.access(people["ada"])
    assert access.rights("ModelVersion", asset()) is access.rights("ModelVersion", asset())
    assert policy.access(people["guest"]).rights("ModelVersion", asset()) == Rights()
    assert policy.access(people["anonymous"]).rights("ModelVersion", asset("none", "ORG")) == Rights()
