"""The state of a search: each query is read and ranked once for all fields of the result."""

from unittest.mock import Mock

from support.stores.plain_reader import PlainGraph

from graphql_schema.ports.relation_query import ALL
from graphql_schema.rules.search_text import parse_search_text
from graphql_schema.search.search_conditions import directory_query, search_query
from graphql_schema.search.search_source import SearchSource


async def test_hits_are_ranked_once_for_each_query() -> None:
    """Rows without the words are no hits, the best comes first, and a second field gets the same hits."""
    graph = PlainGraph()
    daily, churn = graph.add("DATASET", "daily_churn"), graph.add("DATASET", "churn")
    graph.add("DATASET", "clicks")
    text = parse_search_text("churn")
    source = SearchSource(text, search_query(text, None), ALL, Mock(), ())
    found = await source.ranked(graph, source.assets)
    assert ([item.row.urn for item in found.items], found.complete) == ([churn, daily], True)
    assert await source.ranked(graph, source.assets) is found
    assert await source.ranked(graph, directory_query(text, None)) is not found
