"""A query that fails in the store, at its deadline or at a limit fails alike over vectors and by graphql-core."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from math import inf
from pathlib import Path
from typing import Any

import pytest
from support.servers.both_paths import BothPaths
from support.servers.in_process import Api, open_api
from support.stores.janusgraph import StoreGraph

from app.graph.driver.errors import StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from graphql_schema.ports.operation_budget import UsageLimits

ONE_REQUEST = "{ assets(filter: {kinds: [MODEL]}) { nodes { id displayName } } }"
"""Of two requests to the store, either can be answered first, and then another text exceeds the limit of characters."""

TEAM = "mlg://team/catalog/default/ranking"
ITEMS: list[dict[str, Any]] = [
    {"team": {"name": "ranking"}},
    *(
        item
        for number in range(4)
        for item in (
            {"model": {"id": f"mlg://model/test/default/m{number}", "owners": [{"owner": TEAM}]}},
            {"modelVersion": {"id": f"mlg://model-version/test/default/m{number}@1", "framework": "torch"}},
        )
    ),
]
NESTED = """{ viewer { subject } one: asset(id: "mlg://model/test/default/m1") { displayName }
  assets(filter: {kinds: [MODEL]}) { totalCount nodes { displayName ownerTeam { id }
    owners { owner { ... on Team { id } } }
    ... on Model { versions { nodes { framework model { id } } } } } } }"""

Bindings = Mapping[str, Any]


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over four models with a version each."""
    await api.load(*ITEMS)
    await api.wait_for_jobs()
    return api


def failing(monkeypatch: pytest.MonkeyPatch, fails: Callable[[Bindings], bool]) -> None:
    """Let the store fail for requests with certain bindings."""
    submit = GremlinClient.submit

    async def submitted(client: GremlinClient, text: PreparedStatement, bindings: Bindings, **more: Any) -> Any:
        if fails(bindings):
            raise StoreUnavailableError("The store is busy; try again.")
        return await submit(client, text, bindings, **more)

    monkeypatch.setattr(GremlinClient, "submit", submitted)


@pytest.mark.parametrize(
    ("fails", "count"),
    [
        (lambda _: True, 2),
        (lambda bindings: bool(bindings.get("listings")), 1),
        (lambda bindings: len(bindings.get("hops", ())) > 1, 1),
        (lambda bindings: bool(bindings.get("hops")) and not bindings.get("listings"), 1),
    ],
)
async def test_failures_of_the_store(
    api: Api, monkeypatch: pytest.MonkeyPatch, fails: Callable[[Bindings], bool], count: int
) -> None:
    """Whatever the store fails to read, both paths have the same errors, with the same paths, and the same rest."""
    await api.ask("ada", NESTED)
    failing(monkeypatch, fails)
    both = BothPaths(api)
    with both.observed():
        reply = await both.ask("ada", NESTED, {})
    assert both.differing == []
    assert both.again.total() == 1
    errors = reply.body["errors"]
    assert {error["extensions"]["code"] for error in errors} == {"STORE_UNAVAILABLE"}
    assert len(errors) >= count


@pytest.mark.parametrize(
    ("limits", "document"),
    [
        (UsageLimits(rows=1), NESTED),
        (UsageLimits(rows=8), NESTED),
        (UsageLimits(items=5), NESTED),
        (UsageLimits(values=9), NESTED),
        (UsageLimits(characters=20), ONE_REQUEST),
    ],
)
async def test_limits(api: Api, monkeypatch: pytest.MonkeyPatch, limits: UsageLimits, document: str) -> None:
    """A query beyond a limit has the same error on both paths, and is cancelled."""
    monkeypatch.setattr("app.runtime.operation_context.UsageLimits", lambda: limits)
    # after a long turn, as on a busy machine, resolvers begin in another order, and another one exceeds the limit
    monkeypatch.setattr("graphql_schema.ports.turns.loop_turns.LONG_TURN_SECONDS", inf)
    await api.send("ada", document)
    both = BothPaths(api)
    with both.observed():
        reply = await both.ask("ada", document, {})
    assert both.differing == []
    assert reply.body["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


@pytest.fixture
async def hurried(module_graph: StoreGraph, tmp_path: Path, api: Api) -> AsyncIterator[Api]:
    """Return the API with a short deadline, over the data of ``api``."""
    assert api.tokens
    async with open_api(module_graph, tmp_path, MLG_QUERY_SECONDS="0.5") as opened:
        await opened.send("ada", "{ viewer { subject } }")
        await opened.wait_for_jobs()
        yield opened


async def test_a_deadline(hurried: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that waits for the store until its deadline has the same error on both paths; it does not begin again."""

    async def wait(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(GremlinClient, "submit", wait)
    both = BothPaths(hurried)
    with both.observed():
        reply = await both.ask("ada", NESTED, {})
    assert both.differing == []
    assert both.again.total() == 0
    assert reply.body["errors"][0]["extensions"]["limit"] == "seconds"
