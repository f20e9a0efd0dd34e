"""Gremlin text: traversals rendered as constant text, with named parameters in place of values."""

import pytest
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.translator import Translator
from gremlin_python.process.traversal import (
    Cardinality,
    Column,
    Direction,
    Merge,
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

from app.graph.driver.errors import PreparedTextError
from app.graph.driver.gremlin_text import g, param, parameters_of, render, spread

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
    """The text agrees with the translator of gremlinpython, for every kind of step that the product uses."""
    assert render(shape).replace("'", '"') == normalised(Translator().of("g").translate(shape.bytecode))


def normalised(text: str) -> str:
    """Return the translator's text with one kind of quotes, and with lower-case booleans and nulls in lists."""
    return text.replace("'", '"').replace("None", "null").replace("True", "true").replace(" ", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5, "5"),
        (long(5), "5L"),
        (2**31 - 1, "2147483647"),
        (2**31, "2147483648L"),
        (-(2**31), "-2147483648"),
        (-(2**31) - 1, "-2147483649L"),
        (2**63 - 1, "9223372036854775807L"),
        (-(2**63), "-9223372036854775808L"),
        (False, "false"),
        (Merge.on_create, "Merge.onCreate"),
        (Pop.all_, "Pop.all"),
        ("it's $x", "'it\\'s $x'"),
        ("a\\b", "'a\\\\b'"),
        ("a\nb\x1f", "'a\\u000ab\\u001f'"),
        (["a", 1], "['a',1]"),
    ],
)
def test_a_value_is_written_as_groovy_reads_it(value: object, text: str) -> None:
    """Integers that need 64 bits are longs, and strings do not interpolate."""
    assert render(g.inject(value)) == f"g.inject({text})"


def test_values_have_names_and_the_text_is_constant() -> None:
    """A parameter is written by its name wherever gremlinpython takes a value, and is found again."""
    shape = (
        g.V(param("xs"))
        .out_e(spread("ls"))
        .has("at", P.between(param("low"), param("high")))
        .where(__.in_v().has("kind", P.within(param("kinds"))))
        .property(param("k1"), [param("deep")])
        .limit(param("n"))
    )
    assert render(shape) == (
        "g.V(xs).outE(*ls).has('at',between(low,high)).where(__.inV().has('kind',within(kinds)))"
        ".property(k1,[deep]).limit(n)"
    )
    assert parameters_of(shape) == {"xs", "ls", "low", "high", "kinds", "k1", "deep", "n"}


def test_parameters_are_found_in_every_place() -> None:
    """Source steps, nested traversals, lists, and both operands of a joined predicate."""
    shape = g.with_side_effect("x", param("a")).V().has("n", P.gt(param("b")).or_(P.lt(param("c"))))
    assert parameters_of(shape.has("m", P.within([param("d"), 1])).where(__.out(param("e")))) == {*"abcde"}
    assert parameters_of(g.V()) == frozenset()


def test_an_empty_anonymous_traversal_starts_nowhere() -> None:
    """``__`` alone is no expression of Groovy."""
    assert render(g.V().union(__.start(), __.out())) == "g.V().union(__.start(),__.out())"


@pytest.mark.parametrize(
    "name",
    [
        "id",
        "label",
        "key",
        "value",
        "keys",
        "all",
        "asc",
        "in",
        "g",
        "graph",
        "day",
        "incr",
        "def",
        "x y",
        "X",
        "",
        "_x",
        "1",
    ],
)
def test_a_name_that_groovy_reads_otherwise_is_refused(name: str) -> None:
    """Static imports and keywords win over bindings without a warning, so such names are never sent."""
    with pytest.raises(PreparedTextError):
        param(name)
    with pytest.raises(PreparedTextError):
        spread(name)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 2.5, None, {"a": 1}, {1}, Cardinality.single, object()])
def test_a_value_that_no_text_of_the_product_has_is_refused(value: object) -> None:
    """Such a value is passed as a parameter; the mistake is found where the text is built."""
    with pytest.raises(PreparedTextError):
        render(g.inject(value))
