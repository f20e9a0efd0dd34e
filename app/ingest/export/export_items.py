"""Reads the graph as ``AssetInput`` items; their import into an empty store results in the same graph.

Edges are ``link`` items before the asset at their start, so that each keeps its origin and validity. Values without a
field in the API are not exported; ``docs/import.md`` lists them. A token exports only what its caller may see.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from app.ingest.export.selections import (
    LOOPS,
    NEIGHBOURS_DOCUMENT,
    PORTABLE_KINDS,
    REGISTRIES,
    PortableKind,
    assets_document,
    registry_document,
)
from app.ingest.load.api_client import ApiClient
from graphql_schema.catalog.inference_rules import ENRICHMENT
from policies.errors import LimitError

Item = dict[str, dict[str, Any]]
"""One ``AssetInput`` object."""

_NO_FIELDS = {
    "hydration",
    "ownerTeam",
    "owners",
    "tags",
    "replacedBy",
    "steps",
    "downstream",
    *(field for field, _ in LOOPS.values()),
}
_EDGE_FIELDS = ("origin", "confidence", "validFrom", "validTo", "runId", "properties")


async def export_items(client: ApiClient, kinds: frozenset[str] = frozenset()) -> AsyncIterator[Item]:
    """Yield the items, page by page: people and vocabulary, then the assets of each kind, each after its edges.

    ``kinds`` are names of ``AssetKind``; unless empty, only assets of these kinds and the edges that start there.
    """
    if not kinds:
        for name, (key, _) in REGISTRIES.items():
            async for node in _nodes(client, registry_document(name), name):
                yield {key: _registered(node)}
    for kind in PORTABLE_KINDS:
        if not kinds or kind.kind in kinds:
            async for item in _export_kind(client, kind):
                yield item


async def _export_kind(client: ApiClient, kind: PortableKind) -> AsyncIterator[Item]:
    async for page in _pages(client, assets_document(kind), {}, "assets"):
        nodes = page["nodes"]
        for node in nodes:
            for link in [*await _edges(client, node), *_structure(node), *_loops(kind, node)]:
                yield {"link": link}
            if node["hydration"] != "STUB":
                yield {kind.key: _asset(node)}


async def _edges(client: ApiClient, asset: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the lineage edges that start at an asset, without those of its asset group and inferred ones."""
    neighbours: list[dict[str, Any]] = []
    first = asset["downstream"] or {"nodes": [], "pageInfo": {"hasNextPage": False}}
    if first["pageInfo"]["hasNextPage"]:
        async for page in _pages(client, NEIGHBOURS_DOCUMENT, {"id": asset["id"]}, "asset", "downstream"):
            neighbours += page["nodes"]
    else:
        neighbours += first["nodes"]
    return [_link(edge) for edge in neighbours if edge["from"] == asset["id"] and not _is_inferred(edge)]


def _is_inferred(edge: Mapping[str, Any]) -> bool:
    """Return whether an edge is inferred; it is inferred again where the edges of its chain are imported."""
    return any(pair["key"] == ENRICHMENT for pair in edge["properties"] or ())


def _link(edge: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {name: edge[name] for name in _EDGE_FIELDS}
    return {"relation": edge["relation"], "from": edge["from"], "to": edge["to"], **_plain(values)}


def _structure(node: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the structural edges that start at an asset and for which the item of the far end has no field."""
    links = [{"relation": "CONTAINS", "from": node["id"], "to": step} for step in _all(node, "steps")]
    if node["replacedBy"]:
        links.append({"relation": "REPLACED_BY", "from": node["id"], "to": node["replacedBy"]["id"]})
    return links


def _loops(kind: PortableKind, node: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the self-loop of an asset, such as an incremental table."""
    field, relation = LOOPS.get(kind.kind, ("", ""))
    return [{"relation": relation, "from": one, "to": one} for one in _all(node, field) if one == node["id"]]


def _asset(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of an asset's item, with the owner team first, because an import derives it from that order."""
    body = {name: value for name, value in node.items() if name not in _NO_FIELDS}
    body["owners"] = sorted(node["owners"] or [], key=lambda one: one["owner"] != node["ownerTeam"])
    body["tags"] = [one["tag"]["id"] for one in node["tags"] or [] if one["mode"] == "DIRECT"]
    return {name: value for name, value in _plain(body).items() if value != []}


def _registered(node: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of the item of a user, team, domain or tag."""
    body = {name: value for name, value in node.items() if name != "members"}
    if "members" in node:
        body["members"] = [{"user": member} for member in _all(node, "members")]
    return {name: value for name, value in _plain(body).items() if value != []}


def _all(node: Mapping[str, Any], name: str) -> list[str]:
    """Return the ids of a nested list that was read in one page; raises LimitError if there are more pages."""
    connection = node.get(name) or {"nodes": [], "pageInfo": {"hasNextPage": False}}
    if connection["pageInfo"]["hasNextPage"]:
        raise LimitError(f"{node['id']} has more than 500 {name}; the export reads at most 500, so exclude its kind.")
    return [one["id"] for one in connection["nodes"]]


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON in, JSON out
    """Return a value without nulls, with the id in place of an object of which only the id was read."""
    match value:
        case {"id": urn, **rest} if not rest:
            return urn
        case dict():
            return {name: _plain(one) for name, one in value.items() if one is not None}
        case list():
            return [_plain(one) for one in value]
        case _:
            return value


async def _nodes(client: ApiClient, document: str, name: str) -> AsyncIterator[Mapping[str, Any]]:
    async for page in _pages(client, document, {}, name):
        for node in page["nodes"]:
            yield node


async def _pages(
    client: ApiClient, document: str, variables: Mapping[str, Any], *path: str
) -> AsyncIterator[Mapping[str, Any]]:
    """Yield the pages of a connection; none if the field is hidden from the caller."""
    after: str | None = None
    while True:
        page: Any = await client.execute(document, {**variables, "after": after})
        for name in path:
            page = page[name] if page else None
        if page is None:
            return
        yield page
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]
