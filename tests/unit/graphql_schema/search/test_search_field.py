"""Searches through the built schema, over rows that are all candidates: only visible values make a hit."""

# mypy: disable-error-code="index"
# A response of another shape fails the test.

import re
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from support.estates.wide_lineage import noted_threads
from support.stores.plain_reader import PlainGraph

from graphql_schema.execution.side_thread import run_aside
from graphql_schema.rules.facets import MAX_FACET_VALUES
from graphql_schema.search import search_field

Run = Callable[..., Awaitable[ExecutionResult]]
QUERY = """query ($text: String!, $facets: [Facet!], $first: Int, $after: Cursor) {
  search(text: $text, facets: $facets, first: $first, after: $after) {
    hits { totalCount nodes { asset { name } highlights { field text } } pageInfo { hasNextPage endCursor } }
    facets { facet values { value count } } } }"""


async def searched(run: Run, text: str, **more: object) -> dict[str, Any]:
    """Return the result of a search."""
    found = await run(QUERY, text=text, **more)
    assert found.errors is None
    assert found.data is not None
    result: dict[str, Any] = found.data["search"]
    return result


def names(result: dict[str, Any]) -> list[str]:
    """Return the names of the hits, in order."""
    return [node["asset"]["name"] for node in result["hits"]["nodes"]]


async def test_hidden_text_makes_no_hit_no_highlight_and_no_facet(run: Run, graph: PlainGraph) -> None:
    """A row whose description is hidden is found by its name alone, and its hidden values are not counted."""
    tag = graph.add("TAG", "gold")
    values = {"description": "churn of subscribers", "stage": "ACTIVE", "index": {"tags": [tag]}}
    graph.add("DATASET", "clicks", **values)
    graph.add("MODEL", "churn", **values)
    graph.hidden = {"DATASET": {"description", "stage", "tags"}}
    result = await searched(run, "churn", facets=["STAGE", "TAG", "KIND"])
    assert names(result) == ["churn"]
    graph.add("DATASET", "churn_raw", **values)
    result = await searched(run, "churn", facets=["STAGE", "TAG", "KIND"])
    assert result["hits"]["nodes"][1]["highlights"] == [{"field": "displayName", "text": "**churn**_raw"}]
    assert result["facets"] == [
        {"facet": "STAGE", "values": [{"value": "ACTIVE", "count": 1}]},
        {"facet": "TAG", "values": [{"value": tag, "count": 1}]},
        {"facet": "KIND", "values": [{"value": "DATASET", "count": 1}, {"value": "MODEL", "count": 1}]},
    ]
    assert names(await searched(run, "subscribers")) == ["churn"]


async def test_an_asset_comes_before_its_versions(run: Run, graph: PlainGraph) -> None:
    """Versions have the name of their asset, and are also found by their number."""
    versions = [graph.add("MODEL_VERSION", "ranker", version=version) for version in ("1", "2")]
    model = graph.add("MODEL", "ranker")
    query = "query ($text: String!) { search(text: $text) { hits { nodes { asset { id } } } } }"
    for text, expected in (("ranker", [model, *versions]), ("ranker 2", versions[1:])):
        found = await run(query, text=text)
        assert found.data is not None
        assert [node["asset"]["id"] for node in found.data["search"]["hits"]["nodes"]] == expected


async def test_highlights_mark_the_words_of_a_long_text(run: Run, graph: PlainGraph) -> None:
    """Of a long description the part around the first match is shown, cut at spaces, with complete words marked."""
    graph.add(
        "DATASET", "x", displayName="Daily Orders", description="word " * 200 + "of orders daily." + " word" * 200
    )
    (node,) = (await searched(run, "orders dail"))["hits"]["nodes"]
    shown = {each["field"]: each["text"] for each in node["highlights"]}
    assert shown["displayName"] == "**Daily** **Orders**"
    assert "of **orders** **daily**. word" in shown["description"]
    assert shown["description"].startswith("\u2026word")
    assert shown["description"].endswith("word\u2026")
    assert len(shown["description"]) < 230


async def test_a_word_at_the_edge_of_a_highlight_is_marked(run: Run, graph: PlainGraph) -> None:
    """A word that ends after the snippet of a long text is marked up to the end of the snippet."""
    word = "x" * 60
    for before in (0, 150, 199):
        graph.records.clear()
        graph.add("DATASET", "d", description=f"xxxx{'.' * before}{word}{'.' * 300}")
        (node,) = (await searched(run, "xxxx"))["hits"]["nodes"]
        (highlight,) = node["highlights"]
        text = f"xxxx{'.' * before}{word}"[:200]
        shown = re.sub("x+", r"**\g<0>**", text + "." * (200 - len(text)))
        assert highlight == {"field": "description", "text": shown + "\u2026"}


async def test_facets_of_many_hits_are_counted_in_the_side_thread(
    run: Run, graph: PlainGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop serves others meanwhile, because each hit may have very many tags."""
    noted = noted_threads(monkeypatch, search_field, "facet_counts")
    graph.add("DATASET", "t", index={"tags": []})
    await searched(run, "t", facets=["TAG"])
    assert noted == {("facet_counts", threading.get_ident())}
    noted.clear()
    for number in range(search_field.MANY_ROWS):
        graph.add("DATASET", f"t{number}", index={"tags": []})
    await searched(run, "t", facets=["TAG"])
    assert noted == {("facet_counts", await run_aside(threading.get_ident))}


async def test_facets_are_bounded_and_ordered(run: Run, graph: PlainGraph) -> None:
    """The most frequent values come first, ties by value, up to the limit, and each facet is listed once."""
    for number in range(MAX_FACET_VALUES + 5):
        graph.add("DATASET", f"t{number}", namespace=f"n{number:02}")
    graph.add("DATASET", "tt", namespace="n54")
    result = await searched(run, "t", facets=["NAMESPACE", "NAMESPACE"], first=0)
    (facet,) = result["facets"]
    assert [value["value"] for value in facet["values"]] == [
        "n54",
        *(f"n{each:02}" for each in range(MAX_FACET_VALUES - 1)),
    ]
    assert result["hits"]["totalCount"] == MAX_FACET_VALUES + 6


def name_of(graph: PlainGraph, urn: str, name: str) -> str:
    """Add a dataset whose id encodes or cuts its name, and return the name."""
    source, namespace = urn.split("/")[3:5]
    record = {"id": urn, "kind": "DATASET", "source": source, "namespace": namespace, "name": name, "displayName": name}
    graph.records[urn] = record
    return name


PASTED = {
    "mlg://dataset/hive/prod/orders%20daily%2Fnew": ("orders daily/new", 2),
    "mlg://dataset/hive/prod/%E8%AE%A2%E5%8D%95": ("\u8ba2\u5355", 2),
    "mlg://dataset/hive/prod/" + "orders." * 60 + "~0123456789abcdef": ("orders." * 90, 1),
    "mlg://dataset/hive/prod/a.b.c.d.e.f.g.h.i.j.k.l": ("a.b.c.d.e.f.g.h.i.j.k.l", 2),
    "mlg://dataset/-/-/-": ("-", 1),
}


@pytest.mark.parametrize("urn", PASTED)
async def test_a_pasted_id_finds_its_asset_first(run: Run, graph: PlainGraph, urn: str) -> None:
    """An asset is found by its id before an asset whose complete name consists of the words of that id."""
    name, count = PASTED[urn]
    other = graph.add("DATASET", "other", displayName=f"hive prod {name}")
    name_of(graph, urn, name)
    found = names(await searched(run, f" {urn}\n"))
    assert found == [name, graph.records[other]["name"]][:count]


async def test_an_unfinished_id_is_searched_by_its_words(run: Run, graph: PlainGraph) -> None:
    """The text after the kind is decoded even if the text is not a valid id."""
    name_of(graph, "mlg://dataset/test/default/orders%20daily", "orders daily")
    for text in ("mlg://dataset/test", "mlg://dataset/test/default/orders%20dai/", "mlg://x/default/orders%20da"):
        assert names(await searched(run, text)) == ["orders daily"]
    assert names(await searched(run, "mlg://dataset/test/default/orders%20weekly")) == []


LONG = (
    "\u6bcf\u65e5\u8ba2\u5355\u660e\u7ec6\u6c47\u603b\u8868\u683c\u6570\u636e",
    "a_b_c_d_e_f_g_h_i_j_kilo_lima",
    "orders_" * 146,
)


@pytest.mark.parametrize("name", LONG)
async def test_a_long_name_is_found(run: Run, graph: PlainGraph, name: str) -> None:
    """A name of more than ten words or ideographs is found by all of its words, but not with a further word."""
    name_of(graph, "mlg://dataset/hive/prod/x", name)
    assert names(await searched(run, name)) == [name]
    assert names(await searched(run, name[:-1])) == [name]
    assert names(await searched(run, f"{name[:1_000]} z")) == []


async def test_typing_errors_are_forgiven_in_the_first_words(run: Run, graph: PlainGraph) -> None:
    """Words after the tenth are searched without typing errors, which bounds the cost of a search."""
    first = "a b c d e f g h i"
    name = name_of(graph, "mlg://dataset/hive/prod/x", f"{first} kilo lima")
    assert names(await searched(run, f"{first} kylo lima")) == [name]
    assert names(await searched(run, f"{first} kilo lyma")) == []


REFUSED = {
    "": ("INVALID", "has no letter"),
    " ._-/ ": ("INVALID", "has no letter"),
    "x" * 1_025: ("LIMIT_EXCEEDED", "1025 characters"),
}


@pytest.mark.parametrize("text", REFUSED)
async def test_an_empty_or_oversized_text_is_refused(run: Run, text: str) -> None:
    """The error has a code, and its message ends with what to do instead."""
    found = await run(QUERY, text=text)
    assert found.errors is not None
    (error,) = found.errors
    code, message = REFUSED[text]
    assert error.extensions["code"] == code
    assert message in error.message
    assert ";" in error.message


async def test_a_cursor_belongs_to_its_text(run: Run, graph: PlainGraph) -> None:
    """A cursor continues the same search, whatever the case and spacing of its text, and no other search."""
    for name in ("churn", "churn_a", "churn_b"):
        graph.add("DATASET", name)
    end = (await searched(run, "churn", first=1))["hits"]["pageInfo"]["endCursor"]
    assert names(await searched(run, " CHURN ", first=5, after=end)) == ["churn_a", "churn_b"]
    found = await run(QUERY, text="churn_a", after=end)
    assert [error.extensions["code"] for error in found.errors or ()] == ["INVALID"]
