"""The examples run as a user runs them: as processes, with tokens, against a server on a port."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.servers.in_process import Api
from support.servers.websocket_client import serving
from support.source_tree import ROOT

EXAMPLES = {
    "next-title": [sys.executable, "examples/ci_job.py"],
    "next-song": ["bash", "examples/ci_job.sh"],
}
"""What each is about, and its command."""

RESULT = """query ($id: ID!) { asset(id: $id) { ... on Model { version(alias: "champion") { version } aliases { setBy }
  history(first: 50) { nodes { action actor } } } } changes { totalCount } }"""


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over a graph with the team, as the identity provider would have told it."""
    await api.load({"team": {"name": "ranking"}})
    return api


@pytest.fixture(scope="module")
async def url(api: Api) -> AsyncIterator[str]:
    """Serve it."""
    async with serving(api.app) as address:
        yield f"http://{address.removesuffix('/graphql')}"


class Job:
    """One example against one server."""

    def __init__(self, api: Api, url: str, name: str) -> None:
        self.api, self.name = api, name
        tokens = {"TOKEN": api.tokens["ci-ranking"], "APPROVER_TOKEN": api.tokens["eli"]}
        self._environment = {"PATH": os.environ["PATH"], "URL": url, **tokens}

    async def run(self, build: int, **environment: str) -> tuple[int | None, str, str]:
        """The exit code and what it said on stdout and stderr."""
        process = await asyncio.create_subprocess_exec(
            *EXAMPLES[self.name],
            str(build),
            cwd=ROOT,
            env={**self._environment, **environment},
            stdout=PIPE,
            stderr=PIPE,
        )
        stated, failed = await process.communicate()
        return process.returncode, stated.decode(), failed.decode()

    async def observed(self) -> Any:
        """The version that is champion, who moved it there in the order of time, and how many changes there are."""
        data = await self.api.ask("root", RESULT, id=f"mlg://model/mlflow/examples/{self.name}")
        moves = [one["actor"] for one in data["asset"]["history"]["nodes"] if one["action"] == "ALIAS_SET"]
        return data["asset"]["version"]["version"], moves, data["changes"]["totalCount"]


@pytest.mark.parametrize("name", EXAMPLES)
async def test_a_build_after_the_other(api: Api, url: str, name: str) -> None:
    """A build promotes its version, again it changes nothing, the next moves on, and a closed gate ends with 1."""
    job = Job(api, url, name)
    code, stated, failed = await job.run(1)
    assert (code, failed) == (0, ""), stated
    assert f"{name}@1" in stated
    version, moves, changes = await job.observed()
    assert (version, moves) == ("1", ["eli"])

    code, _, failed = await job.run(1)
    assert (code, failed) == (0, "")
    assert await job.observed() == ("1", ["eli"], changes)

    assert (await job.run(2))[0] == 0
    version, moves, _ = await job.observed()
    assert (version, moves) == ("2", ["eli", "eli"])

    code, _, failed = await job.run(3, RISK_TIER="HIGH")
    assert code == 1
    assert "GATE_BLOCKED" in failed
    assert "governance" in failed
    version, moves, _ = await job.observed()
    assert (version, moves) == ("2", ["eli", "eli"])
