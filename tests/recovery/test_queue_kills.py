"""SIGKILL to the API while it takes thin events, and to their worker: nothing acknowledged is lost or done twice."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.servers.server_process import Serving, register
from support.waiting import until

REGISTRY = Path(__file__).parents[1] / "data/feast/shop/registry.json"
SOURCE = {"workflow": {"id": "mlg://workflow/ingest/default/feast-prod", "workflowKind": "feast"}}
LIST = """{ thinEvents(filter: {sources: ["feast-prod"]}, first: 100) {
  nodes { id state objectId attempts outcome asset { id } } } }"""
ACCEPTED = 5
"""Number of events that are acknowledged before the API is killed."""


def events() -> list[dict[str, str]]:
    """Return an event about each view and service of the registry."""
    content = json.loads(REGISTRY.read_bytes())
    types = {"featureViews": "feature_view", "onDemandFeatureViews": "on_demand_feature_view"}
    types["featureServices"], types["entities"] = "feature_service", "entity"
    return [
        {"source": "feast-prod", "type": kind, "id": each["spec"]["name"]}
        for section, kind in types.items()
        for each in content[section]
    ]


async def listed(http: httpx2.AsyncClient, serving: Serving) -> dict[str, dict[str, Any]]:
    """Return the stored events by id."""
    response = await http.post(f"{serving.url}/graphql", json={"query": LIST})
    return {each["id"]: each for each in response.json()["data"]["thinEvents"]["nodes"]}


async def command(serving: Serving, token: str, *words: str) -> Process:
    """Start a command of `mlg` against the server."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", *words, "--url", serving.url, "--no-owners"),
        env=os.environ | {"MLG_TOKEN": token},
        stdout=DEVNULL,
        stderr=DEVNULL,
    )


@pytest.mark.timeout(0)
async def test_killed_api_and_worker_lose_no_event(tmp_path: Path) -> None:
    """What was acknowledged is there after the kill; a killed worker leaves each event done or taken, none twice.

    A second worker leaves alone what is done, and the import of the registry completes the graph.
    """
    serving, sent = Serving(tmp_path), events()
    await serving.start()
    try:
        headers = serving.headers()
        token = headers["Authorization"].removeprefix("Bearer ")
        async with httpx2.AsyncClient(headers=headers, timeout=120, trust_env=False) as http:
            assert await register(http, serving.url, [SOURCE], None)
            acknowledged = []
            for each in sent[:ACCEPTED]:
                response = await http.post(f"{serving.url}/ingest/events", json=each)
                acknowledged.append(response.json()["id"])
            asyncio.get_running_loop().call_soon(serving.kill_api)
            await asyncio.gather(http.post(f"{serving.url}/ingest/events", json=sent[ACCEPTED]), return_exceptions=True)
        await serving.gone()
        await serving.start()
        async with httpx2.AsyncClient(headers=headers, timeout=120, trust_env=False) as http:
            assert {*acknowledged} <= {*await listed(http, serving)}
            response = await http.post(f"{serving.url}/ingest/events", json=sent)
            assert response.status_code == httpx2.codes.ACCEPTED
            worker = await command(serving, token, "ingest", "run", f"feast-prod=feast:{REGISTRY}")
            await until(lambda: _some(http, serving, "DONE"), within=240)
            worker.kill()
            await worker.wait()
            found = await listed(http, serving)
            assert len(found) == len(sent)
            assert {each["attempts"] for each in found.values() if each["state"] == "DONE"} == {1}
            assert {each["state"] for each in found.values()} <= {"DONE", "PENDING"}
            second = await command(serving, token, "ingest", "run", f"feast-prod=feast:{REGISTRY}", "--once")
            assert await second.wait() == 0
            after = await listed(http, serving)
            done = {urn for urn, each in found.items() if each["state"] == "DONE"}
            assert {urn: after[urn] for urn in done} == {urn: found[urn] for urn in done}
            importing = await command(serving, token, "import", "feast", str(REGISTRY))
            assert await importing.wait() == 0
    finally:
        await serving.stop()


async def _some(http: httpx2.AsyncClient, serving: Serving, state: str) -> bool:
    """Return whether an event has a state."""
    return any(each["state"] == state for each in (await listed(http, serving)).values())
