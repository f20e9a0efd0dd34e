"""A raise that a job does for a write is confirmed by the rights of the writer, as one by the write itself."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from support.servers.in_process import Api, no_jobs, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.writing.effects import raise_sensitivity
from app.runtime.background_jobs import background_jobs

ADS, RANKING = ({"owner": f"mlg://team/catalog/default/{name}"} for name in ("ads", "ranking"))
STATE = """query ($id: ID!) { asset(id: $id) {
  sensitivity confirmedSensitivity description viewerAccess { grade } } }"""


def dataset(name: str) -> str:
    """Return the id of a dataset."""
    return f"mlg://dataset/test/default/{name}"


async def _states(api: Api) -> list[Any]:
    """Return what bo of ads sees of assets that ranking raised, and root of one of ranking's; null: all confirmed."""
    asked = [("bo", "ads-0"), ("bo", "ads-4"), ("root", "ranking-0")]
    return [(await api.ask(who, STATE, id=dataset(name)))["asset"] for who, name in asked]


@pytest.mark.parametrize("restarted", [False, True])
async def test_an_owner_still_reads_what_others_raised_by_a_job(
    graph: StoreGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, restarted: bool
) -> None:
    """Under the floor and after the job, assets of others stay readable for their owners' readers; own ones do not.

    The same holds if the entry is read from the store by another process.
    """
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", 3)
    readable = {"description": "d", "viewerAccess": {"grade": "READ"}, "sensitivity": "RESTRICTED"}
    expected = [
        {**readable, "confirmedSensitivity": "INTERNAL"},
        {**readable, "confirmedSensitivity": "INTERNAL"},
        {**readable, "confirmedSensitivity": None},
    ]
    async with open_api(graph, tmp_path, no_jobs) as api, AsyncExitStack() as stack:
        await api.load({"team": {"name": "ads"}}, {"team": {"name": "ranking"}})
        for team, owner in (("ads", ADS), ("ranking", RANKING)):
            consumers = [{"id": dataset(f"{team}-{n}"), "owners": [owner], "description": "d"} for n in range(5)]
            await api.load(*({"dataset": {**each, "derivedFrom": [dataset("source")]}} for each in consumers))
        squat = {"dataset": {"id": dataset("source"), "sensitivity": "RESTRICTED", "owners": [RANKING]}}
        assert (await api.register("ada", squat))["failed"] == 0
        await api.contexts.learn()
        assert api.coordinator.outbox.floors.active != []
        assert await _states(api) == expected
        if not restarted:
            await stack.enter_async_context(background_jobs(api.client, api.coordinator))
            await api.wait_for_jobs()
            assert await _states(api) == expected
    if restarted:
        async with open_api(graph, tmp_path) as api:
            await api.wait_for_jobs()
            assert await _states(api) == expected
