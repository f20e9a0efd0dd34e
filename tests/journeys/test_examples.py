"""The scripts in `examples/`, run as processes with tokens against a server on a port."""

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
"""Commands of the scripts, by the name of the model that each script registers."""

RESULT = """query ($id: ID!) { asset(id: $id) { ... on Model { version(alias: "champion") { version } aliases { setBy }
  history(first: 50) { nodes { action actor } } } } changes { totalCount } }"""


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over a graph with the team that the tokens name."""
    await api.load({"team": {"name": "ranking"}})
    return api


@pytest.fixture(scope="module")
async def url(api: Api) -> AsyncIterator[str]:
    """Return the address of a server of the API."""
    async with serving(api.app) as address:
        yield f"http://{address.removesuffix('/graphql')}"


class Job:
    """Runs one script against one server."""

    def __init__(self, api: Api, url: str, name: str) -> None:
        self.api, self.name = api, name
        tokens = {"TOKEN": api.tokens["ci-ranking"], "APPROVER_TOKEN": api.tokens["eli"]}
        self._environment = {"PATH": os.environ["PATH"], "URL": url, **tokens}

    async def run(self, build: int, **environment: str) -> tuple[int | None, str, str]:
        """Run one build; return exit code, stdout and stderr."""
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
        """Return the version of `champion`, the actors who moved the alias, and the number of changes in the graph."""
        data = await self.api.ask("root", RESULT, id=f"mlg://model/mlflow/examples/{self.name}")
        moves = [one["actor"] for one in data["asset"]["history"]["nodes"] if one["action"] == "ALIAS_SET"]
        return data["asset"]["version"]["version"], moves, data["changes"]["totalCount"]


@pytest.mark.parametrize("name", EXAMPLES)
async def test_builds_promote_versions_and_can_be_repeated(api: Api, url: str, name: str) -> None:
    """A build promotes its version, a repeated build changes nothing, and a closed gate gives exit code 1."""
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
