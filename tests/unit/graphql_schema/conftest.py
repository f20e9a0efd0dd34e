"""The built schema over an empty plain graph, and a caller named Ada."""

from collections.abc import Awaitable, Callable
from copy import deepcopy

import pytest
from graphql import OperationDefinitionNode, OperationType, parse
from strawberry.types import ExecutionResult
from support.documents.both_executions import outcome_of
from support.stores.plain_reader import PlainGraph

from app.graph.records.clock import epoch_milliseconds
from graphql_schema.fields.context import Context
from graphql_schema.schema import GraphSchema, build_schema
from policies.principal import Principal, PrincipalKind, Scope

Run = Callable[..., Awaitable[ExecutionResult]]


@pytest.fixture(scope="session")
def schema() -> GraphSchema:
    """Return the schema as the product builds it."""
    return build_schema()


@pytest.fixture
def graph() -> PlainGraph:
    """Return an empty graph."""
    return PlainGraph()


@pytest.fixture
def ada() -> Principal:
    """Return a person who may read and write."""
    return Principal(
        "ada",
        PrincipalKind.PERSON,
        "acme",
        display_name="Ada",
        teams=frozenset({"mlg://team/test/default/search"}),
        roles=frozenset({"engineer"}),
        scopes=frozenset({Scope.READ.value, Scope.WRITE.value}),
        expires_at=1_800_000_000,
    )


@pytest.fixture
def run(schema: GraphSchema, graph: PlainGraph, ada: Principal) -> Run:
    """Return a function that runs a document, as Ada unless another principal is given.

    A query runs on both paths, and must have the same outcome.
    """

    async def run(document: str, principal: Principal = ada, **variables: object) -> ExecutionResult:
        now, apart = epoch_milliseconds(), deepcopy(graph)
        context = Context(principal, lambda *_: graph, graph, graph.report, b"k" * 32, lambda: now)
        found = await schema.execute(document, variable_values=variables, context_value=context)
        assert isinstance(found, ExecutionResult)
        if context.plans is not None and _is_query(document):
            other = Context(principal, lambda *_: apart, apart, apart.report, b"k" * 32, lambda: now, vectored=False)
            stock = await schema.execute(document, variable_values=variables, context_value=other)
            assert isinstance(stock, ExecutionResult)
            assert outcome_of(found, context) == outcome_of(stock, other)
        return found

    return run


def _is_query(document: str) -> bool:
    """Return whether a document has only queries."""
    operations = [each for each in parse(document).definitions if isinstance(each, OperationDefinitionNode)]
    return all(each.operation is OperationType.QUERY for each in operations)
