"""Queries of Prometheus, read by a parser: the series that each names, and the labels of its result."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from promql_parser import (
    AggModifierType,
    AggregateExpr,
    BinaryExpr,
    Call,
    MatrixSelector,
    ParenExpr,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
    parse,
)

TARGET: Final = frozenset({"job", "instance"})
"""Labels that a scrape adds to each series."""

_KEEPS_LABELS: Final = {"topk", "bottomk"}
_VARIABLES: Final = {"$__rate_interval": "5m", "$__range": "1h"}


def problems(query: str, series: Mapping[str, frozenset[str]]) -> list[str]:
    """Return what is wrong with the names and labels of a query; ``series`` has the labels of each known series."""
    found: list[str] = []
    tree = parsed(query)
    for selector in selectors(tree):
        labels = series.get(str(selector.name))
        if labels is None:
            found.append(f"{selector.name} does not exist")
            continue
        unknown = {matcher.name for matcher in selector.matchers.matchers} - labels - TARGET
        found += [f"{selector.name} has no label {label}" for label in sorted(unknown)]
    for aggregate in (node for node in nodes(tree) if isinstance(node, AggregateExpr)):
        named = aggregate.modifier.labels if aggregate.modifier else ()
        unknown = {*named} - labels_of(aggregate.expr, series)
        found += [f"nothing in the aggregation has the label {label}" for label in sorted(unknown)]
    return found


def result_labels(query: str, series: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return the labels that a legend of the query may name."""
    return labels_of(parsed(query), series)


def parsed(query: str) -> Any:
    """Return the tree of a query, with a value for each variable of Grafana; raises ValueError if it is invalid."""
    for variable, value in _VARIABLES.items():
        query = query.replace(variable, value)
    return parse(query)


def nodes(tree: Any) -> Iterator[Any]:
    """Yield all expressions of a tree, each before those in it."""
    yield tree
    for name in ("lhs", "rhs", "expr", "param", "vector_selector"):
        below = getattr(tree, name, None)
        if below is not None:
            yield from nodes(below)
    for below in getattr(tree, "args", None) or ():
        yield from nodes(below)


def selectors(tree: Any) -> Iterator[VectorSelector]:
    """Yield the selectors of series in a tree."""
    return (node for node in nodes(tree) if isinstance(node, VectorSelector))


def labels_of(tree: Any, series: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return the labels of the result of an expression."""
    if isinstance(tree, VectorSelector | MatrixSelector):
        selector = tree if isinstance(tree, VectorSelector) else tree.vector_selector
        return series.get(str(selector.name), frozenset()) | TARGET
    if isinstance(tree, AggregateExpr):
        return _aggregated(tree, series)
    if isinstance(tree, BinaryExpr):
        both = labels_of(tree.lhs, series), labels_of(tree.rhs, series)
        return both[0] | both[1] if str(tree.op) == "or" else both[0] or both[1]
    if isinstance(tree, Call):
        found = frozenset[str]().union(*(labels_of(each, series) for each in tree.args))
        return found - {"le"} if tree.func.name == "histogram_quantile" else found
    if isinstance(tree, ParenExpr | UnaryExpr | SubqueryExpr):
        return labels_of(tree.expr, series)
    return frozenset()


def _aggregated(tree: AggregateExpr, series: Mapping[str, frozenset[str]]) -> frozenset[str]:
    below = labels_of(tree.expr, series)
    if str(tree.op) in _KEEPS_LABELS:
        return below
    if tree.modifier is None:
        return frozenset()
    named = frozenset(tree.modifier.labels)
    return named if tree.modifier.type == AggModifierType.By else below - named
