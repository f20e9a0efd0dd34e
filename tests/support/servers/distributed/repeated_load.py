"""Clients that write and read during a fault of the distributed store, and what they saw."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

from support.servers.distributed.component import report
from support.servers.in_process import REGISTER, Api
from support.stores.janusgraph import StoreGraph
from support.stores.writers import stored
from support.waiting import until

from app.graph.driver.gremlin_client import RequestReport

CLIENTS, CALLS, CALL = 4, 8, 5
"""Clients at the same time, calls of each, and items of each call."""
_READ: Final = "query ($id: ID!) { asset(id: $id) { id } }"
_LISTING: Final = """query ($prefix: String!) {
  assets(first: 500, filter: {name: {prefix: $prefix}}) { nodes { id } } }"""

Results = dict[tuple[int, int], list[Any]]
"""The results of a call, by the numbers of the client and the call."""


@dataclass
class Observed:
    """Calls of one sort: how many there were, the codes of those that failed, and the longest one in seconds."""

    calls: int = 0
    failures: list[str] = field(default_factory=list)
    longest: float = 0.0

    def record(self, response: dict[str, Any], seconds: float) -> bool:
        """Record a response, and return whether it has no error."""
        self.calls += 1
        self.longest = max(self.longest, seconds)
        errors = [error["extensions"] for error in response.get("errors", ())]
        self.failures += [f"{error['code']} {error.get('reason', '')}".strip() for error in errors]
        return not errors

    def __str__(self) -> str:
        failed = ", ".join(f"{count} {code}" for code, count in sorted(Counter(self.failures).items()))
        return f"{self.calls} calls, failed: {failed or 'none'}, longest {self.longest:.1f} s"


class RepeatedLoad:
    """Clients that register items, and repeat a call with its idempotency key until the call succeeds.

    ``confirmed`` counts the writes that the store confirmed; ``writes`` and ``reads`` are what the clients saw.
    """

    def __init__(self, api: Api, name: str) -> None:
        self.results: Results = {}
        self.writes = Observed()
        self.reads = Observed()
        self.confirmed = 0
        self._api = api
        self._name = name
        api.client.observers.append(self)

    def exchanged(self, exchange: RequestReport) -> None:
        """See :class:`app.graph.driver.gremlin_client.Observer`."""
        self.confirmed += exchange.writes and exchange.error is None

    def urn(self, client: int, call: int, number: int) -> str:
        """Return the id of an item."""
        return f"mlg://dataset/lost/default/{self._name}-{client}-{call}-{number}"

    @property
    def urns(self) -> list[str]:
        """Return the ids of all items."""
        return [self.urn(client, *each) for client in range(CLIENTS) for each in self._numbers()]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write and read beside a fault, which begins when every client has had a confirmed write; end with all."""
        writing = asyncio.create_task(self._run())
        reading = asyncio.create_task(self._read_on())
        try:
            await until(lambda: self.confirmed >= CLIENTS, within=300)
            assert not writing.done()
            yield
            await writing
        finally:
            reading.cancel()
            writing.cancel()
            await asyncio.wait([reading, writing])
        report(f"{self._name}: writes {self.writes}")
        report(f"{self._name}: reads {self.reads}")

    async def more(self, count: int) -> None:
        """Return when the store has confirmed ``count`` more writes, or all clients are done."""
        wanted = self.confirmed + count
        await until(lambda: self.confirmed >= wanted or len(self.results) == CLIENTS * CALLS, within=300)

    async def check(self) -> None:
        """Check that each item is stored once with its edge, and that each call had one effect."""
        there = await stored(StoreGraph(self._api.client.pool.servers[0].url, "g"))
        urns = self.urns
        assert {urn for urn in there.records if urn in set(urns)} == set(urns)
        edges = {key for key in there.edge_records if key[2] in set(urns)}
        assert edges == {
            ("DERIVES", self.urn(client, call, number - 1), self.urn(client, call, number))
            for client in range(CLIENTS)
            for call, number in self._numbers()
            if number
        }
        assert [there.records[urn]["revision"] for urn in urns] == [1] * len(urns)
        assert [len(there.history(urn)) for urn in urns] == [1] * len(urns)
        assert {each["outcome"] for results in self.results.values() for each in results} == {"CREATED"}
        assert {key: await self._call(*key) for key in self.results} == self.results

    async def listed(self) -> set[str]:
        """Return the items that a listing by name returns."""
        found = await self._api.ask("root", _LISTING, prefix=f"{self._name}-")
        return {node["id"] for node in found["assets"]["nodes"]}

    async def _run(self) -> None:
        await asyncio.gather(*map(self._client, range(CLIENTS)))

    async def _client(self, client: int) -> None:
        for call in range(CALLS):
            self.results[client, call] = await self._call(client, call)

    async def _call(self, client: int, call: int) -> list[Any]:
        """Return the results of a call, repeated until the store executes it."""
        given = {"items": self._items(client, call), "idempotencyKey": f"{self._name} {client} {call}"}
        found: list[Any] = []

        async def succeeds() -> bool:
            begun = monotonic()
            response = await self._api.send("root", REGISTER, input=given)
            if not self.writes.record(response, monotonic() - begun):
                return False
            found[:] = response["data"]["registerAssets"]["results"]
            return not any(each["errors"] for each in found)

        await until(succeeds, within=300)
        return found

    async def _read_on(self) -> None:
        """Read an item again and again, as two clients do."""

        async def read() -> None:
            while True:
                begun = monotonic()
                response = await self._api.send("root", _READ, id=self.urn(0, 0, 0))
                self.reads.record(response, monotonic() - begun)
                await asyncio.sleep(0)

        await asyncio.gather(read(), read())

    def _items(self, client: int, call: int) -> list[dict[str, Any]]:
        """Return the items of a call; each one derives from the one before."""
        names = [self.urn(client, call, number) for number in range(CALL)]
        pairs = zip(names, [None, *names], strict=False)
        return [{"dataset": {"id": name, "derivedFrom": [before] if before else []}} for name, before in pairs]

    @staticmethod
    def _numbers() -> list[tuple[int, int]]:
        return [(call, number) for call in range(CALLS) for number in range(CALL)]
