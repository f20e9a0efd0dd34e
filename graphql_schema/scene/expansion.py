"""The argument `expand` of a scene: which assets are listed individually although they are not the nearest."""

from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import strawberry

from graphql_schema.catalog.enums import AssetKind
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.scene.grouping import SceneProperty, read_key
from graphql_schema.scene.neighbourhood import FoundEdge, SceneLineage
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


_ANY_PLACE: Final[frozenset[str | None]] = frozenset({None})
"""The places of an asset without an edge to the `nextTo` of an entry: it meets entries without `nextTo` alone."""


def expanded_assets(
    assets: Iterable[SceneAsset], entries: Sequence[ExpandEntry], found: SceneLineage
) -> Generator[None, None, set[str]]:
    """Return the ids of the assets that an entry of `expand` accepts; ``found`` has the edges between them.

    An asset is looked up by its values, once for all entries that name the same properties. Pauses after each asset and
    each edge.
    """
    wanted = _by_values(entries)
    near = yield from _near(found.edges, {entry.next_to for entry in entries} - _ANY_PLACE)
    expanded = set()
    for asset in assets:
        places = near.get(asset.row.urn, _ANY_PLACE)
        for names, by_values in wanted.items():
            if not places.isdisjoint(by_values.get(tuple(map(asset.values.__getitem__, names)), ())):
                expanded.add(asset.row.urn)
                break
        yield
    return expanded


def _by_values(
    entries: Iterable[ExpandEntry],
) -> dict[tuple[SceneProperty, ...], dict[tuple[str, ...], set[str | None]]]:
    """Return the ``next_to`` of entries by the properties that they name, and by the values of these."""
    wanted = defaultdict[tuple[SceneProperty, ...], dict[tuple[str, ...], set[str | None]]](dict)
    for entry in entries:
        values = sorted({*entry.values}, key=lambda each: each[0].name)
        names = tuple(name for name, _ in values)
        if len({*names}) == len(names):  # else it wants two values of one property, which no asset has
            wanted[names].setdefault(tuple(value for _, value in values), set()).add(entry.next_to)
    return wanted


def _near(
    edges: Iterable[FoundEdge], urns: Collection[str | None]
) -> Generator[None, None, dict[str, set[str | None]]]:
    """Return which of some ids each asset has an edge with, and None, by the id of the asset."""
    near: dict[str, set[str | None]] = {}
    for edge in edges if urns else ():
        for one, other in ((edge.source, edge.target), (edge.target, edge.source)):
            if one in urns:
                near.setdefault(other, {None}).add(one)
        yield
    return near


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
