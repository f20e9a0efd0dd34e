"""Reads the graph as ``AssetInput`` items, which restore the exported values when imported into an empty store.

Each current lineage edge to another asset is a ``link`` item with its origin and validity. An edge from an asset to
itself, to its replacement, or from a workflow to a step, is a ``link`` item without origin and validity. Not exported
are ended edges, edges that a rule inferred, attached records and the further values that ``docs/import.md`` lists.
Values that the token may not read are left out.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from app.ingest.export.selections import (
    NEIGHBOURS_DOCUMENT,
    connection_document,
    connections,
    ids_document,
    page_document,
)
from app.ingest.load.api_client import ApiClient, IncompleteResponseError
from graphql_schema.catalog.enums import EdgeOrigin
from graphql_schema.catalog.inference_rules import ENRICHMENT, RULES
from graphql_schema.inputs.kind_entry import KindEntry
from graphql_schema.ports.record import Json, JsonObject, Record
from graphql_schema.registry.entries import REGISTRY

Item = dict[str, JsonObject]
"""One ``AssetInput`` object."""

_NOT_IN_BODY: Final = {"hydration", "ownerTeam", "owners", "tags", "replacedBy", "downstream"}
_RULE_NAMES: Final = frozenset(rule.name for rule in RULES)
_LAST_PAGE: Final = {"hasNextPage": False, "endCursor": None}
_EDGE_VALUES: Final = ("origin", "confidence", "validFrom", "validTo", "runId", "properties")


@dataclass(frozen=True, slots=True)
class UnreadItem:
    """An asset, user, team, domain or tag that the API could not return completely: its id, and the API's message."""

    id: str
    reason: str


async def export_items(client: ApiClient, kinds: frozenset[str] = frozenset()) -> AsyncIterator[Item | UnreadItem]:
    """Yield users, teams, domains and tags, then the assets of each kind, each after the links that leave it.

    ``kinds`` are values of ``AssetKind``; unless empty, only these assets and the edges that leave them are read. A
    stub has no item of its own; references to it create it again. An UnreadItem takes the place of all items of what
    could not be read. Raises the errors of `ApiClient.execute`, except an IncompleteResponseError about single items.
    """
    wanted = [entry for entry in REGISTRY.values() if not kinds or (entry.kind.asset and entry.kind.code in kinds)]
    for entry in sorted(wanted, key=lambda each: each.kind.asset):
        async for item in _items(client, entry):
            yield item


async def _items(client: ApiClient, entry: KindEntry) -> AsyncIterator[Item | UnreadItem]:
    """Yield the items of all nodes of a kind."""
    async for node in _nodes(client, entry):
        if isinstance(node, UnreadItem):
            yield node
            continue
        try:
            items = await _items_of(client, entry, node)
        except IncompleteResponseError as error:
            yield UnreadItem(node["id"], error.message)
            continue
        for item in items:
            yield item


async def _items_of(client: ApiClient, entry: KindEntry, node: Record) -> list[Item]:
    """Return the items of one node: of an asset the links that leave it, then its own."""
    node = {**node, **{name: await _complete(client, entry, node, name) for name in connections(entry.export)}}
    if not entry.kind.asset:
        return [{entry.key: _registered(entry, node)}]
    links = [*await _edges(client, node), *_structure(entry, node), *_self_links(entry, node)]
    own = [] if node["hydration"] == "STUB" else [{entry.key: _asset(entry, node)}]
    return [*({"link": link} for link in links), *own]


async def _edges(client: ApiClient, asset: Record) -> list[JsonObject]:
    """Return the lineage edges that leave the asset itself, as links.

    Edges of other group members and edges that a rule inferred are left out.
    """
    neighbours: list[JsonObject] = []
    first = asset["downstream"] or {"nodes": [], "pageInfo": {"hasNextPage": False}}
    if first["pageInfo"]["hasNextPage"]:
        async for page in _pages(client, NEIGHBOURS_DOCUMENT, {"id": asset["id"]}, "asset", "downstream"):
            neighbours += page["nodes"]
    else:
        neighbours += first["nodes"]
    return [_link(edge) for edge in neighbours if edge["from"] == asset["id"] and not _is_inferred(edge)]


def _is_inferred(edge: Record) -> bool:
    """Return whether inference rules derived the edge; after an import, the server derives the edge again.

    Such an edge has the property ENRICHMENT. A client may give an edge a property with that key, so the origin and the
    names of the rules are tested too.
    """
    return edge["origin"] == EdgeOrigin.INFERRED.name and any(
        pair["key"] == ENRICHMENT and _RULE_NAMES.issuperset(pair["value"].split(", "))
        for pair in edge["properties"] or ()
    )


def _link(edge: Record) -> JsonObject:
    values: JsonObject = {name: edge[name] for name in _EDGE_VALUES}
    return {"relation": edge["relation"], "from": edge["from"], "to": edge["to"], **_plain(values)}


def _structure(entry: KindEntry, node: Record) -> list[JsonObject]:
    """Return the edges of ``entry.export.links`` and the edge to the replacement of an asset, as links."""
    links = [
        {"relation": relation.name, "from": node["id"], "to": far}
        for name, relation in entry.export.links.items()
        for far in _all(node, name)
    ]
    if node["replacedBy"]:
        links.append({"relation": "REPLACED_BY", "from": node["id"], "to": node["replacedBy"]["id"]})
    return links


def _self_links(entry: KindEntry, node: Record) -> list[JsonObject]:
    """Return the edges from an asset to itself, such as that of an incremental table, as links."""
    return [
        {"relation": relation.name, "from": node["id"], "to": node["id"]}
        for name, relation in entry.export.self_links.items()
        if node["id"] in _all(node, name)
    ]


def _asset(entry: KindEntry, node: Record) -> JsonObject:
    """Return the body of an asset's item; the owner team comes first, so that the import sets the same owner team."""
    left_out = _NOT_IN_BODY | entry.export.links.keys() | entry.export.self_links.keys()
    body = {name: value for name, value in node.items() if name not in left_out}
    body["owners"] = sorted(node["owners"] or [], key=lambda one: one["owner"] != node["ownerTeam"])
    body["tags"] = [one["tag"]["id"] for one in node["tags"] or [] if one["mode"] == "DIRECT"]
    return {name: value for name, value in _plain(body).items() if value != []}


def _registered(entry: KindEntry, node: Record) -> JsonObject:
    """Return the body of the item of a user, team, domain or tag."""
    lists = {name: [{key: far} for far in _all(node, name)] for name, key in entry.export.members.items()}
    return {name: value for name, value in _plain({**node, **lists}).items() if value != []}


def _all(node: Record, name: str) -> list[str]:
    """Return the ids of a connection; none if the connection is hidden from the caller."""
    return [one["id"] for one in (node.get(name) or {"nodes": []})["nodes"]]


def _plain(value: Json) -> Json:
    """Return a value without the null fields of objects; an object of which only the id was read becomes that id."""
    match value:
        case {"id": urn, **rest} if not rest:
            return urn
        case dict():
            return {name: _plain(one) for name, one in value.items() if one is not None}
        case list():
            return [_plain(one) for one in value]
        case _:
            return value


async def _nodes(client: ApiClient, entry: KindEntry) -> AsyncIterator[Record | UnreadItem]:
    """Yield the nodes of a kind; none if their list is hidden from the caller."""
    after, more = None, True
    while more:
        nodes, info = await _page(client, entry, after)
        for node in nodes:
            yield node
        after, more = info["endCursor"], info["hasNextPage"]


async def _page(client: ApiClient, entry: KindEntry, after: str | None) -> tuple[list[Record | UnreadItem], Record]:
    """Return the nodes behind a cursor with the page info; if a field of the page fails, each node is read alone."""
    try:
        page = (await client.execute(page_document(entry), {"after": after}))[entry.export.listing]
    except IncompleteResponseError:
        page = (await client.execute(ids_document(entry), {"after": after}))[entry.export.listing]
        before = [after, *(edge["cursor"] for edge in page["edges"])]
        nodes = [
            await _node(client, entry, edge["node"]["id"], cursor)
            for edge, cursor in zip(page["edges"], before, strict=False)
        ]
        return nodes, page["pageInfo"]
    return (page["nodes"], page["pageInfo"]) if page else ([], _LAST_PAGE)


async def _node(client: ApiClient, entry: KindEntry, urn: str, before: str | None) -> Record | UnreadItem:
    """Return the node with the id ``urn``, which follows the cursor ``before``."""
    try:
        found = await client.execute(page_document(entry), {"after": before, "first": 1})
    except IncompleteResponseError as error:
        return UnreadItem(urn, error.message)
    nodes: list[Record] = found[entry.export.listing]["nodes"]
    if not nodes or nodes[0]["id"] != urn:
        return UnreadItem(urn, "The list changed while it was read; export again.")
    return nodes[0]


async def _complete(client: ApiClient, entry: KindEntry, node: Record, name: str) -> Json:
    """Return a connection of ids with the nodes of all pages; the first was read with its node. None if hidden."""
    first = node.get(name)
    if first is None or not first["pageInfo"]["hasNextPage"]:
        return first
    ids = [*first["nodes"]]
    document, after = connection_document(entry, name), first["pageInfo"]["endCursor"]
    async for page in _pages(client, document, {"id": node["id"]}, "node", name, after=after):
        ids += page["nodes"]
    return {"nodes": ids}


async def _pages(
    client: ApiClient, document: str, variables: Record, *path: str, after: str | None = None
) -> AsyncIterator[Record]:
    """Yield the pages of a connection after a cursor; none where the connection is hidden from the caller."""
    while True:
        page: Json = await client.execute(document, {**variables, "after": after})
        for name in path:
            page = page[name] if page else None
        if page is None:
            return
        yield page
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]
