"""Members that are added to a set without a look at the stored ones are stored and indexed as those JanusGraph adds."""

from random import Random
from typing import Any

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.writers import Writers, asset, person, urn

from app.graph.driver.groovy.set_members import SET_MEMBERS
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.vertex_id import vertex_id

ROOT = person("root", roles="admin")
NAMES = ("ours", "theirs")
VIDS = [vertex_id("default", urn(f"dataset {name}")) for name in NAMES]
WORDS = [f"word{number}" for number in range(40)]

OURS = PreparedStatement.of(
    f"""
{SET_MEMBERS}
def v = g.V(x).next()
def members = new LinkedHashSet(given)
for (each in v.properties('words').toList()) if (!members.remove(each.value())) each.remove()
SetMembers.add(g.getGraph(), v, 'words', members)
def within = v.properties('words').toList().collect {{ it.value() }}
g.tx().commit()
within
""",
    "x",
    "given",
)
THEIRS = """
def v = g.V(x).next()
v.properties('words').toList().each { if (!given.contains(it.value())) it.remove() }
given.each { v.property(VertexProperty.Cardinality.set, 'words', it) }
g.tx().commit()
true
"""
STORED = "g.V(xs).toList().collect { v -> v.properties('words').toList().collect { it.value() }.sort() }"
FOUND = "given.collect { w -> g.V().has('tenant', 'default').has('words', w).id().toList().sort() }"


@pytest.mark.parametrize("seed", range(3))
async def test_added_members_are_as_those_that_the_store_adds(graph: StoreGraph, writers: Writers, seed: int) -> None:
    """After random changes of the set, both vertices have the same members, each once, and the index finds both."""
    random = Random(seed)
    done = await writers.of(ROOT).write([asset(f"dataset {name}") for name in NAMES], dry_run=False, atomic=False)
    assert all(each.stored for each in done)
    for _ in range(8):
        given = random.sample(WORDS, random.choice([0, 1, 5, 30]))
        within = await writers.client.submit(OURS, {"x": VIDS[0], "given": given})
        assert sorted(within) == sorted(given)
        await graph.run(THEIRS, x=VIDS[1], given=given)
        assert await graph.run(STORED, xs=VIDS) == [sorted(given)] * 2
        found: list[Any] = await graph.run(FOUND, given=WORDS)
        assert [*found] == [sorted(VIDS) if word in given else [] for word in WORDS]


async def test_names_are_replaced_by_a_writer(graph: StoreGraph, writers: Writers) -> None:
    """The words of a registered name, and of one that replaces it, are those that the index finds."""
    for name in ("alpha beta gamma", "beta delta", "beta delta epsilon zeta", "alpha"):
        await writers.of(ROOT).write([asset("dataset ours", {"displayName": name})], dry_run=False, atomic=False)
        given = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"]
        found: list[Any] = await graph.run(FOUND, given=given)
        assert [*found] == [[VIDS[0]] if word in name.split() else [] for word in given]
