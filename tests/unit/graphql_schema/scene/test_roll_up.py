"""Which assets of a scene are listed, and which are grouped: by hand, at the limits."""

from collections.abc import Callable

import pytest
from support.estates.plain_rows import plain_row

from graphql_schema.execution.side_thread import run_at_once
from graphql_schema.scene.grouping import GroupValues, SceneProperty
from graphql_schema.scene.roll_up import RollUp, SceneAsset, roll_up

LEVEL, KIND = SceneProperty.LEVEL, SceneProperty.KIND


def asset(level: int, name: str, kind: str = "DATASET") -> SceneAsset:
    """Return an asset on a level; the one named root is the root."""
    row = plain_row(kind, name)
    return SceneAsset(row, level, GroupValues({}, {}, {}).of(row, level), is_root=name == "root")


ASSETS = [
    asset(2, "far1"),
    asset(2, "far2"),
    asset(2, "far3", "MODEL"),
    asset(0, "root"),
    *(asset(1, f"near{number}") for number in range(4)),
    *(asset(-1, f"up{number}", "RUN") for number in range(2)),
]
"""One root, four assets downstream of it and three behind them, two assets upstream."""


def rolled(
    limit: int,
    *,
    open_levels: int = 1,
    by: tuple[SceneProperty, ...] = (LEVEL, KIND),
    expanded: Callable[[SceneAsset], bool] = lambda _: False,
) -> tuple[str, dict[str, str], tuple[SceneProperty, ...]]:
    """Return the names of the listed assets, the names of those in each group, and the used properties."""
    ids = {each.row.urn for each in ASSETS if expanded(each)}
    found: RollUp = run_at_once(roll_up(ASSETS, ids, open_levels, by, limit))

    def names(assets: list[SceneAsset]) -> str:
        return " ".join(each.row.record["name"] for each in assets)

    groups = {key: names(members) for key, members in found.groups.items()}
    return names([*found.listed]), groups, found.properties


def test_everything_is_listed_if_it_fits_and_is_open() -> None:
    """Assets are ordered by distance, upstream first, then by id; nothing is grouped."""
    assert rolled(10, open_levels=2) == ("root up0 up1 near0 near1 near2 near3 far1 far2 far3", {}, (LEVEL, KIND))


def test_levels_beyond_the_nearest_are_grouped() -> None:
    """A group of one asset is listed as the asset."""
    expected = "root up0 up1 near0 near1 near2 near3 far3", {"LEVEL=2 KIND=DATASET": "far1 far2"}, (LEVEL, KIND)
    assert rolled(300) == expected


def test_a_level_is_listed_completely_or_not_at_all() -> None:
    """A third of the elements is kept for groups; the level that does not fit, and all beyond, are grouped."""
    groups = {"LEVEL=1 KIND=DATASET": "near0 near1 near2 near3", "LEVEL=2 KIND=DATASET": "far1 far2"}
    assert rolled(9, open_levels=2) == ("root up0 up1 far3", groups, (LEVEL, KIND))


def test_expanded_assets_come_before_levels_and_as_many_as_fit() -> None:
    """What does not fit stays in its group."""
    found = rolled(6, open_levels=0, expanded=lambda each: each.level == 1)
    assert found == ("root near0 near1 near2", {"ALL": "up0 up1 near3 far1 far2 far3"}, ())


@pytest.mark.parametrize("limit", range(1, 12))
def test_no_scene_is_larger_than_the_limit(limit: int) -> None:
    """Properties are left out from the last until the groups are few enough; every asset has one element."""
    listed, groups, used = rolled(limit, open_levels=2)
    assert len(listed.split()) + len(groups) <= limit
    assert sorted([*listed.split(), *" ".join(groups.values()).split()]) == sorted(a.row.record["name"] for a in ASSETS)
    assert used == (LEVEL, KIND)[: len(used)]


def test_groups_by_nothing() -> None:
    """Without properties there is one group of all assets that are not listed."""
    assert rolled(300, by=(), open_levels=0) == (
        "root",
        {"ALL": "up0 up1 near0 near1 near2 near3 far1 far2 far3"},
        (),
    )


def test_a_limit_of_one() -> None:
    """The roots, too, are in the only group."""
    assert rolled(1) == ("", {"ALL": "root up0 up1 near0 near1 near2 near3 far1 far2 far3"}, ())
