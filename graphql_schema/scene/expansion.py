"""The argument `expand` of a scene: which assets are listed individually although they are not the nearest."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import AssetKind
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.scene.grouping import SceneProperty, read_key
from graphql_schema.scene.neighbourhood import SceneLineage
from graphql_schema.scene.roll_up import SceneAsset
from policies.errors import LimitError

MAX_EXPANSIONS = 50
"""Maximal number of entries of `expand`."""


@strawberry.input(
    description="Assets to list individually: those that meet all of the given fields; without a field, all assets."
)
class SceneExpansion:
    """Assets to list individually: those that meet all of the given fields."""

    group: str | None = strawberry.field(
        description="Lists assets with the values in this `key` of a group, such as LEVEL=2 and KIND=DATASET.",
        default=None,
    )
    level: int | None = strawberry.field(
        description="Lists assets of this level, which is negative upstream.", default=None
    )
    kind: AssetKind | None = strawberry.field(description="Lists assets of this kind.", default=None)
    next_to: strawberry.ID | None = strawberry.field(
        description="Lists assets with an edge to or from the asset with this id, if the scene followed the edge.",
        default=None,
    )


ExpandArg = Annotated[
    list[SceneExpansion] | None,
    strawberry.argument(
        description="Assets to list individually, besides the nearest levels: those that meet one of the entries, as "
        f"many as fit, the nearest first; at most {MAX_EXPANSIONS} entries."
    ),
]


@dataclass(frozen=True, slots=True)
class ExpandEntry:
    """An entry of `expand`: values that an asset must have, and the id of an asset with which it must share an edge."""

    values: tuple[tuple[SceneProperty, str], ...]
    next_to: str | None = None

    def accepts(self, asset: SceneAsset, neighbours: Mapping[str, Collection[str]]) -> bool:
        """Return whether an asset meets the entry; ``neighbours`` has the ids of the assets with an edge to each id."""
        if self.next_to is not None and asset.row.urn not in neighbours.get(self.next_to, ()):
            return False
        return all(asset.values[each] == value for each, value in self.values)


def expanded_assets(assets: Iterable[SceneAsset], entries: Sequence[ExpandEntry], found: SceneLineage) -> set[str]:
    """Return the ids of the assets that an entry of `expand` accepts; ``found`` has the edges between them."""
    neighbours = found.neighbours() if any(entry.next_to for entry in entries) else {}
    return {asset.row.urn for asset in assets if any(entry.accepts(asset, neighbours) for entry in entries)}


def expansions(expand: Sequence[SceneExpansion] | None) -> list[ExpandEntry]:
    """Return the entries of `expand`.

    Raises LimitError if there are too many, and InvalidError if a key of a group or an id is invalid.
    """
    count = len(expand or ())
    if count > MAX_EXPANSIONS:
        raise LimitError(f"`expand` has {count} entries; give at most {MAX_EXPANSIONS}.", limit=MAX_EXPANSIONS)
    return [_entry(entry) for entry in expand or ()]


def _entry(entry: SceneExpansion) -> ExpandEntry:
    values = [] if entry.group is None else read_key(entry.group)
    if entry.level is not None:
        values.append((SceneProperty.LEVEL, str(entry.level)))
    if entry.kind is not None:
        values.append((SceneProperty.KIND, entry.kind.name))
    if entry.next_to is not None:
        parse_urn(entry.next_to)
    return ExpandEntry(tuple(values), entry.next_to)
