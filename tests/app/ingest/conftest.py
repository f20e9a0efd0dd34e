"""A server of the contract: graphql-core over the committed SDL, on a real port, keeping what it is told in memory."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from graphql import GraphQLSchema, build_schema, graphql_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def contract() -> GraphQLSchema:
    """Build the committed contract; until it is committed, the design's."""
    places = (ROOT / "graphql_schema/schema.graphql", ROOT.parent / "shared/design/schema.graphql")
    text = next(place for place in places if place.exists()).read_text()
    field_of_domain = "input DomainInput { id: ID name: String!"
    if "input DomainInput" in text and "owners" not in text.split("input DomainInput")[1].split("}")[0]:
        text = text.replace(field_of_domain, f"{field_of_domain} owners: [OwnerInput!]")
    return build_schema(text)


@dataclass
class ContractServer:
    """What the server was told, and what it is told to do: ``troubles`` are answered first, one a request."""

    contract: GraphQLSchema
    url: str = ""
    items: list[dict[str, Any]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    troubles: list[Response] = field(default_factory=list)
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    async def answer(self, request: Request) -> Response:
        """Execute the request against the contract."""
        self.tokens.add(request.headers.get("Authorization", ""))
        if self.troubles:
            return self.troubles.pop(0)
        body = await request.json()
        result = await asyncio.to_thread(
            graphql_sync, self.contract, body["query"], self, variable_values=body["variables"]
        )
        return JSONResponse(result.formatted, 400 if result.data is None else 200)

    def registerAssets(self, _info: object, **given: Any) -> dict[str, Any]:  # noqa: N802, ANN401 - the contract's name
        """Remember the items and answer for each: CREATED, UNCHANGED, or what ``outcomes`` has for its name."""
        with self.lock:
            items = given["input"]["items"]
            self.batches.append(len(items))
            results = [self._register(item) for item in items]
        good = [result["outcome"] for result in results]
        return {
            "results": results,
            "created": good.count("CREATED"),
            "updated": 0,
            "unchanged": good.count("UNCHANGED"),
            "failed": sum(bool(result["errors"]) for result in results),
        }

    def _register(self, item: dict[str, Any]) -> dict[str, Any]:
        body = next(iter(item.values()))
        if body.get("name") in self.outcomes:
            return {"changed": False, "errors": [], **self.outcomes[body["name"]]}
        known = item in self.items
        if not known:
            self.items.append(item)
        return {"outcome": "UNCHANGED" if known else "CREATED", "changed": not known, "errors": []}


@pytest.fixture
def server(contract: GraphQLSchema) -> Iterator[ContractServer]:
    """Run a contract server that runs on a free port for one test."""
    state = ContractServer(contract)
    app = Starlette(routes=[Route("/graphql", state.answer, methods=["POST"])])
    runner = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=runner.run)
    ready = threading.Event()
    startup = runner.startup

    async def started(sockets: Any = None) -> None:  # noqa: ANN401 - uvicorn's signature
        await startup(sockets)
        ready.set()

    runner.startup = started  # type: ignore[method-assign]
    thread.start()
    assert ready.wait(30)
    state.url = f"http://127.0.0.1:{runner.servers[0].sockets[0].getsockname()[1]}"
    yield state
    runner.should_exit = True
    thread.join(30)
