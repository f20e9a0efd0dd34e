"""Names that importers share with events: owners, and checks of assertions."""

import pytest

from app.ingest.sources.openlineage.catalog_names import assertion_kind, assertion_name, owner_urn
from graphql_schema.catalog.enums import CheckKind


@pytest.mark.parametrize(
    ("name", "urn"),
    [
        ("user:x", "user/catalog/default/x"),
        ("Team:x", "team/catalog/default/x"),
        ("group:x", "team/catalog/default/x"),
        ("user:", "team/catalog/default/user%3A"),
        ("a@x", "user/catalog/default/a%40x"),
        ("x y", "team/catalog/default/x%20y"),
    ],
)
def test_a_prefix_decides_between_user_and_team(name: str, urn: str) -> None:
    """A name without prefix and @ is that of a team."""
    assert owner_urn(name) == f"mlg://{urn}"


@pytest.mark.parametrize(("check", "kind"), [("row_count_between", "VOLUME"), ("not_null(id)", "SCHEMA")])
def test_the_kind_of_a_check_is_one_of_the_catalog(check: str, kind: str) -> None:
    """Checks of the number of rows are about the volume, all others about the schema."""
    assert CheckKind[assertion_kind(check)].name == kind


def test_a_check_of_a_column_has_the_column_in_its_name() -> None:
    """A check of the whole table has the name of the assertion."""
    assert (assertion_name("unique", "id"), assertion_name("unique", None)) == ("unique(id)", "unique")
