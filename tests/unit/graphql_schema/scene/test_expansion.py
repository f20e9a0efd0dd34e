"""The entries of `expand`, and the assets that they accept."""

import pytest
import strawberry
from support.estates.plain_rows import PlainAccess, plain_row

from graphql_schema.catalog.enums import AssetKind
from graphql_schema.ports.row import MaskedRecord
from graphql_schema.scene.expansion import MAX_EXPANSIONS, SceneExpansion, expanded_assets, expansions
from graphql_schema.scene.grouping import GroupValues
from graphql_schema.scene.neighbourhood import FoundEdge, SceneLineage
from graphql_schema.scene.roll_up import SceneAsset
from policies.errors import InvalidError, LimitError

CLICKS, OTHER = (plain_row("DATASET", name) for name in ("clicks", "other"))
MODEL = plain_row("MODEL", "ranker")
JOINED = FoundEdge(CLICKS.urn, MODEL.urn, "FEEDS", "DECLARED")
LINEAGE = SceneLineage(edges={JOINED: MaskedRecord("LineageEdge", "", {}, PlainAccess())})
ASSETS = [
    SceneAsset(row, level, GroupValues({}, {}, {}).of(row, level))
    for row, level in ((CLICKS, 1), (OTHER, 2), (MODEL, 2))
]


def accepted(*entries: SceneExpansion) -> list[str]:
    """Return the names of the assets that an entry accepts."""
    read = expansions(entries)
    found = expanded_assets(ASSETS, read, LINEAGE)
    return [asset.row.record["name"] for asset in ASSETS if asset.row.urn in found]


def test_an_asset_meets_all_fields_of_one_entry() -> None:
    """The fields of an entry narrow it, and entries add up; without a field an entry accepts all."""
    dataset = AssetKind["DATASET"]
    assert accepted() == []
    assert accepted(SceneExpansion(level=2)) == ["other", "ranker"]
    assert accepted(SceneExpansion(level=2, kind=dataset)) == ["other"]
    assert accepted(SceneExpansion(level=1), SceneExpansion(kind=AssetKind["MODEL"])) == ["clicks", "ranker"]
    assert accepted(SceneExpansion(next_to=strawberry.ID(MODEL.urn))) == ["clicks"]
    assert accepted(SceneExpansion(next_to=strawberry.ID(OTHER.urn))) == []
    assert accepted(SceneExpansion(group="LEVEL=2 KIND=DATASET")) == ["other"]
    assert accepted(SceneExpansion(group="LEVEL=2 KIND=DATASET", level=1)) == []
    assert accepted(SceneExpansion()) == ["clicks", "other", "ranker"]


def test_invalid_entries() -> None:
    """Too many entries, an invalid key and an invalid id are errors; none is an empty list."""
    assert expansions(None) == []
    with pytest.raises(LimitError, match="give at most"):
        expansions([SceneExpansion()] * (MAX_EXPANSIONS + 1))
    with pytest.raises(InvalidError, match="no key of a group"):
        expansions([SceneExpansion(group="clicks")])
    with pytest.raises(InvalidError, match="is not an id"):
        expansions([SceneExpansion(next_to=strawberry.ID("clicks"))])
