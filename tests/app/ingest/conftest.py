"""A server of the contract: graphql-core over the committed SDL, on a real port, keeping what it is told in memory."""

import asyncio
import re
import threading
from collections.abc import Iterable, Iterator
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
    graph: "Graph" = field(default_factory=lambda: Graph())  # noqa: PLW0108 - Graph stands below
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

    def __getattr__(self, name: str) -> Any:
        """Leave the reading fields of Query to the graph."""
        return getattr(object.__getattribute__(self, "graph"), name)

    def _register(self, item: dict[str, Any]) -> dict[str, Any]:
        body = next(iter(item.values()))
        if body.get("name") in self.outcomes:
            return {"changed": False, "errors": [], **self.outcomes[body["name"]]}
        known = item in self.items
        if not known:
            self.items.append(item)
        return {"outcome": "UNCHANGED" if known else "CREATED", "changed": not known, "errors": []}


STRUCTURE = {"VERSION_OF", "PRECEDES", "RUN_OF", "CHILD_OF", "STARTED_BY", "CONTAINS", "REPLACED_BY"}
FAR_ENDS = {
    "workflow": ("RUN_OF", "out", ""),
    "parentRun": ("CHILD_OF", "out", ""),
    "startedBy": ("STARTED_BY", "out", ""),
    "experiment": ("CELL_OF", "out", ""),
    "replacedBy": ("REPLACED_BY", "out", ""),
    "modelVersion": ("EVALUATED_BY", "in", "mlg://model-version/"),
    "featureSet": ("CONTAINS", "in", "mlg://feature-set/"),
}
"""Which edge the single-valued reading fields of the contract show: relation, direction, beginning of the far id."""


class Graph:
    """A graph in memory that answers the contract's reads; resolvers are methods with the contract's names."""

    def __init__(self) -> None:
        self.bodies: dict[str, tuple[str, dict[str, Any]]] = {}
        self.edges: dict[tuple[str, str, str], dict[str, Any]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self.__init__()  # type: ignore[misc]

    def load(self, items: Iterable[dict[str, Any]]) -> None:
        """Register the items as section 3 of the design has it: fields are edges, versions belong to their asset."""
        for item in items:
            ((kind, body),) = item.items()
            if kind == "link":
                facts = {key: body[key] for key in body.keys() - {"relation", "from", "to"}}
                self.edges[body["relation"], body["from"], body["to"]] = {"origin": "DECLARED"} | facts
                continue
            self.bodies[body["id"]] = kind, body
            for name, value in body.items():
                relation, direction = FIELDS.get((kind, name), ("", ""))
                for other in ([value] if isinstance(value, str) else value) if relation else []:
                    ends = (other, body["id"]) if direction == "in" else (body["id"], other)
                    self.edges.setdefault((relation, *ends), {"origin": "DECLARED"})
            if kind.endswith("Version"):
                whole = body["id"].replace("-version/", "/").rsplit("@", 1)[0]
                self.edges["VERSION_OF", body["id"], whole] = {"origin": "DECLARED"}

    def snapshot(self) -> object:
        """Everything that an export can carry, in comparable form."""
        bodies = {}
        for urn, (kind, body) in self.bodies.items():
            own = {k: v for k, v in body.items() if (kind, k) not in FIELDS and v not in (None, []) and k != "members"}
            own["members"] = [one["user"] for one in body.get("members", [])]
            defaults = {} if kind in {"team", "user", "domain", "tag"} else {"stage": "ACTIVE", "visibility": "ORG"}
            bodies[urn] = kind, defaults | own
        return bodies, {edge: facts for edge, facts in self.edges.items() if edge[0] != "PRECEDES"}

    def assets(self, _info: object, **given: Any) -> dict[str, Any]:
        """Answer one page of assets of one kind, by id."""
        (wanted,) = given["filter"]["kinds"]
        kinds = {urn: re.sub("([A-Z])", r"_\1", kind).upper() for urn, (kind, _) in self.bodies.items()}
        urns = sorted(urn for urn, kind in kinds.items() if kind == wanted)
        return page([self._node(urn) for urn in urns], given["first"], given.get("after"))

    def lineage(self, _info: object, **given: Any) -> dict[str, Any]:
        """Answer the edges among the roots and their direct consumers."""
        edges = {edge: facts for edge, facts in self.edges.items() if edge[0] not in STRUCTURE}
        near = set(given["roots"]) | {target for _, source, target in edges if source in given["roots"]}
        shown = [
            {"id": "|".join(edge), "relation": edge[0], "from": edge[1], "to": edge[2], **facts}
            for edge, facts in edges.items()
            if edge[1] in near and edge[2] in near
        ]
        return {"nodes": page([], 1, None), "edges": shown}

    def __getattr__(self, name: str) -> Any:
        """Answer `users`, `teams`, `domains` and `tags`."""
        if name not in {"users", "teams", "domains", "tags"}:
            raise AttributeError(name)
        urns = [urn for urn, (kind, _) in self.bodies.items() if kind == name[:-1]]
        return lambda _info, **given: page([self._node(urn) for urn in urns], given["first"], given.get("after"))

    def _node(self, urn: str) -> dict[str, Any]:
        kind, body = self.bodies[urn]
        node = {
            "hydration": "FULL",
            "stage": "ACTIVE",
            "visibility": "ORG",
            **body,
            "__typename": kind[0].upper() + kind[1:],
        }
        node |= {"declaredSensitivity": body.get("sensitivity")}
        node |= {name: {"id": body[name]} for name in ("domain", "parent") if name in body}
        node |= {name: self._far(urn, *how) for name, how in FAR_ENDS.items()}
        node["owners"] = [
            {**one, "owner": {"id": one["owner"], "__typename": "Team" if "//team/" in one["owner"] else "User"}}
            for one in body.get("owners", [])
        ]
        node["tags"] = [{"mode": "DIRECT", "tag": {"id": tag}} for tag in body.get("tags", [])]
        node["members"] = page([{"id": one["user"]} for one in body.get("members", [])], 500, None)
        steps = [target for name, source, target in self.edges if name == "CONTAINS" and source == urn]
        node["steps"] = page([{"id": step} for step in steps], 500, None)
        node["downstream"] = page(
            [{"edgeId": "|".join(edge), **facts} for edge, facts in self.edges.items() if edge[1] == urn], 50, None
        )
        node["columns"] = [
            {
                **one,
                "derivedFrom": [
                    {**ref, "dataset": {"id": ref["dataset"], "__typename": "Dataset"}}
                    for ref in one.get("derivedFrom", [])
                ],
            }
            for one in body.get("columns", [])
        ]
        return node

    def _far(self, urn: str, relation: str, direction: str, start: str) -> dict[str, Any] | None:
        for name, source, target in self.edges:
            near, far = (source, target) if direction == "out" else (target, source)
            if name == relation and near == urn and far.startswith(start):
                kind = self.bodies[far][0]
                return {"id": far, "__typename": kind[0].upper() + kind[1:]}
        return None


def page(nodes: list[Any], first: int, after: str | None) -> dict[str, Any]:
    """Cut one page of a connection; the cursor is the place of the next node."""
    start = int(after or 0)
    more = start + first < len(nodes)
    return {"nodes": nodes[start : start + first], "pageInfo": {"hasNextPage": more, "endCursor": str(start + first)}}


@pytest.fixture(scope="session")
def field_relations() -> Relations:
    """Give the relation and direction of each input field."""
    return FIELDS


@pytest.fixture
def server(contract: GraphQLSchema) -> Iterator[ContractServer]:
    """Run a contract server that runs on a free port for one test."""
    state = ContractServer(contract)
    app = Starlette(routes=[Route("/graphql", state.answer, methods=["POST"])])
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
