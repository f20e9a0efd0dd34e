"""The state of a search: each query is read and ranked once for all fields of the result, and long texts aside."""

import threading
from unittest.mock import Mock

import pytest
from support.estates.plain_rows import PlainAccess, plain_row
from support.estates.wide_lineage import noted_threads
from support.stores.plain_reader import PlainGraph

from graphql_schema.execution.side_thread import run_aside
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.relation_query import ALL
from graphql_schema.rules.search_text import parse_search_text
from graphql_schema.search import search_source
from graphql_schema.search.search_conditions import directory_query, search_query
from graphql_schema.search.search_source import PART, SearchSource
from policies.errors import LimitError


def searching(text: str) -> SearchSource:
    """Return the state of a search for a typed text."""
    parsed = parse_search_text(text)
    return SearchSource(parsed, search_query(parsed, None), ALL, Mock(), ())


async def test_hits_are_ranked_once_for_each_query() -> None:
    """Rows without the words are no hits, the best comes first, and a second field gets the same hits."""
    graph = PlainGraph()
    daily, churn = graph.add("DATASET", "daily_churn"), graph.add("DATASET", "churn")
    graph.add("DATASET", "clicks")
    source, budget = searching("churn"), OperationBudget()
    found = await source.ranked(graph, budget, source.assets)
    assert ([item.row.urn for item in found.items], found.complete) == ([churn, daily], True)
    assert await source.ranked(graph, budget, source.assets) is found
    assert await source.ranked(graph, budget, directory_query(source.text, None)) is not found


TYPED = {"churn": 1, "churn rate of premium users in the northern market areas": 7}
LENGTHS = {"short": (40, False), "long": (9_000, True)}


@pytest.mark.parametrize("text", TYPED)
@pytest.mark.parametrize("length", LENGTHS)
async def test_long_texts_are_searched_in_the_side_thread(
    text: str, length: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop serves others while the words of a long text are found; short texts are ranked and marked at once.

    Typed words that may have errors are compared with each word, so that fewer characters are long.
    """
    characters, is_long = LENGTHS[length]
    graph = PlainGraph()
    urn = graph.add("DATASET", "churn", description=f"{text} " + "x " * (characters // 2 // TYPED[text]))
    noted = noted_threads(monkeypatch, search_source, "_ranks", "highlights")
    source, budget = searching(text), OperationBudget()
    (hit,) = (await source.ranked(graph, budget, source.assets)).items
    assert [each["field"] for each in await source.marked(hit.row, budget)][-1:] == ["description"]
    thread = await run_aside(threading.get_ident) if is_long else threading.get_ident()
    assert (hit.row.urn, noted) == (urn, {("_ranks", thread), ("highlights", thread)})


async def test_many_hits_are_ranked_in_parts() -> None:
    """A pause is possible between parts of bounded work, and an operation that has ended ranks no further part."""
    graph = PlainGraph()
    for number in range(100):
        graph.add("DATASET", f"churn{number}", description="x" * 300)
    source, budget = searching("churn"), OperationBudget()
    parts = [*source._parts([row for row in map(graph.row, graph.records) if row is not None])]  # noqa: SLF001 - as said
    assert sum(len(rows) for rows, _ in parts) == 100
    assert max(work for _, work in parts) <= PART < sum(work for _, work in parts) / 10
    budget.end(LimitError("over", limit="seconds"))
    with pytest.raises(LimitError):
        await source.ranked(graph, budget, source.assets)


async def test_showing_a_restricted_field_is_logged() -> None:
    """A highlight discloses a value, so the access log records the read; a field without a match is not read."""
    access = PlainAccess(logged=frozenset({"description", "namespace"}))
    row = plain_row("MODEL_VERSION", "x", access, version="1", description="churn")
    await searching("churn").marked(row, OperationBudget())
    assert access.reports == ["read description mlg://model-version/test/default/x@1"]
