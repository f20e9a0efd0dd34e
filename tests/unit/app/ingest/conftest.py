"""A server that takes what the contract takes and remembers it, for what a client does on its own: graphql-core."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from graphql import GraphQLSchema, build_schema, graphql_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from support.source_tree import ROOT

Relations = dict[tuple[str, str], tuple[str, str]]

FIELDS: Relations = {
    ("dataset", "derivedFrom"): ("DERIVES", "in"),
    ("feature", "derivedFrom"): ("DERIVES", "in"),
    ("featureSet", "derivedFrom"): ("DERIVES", "in"),
    ("featureSet", "features"): ("CONTAINS", "out"),
    ("feature", "featureSet"): ("CONTAINS", "in"),
    ("modelVersion", "trainingRun"): ("PRODUCES", "in"),
    ("modelVersion", "trainedOn"): ("FEEDS", "in"),
    ("modelVersion", "features"): ("FEEDS", "in"),
    ("modelVersion", "basedOn"): ("BASE_OF", "in"),
    ("modelVersion", "model"): ("VERSION_OF", "out"),
    ("datasetVersion", "dataset"): ("VERSION_OF", "out"),
    ("workflow", "inputs"): ("INPUT_TO", "in"),
    ("workflow", "outputs"): ("PRODUCES", "out"),
    ("workflow", "partOf"): ("CONTAINS", "in"),
    ("run", "inputs"): ("INPUT_TO", "in"),
    ("run", "outputs"): ("PRODUCES", "out"),
    ("run", "workflow"): ("RUN_OF", "out"),
    ("run", "parentRun"): ("CHILD_OF", "out"),
    ("run", "startedBy"): ("STARTED_BY", "out"),
    ("evaluation", "modelVersion"): ("EVALUATED_BY", "in"),
    ("evaluation", "evaluatedOn"): ("EVALUATED_BY", "in"),
    ("evaluation", "baseline"): ("EVALUATED_BY", "in"),
    ("service", "calls"): ("CALLED_BY", "in"),
    ("deployment", "modelVersion"): ("DEPLOYED_AS", "in"),
    ("deployment", "service"): ("SERVED_BY", "out"),
    ("experimentCell", "experiment"): ("CELL_OF", "out"),
    ("experimentCell", "subjects"): ("TESTED_IN", "in"),
    ("report", "inputs"): ("FEEDS", "in"),
}
"""The relation of each field and its direction, written by hand from section 3.2 of the design."""


@pytest.fixture(scope="session")
def contract() -> GraphQLSchema:
    """Build the committed contract."""
    return build_schema((ROOT / "graphql_schema" / "schema.graphql").read_text())


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

    async def known_response(self, request: Request) -> Response:
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


@pytest.fixture(scope="session")
def field_relations() -> Relations:
    """Give the relation and direction of each input field."""
    return FIELDS


@pytest.fixture
def server(contract: GraphQLSchema) -> Iterator[ContractServer]:
    """Run a contract server that runs on a free port for one test."""
    state = ContractServer(contract)
    app = Starlette(routes=[Route("/graphql", state.known_response, methods=["POST"])])
    runner = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=runner.run)
    ready = threading.Event()
    startup = runner.startup

    async def started(sockets: Any = None) -> None:
        await startup(sockets)
        ready.set()

    runner.startup = started  # type: ignore[method-assign]
    thread.start()
    assert ready.wait(30)
    state.url = f"http://127.0.0.1:{runner.servers[0].sockets[0].getsockname()[1]}"
    yield state
    runner.should_exit = True
    thread.join(30)
