"""The public graphql-http audit suite against a running server.

``MLG_AUDIT_URL`` and ``MLG_AUDIT_TOKEN`` direct the audit to another server, such as a deployed one.
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from support.npm_packages import install, run
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

FOLDER = Path(__file__).parent
AUDITS = 61
"""Audits of the locked version of the suite."""


@pytest.fixture
async def api(graph: StoreGraph, tmp_path: Path) -> AsyncIterator[Api]:
    """Return the API over an empty graph."""
    async with open_api(graph, tmp_path) as api:
        yield api


@pytest.fixture
async def url(api: Api) -> AsyncIterator[str]:
    """Serve the API on a free port and return its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(api.app, log_config=None, lifespan="off"))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
        server.should_exit = True
        await running


@pytest.fixture(scope="module")
def suite() -> Path:
    """Return the folder with the locked npm packages."""
    install(FOLDER)
    return FOLDER


async def audit(suite: Path, url: str, token: str) -> list[dict[str, str]]:
    """Run the suite against ``url`` and return its results."""
    output = await run(suite / "audit.mjs", environment={"AUDIT_URL": url, "AUDIT_TOKEN": token})
    results: list[dict[str, str]] = json.loads(output)
    return results


async def test_all_audits_pass_behind_authentication(suite: Path, url: str, api: Api) -> None:
    """Every audit of the suite has the status ok, with the token of a caller."""
    target = os.environ.get("MLG_AUDIT_URL", url)
    token = os.environ.get("MLG_AUDIT_TOKEN", api.tokens["ada"])
    results = await audit(suite, target, token)
    assert [result for result in results if result["status"] != "ok"] == []
    assert len(results) == AUDITS


async def test_audits_fail_without_a_token(suite: Path, url: str) -> None:
    """Without a valid token the same server fails audits, so the audits are not successful on any response."""
    results = await audit(suite, url, "wrong")
    assert any(result["status"] != "ok" for result in results)
