"""The enumerations that are made from the catalog."""

from graphql_schema.catalog.enums import AssetKind, RelationName
from graphql_schema.catalog.kinds import ASSETS, KINDS
from graphql_schema.catalog.relations import RELATIONS


def test_asset_kinds_are_the_assets() -> None:
    """`AssetKind` has every governed kind, in the order of the catalog, and each has a description."""
    assert [kind.name for kind in AssetKind] == [KINDS[name].code for name in ASSETS]
    assert [name for name in ASSETS if not KINDS[name].description] == []


def test_relation_names_are_those_with_a_description() -> None:
    """`Relation` has all of lineage and no relation between an asset and something that is none, such as an owner."""
    names = {each.name for each in RelationName}
    assert {name for name, relation in RELATIONS.items() if relation.lineage} < names
    assert names.isdisjoint({"OWNED_BY", "TAGGED", "CHANGED", "RAISED_ON"})
