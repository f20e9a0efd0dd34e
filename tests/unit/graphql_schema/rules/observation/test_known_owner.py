"""The owner of an asset that is visible to a viewer, by whom evaluations, checks and incidents count."""

from typing import Any

import pytest
from support.estates.plain_rows import PlainAccess, hiding, plain_row

from graphql_schema.ports.row import Row
from graphql_schema.rules.observation.known_owner import is_same_owner, known_owner

TEAM, HANA, SHOP = (f"mlg://{slug}/test/default/{slug}" for slug in ("team", "user", "domain"))
MODEL, SET = "mlg://model/test/default/m", "mlg://feature-set/test/default/s"
HIDDEN: dict[str, Row] = {}


def asset(kind: str, owner: str, access: PlainAccess | None = None, **index: Any) -> Row:
    """Return an asset with a stored owner; ``index`` has what follows from its edges."""
    values: dict[str, Any] = {"ownerTeam": owner, "index": {"owners": [], "domain": "", "whole": "", **index}}
    if kind == "MODEL_VERSION":
        values["version"] = "1"
    return plain_row(kind, "m", access, **values)


def of_parent(kind: str, owner: str, access: PlainAccess | None = None) -> dict[str, Row]:
    """Return the visible parent with this owner, by its id."""
    row = plain_row(kind, MODEL[-1] if kind == "MODEL" else SET[-1], access, ownerTeam=owner)
    return {MODEL if kind == "MODEL" else SET: row}


@pytest.mark.parametrize("owner", [HANA, SHOP, ""])
@pytest.mark.parametrize("own", [{}, {"domain": SHOP}])
def test_the_owner_of_a_version_is_known_by_its_parent_alone(owner: str, own: dict[str, Any]) -> None:
    """A user, a domain and none are the same for a viewer who does not see the model, or not who owns it."""
    version = asset("MODEL_VERSION", owner, **own)
    assert known_owner(version, of_parent("MODEL", owner).get) == owner
    for parents in (HIDDEN, of_parent("MODEL", owner, hiding("owners")), of_parent("MODEL", owner, hiding("domain"))):
        assert known_owner(version, parents.get) is None


@pytest.mark.parametrize("owner", [HANA, SHOP])
def test_the_owner_of_a_feature_is_known_by_its_set_alone(owner: str) -> None:
    """Which user or domain owns a hidden set is unknown; a set without an owner is as no set."""
    feature = asset("FEATURE", owner, whole=SET)
    assert known_owner(feature, of_parent("FEATURE_SET", owner).get) == owner
    assert known_owner(feature, HIDDEN.get) is None
    assert [known_owner(asset("FEATURE", "", whole=parent), HIDDEN.get) for parent in (SET, "")] == ["", ""]


def test_an_own_owner_is_known_without_the_parent() -> None:
    """A team, which is shown to all who discover the asset, and a user or domain that the asset itself shows."""
    assert known_owner(asset("MODEL_VERSION", TEAM, hiding("owners", "domain")), HIDDEN.get) == TEAM
    assert known_owner(asset("MODEL_VERSION", HANA, owners=[[HANA, ["TECHNICAL"]]]), HIDDEN.get) == HANA
    assert known_owner(asset("EVALUATION", SHOP, domain=SHOP), HIDDEN.get) == SHOP
    assert known_owner(asset("EVALUATION", ""), HIDDEN.get) == ""
    assert known_owner(asset("EVALUATION", TEAM, hiding("ownerTeam")), HIDDEN.get) is None


@pytest.mark.parametrize("field", ["owners", "domain"])
def test_an_asset_that_hides_its_owners_has_an_unknown_owner(field: str) -> None:
    """Such as a draft; it is unknown also if there is none."""
    for owner in (HANA, SHOP, ""):
        draft = asset("EVALUATION", owner, hiding(field), owners=[[HANA, []]], domain=SHOP)
        assert known_owner(draft, HIDDEN.get) is None


def test_an_unknown_owner_is_the_same_as_no_other() -> None:
    """Not even as another unknown one: two hidden parents may have different owners."""
    assert is_same_owner(HANA, HANA)
    assert is_same_owner("", "")
    assert not is_same_owner(None, None)
    assert not is_same_owner(None, "")
    assert not is_same_owner(HANA, None)
