"""The imported showcase, compared with results that an independent script computed from the raw files."""

from typing import Any
from urllib.parse import unquote

import pytest
from support.estates.showcase import EXPECTED, showcase_items
from support.servers.in_process import Api

ASSETS = """query ($after: Cursor) { assets(first: 15, after: $after) { pageInfo { hasNextPage endCursor } nodes {
  id kind property(key: "datahub.urn")
  downstream(first: 500) { nodes { ...Edge } pageInfo { hasNextPage } }
  upstream(first: 500) { nodes { ...Edge } pageInfo { hasNextPage } }
  owners(includeInherited: false) { owner { ... on Node { id } ... on Team { property: properties { key value } }
    ... on User { property: properties { key value } } } }
  ... on Dataset { derivedFrom(first: 500) { nodes { id } } } } } }
  fragment Edge on Neighbour { edgeId from to asset { id property(key: "datahub.urn") } }"""


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over the imported showcase."""
    await api.load(*showcase_items())
    return api


@pytest.fixture(scope="module")
async def nodes(api: Api) -> dict[str, dict[str, Any]]:
    """Return every asset with its neighbours and owners, by id."""
    found: dict[str, dict[str, Any]] = {}
    after, more = None, True
    while more:
        page = (await api.ask("root", ASSETS, after=after))["assets"]
        found |= {node["id"]: node for node in page["nodes"]}
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
    return found


async def test_lineage_is_complete(nodes: dict[str, dict[str, Any]]) -> None:
    """The API returns exactly the 133 lineage nodes and 231 lineage edges of the files, including the self-loop."""
    edges = {(row["from"], row["to"]) for node in nodes.values() for row in node["downstream"]["nodes"]}
    against = {(row["from"], row["to"]) for node in nodes.values() for row in node["upstream"]["nodes"]}
    loops = {
        (urn, urn)
        for urn, node in nodes.items()
        for row in node.get("derivedFrom", {"nodes": []})["nodes"]
        if row["id"] == urn
    }
    ends = {end for edge in edges | loops for end in edge}
    assert edges == against
    assert (len(ends), len(edges | loops)) == (133, 231)
    assert len(loops) == len(EXPECTED["quirks"]["self_loops"])


@pytest.mark.parametrize("foreign", EXPECTED["named_entities"])
@pytest.mark.parametrize("direction", ["upstream", "downstream"])
async def test_direct_neighbours(nodes: dict[str, dict[str, Any]], foreign: str, direction: str) -> None:
    """Each named entity has exactly the direct neighbours of the files."""
    node = _by_foreign(nodes, foreign)
    found = {row["asset"]["property"] for row in node[direction]["nodes"]}
    assert found == set(EXPECTED["named_entities"][foreign][direction]["depth_1"])


@pytest.mark.parametrize("foreign", EXPECTED["named_entities"])
async def test_owners(nodes: dict[str, dict[str, Any]], foreign: str) -> None:
    """Each named entity has exactly the owners of the files."""
    assert _owners(_by_foreign(nodes, foreign)) == set(EXPECTED["named_entities"][foreign]["owners"])


@pytest.mark.parametrize("owner", EXPECTED["owned_assets_by_owner"])
async def test_owned_assets(nodes: dict[str, dict[str, Any]], owner: str) -> None:
    """Each group owns exactly the assets of the files, of the imported kinds."""
    carried = tuple(f"urn:li:{kind}:" for kind in ("dataset", "dataJob", "chart", "dashboard", "mlModel"))
    expected = {urn for urn in EXPECTED["owned_assets_by_owner"][owner] if urn.startswith(carried)}
    assert {node["property"] for node in nodes.values() if owner in _owners(node)} == expected


async def test_importing_again_changes_nothing(api: Api) -> None:
    """A second import reports every item as unchanged, and bumps no revision."""
    query = "{ assets(first: 500) { totalCount nodes { id revision updatedAt } } }"
    before = await api.ask("root", query)
    items = showcase_items()
    for start in range(0, len(items), 100):
        payload = await api.register("root", *items[start : start + 100])
        assert payload["unchanged"] == len(items[start : start + 100])
    assert await api.ask("root", query) == before


def _by_foreign(nodes: dict[str, dict[str, Any]], foreign: str) -> dict[str, Any]:
    (node,) = (node for node in nodes.values() if node["property"] == foreign)
    return node


def _owners(node: dict[str, Any]) -> set[str]:
    """Return the DataHub ids of the owners; that of an owner without a record is derived from its URN."""
    return {_foreign(entry["owner"]) for entry in node["owners"]}


def _foreign(owner: dict[str, Any]) -> str:
    known = [pair["value"] for pair in owner.get("property") or () if pair["key"] == "datahub.urn"]
    kind = "corpGroup" if owner["id"].startswith("mlg://team/") else "corpuser"
    return known[0] if known else f"urn:li:{kind}:{unquote(owner['id'].rsplit('/', 1)[1])}"
