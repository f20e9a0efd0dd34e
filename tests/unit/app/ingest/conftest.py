"""Fixtures of the import tests: the committed contract, and a server that accepts what the contract accepts."""

from collections.abc import Iterator

import pytest
from graphql import GraphQLInputObjectType, GraphQLSchema, build_schema
from support.servers.contract_server import ContractServer, contract_server

from graphql_schema.schema import SDL


@pytest.fixture(scope="session")
def contract() -> GraphQLSchema:
    """Build the committed contract."""
    return build_schema(SDL.read_text())


@pytest.fixture(scope="session")
def asset_input(contract: GraphQLSchema) -> GraphQLInputObjectType:
    """Return the input type of items."""
    found = contract.get_type("AssetInput")
    assert isinstance(found, GraphQLInputObjectType)
    return found


@pytest.fixture
def server(contract: GraphQLSchema) -> Iterator[ContractServer]:
    """Run a contract server for one test."""
    with contract_server(contract) as server:
        yield server
