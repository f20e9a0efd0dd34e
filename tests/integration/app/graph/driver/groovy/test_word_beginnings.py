"""Words that begin alike, in the real index: how many there are, and how a search then finds them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.level_bindings import level_bindings

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.groovy.word_beginnings import MANY_WORDS, WORD_BEGINNINGS
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.reading.level.index_filter import filter_of
from app.graph.reading.level.index_query import IndexQuery
from app.graph.reading.level.level_statement import LEVEL
from app.graph.records.vertex_id import vertex_id
from graphql_schema.ports.conditions import Condition, HasWord, StartsWith

TENANT = "default"
MANY = 200
FEWER_LEVEL = replace(LEVEL, text=LEVEL.text.replace(f" {MANY_WORDS})", f" {[MANY] * 3})"))
ADD = """
def v = g.addV('Dataset').property(T.id, x).next()
[tenant: tenant, urn: urn, prose: text].each { key, value -> v.property(key, value) }
words.each { word -> v.property(set, 'words', word) }
g.tx().commit()
true
"""
ARE_MANY = PreparedStatement.of(
    f"{WORD_BEGINNINGS}\npairs.collect {{ WordBeginnings.reach(g.getGraph(), property, it[0], it[1] as int) }}",
    "property",
    "pairs",
)


LIMITS = PreparedStatement.of(f"{WORD_BEGINNINGS}\nxs.collect {{ WordBeginnings.limit('words', it, 1000) }}", "xs")


async def test_the_limit_of_a_beginning_is_not_known(graph: StoreGraph) -> None:
    """It is the same each time, and differs between beginnings.

    Else a caller with one word less than the limit learns whether anybody, also of another tenant, has such a word.
    """
    beginnings = [f"ord{number}" for number in range(200)]
    async with client_of(graph) as client:
        found: list[list[int]] = [await client.submit(LIMITS, {"xs": beginnings}) for _ in range(2)]
    assert found[0] == found[1]
    assert len({*found[0]}) > 150
    assert all(1_000 <= limit < 2_000 for limit in found[0])
    assert min(found[0]) + 800 < max(found[0])


async def add(graph: StoreGraph, texts: dict[str, str]) -> None:
    """Add a vertex with the words of each text, as description and name, by its name in a transaction of its own."""
    for name, text in texts.items():
        await graph.run(ADD, tenant=TENANT, x=vertex_id(TENANT, name), urn=name, text=text, words=text.split())


def client_of(graph: StoreGraph) -> GremlinClient:
    """Return a client of a graph."""
    return GremlinClient(graph.url, source=graph.source, deadline=120)


@pytest.mark.parametrize("key", ["prose", "words"])
async def test_words_that_begin_alike_are_counted(graph: StoreGraph, key: str) -> None:
    """The words of several vertices, with beginnings of all lengths, complete words, and some that no word has."""
    random = Random(3)
    words = [*{"".join(random.choices("abd\u00e9", k=random.randint(1, 5))) for _ in range(60)}]
    await add(graph, {f"v{number}": " ".join(words[number::3]) for number in range(3)})
    beginnings = {word[:length] for word in words for length in range(1, 6)} | {"x", "abababa"}
    counts = {each: sum(word.startswith(each) for word in words) for each in beginnings}
    pairs = [(each, most) for each, count in counts.items() for most in {1, count, count + 1} - {0}]
    async with client_of(graph) as client:
        found: list[Any] = await client.submit(ARE_MANY, {"property": key, "pairs": [[*pair] for pair in pairs]})
    assert found == [counts[each] >= most for each, most in pairs]
    assert {*found} == {True, False}


@pytest.mark.parametrize(
    "beginning", [partial(HasWord, "prose", prefix=True), partial(StartsWith, "words")], ids=["prose", "words"]
)
async def test_a_beginning_of_very_many_words_is_searched_as_a_complete_word(
    graph: StoreGraph, beginning: Callable[[str], Condition]
) -> None:
    """Otherwise a caller whose texts have millions of such words makes each search for their beginning take seconds."""
    texts = {f"v{part}": " ".join(f"orda{part}{number}" for number in range(MANY // 5)) for part in range(10)}
    texts |= {"complete": "orda of a shop", "longer": "the ordbooks", "other": "books"}
    await add(graph, texts)
    words = ("orda", "orda1", "ordb")
    listings = [IndexQuery(filter_of(beginning(word)), 20).wire() for word in words]
    async with client_of(graph) as client:
        (response,) = await client.submit(FEWER_LEVEL, level_bindings(listings=listings))
    names = {vertex_id(TENANT, name): name for name in texts}
    assert FEWER_LEVEL.text != LEVEL.text
    assert [[names[vid] for vid in each["x"]] for each in response["l"]] == [["complete"], ["v1"], ["longer"]]
