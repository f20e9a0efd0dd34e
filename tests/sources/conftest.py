"""Fixtures of the tests with the programs of the sources: the API, its address, and the command line against it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from support.servers.in_process import Api, api
from support.servers.websocket_client import serving
from typer.testing import CliRunner

from app.cli.command_line import commands

__all__ = ["api"]

Command = Callable[..., Awaitable[Any]]
"""Runs `mlg` with some words and a token, and returns the summary of an import without failures."""


@pytest.fixture(scope="module")
async def url(api: Api) -> AsyncIterator[str]:
    """Return the address of a server of the API."""
    async with serving(api.app) as address:
        yield f"http://{address.removesuffix('/graphql')}"


@pytest.fixture(scope="module")
def mlg(url: str) -> Command:
    """Return the command line of the product, against the server."""

    async def run(token: str, *words: str) -> Any:
        given = [*words, "--json", "--url", url, "--token", token]
        result = await asyncio.to_thread(CliRunner().invoke, commands, given)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout.splitlines()[-1])

    return run
