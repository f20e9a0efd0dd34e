"""Prepared statements: which parameters a text declares, and which bindings fit."""

import pytest

from app.graph.driver.errors import PreparedTextError
from app.graph.driver.gremlin_text import g, param, spread
from app.graph.driver.prepared_statement import PreparedStatement


def test_a_traversal_declares_its_parameters() -> None:
    """Text and parameters are those of the traversal, and equal traversals are equal statements."""
    statement = PreparedStatement.traversal(g.V(param("xs")).out_e(spread("ls")))
    assert statement == PreparedStatement("g.V(xs).outE(*ls)", frozenset({"xs", "ls"}))


def test_a_declared_parameter_must_be_read() -> None:
    """A name that occurs only in a string, as a member or inside another word is no parameter of the text."""
    for text in ("g.inject('xs')", "g.inject(h.xs)", "g.inject(xss)", 'g.inject("xs")', r"g.inject('it\'s xs')"):
        with pytest.raises(PreparedTextError, match="xs"):
            PreparedStatement.of(text, "xs")
    assert PreparedStatement.of("hops.collect { h -> g.V(h.xs).toList() }", "hops").parameters == {"hops"}


def test_a_name_that_groovy_reads_otherwise_is_refused() -> None:
    """A binding with the name of a static import would not be read."""
    with pytest.raises(PreparedTextError):
        PreparedStatement.of("g.inject(label)", "label")


def test_lists_that_would_mean_everything_when_empty_are_sources() -> None:
    """``V([])`` is every vertex and ``outE()`` every edge; an empty list in a predicate or a string is harmless."""
    text = "g.V(xs).outE('A', *ls).has('k', within(ks)).E(es); \"V(no)\"; g.V(1)"
    statement = PreparedStatement.of(text, "xs", "ls", "ks", "es")
    assert statement.sources == {"xs", "ls", "es"}


@pytest.mark.parametrize(
    "bindings",
    [
        {},
        {"xs": [1]},
        {"xs": [1], "ls": ["A"], "more": 1},
        {"xs": [], "ls": ["A"]},
        {"xs": [1], "ls": ()},
        {"xs": None, "ls": ["A"]},
    ],
)
def test_bindings_that_do_not_fit_are_refused(bindings: dict[str, object]) -> None:
    """Missing, unknown and empty ones are never sent."""
    with pytest.raises(PreparedTextError):
        PreparedStatement.traversal(g.V(param("xs")).out_e(spread("ls"))).check(bindings)


def test_bindings_that_fit_are_accepted() -> None:
    """An empty list is accepted where it means nothing instead of everything."""
    PreparedStatement.traversal(g.V(param("xs")).out_e(spread("ls"))).check({"xs": [1], "ls": ["A"]})
    PreparedStatement.of("g.V(1).has('k', within(ks))", "ks").check({"ks": []})
