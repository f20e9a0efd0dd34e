"""Ends assets that a source no longer has: its own workflows, reports, feature sets and features become DEPRECATED.

The edges of their inputs, outputs and `derivedFrom` end.

An asset is the source's own if its id has the source and namespace of the importer, and if it has the property
``marker`` of the importer. So an asset that another client registered stays as it is. The stage is not RETIRED,
because accounts of importers with the role `automation` may update and not retire.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from app.ingest.load.api_client import ApiClient, RequestRejectedError
from app.ingest.load.batches import ImportItem
from graphql_schema.catalog.free_properties import ENDED
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.urn import slug_of
from graphql_schema.ports.record import Json, JsonObject, Record

_LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "workflow": ("inputs", "outputs"),
    "report": ("inputs",),
    "feature-set": ("derivedFrom",),
    "feature": ("derivedFrom",),
}
"""The fields, by the kind of the asset, whose edges end with it; other kinds of assets are not ended."""

_PAGE: Final = """query OwnedAssets($filter: AssetFilter!, $after: Cursor) {
  assets(filter: $filter, first: 250, after: $after) {
    nodes { id stage properties { key value } } pageInfo { hasNextPage endCursor } } }"""

_NODES: Final = """query OwnAssets($ids: [ID!]!) {
  nodes(ids: $ids) { ... on Asset { id properties { key value } } } }"""

_MAX_IDS: Final = 500

MAX_PAGES: Final = 4_000
"""Maximal number of pages of the assets of one source, a million assets."""


@dataclass(frozen=True, slots=True)
class OwnedAssets:
    """The assets that a source defines: ``present`` has their ids, which are in ``source`` and ``namespace``.

    ``marker`` is the key of the property that each has. ``withheld`` has further ids of the source whose objects
    cannot be sent: they are neither ended nor made ACTIVE.
    """

    source: str
    namespace: str
    marker: str
    present: frozenset[str]
    withheld: frozenset[str] = frozenset()

    def among(self, items: Iterable[ImportItem]) -> "OwnedAssets":
        """Return the same assets with only those present that are in some items."""
        ids = {str(body["id"]) for item in items for body in item.value.values()}
        return replace(self, present=self.present & ids)


async def ending_items(client: ApiClient, owned: OwnedAssets) -> tuple[list[ImportItem], list[ImportItem]]:
    """Return two lists of items: one makes ended assets that are present again ACTIVE, the other ends absent assets.

    Raises the errors of `ApiClient.execute`, and RequestRejectedError if the pages of the assets do not end.
    """
    returning, ending = [], []
    async for node in _stored(client, owned):
        keys = _keys(node)
        ended = ENDED in keys
        if owned.marker not in keys:
            continue
        if node["id"] in owned.present and ended:
            returning.append(_active(node["id"]))
        elif node["id"] not in owned.present | owned.withheld and not ended:
            lists: dict[str, Json] = {name: [] for name in _LISTS[slug_of(node["id"])]}
            kept = [*node["properties"], {"key": ENDED, "value": "true"}]
            ending.append(_item(node["id"], stage="DEPRECATED", properties=kept, **lists))
    return returning, ending


async def returning_items(client: ApiClient, owned: OwnedAssets) -> list[ImportItem]:
    """Return items that make ended assets that are present again ACTIVE; only the present assets are read.

    Raises the errors of `ApiClient.execute`.
    """
    ids, found = sorted(owned.present), []
    for begin in range(0, len(ids), _MAX_IDS):
        nodes = (await client.execute(_NODES, {"ids": ids[begin : begin + _MAX_IDS]}))["nodes"]
        found += [_active(each["id"]) for each in nodes if each and {owned.marker, ENDED} <= _keys(each)]
    return found


def _keys(node: Record) -> set[str]:
    """Return the keys of the properties of an asset; none if they are hidden."""
    return {each["key"] for each in node["properties"] or ()}


def _active(urn: str) -> ImportItem:
    return _item(urn, stage="ACTIVE")


async def _stored(client: ApiClient, owned: OwnedAssets) -> AsyncIterator[JsonObject]:
    kinds = [kind.code for kind in KINDS.values() if kind.slug in _LISTS]
    wanted = {"source": {"eq": owned.source}, "namespace": {"eq": owned.namespace}, "kinds": kinds, "hydration": "FULL"}
    after = None
    for _ in range(MAX_PAGES):
        page: Record = (await client.execute(_PAGE, {"filter": wanted, "after": after}))["assets"]
        for node in page["nodes"]:
            yield node
        if not page["pageInfo"]["hasNextPage"]:
            return
        before, after = after, page["pageInfo"]["endCursor"]
        if after == before:
            raise _without_end(owned, "the cursor of a page came twice")
    raise _without_end(owned, f"there are more than {MAX_PAGES} pages")


def _without_end(owned: OwnedAssets, found: str) -> RequestRejectedError:
    return RequestRejectedError(
        f"The API lists the assets of {owned.source} in {owned.namespace} without an end: {found}. Check that the "
        "address is that of the API, or import without ending assets."
    )


def _item(urn: str, **values: Json) -> ImportItem:
    word, *others = slug_of(urn).split("-")
    return ImportItem(f"end of {urn}", {word + "".join(map(str.capitalize, others)): {"id": urn, **values}})
