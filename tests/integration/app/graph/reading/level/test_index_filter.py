"""The real index against memory: every filter of the schema finds what the same condition matches."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from support.documents.filter_samples import conditions as sampled_conditions
from support.estates.random_conditions import NUMBERS, TEXTS, WORDS, conditions
from support.stores.janusgraph import StoreGraph
from support.stores.level_bindings import level_bindings

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.reading.level.even_filter import NO_CHANGES
from app.graph.reading.level.index_filter import MAX_FILTER_SIZE, even_filter_of
from app.graph.reading.level.index_query import IndexQuery
from app.graph.reading.level.level_statement import LEVEL
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.catalog.properties import NATIVE_PROPERTIES
from graphql_schema.ports.conditions import (
    Above,
    All,
    AnyOf,
    Below,
    CallerLeaf,
    Condition,
    Contains,
    In,
    Negated,
    StartsWith,
    matches,
    nodes,
)
from graphql_schema.schema import build_schema
from policies.errors import InvalidError, LimitError

VERTICES = 300
CHANGE, REGISTERED = ATTACHED_KINDS["Change"].code, "REGISTERED"
TENANT = "default"
SETS = {each.name for each in NATIVE_PROPERTIES if each.many}
LONGS = {each.name for each in NATIVE_PROPERTIES if each.java == "Long"}
INDEXED = [each.name for each in NATIVE_PROPERTIES if each.index and each.name not in {"tenant", "urn"}]

LOAD = """
rows.each { r ->
  def v = g.addV('Dataset').property(T.id, r.x).next()
  r.p.each { k, x -> v.property(single, k, x) }
  r.s.each { k, many -> many.each { v.property(set, k, it) } }
}
g.tx().commit()
"""

Values = dict[str, Any]


@dataclass(frozen=True, repr=False)
class Indexed:
    """Vertices with random values of every indexed property, by id, and the sampled conditions of the schema."""

    client: GremlinClient
    vertices: dict[int, Values]
    sampled: dict[str, Condition]

    async def found(self, wanted: Sequence[Condition]) -> list[set[int]]:
        """Return the vertices that the index finds for each condition, without the kind that is ``excluded``."""
        listings = [IndexQuery(even_filter_of(each), VERTICES + 1).wire() for each in wanted]
        (response,) = await self.client.submit(LEVEL, level_bindings(listings=listings))
        return [
            {vid for vid in each["x"] if self.vertices[vid]["kind"] != excluded(condition)}
            for condition, each in zip(wanted, response["l"], strict=True)
        ]

    def matching(self, condition: Condition) -> set[int]:
        """Return the vertices whose values match a condition in memory."""
        found = {vid for vid, values in self.vertices.items() if matches(condition, values.__getitem__)}
        return {vid for vid in found if self.vertices[vid]["kind"] != excluded(condition)}


def excluded(condition: Condition) -> str | None:
    """Return the kind that a filter with a long test excludes from some indexes; None for other filters."""
    return CHANGE if NO_CHANGES in even_filter_of(condition) else None


def variants(condition: Condition) -> Iterator[tuple[str, Any]]:
    """Yield values of keys at which a condition, or one inside it, begins or ceases to match."""
    for node in nodes(condition):
        match node:
            case In(key, values):
                yield from ((key, each) for each in values)
                yield from ((key, f"{each}x") for each in values if isinstance(each, str))
            case StartsWith(key, text) | Contains(key, text):
                yield from ((key, each) for each in (text, f"{text}y", f"x{text}y", text[:-1]))
            case Above(key, int(bound)) | Below(key, int(bound)):
                yield from ((key, bound + step) for step in (-1, 0, 1))


def random_vertices(found: Sequence[Condition]) -> dict[int, Values]:
    """Return vertices with random values from the given conditions and from the random conditions.

    Those with the action REGISTERED are changes.
    """
    random, pools = Random(4), defaultdict[str, list[Any]](list)
    for key in INDEXED:
        pools[key] += NUMBERS if key in LONGS else TEXTS
    pools["prose"] = [f"{one} {two}" for one in WORDS for two in WORDS]
    for key, value in (pair for condition in found for pair in variants(condition)):
        pools[key].append(value)
    urns = [*dict.fromkeys((*filter(None, TEXTS), *pools["urn"]))]
    urns += [f"mlg://dataset/test//{number}" for number in range(VERTICES - len(urns))]
    drawn = {vertex_id(TENANT, urn): {key: _drawn(random, key, pools[key]) for key in INDEXED} for urn in urns}
    of_changes = {vid: values | {"kind": CHANGE} for vid, values in drawn.items() if values["action"] == REGISTERED}
    return {vid: {"urn": urn, **values} for urn, (vid, values) in zip(urns, (drawn | of_changes).items(), strict=True)}


def _drawn(random: Random, key: str, pool: Sequence[Any]) -> Any:
    distinct = [*dict.fromkeys(pool)]
    return random.sample(distinct, random.randint(1, 2)) if key in SETS else random.choice(distinct)


@pytest.fixture(scope="module")
async def indexed(module_graph: StoreGraph) -> AsyncIterator[Indexed]:
    """Write the vertices and open a client."""
    sampled = {
        str(sample): condition
        async for sample, condition in sampled_conditions(build_schema())
        if not any(isinstance(node, CallerLeaf) for node in nodes(condition))
    }
    vertices = random_vertices([*sampled.values()])
    rows = [
        {
            "x": vid,
            "p": {"tenant": TENANT, **{key: value for key, value in values.items() if key not in SETS}},
            "s": {key: value for key, value in values.items() if key in SETS},
        }
        for vid, values in vertices.items()
    ]
    await module_graph.run(LOAD, rows=rows)
    async with GremlinClient(module_graph.url, source=module_graph.source, deadline=120) as client:
        yield Indexed(client, vertices, sampled)


def of_filter(condition: Condition) -> Condition:
    """Return the part of a listing's condition that comes from its filter, without the listed kinds."""
    assert isinstance(condition, All)
    return condition.conditions[-1]


async def test_every_field_of_every_filter_finds_what_matches(indexed: Indexed) -> None:
    """Each field and its negation find the vertices that match in memory: some of the vertices, and not all."""
    fields = {name: of_filter(condition) for name, condition in indexed.sampled.items()}
    opposites = {
        f"not {name}": Negated(condition)
        for name, condition in fields.items()
        if not any(isinstance(node, Contains) for node in nodes(condition))
    }
    wanted = fields | opposites
    found = await indexed.found([*wanted.values()])
    for (name, condition), vids in zip(wanted.items(), found, strict=True):
        assert vids == indexed.matching(condition), name
        assert 0 < len(vids) < VERTICES, name
    assert len(fields) > 25


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(condition=conditions)
async def test_random_conditions_find_what_matches(indexed: Indexed, condition: Condition) -> None:
    """Conditions of every kind, nested and negated, find the same vertices in the index and in memory."""
    try:
        even_filter_of(condition)
    except (InvalidError, LimitError, ValueError):
        return
    (found,) = await indexed.found([condition])
    assert found == indexed.matching(condition)


async def test_alternatives_of_the_schema_combine(indexed: Indexed) -> None:
    """Pairs of fields, joined and as alternatives, find the vertices that match in memory."""
    fields = [of_filter(condition) for condition in indexed.sampled.values()]
    pairs = [kind((one, two)) for kind in (All, AnyOf) for one, two in pairwise(fields)]
    found = await indexed.found(pairs)
    assert [pair for pair, vids in zip(pairs, found, strict=True) if vids != indexed.matching(pair)] == []


async def test_as_many_values_are_found_as_a_filter_may_have(indexed: Indexed) -> None:
    """A caller may have thousands of owners: each of them is a value of the filters of all lists."""
    values = [f"x{number}" for number in range(MAX_FILTER_SIZE // 86 - 100)]
    owned = next(value for value in {each["ownerTeam"] for each in indexed.vertices.values()} if value)
    long = In("ownerTeam", (*values, owned))
    (found,) = await indexed.found([long])
    assert len(long.values) > 10_000
    assert found == indexed.matching(long) != set()
