"""Data of a running API that tests back up and find again."""

from typing import Any

import httpx2
from support.servers.server_process import Serving, register

TEAM = "mlg://team/catalog/default/ranking"
LISTING = "{ assets(first: 500, orderBy: {field: NAME, direction: DESC}) { totalCount nodes { id } } }"


def urn(number: int) -> str:
    """Return the id of an item."""
    return f"mlg://dataset/backups/default/d{number:05}"


def items(start: int, count: int) -> list[dict[str, Any]]:
    """Return datasets, each derived from the one before."""
    return [
        {"dataset": {"id": urn(at), "owners": [{"owner": TEAM}], "derivedFrom": [urn(max(at - 1, 0))] if at else []}}
        for at in range(start, start + count)
    ]


async def load(serving: Serving, start: int, count: int) -> None:
    """Register items with an idempotency key."""
    async with httpx2.AsyncClient(headers=serving.headers(), timeout=120, trust_env=False) as http:
        assert await register(http, serving.url, items(start, count), f"items {start}") is not None


async def listing(serving: Serving) -> Any:
    """Return a listing, which comes from the index."""
    async with httpx2.AsyncClient(headers=serving.headers(), timeout=120, trust_env=False) as http:
        return (await http.post(f"{serving.url}/graphql", json={"query": LISTING})).json()
