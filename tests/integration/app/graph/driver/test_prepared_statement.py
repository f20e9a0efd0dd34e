"""Prepared statements on a real JanusGraph: texts run, and values arrive unchanged."""

from typing import Any

import pytest
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import (
    Operator,
    Order,
    P,
    Scope,
    Traversal,
)
from gremlin_python.statics import long
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, spread
from app.graph.driver.prepared_statement import PreparedStatement

RESPONSES: list[tuple[Traversal, list[Any]]] = [
    (g.inject(3, 1, 2).order().by(Order.desc), [3, 2, 1]),
    (g.inject(3, 1, 2).order().by(__.is_(P.gt(2)).count()).by(Order.desc), [2, 1, 3]),
    (g.inject(1, 2, 3, 4).is_(P.gt(1).and_(P.lt(4))), [2, 3]),
    (g.inject(1, 2, 3, 4).is_(P.not_(P.within(1, 2))), [3, 4]),
    (g.inject(1, 2, 3).is_(P.within()), []),
    (g.inject(1, 2, 3).choose(P.gt(1), __.constant("big"), __.constant("small")), ["small", "big", "big"]),
    (g.inject(1, 2).union(__.start(), __.constant(9)).fold().sum_(Scope.local), [21]),
    (g.inject(1).repeat(__.math("_ + _")).times(5), [32.0]),
    (g.inject(long(5), 2**31, -(2**63), 2**63 - 1), [5, 2**31, -(2**63), 2**63 - 1]),
    (g.with_sack(1).inject(2).sack(Operator.mult).sack(), [2]),
]


@pytest.mark.parametrize(("shape", "expected"), RESPONSES, ids=lambda value: str(value)[:60])
async def test_janusgraph_understands_the_text(client: GremlinClient, shape: Traversal, expected: list[Any]) -> None:
    """Rendered traversals run on a real JanusGraph and return what plain Python computes."""
    assert await client.submit(PreparedStatement.traversal(shape), {}) == expected


@example(["it's", '"', "$x ${x}", "\\u0041", "\\", "\\'", "a\nb\r\t\0", "\u2028 é 😀", "*/", "'''"])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=30))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_literal_string_arrives_as_it_is(client: GremlinClient, texts: list[str]) -> None:
    """Groovy reads every string back unchanged, including quotes, dollars, backslashes and controls."""
    assert await client.submit(PreparedStatement.traversal(g.inject(texts)), {}) == [texts]


async def test_parameters_take_lists_and_single_values(client: GremlinClient) -> None:
    """A bound list serves V, within and spread arguments; an empty one matches nothing in within."""
    shape = PreparedStatement.traversal(g.inject(1, 2, 3).is_(P.within(param("ks"))).is_(P.lt(param("high"))))
    assert await client.submit(shape, {"ks": [1, 3], "high": 9}) == [1, 3]
    assert await client.submit(shape, {"ks": [], "high": 9}) == []
    hop = PreparedStatement.traversal(g.V(param("xs")).out_e(spread("ls")).count())
    assert await client.submit(hop, {"xs": [2**40, 2**41], "ls": ["FEEDS", "FEEDS"]}) == [0]


@pytest.mark.parametrize("name", ["x", "xs", "ls", "low", "n", "kinds", "hops"])
async def test_parameter_names_are_not_shadowed(client: GremlinClient, name: str) -> None:
    """No name in the script engine of the store shadows the names of our parameters."""
    assert await client.submit(PreparedStatement.traversal(g.inject(param(name))), {name: "bound"}) == ["bound"]
