"""Hits of a search with the versions of each asset under the asset."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from graphql_schema.catalog.urn import parent_urn
from graphql_schema.ports.protocols import GraphReader
from graphql_schema.ports.row import PageItem, Row


@dataclass(frozen=True, slots=True)
class VersionGroup:
    """An asset, and those of its versions that are hits, best first.

    ``asset`` has the position of the best member of the group, also if the asset itself is no hit.
    """

    asset: PageItem
    versions: tuple[PageItem, ...] = ()


async def grouped(reader: GraphReader, items: Sequence[PageItem]) -> list[VersionGroup]:
    """Return the groups of ranked hits, in the order of their best members.

    A hit that is no version is a group, also without versions. So is a version whose asset is deleted or not visible to
    the caller. Assets that are no hits are read in one further request, which is not sent if there are none.
    """
    assets = {item.row.urn: item.row for item in items}
    parents = {item.row.urn: parent_urn(item.row.urn) for item in items}
    missing = sorted({urn for urn in parents.values() if urn is not None and urn not in assets})
    for row in await reader.nodes(missing) if missing else ():
        if row is not None and not row.deleted:
            assets[row.urn] = row
    return _groups(items, {urn: assets[parent] for urn, parent in parents.items() if parent in assets})


def _groups(items: Sequence[PageItem], parents: dict[str, Row]) -> list[VersionGroup]:
    """Return the groups of hits; ``parents`` has the asset of each version that is shown under it."""
    found: dict[str, VersionGroup] = {}
    for item in items:
        asset = parents.get(item.row.urn, item.row)
        group = found.setdefault(asset.urn, VersionGroup(item._replace(row=asset)))
        if asset is not item.row:
            found[asset.urn] = replace(group, versions=(*group.versions, item))
    return [*found.values()]
