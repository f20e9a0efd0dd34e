"""The Python client gql on a running server: a validated query with variables, an error, and a subscription."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from graphql import GraphQLError
from support.estates.owned_items import owned, urn
from support.servers.in_process import Api, open_api
from support.servers.websocket_client import serving
from support.stores.janusgraph import StoreGraph

ORDERS, BILLS = urn("dataset", "orders"), urn("dataset", "bills")
READ = gql("query ($id: ID!, $asOf: DateTime) { asset(id: $id, asOf: $asOf) { id asOf stage } }")
CHANGES = gql("subscription ($after: Cursor) { changes(after: $after) { subject { id } cursor } }")


@pytest.fixture
async def api(graph: StoreGraph, tmp_path: Any) -> AsyncIterator[Api]:
    """Return the API over two datasets."""
    async with open_api(graph, tmp_path) as api:
        for name in ("orders", "bills"):
            await api.load(owned("dataset", name, sourceCreatedAt="2024-01-01T00:00:00Z"))
        yield api


@pytest.fixture
async def address(api: Api) -> AsyncIterator[str]:
    """Return the address of the running server, without a scheme."""
    async with serving(api.app) as address:
        yield address


async def test_a_query_is_validated_against_the_fetched_schema(api: Api, address: str) -> None:
    """The client reads the schema, refuses a wrong document itself, and returns data, and errors with their codes."""
    transport = AIOHTTPTransport(f"http://{address}", headers={"Authorization": f"Bearer {api.tokens['ada']}"})
    async with Client(transport=transport, fetch_schema_from_transport=True) as session:
        for at in (None, "2024-02-01T00:00:00Z"):
            READ.variable_values = {"id": ORDERS, "asOf": at}
            assert await session.execute(READ) == {"asset": {"id": ORDERS, "asOf": at, "stage": "ACTIVE"}}
        with pytest.raises(GraphQLError, match="Cannot query field 'colour'"):
            await session.execute(gql('{ asset(id: "x") { colour } }'))
        with pytest.raises(TransportQueryError) as refused:
            await session.execute(gql('{ asset(id: "no-urn") { id } }'))
    assert refused.value.errors is not None
    assert [error["extensions"]["code"] for error in refused.value.errors] == ["INVALID"]


async def test_a_subscription_follows_the_changes(api: Api, address: str) -> None:
    """The client subscribes over graphql-transport-ws and receives the changes after a cursor, in order."""
    listed = (await api.ask("ada", "{ changes(first: 9) { nodes { subject { id } cursor } } }"))["changes"]["nodes"]
    transport = WebsocketsTransport(
        f"ws://{address}", init_payload={"Authorization": f"Bearer {api.tokens['ada']}"}, ping_interval=None
    )
    CHANGES.variable_values = {"after": listed[-1]["cursor"]}
    received = []
    async with Client(transport=transport) as session:
        async for event in session.subscribe(CHANGES):
            received.append(event["changes"])
            if len(received) == len(listed) - 1:
                break
    assert received == listed[-2::-1]
