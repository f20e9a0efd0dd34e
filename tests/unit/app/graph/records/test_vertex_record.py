"""The record of a vertex: how it begins, and what a registration changes."""

from typing import Any

import pytest

from app.graph.records.vertex_record import (
    attached_record,
    attributes,
    begins,
    indexed,
    is_attached,
    is_deleted,
    is_unowned_stub,
    kind_of,
    owner_team,
    registered,
    stub,
    time_of,
    updated,
)
from graphql_schema.catalog.urn import make_urn
from graphql_schema.rules.change_stamp import RESERVED_FOR
from policies.attributes import PolicyAttributes

URN = "mlg://model-version/mlflow/ads/ctr@3"
TEAM, OTHER, ADA = "mlg://team/catalog/default/ads", "mlg://team/catalog/default/x", "mlg://user/catalog/default/ada"
STUB = stub("acme", URN, "ada", 100)


def version(**values: Any) -> dict[str, Any]:
    """Return the record of a registered version with these values."""
    return {**registered(STUB, {}, stored=False), **values}


def test_a_stub_has_the_identity_of_its_id_and_the_defaults() -> None:
    """Defaults are ACTIVE, ORG and INTERNAL (design 3.6); nothing refers to an owner, a tag or a domain yet."""
    assert STUB == {
        "id": URN, "kind": "MODEL_VERSION", "tenant": "acme", "source": "mlflow", "namespace": "ads", "name": "ctr",
        "version": "3", "displayName": "ctr v3", "stage": "ACTIVE", "visibility": "ORG", "sensitivity": "INTERNAL",
        "declaredSensitivity": "INTERNAL", "hydration": "STUB", "revision": 1, "createdAt": 100, "createdBy": "ada",
        "updatedAt": 100, "updatedBy": "ada", "ownerTeam": "",
        "index": {"owners": [], "tags": [], "domain": "", "whole": ""},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("urn", "defaults"),
    [
        ("mlg://tag/catalog/default/pii", {"tagKind": "FREE", "propagates": False}),
        ("mlg://user/catalog/default/ada", {"active": True, "principalKind": "PERSON"}),
    ],
)
def test_a_tag_and_a_user_begin_with_values_of_their_own(urn: str, defaults: dict[str, Any]) -> None:
    """A tag propagates only if it is registered so, and a user is an active person."""
    record = stub("acme", urn, "ada", 100)
    assert defaults.items() <= record.items()
    assert "version" not in record


def test_a_registration_completes_a_stub() -> None:
    """Given values are stored, those that were not given stay, and the asset is FULL."""
    record = registered(STUB, {"framework": "xgboost", "stage": "DRAFT"}, stored=True)
    assert record == {**STUB, "hydration": "FULL", "framework": "xgboost", "stage": "DRAFT"}
    assert updated(STUB, {"framework": "xgboost"})["hydration"] == "STUB"


def test_the_first_registration_has_the_default_stage() -> None:
    """The stage that a stranger set of a stub ends, also if its parent gave it an owner; later the stored one stays."""
    drafted = updated(STUB, {"stage": "DRAFT"})
    assert drafted["stage"] == "DRAFT"
    assert registered(drafted, {}, stored=True)["stage"] == "ACTIVE"
    assert registered({**drafted, "ownerTeam": "mlg://team/catalog/default/a"}, {}, stored=True)["stage"] == "ACTIVE"
    assert registered(version(stage="DRAFT"), {}, stored=True)["stage"] == "DRAFT"


def test_null_restores_a_default_or_removes_a_value() -> None:
    """A stage falls back to ACTIVE, a display name to name and version, and a description is removed."""
    record = version(stage="DRAFT", displayName="CTR model", description="x")
    cleared = updated(record, {"stage": None, "displayName": None, "description": None})
    assert (cleared["stage"], cleared["displayName"], "description" in cleared) == ("ACTIVE", "ctr v3", False)
    user = stub("acme", ADA, "x", 100)
    assert updated({**user, "active": False}, {"active": None})["active"] is True


def test_identity_and_derived_values_cannot_be_changed_by_values() -> None:
    """The id and its parts, the tenant, the hydration and the owning team are set elsewhere."""
    fixed = ("id", "tenant", "source", "namespace", "version", "kind", "index", "hydration", "ownerTeam")
    assert updated(version(), dict.fromkeys(fixed, "other")) == version()


def test_properties_are_stored_by_key() -> None:
    """The order in which a client lists properties makes no change."""
    given = [{"key": "b", "value": "1"}, {"key": "a", "value": "2"}]
    assert updated(version(), {"properties": given})["properties"] == given[::-1]
    assert "properties" not in updated(version(properties=given), {"properties": None})


def test_a_user_keeps_its_kind_beside_the_kind_of_the_record() -> None:
    """``kind`` of a user is PERSON or SERVICE_ACCOUNT; in a record ``kind`` is USER."""
    record = updated(stub("acme", ADA, "x", 100), {"kind": "SERVICE_ACCOUNT"})
    assert (record["kind"], record["principalKind"]) == ("USER", "SERVICE_ACCOUNT")
    assert "principalKind" not in updated(version(), {"kind": "SERVICE_ACCOUNT"})


@pytest.mark.parametrize(
    ("stored", "effective", "declared", "expected"),
    [
        (True, "INTERNAL", "CONFIDENTIAL", "CONFIDENTIAL"),
        (True, "CONFIDENTIAL", "PUBLIC", "CONFIDENTIAL"),
        (False, "CONFIDENTIAL", "PUBLIC", "PUBLIC"),
        (True, "CONFIDENTIAL", None, "CONFIDENTIAL"),
    ],
)
def test_a_declared_sensitivity_raises_at_once_and_lowers_later(
    stored: bool,  # noqa: FBT001 - a table
    effective: str,
    declared: str | None,
    expected: str,
) -> None:
    """A stored asset keeps its effective sensitivity until a job finds that nothing else requires it."""
    record = updated(version(sensitivity=effective), {"sensitivity": declared}, stored=stored)
    assert record["sensitivity"] == expected
    assert record["declaredSensitivity"] == (declared or "INTERNAL")
    assert updated(version(declaredSensitivity="PUBLIC"), {"stage": "DRAFT"})["declaredSensitivity"] == "PUBLIC"


def test_a_name_that_the_id_had_to_cut_is_restored() -> None:
    """A name is stored only if it makes the same id; the display name follows the name unless it has its own."""
    name = "n" * 600
    cut = stub("acme", make_urn("model", "mlflow", "ads", name), "x", 100)
    assert cut["name"] != name
    assert (updated(cut, {"name": name})["name"], updated(cut, {"name": name})["displayName"]) == (name, name)
    assert updated({**cut, "displayName": "N"}, {"name": name})["displayName"] == "N"
    assert updated(cut, {"name": "n" * 601})["name"] == cut["name"]
    assert updated(version(), {"name": "other"})["name"] == "ctr"
    assert updated(version(), {"name": ""})["name"] == "ctr"


def test_the_owner_of_the_policy_is_a_team_else_a_user_else_the_domain() -> None:
    """The first technical team, else the first one, else the parent's; then users, then a domain, if registered."""
    parent = version(ownerTeam=OTHER)

    def owned_by(*owners: tuple[str, list[str]]) -> str:
        return owner_team(indexed(STUB, owners=[list(each) for each in owners]), parent)

    assert owned_by((OTHER, ["BUSINESS"]), (TEAM, ["ONCALL", "TECHNICAL"])) == TEAM
    assert owned_by((OTHER, ["BUSINESS"]), (TEAM, ["STEWARD"])) == OTHER
    assert owned_by((ADA, ["TECHNICAL"])) == OTHER
    assert owner_team(STUB, None) == ""
    mine = indexed(STUB, owners=[["mlg://user/catalog/default/b", ["STEWARD"]], [ADA, ["TECHNICAL"]]], domain="d")
    assert (
        owner_team(mine, None)
        == owner_team(mine, version(ownerTeam="d"))
        == owner_team(STUB, {**STUB, "ownerTeam": ADA})
    )
    assert (owner_team(mine, None), owner_team(indexed(STUB, domain="d"), None)) == (ADA, "")
    assert owner_team({**indexed(STUB, domain="d"), "hydration": "FULL"}, None) == "d"


def test_the_team_of_a_reserved_id_comes_after_other_teams_and_before_users() -> None:
    """A declared team and that of the parent are before it, users and domains after it, as for an inherited team."""
    reserved = {**STUB, RESERVED_FOR: OTHER}
    mine = {**indexed(reserved, owners=[[ADA, ["TECHNICAL"]]], domain="d"), "hydration": "FULL"}
    assert owner_team(reserved, None) == OTHER
    assert owner_team(indexed(reserved, owners=[[TEAM, ["STEWARD"]]]), None) == TEAM
    assert owner_team(mine, version(ownerTeam=TEAM)) == TEAM
    assert owner_team(mine, version(ownerTeam=ADA)) == owner_team(mine, None) == OTHER
    assert owner_team(updated(reserved, {RESERVED_FOR: TEAM}), None) == OTHER


def test_the_index_of_a_record_is_replaced_key_by_key() -> None:
    """Other keys of the index stay, and the record itself is not changed."""
    assert indexed(STUB, domain="d")["index"] == {"owners": [], "tags": [], "domain": "d", "whole": ""}
    assert STUB["index"]["domain"] == ""


def test_an_attached_record_has_no_null_values() -> None:
    """An attached record begins at revision 1, with author and time; its kind follows from its id."""
    record = attached_record("acme", "mlg://check-result/a/b/c", "ada", 100, status="PASS", window=None)
    assert record == {
        "id": "mlg://check-result/a/b/c", "kind": "CHECK_RESULT", "tenant": "acme", "revision": 1, "createdAt": 100,
        "createdBy": "ada", "updatedAt": 100, "updatedBy": "ada", "status": "PASS",
    }  # fmt: skip
    assert is_attached(record)
    assert not is_attached(STUB)
    assert kind_of(record) == "CheckResult"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"observedAt": 1, "startedAt": 2, "sourceCreatedAt": 3}, 1),
        ({"startedAt": 2, "sourceCreatedAt": 3}, 2),
        ({"sourceCreatedAt": 3}, 3),
        ({"sourceCreatedAt": None}, 100),
        ({"sourceCreatedAt": 0}, 1),
    ],
)
def test_a_record_is_ordered_by_its_most_exact_time(values: dict[str, Any], expected: int) -> None:
    """A stub is older than everything else, so a mere reference never becomes the newest version.

    So is it than a version of the first millisecond of 1970: the store can leave out stubs alone.
    """
    assert time_of(version(**values)) == expected
    assert time_of({**STUB, **values}) == 0


def test_an_asset_begins_when_its_source_made_it() -> None:
    """Without a time of the source, and with a null one, its registration counts."""
    assert begins(version(sourceCreatedAt=5)) == 5
    assert begins(version(sourceCreatedAt=None)) == begins(version()) == 100


def test_a_restored_asset_is_not_deleted() -> None:
    """A restored record may keep a null ``deletedAt``."""
    assert is_deleted(version(deletedAt=5))
    assert not is_deleted(version(deletedAt=None))
    assert not is_deleted(version())


def test_a_stub_without_an_owning_team_is_unowned() -> None:
    """A stub that belongs to a team, and a registered asset without one, are not."""
    assert is_unowned_stub(STUB)
    assert not is_unowned_stub({**STUB, "ownerTeam": TEAM})
    assert not is_unowned_stub(version())


def test_the_policy_sees_a_tag_as_open_to_all() -> None:
    """Of what is no asset only the owning team counts; an asset has the attributes of its record."""
    domain = {**stub("acme", "mlg://domain/catalog/default/d", "x", 1), "ownerTeam": TEAM, "sensitivity": "RESTRICTED"}
    assert attributes(domain) == PolicyAttributes("DOMAIN", TEAM, "ORG", "INTERNAL", "ACTIVE", "INTERNAL")
    assert attributes(version(sensitivity="RESTRICTED")).sensitivity == "RESTRICTED"


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        ("3", "reco v3"),
        ("1.2.0", "reco v1.2.0"),
        ("v3", "reco v3"),
        ("2026-w04", "reco 2026-w04"),
        ("main", "reco main"),
    ],
)
def test_a_version_is_named_by_its_parent_and_itself(version: str, shown: str) -> None:
    """Numbers get a v; the default stays when the version is registered, and a given name replaces it."""
    for kind in ("model-version", "dataset-version"):
        record = stub("acme", f"mlg://{kind}/mlflow/ads/reco@{version}", "x", 100)
        assert (record["name"], record["displayName"]) == ("reco", shown)
        assert registered(record, {}, stored=False)["displayName"] == shown
        named = updated(record, {"displayName": "reco"})
        assert updated(named, {"stage": "DRAFT"})["displayName"] == "reco"
    assert stub("acme", "mlg://model/mlflow/ads/reco", "x", 100)["displayName"] == "reco"
