"""Searches through the built schema over plain rows, of which all are proposed: only what is seen makes a hit."""

# mypy: disable-error-code="index"
# An answer that is not what it should be fails the test.

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from harness.plain_graph import PlainGraph
from strawberry.types import ExecutionResult

from graphql_schema.faceting import MOST_VALUES

Run = Callable[..., Awaitable[ExecutionResult]]
QUERY = """query ($text: String!, $facets: [Facet!], $first: Int, $after: Cursor) {
  search(text: $text, facets: $facets, first: $first, after: $after) {
    hits { totalCount nodes { asset { name } highlights { field text } } pageInfo { hasNextPage endCursor } }
    facets { facet values { value count } } } }"""


async def searched(run: Run, text: str, **more: object) -> dict[str, Any]:
    """What a search finds."""
    found = await run(QUERY, text=text, **more)
    assert found.errors is None
    assert found.data is not None
    result: dict[str, Any] = found.data["search"]
    return result


def names(result: dict[str, Any]) -> list[str]:
    """The names of the hits, in order."""
    return [node["asset"]["name"] for node in result["hits"]["nodes"]]


async def test_hidden_text_makes_no_hit_no_highlight_and_no_facet(run: Run, graph: PlainGraph) -> None:
    """A row whose description is hidden is found by its name alone, and its hidden values are not counted."""
    tag = graph.add("TAG", "gold")
    told = {"description": "churn of subscribers", "stage": "ACTIVE", "index": {"tags": [tag]}}
    graph.add("DATASET", "clicks", **told)
    graph.add("MODEL", "churn", **told)
    graph.hidden = {"DATASET": {"description", "stage", "tags"}}
    result = await searched(run, "churn", facets=["STAGE", "TAG", "KIND"])
    assert names(result) == ["churn"]
    graph.add("DATASET", "churn_raw", **told)
    result = await searched(run, "churn", facets=["STAGE", "TAG", "KIND"])
    assert result["hits"]["nodes"][1]["highlights"] == [{"field": "displayName", "text": "**churn**_raw"}]
    assert result["facets"] == [
        {"facet": "STAGE", "values": [{"value": "ACTIVE", "count": 1}]},
        {"facet": "TAG", "values": [{"value": tag, "count": 1}]},
        {"facet": "KIND", "values": [{"value": "DATASET", "count": 1}, {"value": "MODEL", "count": 1}]},
    ]
    assert names(await searched(run, "subscribers")) == ["churn"]


async def test_an_asset_goes_before_its_versions(run: Run, graph: PlainGraph) -> None:
    """Versions have the name of their asset, and are found by their number too."""
    versions = [graph.add("MODEL_VERSION", "ranker", version=version) for version in ("1", "2")]
    model = graph.add("MODEL", "ranker")
    query = "query ($text: String!) { search(text: $text) { hits { nodes { asset { id } } } } }"
    for text, expected in (("ranker", [model, *versions]), ("ranker 2", versions[1:])):
        found = await run(query, text=text)
        assert found.data is not None
        assert [node["asset"]["id"] for node in found.data["search"]["hits"]["nodes"]] == expected


async def test_highlights_mark_the_words_of_a_long_text(run: Run, graph: PlainGraph) -> None:
    """Of a long description the part around the first hit is shown, whole words marked, cut at spaces."""
    graph.add(
        "DATASET", "x", displayName="Daily Orders", description="word " * 200 + "of orders daily." + " word" * 200
    )
    (node,) = (await searched(run, "orders dai"))["hits"]["nodes"]
    shown = {each["field"]: each["text"] for each in node["highlights"]}
    assert shown["displayName"] == "**Daily** **Orders**"
    assert "of **orders** **daily**. word" in shown["description"]
    assert shown["description"].startswith("\u2026word")
    assert shown["description"].endswith("word\u2026")
    assert len(shown["description"]) < 230


async def test_a_word_at_the_edge_of_a_highlight_is_marked(run: Run, graph: PlainGraph) -> None:
    """A word that ends after what is shown of a long text is marked as far as it is shown, wherever it begins."""
    word = "x" * 60
    for before in (0, 150, 199):
        graph.records.clear()
        graph.add("DATASET", "d", description=f"x{'.' * before}{word}{'.' * 300}")
        (node,) = (await searched(run, "x"))["hits"]["nodes"]
        (highlight,) = node["highlights"]
        text = f"x{'.' * before}{word}"[:200]
        shown = re.sub("x+", r"**\g<0>**", text + "." * (200 - len(text)))
        assert highlight == {"field": "description", "text": shown + "\u2026"}


async def test_facets_are_bounded_and_ordered(run: Run, graph: PlainGraph) -> None:
    """The most frequent values first, ties by value, no more than the limit, each facet once."""
    for number in range(MOST_VALUES + 5):
        graph.add("DATASET", f"t{number}", namespace=f"n{number:02}")
    graph.add("DATASET", "tt", namespace="n54")
    result = await searched(run, "t", facets=["NAMESPACE", "NAMESPACE"], first=0)
    (facet,) = result["facets"]
    assert [value["value"] for value in facet["values"]] == ["n54", *(f"n{each:02}" for each in range(MOST_VALUES - 1))]
    assert result["hits"]["totalCount"] == MOST_VALUES + 6


REFUSED = {
    "": ("INVALID", "has no letter"),
    " ._-/ ": ("INVALID", "has no letter"),
    "a b c d e f g h i j k": ("LIMIT_EXCEEDED", "11 words"),
    "x" * 201: ("LIMIT_EXCEEDED", "201 characters"),
}


@pytest.mark.parametrize("text", REFUSED)
async def test_what_cannot_be_searched_for_is_refused(run: Run, text: str) -> None:
    """Nothing, too much: an error with a code that says what to do."""
    found = await run(QUERY, text=text)
    assert found.errors is not None
    (error,) = found.errors
    code, told = REFUSED[text]
    assert error.extensions["code"] == code
    assert told in error.message
    assert ";" in error.message


async def test_a_cursor_is_good_for_its_text_only(run: Run, graph: PlainGraph) -> None:
    """Cursors lead on in the same search, however it is spaced and written, and in no other."""
    for name in ("churn", "churn_a", "churn_b"):
        graph.add("DATASET", name)
    end = (await searched(run, "churn", first=1))["hits"]["pageInfo"]["endCursor"]
    assert names(await searched(run, " CHURN ", first=5, after=end)) == ["churn_a", "churn_b"]
    found = await run(QUERY, text="churn_a", after=end)
    assert [error.extensions["code"] for error in found.errors or ()] == ["INVALID"]
