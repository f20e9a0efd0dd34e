"""The next instant when an edge ends over which data or a parent propagates to a vertex."""

from typing import Final

from gremlin_python.process.graph_traversal import GraphTraversal
from gremlin_python.process.traversal import P

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render, spread
from app.graph.driver.prepared_statement import PreparedStatement
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.relations import CARRYING, PARENT_HOPS, Direction

_IN: Final = sorted({*CARRYING, *(hop.relation.name for hop in PARENT_HOPS.values() if hop.direction is Direction.IN)})
_OUT: Final = sorted({hop.relation.name for hop in PARENT_HOPS.values() if hop.direction is Direction.OUT})


def _ending(edges: GraphTraversal) -> str:
    """Return the text of those of the edges that end after ``since``, and not never."""
    return str(render(edges.has("validTo", P.gt(param("since"))).has("validTo", P.lt(param("never")))))


_NEXT_END: Final = PreparedStatement.of(
    f"""
def next = never
def look = {{ e ->
  def end = e.value('validTo')
  if (end < next && e.value('validFrom') < end) next = end
}}
{_ending(g.V(param("x")).in_e(spread("inward")))}.each(look)
{_ending(g.V(param("x")).out_e(spread("outward")))}.each(look)
[next]
""",
    "x",
    "inward",
    "outward",
    "since",
    "never",
    name="flows",
)


async def next_end(client: GremlinClient, vid: int, after: int) -> int:
    """Return the first instant after ``after`` when such an edge of a vertex ends, FOREVER if none does.

    Instants are in epoch milliseconds. Declassified edges count, too.
    """
    bindings = {"x": vid, "inward": _IN, "outward": _OUT, "since": after, "never": FOREVER}
    (found,) = await client.submit(_NEXT_END, bindings)
    return int(found)
