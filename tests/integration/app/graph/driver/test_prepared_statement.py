"""Prepared text: it says what gremlinpython's translator says, runs on JanusGraph, and keeps values out."""

from typing import Any

import pytest
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.translator import Translator
from gremlin_python.process.traversal import (
    Cardinality,
    Column,
    Direction,
    Operator,
    Order,
    P,
    Pop,
    Scope,
    T,
    TextP,
    Traversal,
)
from gremlin_python.statics import long
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.graph.driver.errors import PreparedTextError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render, spread
from app.graph.driver.prepared_statement import PreparedStatement

SHAPES = [
    g.V(),
    g.V(1, 2).out_e("A", "B").in_v().id_(),
    g.V().has_label("Model").has("kind", "DATASET").has("at", P.gt(5)),
    g.V().has("at", P.between(1, 5)).has("n", P.inside(1, 3)).has("x", P.outside(1, 2)),
    g.V().has("kind", P.within("a", "b")).has("kind", P.without(["c"])).has("e", P.within()),
    g.V().has("n", P.gt(1).and_(P.lt(9)).or_(P.eq(20))).has("n", P.not_(P.within(1, 2))),
    g.V().has("name", TextP.starting_with("a").or_(TextP.containing("b"))),
    g.V().has("on", True).has("off", False).has("n", -3),  # noqa: FBT003 - Gremlin values
    g.V().where(__.in_e("A").has("validTo", P.gt(1)).count().is_(P.gte(2))),
    g.V().or_(__.has("a", 1), __.and_(__.has("b", 2), __.has_not("c"))).not_(__.out("A")),
    g.V().as_("a").out("A").as_("b").select("a", "b").by(T.id).by("name"),
    g.V().order().by("name", Order.asc).by("at", Order.desc).limit(10),
    g.V().local(__.out_e("A").order().by("at", Order.desc).limit(3)).project("s", "t").by(__.out_v().id_()).by("at"),
    g.V().group().by(T.label).by(__.count()).unfold().select(Column.values),
    g.V().union(__.out("A"), __.in_("B")).dedup().fold(),
    g.V().repeat(__.out("A")).until(__.has_label("X")).emit().times(3),
    g.V().choose(__.has("a", 1), __.out("A"), __.in_("B")).coalesce(__.values("x"), __.constant("none")),
    g.V().to_e(Direction.OUT, "A").other_v(),
    g.V().values("n").fold().max_(Scope.local),
    g.V().select(Pop.all_, "a").select(Pop.last, "b"),
    g.with_sack(0).V().sack(Operator.sum_).by("n").sack(),
    g.with_side_effect("x", [1, 2]).V().aggregate("x").cap("x"),
    g.add_v("Model").property(T.id, 256).property("name", "n"),
    g.add_e("A").from_(__.V(1)).to(__.V(2)).property("at", 1),
    g.V().range_(2, 5).skip(1).tail(3).sample(2).simple_path().path().by("name"),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_literals_read_as_gremlinpython_writes_them(shape: Traversal) -> None:
    """The renderer agrees with the translator that gremlinpython brings, for every kind of step that we use."""
    assert render(shape).replace("'", '"') == _normal(Translator().of("g").translate(shape.bytecode))


def _normal(text: str) -> str:
    """Undo the translator's own manners: two kinds of quotes, and capitals and nulls in nested lists."""
    return text.replace("'", '"').replace("None", "null").replace("True", "true").replace(" ", "")


ANSWERS: list[tuple[Traversal, list[Any]]] = [
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


@pytest.mark.parametrize(("shape", "expected"), ANSWERS, ids=lambda value: str(value)[:60])
async def test_janusgraph_understands_the_text(client: GremlinClient, shape: Traversal, expected: list[Any]) -> None:
    """Rendered traversals run on a real JanusGraph and give what plain Python expects."""
    assert await client.submit(PreparedStatement.traversal(shape), {}) == expected


@example(["it's", '"', "$x ${x}", "\\u0041", "\\", "\\'", "a\nb\r\t\0", "\u2028 é 😀", "*/", "'''"])
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=30))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_literal_string_arrives_as_it_is(client: GremlinClient, texts: list[str]) -> None:
    """Whatever a string holds, quotes, dollars, backslashes or controls, Groovy reads the same characters back."""
    assert await client.submit(PreparedStatement.traversal(g.inject(texts)), {}) == [texts]


def test_values_have_names_and_the_text_is_constant() -> None:
    """Parameters are written by name wherever gremlinpython takes a value, and are found again."""
    shape = (
        g.V(param("xs"))
        .out_e(spread("ls"))
        .has("at", P.between(param("low"), param("high")))
        .where(__.in_v().has("kind", P.within(param("kinds"))))
        .property(param("k1"), [param("deep")])
        .limit(param("n"))
    )
    assert PreparedStatement.traversal(shape) == PreparedStatement(
        "g.V(xs).outE(*ls).has('at',between(low,high)).where(__.inV().has('kind',within(kinds)))"
        ".property(k1,[deep]).limit(n)",
        frozenset({"xs", "ls", "low", "high", "kinds", "k1", "deep", "n"}),
    )


async def test_parameters_take_lists_and_single_values(client: GremlinClient) -> None:
    """A bound list serves V, within and spread arguments; an empty one matches nothing in within."""
    shape = PreparedStatement.traversal(g.inject(1, 2, 3).is_(P.within(param("ks"))).is_(P.lt(param("high"))))
    assert await client.submit(shape, {"ks": [1, 3], "high": 9}) == [1, 3]
    assert await client.submit(shape, {"ks": [], "high": 9}) == []
    hop = PreparedStatement.traversal(g.V(param("xs")).out_e(spread("ls")).count())
    assert await client.submit(hop, {"xs": [2**40, 2**41], "ls": ["FEEDS", "FEEDS"]}) == [0]


@pytest.mark.parametrize(
    "name", ["id", "label", "key", "value", "keys", "all", "asc", "in", "g", "def", "x y", "X", ""]
)
def test_a_name_that_groovy_reads_otherwise_is_refused(name: str) -> None:
    """Static imports and keywords win over bindings, silently: such names are never sent."""
    with pytest.raises(PreparedTextError):
        param(name)
    with pytest.raises(PreparedTextError):
        PreparedStatement.of(f"g.inject({name})", name)


@pytest.mark.parametrize("name", ["x", "xs", "ls", "low", "n", "kinds", "hops"])
async def test_other_names_arrive_as_what_is_bound(client: GremlinClient, name: str) -> None:
    """The names that we use are not shadowed by anything in the store's script engine."""
    assert await client.submit(PreparedStatement.traversal(g.inject(param(name))), {name: "bound"}) == ["bound"]


def test_a_declared_parameter_must_be_read() -> None:
    """A name that only occurs in a string, as a member or inside another word is not a parameter of the text."""
    for text in ("g.inject('xs')", "g.inject(h.xs)", "g.inject(xss)", 'g.inject("xs")'):
        with pytest.raises(PreparedTextError, match="xs"):
            PreparedStatement.of(text, "xs")
    assert PreparedStatement.of("hops.collect { h -> g.V(h.xs).toList() }", "hops").parameters == {"hops"}


@pytest.mark.parametrize(
    "bindings", [{}, {"xs": [1]}, {"xs": [1], "ls": ["A"], "more": 1}, {"xs": [], "ls": ["A"]}, {"xs": [1], "ls": []}]
)
def test_bindings_that_do_not_fit_are_refused(bindings: dict[str, object]) -> None:
    """Missing, unknown and empty ones never leave: no sources would mean every vertex, no labels every edge."""
    with pytest.raises(PreparedTextError):
        PreparedStatement.traversal(g.V(param("xs")).out_e(spread("ls"))).check(bindings)


@pytest.mark.parametrize("value", [2**63, 2.5, None, {"a": 1}, {1}, Cardinality.single, object(), lambda: None])
def test_what_has_no_text_is_refused(value: object) -> None:
    """A value without a rendering is a defect, found where the text is built: such values are parameters."""
    with pytest.raises(PreparedTextError):
        render(g.inject(value))
