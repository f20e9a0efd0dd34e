"""A server that accepts what the API contract accepts and records it, for tests of clients without a store."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from graphql import GraphQLSchema, graphql_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass
class ContractServer:
    """Records the items, batch sizes and tokens of its requests.

    ``troubles`` are returned first, one for each request. ``outcomes`` are the results of items by name.
    """

    contract: GraphQLSchema
    url: str = ""
    items: list[dict[str, Any]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    troubles: list[Response] = field(default_factory=list)
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    async def respond(self, request: Request) -> Response:
        """Execute the request against the contract."""
        self.tokens.add(request.headers.get("Authorization", ""))
        if self.troubles:
            return self.troubles.pop(0)
        body = await request.json()
        result = await asyncio.to_thread(
            graphql_sync, self.contract, body["query"], self, variable_values=body["variables"]
        )
        return JSONResponse(result.formatted, 400 if result.data is None else 200)

    def registerAssets(self, _info: object, **given: Any) -> dict[str, Any]:  # noqa: N802 - the contract's name
        """Record the items and return CREATED, UNCHANGED, or the outcome of ``outcomes`` for each."""
        with self.lock:
            items = given["input"]["items"]
            self.batches.append(len(items))
            results = [self._register(item) for item in items]
        outcomes = [result["outcome"] for result in results]
        return {
            "results": results,
            "created": outcomes.count("CREATED"),
            "updated": 0,
            "unchanged": outcomes.count("UNCHANGED"),
            "failed": sum(bool(result["errors"]) for result in results),
        }

    def _register(self, item: dict[str, Any]) -> dict[str, Any]:
        body = next(iter(item.values()))
        if body.get("name") in self.outcomes:
            return {"changed": False, "errors": [], **self.outcomes[body["name"]]}
        exists = item in self.items
        if not exists:
            self.items.append(item)
        return {"outcome": "UNCHANGED" if exists else "CREATED", "changed": not exists, "errors": []}


@contextmanager
def contract_server(contract: GraphQLSchema) -> Iterator[ContractServer]:
    """Run a contract server in a thread, on a free port of loopback."""
    state = ContractServer(contract)
    app = Starlette(routes=[Route("/graphql", state.respond, methods=["POST"])])
    runner = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=runner.run)
    ready = threading.Event()
    startup = runner.startup

    async def started(sockets: Any = None) -> None:
        await startup(sockets)
        ready.set()

    runner.startup = started  # type: ignore[method-assign]  # uvicorn has no hook after its start
    thread.start()
    assert ready.wait(30)
    state.url = f"http://127.0.0.1:{runner.servers[0].sockets[0].getsockname()[1]}"
    yield state
    runner.should_exit = True
    thread.join(30)
