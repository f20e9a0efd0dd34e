"""The entries of `expand`, and the assets that they accept."""

import pytest
import strawberry
from support.estates.plain_rows import PlainAccess, plain_row

from graphql_schema.catalog.enums import AssetKind
from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.ports.row import MaskedRecord
from graphql_schema.scene.expansion import MAX_EXPANSIONS, SceneExpansion, expanded_assets, expansions
from graphql_schema.scene.grouping import GroupValues, SceneProperty
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
    found = run_at_once(expanded_assets(ASSETS, read, LINEAGE))
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
    assert accepted(SceneExpansion(group="KIND=DATASET LEVEL=2", level=2)) == ["other"]
    assert accepted(SceneExpansion(level=1, next_to=strawberry.ID(MODEL.urn)), SceneExpansion(level=1)) == ["clicks"]
    assert accepted(SceneExpansion(level=2, next_to=strawberry.ID(MODEL.urn))) == []
    assert accepted(*(SceneExpansion(level=level) for level in (3, 2, 1))) == ["clicks", "other", "ranker"]
    assert accepted(SceneExpansion()) == ["clicks", "other", "ranker"]


class CountedValues(dict[SceneProperty, str]):
    """The values of an asset, which count how often one is looked at."""

    looks = 0

    def __getitem__(self, key: SceneProperty) -> str:
        """Return a value, and count it."""
        self.looks += 1
        return super().__getitem__(key)


def test_an_asset_is_looked_up_once_for_all_entries() -> None:
    """Its values are not compared with those of each entry: 50 of them, for each of 10,000 assets, took 0.5 s.

    Others have turns of the side thread after each asset.
    """
    entries = expansions([SceneExpansion(group=f"KIND=DATASET LEVEL={level}") for level in range(100, 150)])
    values = [CountedValues(each.values) for each in ASSETS]
    assets = [each._replace(values=counted) for each, counted in zip(ASSETS, values, strict=True)]
    assert sum(1 for _ in expanded_assets(assets, entries, LINEAGE)) >= len(assets)
    assert [each.looks for each in values] == [2, 2, 2]


def test_invalid_entries() -> None:
    """Too many entries, an invalid key and an invalid id are errors; none is an empty list."""
    assert expansions(None) == []
    with pytest.raises(LimitError, match="give at most"):
        expansions([SceneExpansion()] * (MAX_EXPANSIONS + 1))
    with pytest.raises(InvalidError, match="no key of a group"):
        expansions([SceneExpansion(group="clicks")])
    with pytest.raises(InvalidError, match="is not an id"):
        expansions([SceneExpansion(next_to=strawberry.ID("clicks"))])
