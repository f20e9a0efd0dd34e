"""SIGKILL to a part of the distributed store during a load: confirmed items are stored, once and searchable."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.servers.distributed.cluster import Cluster
from support.servers.distributed.component import report
from support.servers.in_process import REGISTER, Api, open_api
from support.stores.janusgraph import StoreGraph
from support.stores.writers import stored
from support.waiting import until

from app.graph.driver.gremlin_client import RequestReport

pytestmark = [pytest.mark.distributed, pytest.mark.timeout(900)]

CLIENTS, CALLS, CALL = 4, 8, 5
"""Clients at the same time, calls of each, and items of each call."""
LISTING = """query ($prefix: String!) {
  assets(first: 500, filter: {name: {prefix: $prefix}}) { nodes { id } } }"""

Results = dict[tuple[int, int], list[Any]]
"""The results of a call, by the numbers of the client and the call."""


@pytest.fixture
async def api(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Api]:
    """Run the API over the graph that the servers open at their start, each request at the next server."""
    graph = StoreGraph(cluster.urls[0], "g", tuple(cluster.urls[1:]))
    async with open_api(graph, tmp_path) as opened:
        yield opened


class Load:
    """Clients that register items, and repeat a call with its idempotency key until the call succeeds."""

    def __init__(self, api: Api, name: str) -> None:
        self.results: Results = {}
        self.failures: list[str] = []
        self._api = api
        self._name = name

    def urn(self, client: int, call: int, number: int) -> str:
        """Return the id of an item."""
        return f"mlg://dataset/lost/default/{self._name}-{client}-{call}-{number}"

    @property
    def urns(self) -> list[str]:
        """Return the ids of all items."""
        return [self.urn(client, *each) for client in range(CLIENTS) for each in self._numbers()]

    def items(self, client: int, call: int) -> list[dict[str, Any]]:
        """Return the items of a call; each one derives from the one before."""
        names = [self.urn(client, call, number) for number in range(CALL)]
        pairs = zip(names, [None, *names], strict=False)
        return [{"dataset": {"id": name, "derivedFrom": [before] if before else []}} for name, before in pairs]

    async def run(self) -> None:
        """Register everything."""
        await asyncio.gather(*map(self._client, range(CLIENTS)))

    async def repeat(self) -> Results:
        """Send every call again, and return the results."""
        return {key: await self._call(*key) for key in self.results}

    async def _client(self, client: int) -> None:
        for call in range(CALLS):
            self.results[client, call] = await self._call(client, call)

    async def _call(self, client: int, call: int) -> list[Any]:
        """Return the results of a call, repeated until the store executes it."""
        given = {"items": self.items(client, call), "idempotencyKey": f"{self._name} {client} {call}"}
        found: list[Any] = []

        async def succeeds() -> bool:
            response = await self._api.send("root", REGISTER, input=given)
            if "errors" in response:
                self.failures += [error["extensions"]["code"] for error in response["errors"]]
                return False
            found[:] = response["data"]["registerAssets"]["results"]
            return not any(each["errors"] for each in found)

        await until(succeeds, within=300)
        return found

    @staticmethod
    def _numbers() -> list[tuple[int, int]]:
        return [(call, number) for call in range(CALLS) for number in range(CALL)]


async def check(api: Api, load: Load) -> None:
    """Check that each item is stored once with its edge, that each call has one effect, and that the index has all."""
    there = await stored(StoreGraph(api.client.pool.servers[0].url, "g"))
    urns = load.urns
    assert {urn for urn in there.records if urn in set(urns)} == set(urns)
    edges = {key for key in there.edge_records if key[2] in set(urns)}
    expected = {
        ("DERIVES", load.urn(client, call, number - 1), load.urn(client, call, number))
        for client in range(CLIENTS)
        for call in range(CALLS)
        for number in range(1, CALL)
    }
    assert edges == expected
    assert [there.records[urn]["revision"] for urn in urns] == [1] * len(urns)
    assert [len(there.history(urn)) for urn in urns] == [1] * len(urns)
    assert {each["outcome"] for results in load.results.values() for each in results} == {"CREATED"}
    assert await load.repeat() == load.results


async def indexed(api: Api, load: Load) -> set[str]:
    """Return the items of a load that a listing by name returns."""
    prefix = load.urn(0, 0, 0).rpartition("/")[2].partition("-")[0]
    found = await api.ask("root", LISTING, prefix=prefix)
    return {node["id"] for node in found["assets"]["nodes"]}


class Written:
    """Counts the writes that the store confirmed."""

    def __init__(self) -> None:
        self.confirmed = 0

    def exchanged(self, exchange: RequestReport) -> None:
        """See :class:`app.graph.driver.gremlin_client.Observer`."""
        self.confirmed += exchange.writes and exchange.error is None


async def test_a_killed_server_loses_and_doubles_nothing(cluster: Cluster, api: Api) -> None:
    """While one of two JanusGraph servers is killed and started again, clients repeat failed calls.

    Each item is then stored once, in one revision, and found by the index.
    """
    load, written = Load(api, "janusgraph"), Written()
    api.client.observers.append(written)
    running = asyncio.create_task(load.run())
    await until(lambda: written.confirmed >= CLIENTS, within=300)
    assert not running.done()
    await cluster.janusgraphs[0].kill()
    failed = len(load.failures)
    await until(lambda: len(load.failures) > failed, within=300)
    await cluster.janusgraphs[0].start()
    await running
    report(f"a server killed: clients repeated {len(load.failures)} calls {sorted(set(load.failures))}")
    await check(api, load)
    assert await indexed(api, load) == set(load.urns)


async def test_a_killed_cassandra_loses_and_doubles_nothing(cluster: Cluster, api: Api) -> None:
    """While Cassandra is killed and started again, clients repeat failed calls; each item is then stored once."""
    load, written = Load(api, "cassandra"), Written()
    api.client.observers.append(written)
    running = asyncio.create_task(load.run())
    await until(lambda: written.confirmed >= CLIENTS, within=300)
    assert not running.done()
    await cluster.cassandra.kill()
    await cluster.cassandra.start()
    await running
    report(f"Cassandra killed: clients repeated {len(load.failures)} calls {sorted(set(load.failures))}")
    await check(api, load)
