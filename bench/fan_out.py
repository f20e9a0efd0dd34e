"""Measures equal fields in one request, and writers beside many subscriptions of one caller.

``.venv/bin/python bench/fan_out.py [TREE ...]`` starts a server of each source tree, by default of this one, with 5,000
changes. It sends 29 equal aliases of some fields, and as many counts of changes as the limits admit. It then writes
20 datasets one after the other: alone, and beside 200 subscriptions of another caller, equal and different ones. It
prints seconds, and for the subscriptions the time until the last event was received. The bound on subscriptions is
lifted. Nothing is asserted, because times depend on the machine.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from one_caller import PORT, URL, Load, serving
from rich.console import Console
from rich.table import Table
from websockets import Subprotocol
from websockets.asyncio.client import ClientConnection, connect

CONNECTIONS, EACH, WRITES, EQUAL = 10, 20, 20, 29
NEWEST = "{ changes(first: 1) { nodes { cursor } } }"
FOLLOW = 'subscription { changes(after: "CURSOR") { id at cursor subject { id displayName } fields { after } } }'
FIELDS = {
    "list": "assets(first: 50) { nodes { id } }",
    "changes": "changes(first: 50) { nodes { id } }",
    "search": 'search(text: "datset", first: 5) { hits { nodes { asset { id } } } }',
    "impact": 'impact(roots: ["mlg://dataset/bench/default/d0"]) { total }',
    "paths": 'paths(from: "mlg://dataset/bench/default/d0", to: "mlg://dataset/bench/default/d9") { paths { length } }',
}
COUNT = "c{0}: changes(filter: {{until: {1}}}, first: 0) {{ totalCount }}"


def counts(number: int, *, equal: bool) -> str:
    """Return a query of counts of changes, with equal or with different arguments."""
    instants = (f'"{2100 + (0 if equal else each)}-01-01T00:00:00Z"' for each in range(number))
    return "{ " + " ".join(COUNT.format(each, instant) for each, instant in enumerate(instants)) + " }"


async def seconds_of(load: Load, http: httpx2.AsyncClient, query: str) -> str:
    """Return the seconds of one query, and the code of an error."""
    headers = {"Authorization": f"Bearer {load.tokens['ada']}"}
    begin = time.perf_counter()
    response = await http.post(f"{URL}/graphql", json={"query": query}, headers=headers, timeout=300)
    spent = time.perf_counter() - begin
    errors = response.json().get("errors", [])
    return f"{spent:.2f}" + "".join(f" {each['extensions']['code']}" for each in errors[:1])


async def measure_aliases(load: Load, http: httpx2.AsyncClient) -> dict[str, str]:
    """Return the seconds of one field and of 29 equal ones, and those of counts."""
    found: dict[str, str] = {}
    for name, text in FIELDS.items():
        await seconds_of(load, http, f"{{ {text} }}")
        one = await seconds_of(load, http, f"{{ {text} }}")
        many = "{ " + " ".join(f"a{number}: {text}" for number in range(EQUAL)) + " }"
        found[f"{name}, once / {EQUAL} equal"] = f"{one} / {await seconds_of(load, http, many)}"
    for number in (1, 9, 19):
        for equal in (True, False):
            name = f"{number} counts of changes, {'equal' if equal else 'different'}"
            found[name] = await seconds_of(load, http, counts(number, equal=equal))
    return found


class Subscriptions:
    """Subscriptions of one caller over several connections, and the number of events that they have received."""

    def __init__(self) -> None:
        self.received = 0
        self.complete = asyncio.Event()

    async def read(self, socket: ClientConnection) -> None:
        """Count the events of a connection."""
        async for text in socket:
            self.received += '"next"' in str(text)
            if self.received >= WRITES * CONNECTIONS * EACH:
                self.complete.set()

    @asynccontextmanager
    async def open(self, token: str, document: Callable[[int], str]) -> AsyncIterator[None]:
        """Open all subscriptions; ``document`` returns that of a number."""
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as readers:
            tasks = []
            for number in range(CONNECTIONS):
                protocols = [Subprotocol("graphql-transport-ws")]
                where = f"ws://127.0.0.1:{PORT}/graphql"
                socket = await stack.enter_async_context(connect(where, subprotocols=protocols, proxy=None))
                hello: dict[str, Any] = {"Authorization": f"Bearer {token}"}
                await socket.send(json.dumps({"type": "connection_init", "payload": hello}))
                await socket.recv()
                for each in range(EACH):
                    payload = {"query": document(number * EACH + each)}
                    await socket.send(json.dumps({"type": "subscribe", "id": str(each), "payload": payload}))
                tasks.append(readers.create_task(self.read(socket)))
            await asyncio.sleep(3)
            yield
            for task in tasks:
                task.cancel()


async def write(load: Load, http: httpx2.AsyncClient) -> float:
    """Return the seconds of the writes, one after the other."""
    begin = time.perf_counter()
    for _ in range(WRITES):
        await load.write(http)
    return time.perf_counter() - begin


async def follower(load: Load, http: httpx2.AsyncClient, *, equal: bool) -> Callable[[int], str]:
    """Return a function from a number to a subscription of bo, which continues after the newest change."""
    headers = {"Authorization": f"Bearer {load.tokens['bo']}"}
    response = await http.post(f"{URL}/graphql", json={"query": NEWEST}, headers=headers)
    text = FOLLOW.replace("CURSOR", response.json()["data"]["changes"]["nodes"][0]["cursor"])
    return lambda number: text if equal else text.replace("{ id at", f"{{ x{number}: id at", 1)


async def measure_writes(load: Load, http: httpx2.AsyncClient) -> dict[str, str]:
    """Return the seconds of the writes alone, and beside subscriptions."""
    await write(load, http)
    alone = await write(load, http)
    found = {f"{WRITES} writes alone": f"{alone:.2f}"}
    for name in ("equal", "different"):
        document = await follower(load, http, equal=name == "equal")
        subscriptions = Subscriptions()
        async with subscriptions.open(load.tokens["bo"], document):
            begin = time.perf_counter()
            spent = await write(load, http)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(subscriptions.complete.wait(), 120)
            last = time.perf_counter() - begin
        found[f"{WRITES} writes beside {CONNECTIONS * EACH} {name}"] = f"{spent:.2f} ({spent / alone:.1f} x)"
        found[f"last event of {name}"] = f"{last:.2f}, {subscriptions.received} events"
    return found


async def main(trees: list[Path]) -> None:
    """Measure each tree, and print a table."""
    columns: list[dict[str, str]] = []
    for tree in trees:
        async with serving(5_000, tree, MLG_MAX_SUBSCRIPTIONS_PER_CALLER="1000") as load, httpx2.AsyncClient() as http:
            columns.append({**await measure_aliases(load, http), **await measure_writes(load, http)})
    table = Table("seconds", *map(str, trees))
    for name in columns[0]:
        table.add_row(name, *(each[name] for each in columns))
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main([Path(tree) for tree in sys.argv[1:]] or [Path.cwd()]))
