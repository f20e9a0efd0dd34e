"""The whole demo estate in a running API, with its history, loaded as `mlg dev` loads it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.servers.in_process import Api, open_api
from support.servers.websocket_client import serving
from support.stores.janusgraph import StoreGraph

from app.auth.dev_issuer import DevIssuer
from app.ingest.demo.estate import load_demo
from app.settings import Settings

_ID = re.compile(r'"(?:id|edgeId|subjectId)": ?"(mlg://[^"]+)"')


@asynccontextmanager
async def open_demo(graph: StoreGraph, folder: Path) -> AsyncIterator[Api]:
    """Run the API over the demo estate."""
    async with open_api(graph, folder) as api:
        await load_demo_estate(api, folder)
        yield api


async def load_demo_estate(api: Api, folder: Path) -> None:
    """Load the estate over the network; it must succeed."""
    issuer = DevIssuer(Settings.from_env({"MLG_DATA_DIR": str(folder)}))
    async with serving(api.app) as address:
        assert await asyncio.to_thread(load_demo, f"http://{address}", issuer) == 0


async def existing_ids(api: Api) -> list[str]:
    """Return ids of the estate: assets, people, and attached records."""
    found: list[str] = []
    nodes = "nodes { id history(first: 2) { nodes { id } } incidents { nodes { id } } checks { nodes { id } } }"
    for query in (
        f"{{ assets(first: 300) {{ {nodes} }} }}",
        "{ teams { nodes { id } } users { nodes { id } } domains { nodes { id } } tags { nodes { id } } }",
    ):
        found += _ID.findall(json.dumps(await api.ask("root", query)))
    return found
