"""The real index takes as long beside a guess that something hidden meets as beside one that nothing meets."""

import statistics
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.level_bindings import level_bindings

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.reading.level.index_filter import even_filter_of
from app.graph.reading.level.index_query import IndexQuery
from app.graph.reading.level.index_tests import IndexFilter
from app.graph.reading.level.level_statement import LEVEL
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.ports.conditions import Above, All, AnyOf, Contains, In

TENANT = "default"
PARTS = 4
NAMES = 6_000
"""Number of long names in each part, with all of which a substring is compared."""
CALLS = 15
ROUNDS = 5
MOST_RATIO = 1.5

LOAD = """
rows.each { r ->
  def v = g.addV('Dataset').property(T.id, r.x).next()
  r.p.each { k, x -> v.property(single, k, x) }
}
g.tx().commit()
"""
TIMED_LEVEL = replace(
    LEVEL,
    text=LEVEL.text.replace("def lists =", "def begun = System.nanoTime()\ndef lists =", 1)
    .replace("def given =", "def nanoseconds = System.nanoTime() - begun\ndef given =", 1)
    .replace("def none = [", "def none = [nanoseconds: nanoseconds, ", 1),
)
"""Returns beside its response how long the index took for the listings."""

VISIBLE = All((Above("deletedAt", 0), In("visibility", ("ORG",))))


def rows_of(part: int, random: Random, changes: int) -> list[dict[str, Any]]:
    """Return visible assets with long names, hidden ones, and as many changes: one part of the index."""
    found = [(f"visible{part}x{number}", "ORG", random.randbytes(150).hex()) for number in range(NAMES)]
    found += [(f"hidden{part}x{number}", "TEAM", "hidden") for number in range(CALLS * ROUNDS)]
    assets: list[dict[str, Any]] = [
        {"urn": urn, "visibility": visibility, "name": name, "kind": "DATASET", "deletedAt": 1}
        for urn, visibility, name in found
    ]
    kind = ATTACHED_KINDS["Change"].code
    of_changes: list[dict[str, Any]] = [{"urn": f"change{part}x{number}", "kind": kind} for number in range(changes)]
    return [{"x": vertex_id(TENANT, each["urn"]), "p": {"tenant": TENANT, **each}} for each in (*assets, *of_changes)]


def filter_with(guess: str, guesses: int, text: str) -> IndexFilter:
    """Return a filter with a substring that the policy hides on some assets, and as many lists with the same guess."""
    lists = [In("urn", (guess, *(f"other{each}" for each in range(number)))) for number in range(guesses)]
    contains = Contains("name", text)
    long = AnyOf((All((contains, In("visibility", ("ORG",)))), All((contains, In("stage", ("ACTIVE",))))))
    return even_filter_of(*lists, long, VISIBLE)


async def medians(client: GremlinClient, pairs: Sequence[tuple[str, str]], guesses: int, random: Random) -> list[float]:
    """Return the median seconds of the index beside hidden and absent ids, which alternate; nothing is found."""
    seconds: list[list[float]] = [[], []]
    for number, pair in enumerate(pairs):
        for place in (0, 1) if number % 2 else (1, 0):
            where = filter_with(pair[place], guesses, random.randbytes(3).hex())
            bindings = level_bindings(listings=[IndexQuery(where, 50).wire()])
            (response,) = await client.submit(TIMED_LEVEL, bindings)
            assert response["l"][0]["x"] == []
            seconds[place].append(response["nanoseconds"] / 1e9)
    return [statistics.median(each) for each in seconds]


@pytest.mark.parametrize("guesses", [1, 30])
@pytest.mark.parametrize("changes", [0, 2_000])
async def test_a_long_test_beside_a_guess_takes_as_long_for_hidden_as_for_absent(
    graph: StoreGraph, changes: int, guesses: int
) -> None:
    """The medians hardly differ in the last round at the latest; otherwise one is several times the other.

    A part of the index without changes has assets of which usage was recorded. The same guess may be repeated in
    different lists.
    """
    random, ratio = Random(1), 0.0
    for part in range(PARTS):
        await graph.run(LOAD, rows=rows_of(part, random, changes))
    async with GremlinClient(graph.url, source=graph.source, deadline=120) as client:
        for rnd in range(ROUNDS):
            numbers = range(rnd * CALLS, (rnd + 1) * CALLS)
            pairs = [(f"hidden{number % PARTS}x{number}", f"absent{number}") for number in numbers]
            hidden, absent = await medians(client, pairs, guesses, random)
            ratio = hidden / absent
            if 1 / MOST_RATIO < ratio < MOST_RATIO:
                break
    assert 1 / MOST_RATIO < ratio < MOST_RATIO
