"""The attributes that rules can use: complete for an asset, and without an empty team for a caller."""

import pytest

from policies.attributes import PolicyAttributes, caller_attributes
from policies.errors import Code, CodedError
from policies.principal import Principal, PrincipalKind

RECORD = {
    "kind": "MODEL",
    "ownerTeam": "",
    "visibility": "ORG",
    "sensitivity": "PUBLIC",
    "stage": "ACTIVE",
}


def test_attributes_are_read_by_name_and_other_values_are_ignored() -> None:
    """The order of the record is irrelevant, an empty owner is a value, and other keys are left out."""
    record = {"displayName": "Ranker", **dict(reversed(RECORD.items()))}
    found = PolicyAttributes.of(record, "PUBLIC")
    assert found == ("MODEL", "", "ORG", "PUBLIC", "ACTIVE", "PUBLIC")
    assert found.named() == {**RECORD, "confirmedSensitivity": "PUBLIC"}


def test_a_record_without_an_attribute_is_a_defect() -> None:
    """An absent attribute and a null are both named; a default could make the asset visible."""
    record: dict[str, str] = {**RECORD, "stage": None}  # type: ignore[dict-item]
    del record["visibility"]
    with pytest.raises(CodedError, match=r"no policy attributes \['visibility', 'stage'\]") as error:
        PolicyAttributes.of(record, "PUBLIC")
    assert error.value.code is Code.INTERNAL


def test_an_empty_team_of_a_caller_is_dropped() -> None:
    """A token with an empty group does not own the assets without owner, whose owner team is the empty string."""
    caller = Principal("ada", PrincipalKind.PERSON, "acme", teams=frozenset({"", "mlg://team/a/b/c"}))
    assert caller_attributes(caller) == {
        "subject": "ada",
        "kind": "PERSON",
        "teams": {"mlg://team/a/b/c"},
        "owners": {"mlg://team/a/b/c"},
        "roles": frozenset(),
        "breakGlass": False,
    }


@pytest.mark.parametrize(("reason", "active"), [(None, False), ("", True), ("an outage", True)])
def test_break_glass_is_active_with_any_reason(reason: str | None, *, active: bool) -> None:
    """Rules receive only whether emergency access is active, not its reason."""
    caller = Principal("ci", PrincipalKind.SERVICE_ACCOUNT, "acme", break_glass=reason)
    attributes = caller_attributes(caller)
    assert (attributes["breakGlass"], attributes["kind"]) == (active, "SERVICE_ACCOUNT")
