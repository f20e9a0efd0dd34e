"""Edges that are written without comparisons are stored, at both ends, as those that JanusGraph writes."""

from random import Random
from typing import Any

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.writers import Writers, asset, person, stored, urn

from app.graph.driver.groovy.edge_writes import EDGE_WRITES
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.vertex_id import vertex_id

ROOT = person("root", roles="admin")
OURS, THEIRS = (vertex_id("default", f"hub {number}") for number in range(2))
FAR = [vertex_id("default", f"far {number}") for number in range(60)]

CREATE = """
xs.each { g.getGraph().addVertex(T.label, 'Dataset', T.id, it) }
g.tx().commit()
true
"""
WRITE_OURS = PreparedStatement.of(
    f"""
{EDGE_WRITES}
def a = g.V(x).next()
rows.each {{ r ->
  def b = g.V(r.far).next()
  def found = a.query().labels(r.label).direction(Direction.OUT).adjacent(b).edges().iterator()
  if (found.hasNext()) EdgeWrites.change(g.getGraph(), found.next(), r.values)
  else EdgeWrites.add(g.getGraph(), a, r.label, b, r.values)
}}
def within = g.V(x).outE().count().next()
g.tx().commit()
[within]
""",
    "x",
    "rows",
)
WRITE_THEIRS = """
def a = g.V(x).next()
rows.each { r ->
  def b = g.V(r.far).next()
  def found = a.query().labels(r.label).direction(Direction.OUT).adjacent(b).edges().iterator()
  def e = found.hasNext() ? found.next() : a.addEdge(r.label, b)
  r.values.each { k, v -> e.property(k, v) }
}
g.tx().commit()
true
"""
LEAVING = """
g.V(x).outE().toList().collect { e ->
  [e.label(), e.inVertex().id(), e.properties().collectEntries { [it.key(), it.value()] }] }
"""
ARRIVING = """
far.collectMany { f -> g.V(f).inE().where(__.outV().hasId(x)).toList().collect { e ->
  [e.label(), f, e.properties().collectEntries { [it.key(), it.value()] }] } }
"""
BY_TIME = """
far.collectMany { f -> g.V(f).inE('VERSION_OF').has('at', P.lte(4)).where(__.outV().hasId(x)).toList().collect { e ->
  [f, e.value('at')] } }
"""


def rows_of(random: Random) -> list[dict[str, Any]]:
    """Return edges to write, with all native values of new ones and some of others."""
    return [
        {
            "label": label,
            "far": far,
            "values": {
                "validFrom": random.randrange(9),
                "validTo": random.randrange(9, 99),
                "record": f'{{"n":{random.random()}}}',
                "declassified": random.random() < 0.5,
                **({"at": random.randrange(9)} if label == "VERSION_OF" else {}),
                **({"fromKind": "DATASET", "toKind": "DATASET"} if random.random() < 0.5 else {}),
            },
        }
        for label in ("DERIVES", "FEEDS", "VERSION_OF")
        for far in random.sample(FAR, random.choice([1, 20, 60]))
    ]


@pytest.mark.parametrize("seed", range(3))
async def test_written_edges_are_as_those_that_the_store_writes(graph: StoreGraph, writers: Writers, seed: int) -> None:
    """After random additions and changes, each edge is there once from both ends, with the same values and order."""
    random = Random(seed)
    await graph.run(CREATE, xs=[OURS, THEIRS, *FAR])
    for _ in range(5):
        rows = rows_of(random)
        (within,) = await writers.client.submit(WRITE_OURS, {"x": OURS, "rows": rows})
        await graph.run(WRITE_THEIRS, x=THEIRS, rows=rows)
        expected = sorted(await graph.run(LEAVING, x=THEIRS), key=str)
        assert sorted(await graph.run(LEAVING, x=OURS), key=str) == expected
        assert sorted(await graph.run(ARRIVING, x=OURS, far=FAR), key=str) == expected
        early = sorted(await graph.run(BY_TIME, x=THEIRS, far=FAR), key=str)
        assert sorted(await graph.run(BY_TIME, x=OURS, far=FAR), key=str) == early
        assert within == len(expected)


async def test_a_writer_adds_and_ends_the_edges_of_a_hub(graph: StoreGraph, writers: Writers) -> None:
    """More edges leave one asset than are compared: each is stored once, and has its end after another list."""
    names = [f"feature f{number}" for number in range(300)]
    for features in (names[:200], names[100:], names):
        items = [asset("feature-set s", features=features)]
        (done,) = await writers.of(ROOT).write(items, dry_run=False, atomic=False)
        assert done.stored
        edges = (await stored(graph)).edge_records
        held = {key[2] for key, edge in edges.items() if key[0] == "CONTAINS" and "validTo" not in edge}
        assert held == {urn(each) for each in features}
