"""Clients that write and read while a fault happens: what they saw, and whether anything confirmed was lost or doubled.

A writer repeats each registration under its idempotency key until it is confirmed, as the documentation says. A reader
requires that all that was confirmed before is in the response, or that the response is an error.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Any

import httpx2
from rich.console import Console
from support.servers.in_process import REGISTER
from support.servers.server_process import Serving
from support.stores.writers import stored
from support.waiting import until

READ = """query ($ids: [ID!]!) { nodes(ids: $ids) { id }
  assets(filter: {kinds: [DATASET]}, first: 1) { totalCount } }"""
IDS = 50
"""Number of confirmed ids that a reader requests at once."""

WAIT_SECONDS = 240.0
"""Seconds in which the service must recover."""

Headers = Callable[[], dict[str, str]]
"""Returns the headers of the next request."""


def result_of(response: httpx2.Response) -> str:
    """Return `OK`, or the status, code and reason of the first error of a response."""
    body = response.json()
    if "errors" not in body:
        return "OK"
    extensions = body["errors"][0]["extensions"]
    return " ".join(filter(None, [str(response.status_code), extensions["code"], extensions.get("reason")]))


@dataclass
class FaultLoad:
    """The clients of one fault; ``name`` is part of their ids, and ``outcomes`` are those of a confirmed item."""

    serving: Serving
    name: str
    headers: Headers
    outcomes: frozenset[str] = frozenset({"CREATED"})
    writes: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    confirmed: list[str] = field(default_factory=list)
    longest_pause: float = 0.0
    _last: float = field(default_factory=monotonic)
    _numbers: Any = field(default_factory=count)
    _stopping: bool = False
    _listed: int = 0

    def urn(self, number: int) -> str:
        """Return the id of a dataset."""
        return f"mlg://dataset/faults/{self.name}/d{number}"

    async def confirm(self, number: int) -> None:
        """Return when so many further writes and a further read have succeeded."""
        writes, reads = len(self.confirmed) + number, self.reads["OK"] + 1
        await until(lambda: len(self.confirmed) >= writes and self.reads["OK"] >= reads, within=WAIT_SECONDS)

    async def sees(self, result: str) -> None:
        """Return when a write has had this result."""
        before = self.writes[result]
        await until(lambda: self.writes[result] > before, within=WAIT_SECONDS)

    async def write(self, http: httpx2.AsyncClient) -> None:
        """Register datasets one after the other, until all stop."""
        while not self._stopping:
            number = next(self._numbers)
            await until(lambda at=number: self._registered(http, at), within=WAIT_SECONDS)  # type: ignore[misc]
            now = monotonic()
            self.longest_pause, self._last = max(self.longest_pause, now - self._last), now
            self.confirmed.append(self.urn(number))

    async def _registered(self, http: httpx2.AsyncClient, number: int) -> bool:
        given = {"items": [{"dataset": {"id": self.urn(number)}}], "idempotencyKey": f"{self.name} {number}"}
        response = await self._sent(http, self.writes, {"query": REGISTER, "variables": {"input": given}})
        if response is None:
            return False
        (result,) = response["registerAssets"]["results"]
        assert result["outcome"] in self.outcomes, result
        return True

    async def read(self, http: httpx2.AsyncClient) -> None:
        """Read what was confirmed before, until all stop."""
        while not self._stopping:
            ids, least = self.confirmed[-IDS:], self._listed + len(self.confirmed)
            found = await self._sent(http, self.reads, {"query": READ, "variables": {"ids": ids}})
            if found is not None:
                assert [node and node["id"] for node in found["nodes"]] == ids
                total = found["assets"]["totalCount"]
                assert total >= least, f"{total} of {least} confirmed are listed"
            await asyncio.sleep(0)

    async def _sent(self, http: httpx2.AsyncClient, results: Counter[str], body: dict[str, Any]) -> Any:
        """Return the data of a response, None for an error; count the result."""
        try:
            response = await http.post(f"{self.serving.url}/graphql", json=body, headers=self.headers())
        except httpx2.TransportError as error:
            results[type(error).__name__] += 1
            return None
        results[result_of(response)] += 1
        return response.json()["data"] if result_of(response) == "OK" else None

    async def begin(self, http: httpx2.AsyncClient) -> None:
        """Learn how many datasets there are already."""
        found = await self._sent(http, Counter(), {"query": READ, "variables": {"ids": []}})
        self._listed = found["assets"]["totalCount"]

    def stop(self) -> None:
        """Let all clients stop after their current request."""
        self._stopping = True

    async def check(self, http: httpx2.AsyncClient) -> None:
        """Check that each confirmed item is stored once, with one change, and listed; report what the clients saw."""
        there = await stored(self.serving.graph)
        own = {urn: record["revision"] for urn, record in there.records.items() if f"/{self.name}/" in urn}
        assert own == dict.fromkeys(self.confirmed, 1), sorted(own.keys() ^ set(self.confirmed))
        changed = Counter(change["subject"] for change in there.changes if f"/{self.name}/" in change["subject"])
        expected = Counter(self.confirmed)
        assert changed == expected, f"lost {expected - changed}, doubled {changed - expected}"
        found = await self._sent(http, Counter(), {"query": READ, "variables": {"ids": []}})
        assert found["assets"]["totalCount"] == self._listed + len(self.confirmed)
        Console(stderr=True).print(
            f"\n{self.name}: {len(self.confirmed)} confirmed, none lost, none doubled; "
            f"longest pause of the writes {self.longest_pause:.1f} s\n"
            f"  writes {dict(self.writes)}\n  reads {dict(self.reads)}"
        )


@asynccontextmanager
async def loaded(serving: Serving, name: str, headers: Headers | None = None, **more: Any) -> AsyncIterator[FaultLoad]:
    """Run three writers and a reader; check at the end what is stored."""
    if headers is None:
        root = serving.headers()
        headers = lambda: root  # noqa: E731 - the same token for all requests
    load = FaultLoad(serving, name, headers, **more)
    async with httpx2.AsyncClient(timeout=120, trust_env=False) as http:
        await load.begin(http)
        async with asyncio.TaskGroup() as clients:
            for _ in range(3):
                clients.create_task(load.write(http))
            clients.create_task(load.read(http))
            await load.confirm(10)
            yield load
            await load.confirm(10)
            load.stop()
        await load.check(http)
