"""One caller's view: denials on errors, partial sight, and a memory that never mixes callers or outlives its time."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from policies import access as access_module
from policies.attributes import PolicyAttributes
from policies.decision import Denial, Grade
from policies.errors import CodedError
from policies.governed import Governed
from policies.policy import ACCESS_SECONDS, MAX_ACCESSES, Policy
from policies.predicate import Nothing
from policies.principal import Principal
from policies.vocabulary import Labels, RowAction

Make = Callable[..., PolicyAttributes]
People = dict[str, Principal]

FAILING = """@id("fails") @doc("?") forbid(principal, action == Action::"update", resource)
  when { 9223372036854775807 + 1 > 0 };"""


def test_a_forbid_that_fails_denies_and_alerts(
    shipped: str, labels: Labels, governed: Governed, people: People, asset: Make
) -> None:
    """Cedar drops a forbid that cannot be evaluated and would allow; here it is a denial that somebody hears of."""
    policy = Policy(shipped + FAILING, labels, governed)
    with capture_logs() as logs:
        decision = policy.may(people["ada"], "update", asset())
    assert (decision.allowed, decision.policies) == (False, ())
    assert [(entry["event"], entry["log_level"], entry["alert"]) for entry in logs] == [
        ("policy_decision_error", "error", True)
    ]
    assert "overflow" in logs[0]["errors"][0]
    assert policy.may(people["ada"], "link", asset()).allowed


def test_an_unknown_action_is_denied(policy: Policy, people: People, asset: Make) -> None:
    """What no schema knows, nobody may do, and it is reported as the defect it is."""
    with capture_logs() as logs:
        assert not policy.may(people["root"], "updte", asset()).allowed
    assert len(logs) == 1


def test_discoverable_rows_show_public_fields_only(policy: Policy, people: People, asset: Make) -> None:
    """A row that may be discovered and not read shows its public fields, and says what reading needs."""
    guest, draft = people["guest"], asset(visibility="ORG", stage="DRAFT")
    assert policy.grade(guest, draft) is Grade.DISCOVER
    shown = set(policy.labels["Model"]) - policy.field_mask(guest, "Model", draft).hidden
    assert shown == {"id", "kind", "source", "namespace", "name", "displayName", "ownerTeam", "viewerAccess"}
    needs = Denial(policies=(), needs=("rows-org-read", "rows-team", "rows-auditor", "rows-admin"))
    assert policy.field_mask(guest, "Model", draft).why["description"] == needs
    assert policy.rows(guest, RowAction.READ) != policy.rows(guest, RowAction.DISCOVER)
    assert not policy.may(guest, "update", draft).allowed


def test_what_is_withheld_is_what_rules_hide(policy: Policy, people: People, asset: Make) -> None:
    """Writes are judged by what the rules let their caller see: the same with and without the scope to read."""
    for name, person in people.items():
        reader = replace(person, scopes=person.scopes | {"graph:read"})
        writer = replace(person, scopes=person.scopes - {"graph:read"})
        for about in (asset(), asset(stage="DRAFT"), asset(visibility="TEAM"), asset(sensitivity="RESTRICTED")):
            hidden = policy.field_mask(reader, "ModelVersion", about).hidden
            assert policy.access(reader).fields_hidden_by_rules("ModelVersion", about) == hidden, name
            assert policy.access(writer).fields_hidden_by_rules("ModelVersion", about) == hidden, name


def test_what_forbids_to_read_is_named(policy: Policy, people: People, asset: Make) -> None:
    """Fields of a row that a rule keeps from its own team say which rule it is."""
    mask = policy.field_mask(people["bo"], "Model", asset("ads", sensitivity="RESTRICTED"))
    assert mask.why["description"].policies == ("rows-restricted",)
    assert "name" not in mask.hidden


def test_what_can_never_be_null_comes_with_its_row(
    policy: Policy, governed: Governed, people: People, asset: Make
) -> None:
    """On a row that is seen no mask hides it; on one that is not, everything is hidden."""
    fixed = {each.partition(".")[2] for each in governed.fixed if each.startswith("ModelVersion.")}
    assert {"id", "kind"} <= fixed
    seen = policy.field_mask(people["guest"], "ModelVersion", asset(visibility="ORG", stage="DRAFT"))
    assert seen.hidden.isdisjoint(fixed)
    assert seen.hidden >= {"framework", "artifactUri", "params"}
    hidden = policy.field_mask(people["guest"], "ModelVersion", asset())
    assert hidden.hidden == set(governed.assets["ModelVersion"]) == set(hidden.why)


def test_what_may_not_be_discovered_may_not_be_read(
    labels: Labels, governed: Governed, people: People, asset: Make
) -> None:
    """A rule that lets rows be read and not discovered shows nothing, in lists as by id."""
    rule = '@id("odd") @doc("?") permit(principal, action == Action::"read", resource);'
    policy = Policy(rule, labels, governed)
    assert policy.grade(people["ada"], asset()) is Grade.HIDDEN
    assert policy.rows(people["ada"], RowAction.READ) == Nothing()


def test_a_mask_says_why(shipped: str, labels: Labels, governed: Governed, people: People, asset: Make) -> None:
    """A hidden field names what would open it, and the policy that closes it when one does."""
    policy = Policy(shipped, labels, governed)
    opens = ("fields-restricted-team", "fields-restricted-admin", "fields-unowned", "fields-break-glass")
    seen = policy.field_mask(people["bo"], "ModelVersion", asset(visibility="ORG"))
    assert seen.why == dict.fromkeys(("artifactUri", "params"), Denial(policies=(), needs=opens))
    closing = '@id("no-params") @doc("?") forbid(principal, action == Action::"ModelVersion.params", resource);'
    mask = Policy(shipped + closing, labels, governed).field_mask(people["root"], "ModelVersion", asset())
    assert mask.why == {"params": Denial(policies=("no-params",), needs=opens)}


def test_scopes_are_ceilings(policy: Policy, people: People, asset: Make) -> None:
    """Without the scope even an administrator sees and does nothing, and is told which scope it takes."""
    blind, dumb = people["blind-admin"], replace(people["root"], scopes=frozenset({"graph:read"}))
    assert policy.rows(blind) == Nothing()
    assert policy.field_mask(blind, "Model", asset()).why["id"].needs == ("scope:graph:read",)
    assert policy.may(dumb, "update", asset()).reasons == ("needs scope:graph:write",)


def test_a_denied_write_says_what_it_needs(policy: Policy, people: People, asset: Make) -> None:
    """A denial by default lists the conditions of which one would permit the action."""
    reasons = policy.may(people["guest"], "update", asset(visibility="ORG")).reasons
    work = "the caller has the role engineer or automation."
    assert reasons == (
        f"needs writes-team: One of the caller's teams owns the asset, and {work}",
        f"needs writes-unowned: The asset has no owner, and {work}",
        "needs writes-admin: The caller has the role admin.",
    )


def test_nobody_is_a_member_of_no_team(policy: Policy, people: People, asset: Make) -> None:
    """A token with an empty group does not open what nobody owns."""
    caller = replace(people["guest"], teams=frozenset({""}))
    assert policy.grade(caller, asset("none")) is Grade.HIDDEN
    assert not policy.may(caller, "update", asset("none", "ORG")).allowed
    assert not policy.engine.decide(caller, "read", asset("none")).allowed


def test_callers_never_share_a_mask(policy: Policy, people: People, asset: Make) -> None:
    """Same subject, other teams, roles or scopes: other answers, in whatever order they ask."""
    ada, row = people["ada"], asset(visibility="ORG")
    others = [replace(ada, teams=frozenset()), replace(ada, teams=frozenset(), roles=frozenset({"admin"}))]
    for _ in range(2):
        assert policy.field_mask(ada, "ModelVersion", row).hidden == frozenset()
        assert policy.field_mask(others[0], "ModelVersion", row).hidden == {"artifactUri", "params"}
        assert policy.field_mask(others[1], "ModelVersion", row).hidden == frozenset()
        assert "id" in policy.field_mask(replace(ada, scopes=frozenset()), "ModelVersion", row).hidden
        assert policy.field_mask(others[0], "Model", row).hidden == frozenset()
        assert "id" in policy.field_mask(others[0], "ModelVersion", asset()).hidden


def test_a_view_is_kept_for_its_time_and_no_longer(
    shipped: str, labels: Labels, governed: Governed, people: People
) -> None:
    """Equal fingerprints share a view until it expires; a name shown to people is no part of the fingerprint."""
    now = [1_000.0]
    policy = Policy(shipped, labels, governed, clock=lambda: now[0])
    first = policy.access(people["ada"])
    now[0] += ACCESS_SECONDS - 0.001
    assert policy.access(replace(people["ada"], display_name="Ada L.")) is first
    now[0] += 0.001
    assert policy.access(people["ada"]) is not first


def test_memories_are_bounded(policy: Policy, people: People, asset: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many callers and classes pass by, the newest are kept and the answers stay right."""
    monkeypatch.setattr(access_module, "CACHE_SIZE", 2)
    oldest = policy.access(people["guest"])
    for number in range(MAX_ACCESSES):
        policy.access(replace(people["guest"], subject=str(number)))
    assert policy.access(people["guest"]) is not oldest
    fresh = policy.access(replace(people["guest"], subject="fresh"))
    rows = [asset(visibility="ORG", stage=str(number)) for number in range(5)]
    masks = [fresh.field_mask("ModelVersion", row) for row in rows]
    assert fresh.field_mask("ModelVersion", rows[-1]) is masks[-1]
    assert fresh.field_mask("ModelVersion", rows[0]) is not masks[0]
    assert fresh.field_mask("ModelVersion", rows[0]) == masks[0]


def test_only_governed_types_are_asked_about(policy: Policy, people: People, asset: Make) -> None:
    """A type without labels has no mask, rather than an empty one."""
    with pytest.raises(CodedError, match="Modell is no governed type"):
        policy.field_mask(people["root"], "Modell", asset())


def test_a_record_without_its_attributes_is_a_defect() -> None:
    """Nothing is assumed about a record that came without what decides about it."""
    record = {"kind": "MODEL", "ownerTeam": "", "visibility": "ORG", "sensitivity": "PUBLIC", "stage": "ACTIVE"}
    assert PolicyAttributes.of({**record, "name": "x"}) == ("MODEL", "", "ORG", "PUBLIC", "ACTIVE")
    with pytest.raises(CodedError, match="visibility"):
        PolicyAttributes.of({name: value for name, value in record.items() if name != "visibility"})
