"""The explanation of one decision: the result, the policies that made it, and what would change it."""

from dataclasses import replace

import pytest

from app.policy.callers import subject
from app.policy.explain import Explanation, explain
from policies.attributes import PolicyAttributes
from policies.decision import Grade
from policies.errors import InvalidError
from policies.policy import Policy

OURS = PolicyAttributes("MODEL_VERSION", "mlg://team/catalog/default/ranking", "TEAM", "INTERNAL", "ACTIVE", "INTERNAL")
TEAM = "rows-team: The asset belongs to the caller or to a team of the caller, its members or domains."


def names(reasons: tuple[str, ...]) -> list[str]:
    """Return the ids of the policies in reasons."""
    return [reason.removeprefix("needs ").partition(":")[0] for reason in reasons]


def test_a_readable_row_names_the_rule_and_shows_the_attributes(policy: Policy) -> None:
    """The attributes shown are those that the examined caller sees."""
    assert explain(policy, subject("ada"), "read", OURS) == Explanation(
        allowed=True, policies=(TEAM,), grade=Grade.READ, visible=OURS.named()
    )


def test_a_hidden_row_shows_nothing_but_what_would_permit_it(policy: Policy) -> None:
    """The explanation of a denial has no attribute of the asset."""
    found = explain(policy, subject("bo"), "read", OURS)
    assert (found.allowed, found.policies, found.grade, found.visible) == (False, (), Grade.HIDDEN, {})
    assert names(found.needs) == ["rows-org-discover", "rows-team", "rows-auditor", "rows-admin"]


def test_reading_a_discoverable_row_is_denied_for_reading(policy: Policy) -> None:
    """The first denied action explains: discovering is allowed, so the rules about reading are listed."""
    draft = OURS._replace(visibility="ORG", stage="DRAFT")
    found = explain(policy, subject("bo"), "read", draft)
    assert (found.allowed, found.grade) == (False, Grade.DISCOVER)
    assert names(found.needs) == ["rows-org-read", "rows-team", "rows-auditor", "rows-admin"]
    assert found.visible == {"kind": "MODEL_VERSION", "ownerTeam": draft.owner_team}
    assert explain(policy, subject("bo"), "discover", draft).allowed


def test_a_forbid_is_the_reason_of_a_denial(policy: Policy) -> None:
    """A row that a rule forbids names that rule, and nothing that would permit it."""
    found = explain(
        policy,
        subject("bo"),
        "Model.description",
        OURS._replace(kind="MODEL", owner_team="mlg://team/catalog/default/ads", confirmed_sensitivity="RESTRICTED"),
    )
    assert (found.allowed, names(found.policies)) == (False, ["rows-restricted"])


def test_a_missing_scope_is_what_a_caller_needs(policy: Policy) -> None:
    """Without the scope no rule matters."""
    writer = replace(subject("ada"), scopes=frozenset({"graph:write"}))
    for action in ("discover", "read"):
        assert explain(policy, writer, action, OURS) == Explanation(allowed=False, needs=("scope:graph:read",))


@pytest.mark.parametrize("action", ["artifactUri", "ModelVersion.artifactUri"])
def test_a_field_is_named_with_or_without_its_type(policy: Policy, action: str) -> None:
    """Both forms give the same explanation."""
    assert explain(policy, subject("ada"), action, OURS).allowed
    found = explain(policy, subject("bo"), action, OURS._replace(visibility="ORG"))
    assert (found.allowed, found.policies) == (False, ())
    assert found.needs
    assert all(need.startswith("fields-") for need in found.needs)


def test_the_field_of_an_edge_is_explained(policy: Policy) -> None:
    """The field of an edge type is governed by the attributes of the row at its end."""
    assert explain(policy, subject("ada"), "Ownership.owner", OURS).allowed
    assert not explain(policy, subject("bo"), "Ownership.owner", OURS).allowed


def test_a_write_lists_what_made_the_decision(policy: Policy) -> None:
    """An allowed write names its policies, a denied one what would permit it."""
    allowed = explain(policy, subject("ada"), "update", OURS)
    assert (allowed.allowed, allowed.needs, bool(allowed.policies)) == (True, (), True)
    denied = explain(policy, subject("ada"), "approve", OURS)
    assert (denied.allowed, denied.policies) == (False, ())
    assert denied.needs
    assert all(need.startswith("needs ") for need in denied.needs)


def test_a_team_has_decisions_about_writes_only(policy: Policy) -> None:
    """Its rows are open to all callers of its tenant, so reading one is no action of the policy."""
    team = OURS._replace(kind="TEAM")
    assert explain(policy, subject("root"), "administer", team).grade is Grade.READ
    with pytest.raises(
        InvalidError, match="All callers of a tenant with graph:read may read each Team in it; give a write action"
    ):
        explain(policy, subject("root"), "read", team)


@pytest.mark.parametrize("action", ["raed", "ModelVersion.nothing", "Model.task", "Nothing.id", ""])
def test_what_is_no_action_is_refused(policy: Policy, action: str) -> None:
    """A misspelt action, an unknown field and a field of another kind are refused with an example."""
    with pytest.raises(InvalidError, match=r"give one such as ModelVersion\.name"):
        explain(policy, subject("ada"), action, OURS)
