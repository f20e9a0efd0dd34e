"""All vertices and edges of a graph, by JanusGraph's own iteration over all ids and one read for each value.

It shares nothing with the pages of the product, and its digest is computed here.
"""

import json
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from support.stores.janusgraph import StoreGraph

_IDS = """
def graph = g.getGraph()
def tx = graph.newTransaction()
def found = []
def ids = graph.getVertexIDs(tx.txHandle)
while (ids.hasNext()) { def x = ids.next(); if (graph.IDManager.isUserVertexId(x)) found << x }
tx.rollback()
found
"""
_VERTEX = "g.V(x).project('k', 'p').by(label()).by(properties().project('k', 'v').by(key()).by(value()).fold())"
_EDGES = """g.V(x).outE().project('l', 'i', 'p').by(label()).by(inV().id())
  .by(properties().project('k', 'v').by(key()).by(value()).fold())"""


@dataclass(frozen=True)
class AllElements:
    """Vertices and edges in a form that can be compared, each with the number of its occurrences."""

    vertices: Counter[str]
    edges: Counter[str]


def _pairs(rows: list[dict[str, Any]]) -> list[Any]:
    return sorted([[row["k"], row["v"]] for row in rows], key=json.dumps)


async def all_elements(graph: StoreGraph) -> AllElements:
    """Read everything but the vertices of the self-check."""
    vertices, edges = Counter[str](), Counter[str]()
    for x in await graph.run(_IDS):
        rows: Any = await graph.run(_VERTEX, x=x)
        if not rows or rows[0]["k"] == "SelfCheck":
            continue
        vertices[json.dumps([x, rows[0]["k"], _pairs(rows[0]["p"])])] += 1
        links: Any = await graph.run(_EDGES, x=x)
        for link in links:
            edges[json.dumps([x, link["i"], link["l"], _pairs(link["p"])])] += 1
    return AllElements(vertices, edges)


def plain_sums(elements: AllElements) -> dict[str, tuple[int, int]]:
    """Return the count and the sum of the hashes of each label, written down again from the documentation."""
    sums: dict[str, tuple[int, int]] = {}
    for prefix, place, rows in (("", 1, elements.vertices), ("-", 2, elements.edges)):
        for text, times in rows.items():
            row = json.loads(text)
            label = f"-{row[place]}->" if prefix else row[place]
            compact = json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode()
            count, total = sums.get(label, (0, 0))
            sums[label] = (count + times, (total + times * int(sha256(compact).hexdigest(), 16)) % 2**256)
    return sums
