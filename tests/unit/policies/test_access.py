"""The access of one caller: denials on errors, masks with reasons, and a cache that never mixes callers."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from weakref import ref

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
ByHand = Mapping[str, Mapping[str, str]]

FAILING = """@id("fails") @doc("?") forbid(principal, action == Action::"update", resource)
  when { 9223372036854775807 + 1 > 0 };"""


def test_a_forbid_that_fails_denies_and_alerts(
    shipped: str, labels: Labels, governed: Governed, people: People, asset: Make
) -> None:
    """A forbid that Cedar cannot evaluate denies the action and raises an alert, where Cedar itself would allow."""
    policy = Policy(shipped + FAILING, labels, governed)
    with capture_logs() as logs:
        decision = policy.access(people["ada"]).may("update", asset())
    assert (decision.allowed, decision.policies) == (False, ())
    assert [(entry["event"], entry["log_level"], entry["alert"]) for entry in logs] == [
        ("policy_decision_error", "error", True)
    ]
    assert "overflow" in logs[0]["errors"][0]
    assert policy.access(people["ada"]).may("link", asset()).allowed


def test_an_unknown_action_is_denied(policy: Policy, people: People, asset: Make) -> None:
    """An action that the Cedar schema does not define is denied even to an administrator, and logged."""
    with capture_logs() as logs:
        assert not policy.access(people["root"]).may("updte", asset()).allowed
    assert len(logs) == 1


def test_discoverable_rows_show_public_fields_only(policy: Policy, people: People, asset: Make) -> None:
    """A row with grade DISCOVER shows its public fields, and each hidden field names the rules that would permit it."""
    guest, draft = people["guest"], asset(visibility="ORG", stage="DRAFT")
    assert policy.access(guest).grade(draft) is Grade.DISCOVER
    shown = set(policy.labels["Model"]) - policy.access(guest).field_mask("Model", draft).hidden
    assert shown == {"id", "asOf", "kind", "source", "namespace", "name", "displayName", "ownerTeam", "viewerAccess"}
    needs = Denial(policies=(), needs=("rows-org-read", "rows-team", "rows-auditor", "rows-admin"))
    assert policy.access(guest).field_mask("Model", draft).why["description"] == needs
    assert policy.access(guest).rows(RowAction.READ) != policy.access(guest).rows(RowAction.DISCOVER)
    assert not policy.access(guest).may("update", draft).allowed


def test_withheld_fields_do_not_depend_on_the_read_scope(policy: Policy, people: People, asset: Make) -> None:
    """The fields withheld from a writer are those that the rules hide, with and without the scope to read."""
    for name, person in people.items():
        reader = replace(person, scopes=person.scopes | {"graph:read"})
        writer = replace(person, scopes=person.scopes - {"graph:read"})
        for about in (asset(), asset(stage="DRAFT"), asset(visibility="TEAM"), asset(sensitivity="RESTRICTED")):
            hidden = policy.access(reader).field_mask("ModelVersion", about).hidden
            assert policy.access(reader).fields_hidden_by_rules("ModelVersion", about) == hidden, name
            assert policy.access(writer).fields_hidden_by_rules("ModelVersion", about) == hidden, name


def test_a_mask_names_the_forbidding_rule(policy: Policy, people: People, asset: Make) -> None:
    """A field that a forbid hides from the owner team names this rule."""
    mask = policy.access(people["bo"]).field_mask("Model", asset("ads", sensitivity="RESTRICTED"))
    assert mask.why["description"].policies == ("rows-restricted",)
    assert "name" not in mask.hidden


def test_non_null_fields_are_masked_with_their_row_only(
    policy: Policy, governed: Governed, people: People, asset: Make
) -> None:
    """No mask of a visible row hides a non-null field; the mask of a hidden row hides every field."""
    fixed = {each.partition(".")[2] for each in governed.fixed if each.startswith("ModelVersion.")}
    assert {"id", "kind"} <= fixed
    of_visible = policy.access(people["guest"]).field_mask("ModelVersion", asset(visibility="ORG", stage="DRAFT"))
    assert of_visible.hidden.isdisjoint(fixed)
    assert of_visible.hidden >= {"framework", "artifactUri", "params"}
    of_hidden = policy.access(people["guest"]).field_mask("ModelVersion", asset())
    assert of_hidden.hidden == set(governed.assets["ModelVersion"]) == set(of_hidden.why)


def test_reading_requires_discovering(labels: Labels, governed: Governed, people: People, asset: Make) -> None:
    """A rule that permits `read` without `discover` shows no row, by id or in a list."""
    rule = '@id("odd") @doc("?") permit(principal, action == Action::"read", resource);'
    policy = Policy(rule, labels, governed)
    assert policy.access(people["ada"]).grade(asset()) is Grade.HIDDEN
    assert policy.access(people["ada"]).rows(RowAction.READ) == Nothing()


def restricted(labels: ByHand, type_name: str) -> set[str]:
    """Return the restricted fields of a type."""
    return {field for field, label in labels[type_name].items() if label == "restricted"}


def test_a_mask_has_reasons(shipped: str, labels: Labels, governed: Governed, people: People, asset: Make) -> None:
    """A hidden field names the rules that would permit it, and the rule that forbids it if there is one."""
    policy = Policy(shipped, labels, governed)
    opens = ("fields-restricted-team", "fields-restricted-admin", "fields-unowned", "fields-break-glass")
    denied = policy.access(people["bo"]).field_mask("ModelVersion", asset(visibility="ORG"))
    assert denied.why == dict.fromkeys(restricted(labels, "ModelVersion"), Denial(policies=(), needs=opens))
    closing = '@id("no-params") @doc("?") forbid(principal, action == Action::"ModelVersion.params", resource);'
    mask = Policy(shipped + closing, labels, governed).access(people["root"]).field_mask("ModelVersion", asset())
    assert mask.why == {"params": Denial(policies=("no-params",), needs=opens)}


def test_scopes_are_ceilings(policy: Policy, people: People, asset: Make) -> None:
    """Without the scope even an administrator reads and writes nothing, and the denial names the scope."""
    blind, reader = people["blind-admin"], replace(people["root"], scopes=frozenset({"graph:read"}))
    assert policy.access(blind).rows() == Nothing()
    assert policy.access(blind).field_mask("Model", asset()).why["id"].needs == ("scope:graph:read",)
    assert policy.access(reader).may("update", asset()).reasons == ("needs scope:graph:write",)


def test_a_denied_write_lists_the_permits(policy: Policy, people: People, asset: Make) -> None:
    """A denial by default lists the ids and texts of the rules of which one would permit the action."""
    reasons = policy.access(people["guest"]).may("update", asset(visibility="ORG")).reasons
    own = "The asset belongs to the caller or to a team of the caller, its members or domains"
    work = "the caller has the role engineer or automation."
    assert reasons == (
        f"needs writes-team: {own}, and {work}",
        f"needs writes-unowned: The asset has no owner, and {work}",
        "needs writes-admin: The caller has the role admin.",
    )


def test_an_empty_team_owns_nothing(policy: Policy, people: People, asset: Make) -> None:
    """A caller whose token has an empty group gets no rights on assets without an owner."""
    caller = replace(people["guest"], teams=frozenset({""}))
    assert policy.access(caller).grade(asset("none")) is Grade.HIDDEN
    assert not policy.access(caller).may("update", asset("none", "ORG")).allowed
    assert not policy.engine.decide(caller, "read", asset("none")).allowed


def test_callers_never_share_a_mask(policy: Policy, people: People, asset: Make, by_hand: ByHand) -> None:
    """Callers with the same subject and other teams, roles or scopes get their own masks, in any order of requests."""
    ada, row = people["ada"], asset(visibility="ORG")
    others = [replace(ada, teams=frozenset()), replace(ada, teams=frozenset(), roles=frozenset({"admin"}))]
    of_version, of_model = restricted(by_hand, "ModelVersion"), restricted(by_hand, "Model")
    assert of_version >= {"artifactUri", "params"}
    for _ in range(2):
        assert policy.access(ada).field_mask("ModelVersion", row).hidden == frozenset()
        assert policy.access(others[0]).field_mask("ModelVersion", row).hidden == of_version
        assert policy.access(others[1]).field_mask("ModelVersion", row).hidden == frozenset()
        assert "id" in policy.access(replace(ada, scopes=frozenset())).field_mask("ModelVersion", row).hidden
        assert policy.access(others[0]).field_mask("Model", row).hidden == of_model
        assert "id" in policy.access(others[0]).field_mask("ModelVersion", asset()).hidden


def test_an_access_is_cached_until_it_expires(shipped: str, labels: Labels, governed: Governed, people: People) -> None:
    """Equal fingerprints share an access until it expires; the display name is no part of the fingerprint."""
    now = [1_000.0]
    policy = Policy(shipped, labels, governed, clock=lambda: now[0])
    first = policy.access(people["ada"])
    now[0] += ACCESS_SECONDS - 0.001
    assert policy.access(replace(people["ada"], display_name="Ada L.")) is first
    now[0] += 0.001
    assert policy.access(people["ada"]) is not first


def test_expired_accesses_are_not_kept(shipped: str, labels: Labels, governed: Governed, people: People) -> None:
    """A caller whose teams or domains change again and again has another access each time; it is in no cycle."""
    now = [1_000.0]
    policy = Policy(shipped, labels, governed, clock=lambda: now[0])
    policy.access(people["ada"]).rows_showing("description")
    expired = ref(policy.access(people["ada"]))
    now[0] += ACCESS_SECONDS - 1
    known = policy.access(people["guest"])
    now[0] += 1
    policy.access(replace(people["ada"], teams=frozenset({"mlg://team/test/default/other"})))
    assert expired() is None
    assert policy.access(people["guest"]) is known


def test_caches_are_bounded(policy: Policy, people: People, asset: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caches of callers and of masks drop the oldest entry at their limit, and masks stay correct."""
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


def test_an_ungoverned_type_has_no_mask(policy: Policy, people: People, asset: Make) -> None:
    """A type without labels raises an error instead of returning an empty mask."""
    with pytest.raises(CodedError, match="Modell has no labels"):
        policy.access(people["root"]).field_mask("Modell", asset())


def test_a_record_without_its_attributes_is_refused() -> None:
    """A record that lacks a policy attribute raises an error that names the attribute; no default is assumed."""
    record = {"kind": "MODEL", "ownerTeam": "", "visibility": "ORG", "sensitivity": "PUBLIC", "stage": "ACTIVE"}
    assert PolicyAttributes.of({**record, "name": "x"}, "PUBLIC") == ("MODEL", "", "ORG", "PUBLIC", "ACTIVE", "PUBLIC")
    with pytest.raises(CodedError, match="visibility"):
        PolicyAttributes.of({name: value for name, value in record.items() if name != "visibility"}, "PUBLIC")
