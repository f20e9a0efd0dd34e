"""Which assets of a scene are listed individually, and which are rolled up to groups, within a limit of elements.

A calculation over plain values: it needs no store, and the policy was applied to all that it gets.
"""

from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from graphql_schema.ports.row import Row
from graphql_schema.scene.grouping import SceneProperty, Values, key_of

GROUPS_SHARE: Final = 3
"""A scene that does not list all of its assets keeps one in this many of its places for groups, at least one."""


class SceneAsset(NamedTuple):
    """An asset of a scene: its level, negative upstream, and the values it is grouped by.

    ``gaps`` are names of ``SceneGap``: why edges of the asset may be missing. ``is_root`` states whether the asset is
    one of the requested roots.
    """

    row: Row
    level: int
    values: Values
    gaps: tuple[str, ...] = ()
    is_root: bool = False

    @property
    def place(self) -> tuple[int, int, str]:
        """Return the sort key: nearest first, of these upstream first, then by id."""
        return abs(self.level), self.level, self.row.urn


@dataclass(frozen=True, slots=True)
class RollUp:
    """The ``listed`` assets, the assets of each group by key, and the properties that the groups are made by."""

    listed: Sequence[SceneAsset]
    groups: dict[str, list[SceneAsset]] = field(default_factory=dict)
    properties: tuple[SceneProperty, ...] = ()


def roll_up(
    assets: Iterable[SceneAsset],
    expanded: Collection[str],
    open_levels: int,
    properties: Sequence[SceneProperty],
    limit: int,
) -> Generator[None, None, RollUp]:
    """Return a scene of at most ``limit`` elements: listed assets and groups.

    Listed are the roots, then the assets with ``expanded`` ids, nearest first, then the levels up to ``open_levels``,
    nearest first, until one does not fit completely. The others are grouped by ``properties``; the last of these are
    left out until the groups are few enough. A group of one asset is listed as the asset. Each asset that is grouped is
    a step.
    """
    ordered = sorted(assets, key=lambda asset: asset.place)
    listed = _listed(ordered, expanded, open_levels, limit)
    if len(listed) == len(ordered):
        return RollUp(ordered, {}, tuple(properties))
    listed = _listed(ordered, expanded, open_levels, limit - max(limit // GROUPS_SHARE, 1))
    free_places = limit - len(listed)
    rest = [asset for asset in ordered if asset.row.urn not in listed]
    count = len(properties)
    groups = yield from _grouped(rest, properties)
    while len(groups) > free_places:
        count -= 1
        groups = yield from _grouped(rest, properties[:count])
    single = {members[0].row.urn for members in groups.values() if len(members) == 1}
    return RollUp(
        [asset for asset in ordered if asset.row.urn in listed or asset.row.urn in single],
        {key: members for key, members in groups.items() if len(members) > 1},
        tuple(properties[:count]),
    )


def _listed(ordered: Sequence[SceneAsset], expanded: Collection[str], open_levels: int, limit: int) -> set[str]:
    """Return the ids of at most ``limit`` assets that are listed individually."""
    roots = [asset.row.urn for asset in ordered if asset.is_root]
    further = [asset.row.urn for asset in ordered if not asset.is_root and asset.row.urn in expanded]
    listed = set([*roots, *further][:limit])
    levels = defaultdict[tuple[int, int], list[str]](list)
    for asset in ordered:
        if abs(asset.level) <= open_levels:
            levels[asset.place[:2]].append(asset.row.urn)
    for urns in levels.values():
        if len(listed.union(urns)) > limit:
            break
        listed.update(urns)
    return listed


def _grouped(
    assets: Iterable[SceneAsset], properties: Sequence[SceneProperty]
) -> Generator[None, None, dict[str, list[SceneAsset]]]:
    """Return the assets by the key of their group; groups and their assets keep the order of ``assets``."""
    groups: dict[str, list[SceneAsset]] = {}
    for asset in assets:
        groups.setdefault(key_of(asset.values, properties), []).append(asset)
        yield
    return groups
