"""Reads all vertices and edges of a store, page by page, for copies and digests.

A page is read without a cursor in the store: it has the position after which the next one begins. A storage with
ordered keys, such as BerkeleyJE, continues after a vertex id. Cassandra continues after the token of a key. Nothing is
locked, so elements that are written meanwhile may be missing.

The vertices of the self-check are left out: the probe, the index mark and the store state belong to one store. Edges
are read with the vertex at their *out* end, so each occurs once.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render
from app.graph.driver.prepared_statement import PreparedStatement
from graphql_schema.ports.record import Json

PAGE_VERTICES: Final = 500
"""Maximal number of vertices of a page."""

PAGE_EDGES: Final = 5_000
"""Maximal number of edges of a page with the edges of one vertex only."""

MAX_EDGES: Final = 200
"""Number of outgoing edges above which the edges of a vertex are read in pages of their own."""

Values: TypeAlias = tuple[tuple[str, Json], ...]
"""Properties of an element: pairs of key and value. A key with a set of values occurs once for each."""

_KEYS: Final = """
def graph = g.getGraph()
def backend = graph.backend
def manager = backend.@storeManager
def ids = graph.IDManager
def found = []
def next = null
if (backend.storeFeatures.hasOrderedScan()) {
  def util = org.janusgraph.diskstorage.util.BufferUtil
  def lower = since == null ? util.getLongBuffer(0L) : ids.getKey(since)
  def range = new org.janusgraph.diskstorage.keycolumnvalue.KeyRangeQuery(
      lower, util.getLongBuffer(-1L), graph.@vertexExistenceQuery)
  def tx = graph.buildTransaction().readOnly().start()
  def keys = tx.txHandle.edgeStoreKeys(range)
  try {
    while (next == null && keys.hasNext()) {
      def x = ids.getKeyID(keys.next())
      if (x != since && ids.isUserVertexId(x)) found << x
      if (found.size() == size) next = x
    }
  } finally { keys.close(); tx.rollback() }
} else {
  def loader = manager.class.classLoader
  def statement = loader.loadClass('com.datastax.oss.driver.api.core.cql.SimpleStatement')
  def level = loader.loadClass('com.datastax.oss.driver.api.core.DefaultConsistencyLevel')
  def text = 'SELECT DISTINCT key, token(key) FROM ' + manager.@keyspace + '.edgestore WHERE token(key) > ? LIMIT ?'
  def query = statement.getMethod('builder', String).invoke(null, text)
      .addPositionalValues(since == null ? Long.MIN_VALUE : since as long, size as int)
      .setConsistencyLevel(level.getMethod('valueOf', String).invoke(null, 'QUORUM')).build()
  def rows = manager.@session.execute(query).toList()
  rows.each { row ->
    def x = ids.getKeyID(org.janusgraph.diskstorage.util.StaticArrayBuffer.of(row.getByteBuffer(0)))
    if (ids.isUserVertexId(x)) found << x
  }
  if (rows.size() == size) next = rows[-1].getLong(1)
}
"""
"""Reads at most ``size`` vertex ids after ``since`` into ``found``; ``next`` is null if there are no more."""

PAGE: Final = PreparedStatement.of(
    f"""
{_KEYS}
def values = {{ it.collectMany {{ [it.key(), it.value()] }} }}
def vertices = []
def edges = []
def hubs = []
if (found) {{
  def there = {render(g.V(param("found")))}.toList()
  there = there.findAll {{ it.label() != 'SelfCheck' }}
  if (there) {{
    if (parts != 'edges') {{
      def properties = graph.multiQuery(there).properties()
      there.each {{ v -> vertices << [v.id(), v.label(), values(properties[v])] }}
    }}
    if (parts != 'vertices') {{
      g.V(there).local(__.outE().limit(limit + 1)).toList().groupBy {{ it.outVertex().id() }}.each {{ x, own ->
        if (own.size() > limit) hubs << x
        else own.each {{ e -> edges << [e.label(), x, e.inVertex().id(), values(e.properties())] }}
      }}
    }}
  }}
}}
[[v: vertices, e: edges, hubs: hubs, next: next]]
""",
    "since",
    "size",
    "limit",
    "parts",
    name="elements",
)
"""Reads one row ``{v, e, hubs, next}``; ``parts`` is ``vertices`` or ``edges`` to leave out the others, or ``all``.

``v`` are ``[id, label, values]`` of at most ``size`` vertices after the position ``since``, null for the first page,
and ``values`` is ``[key, value, key, value, …]``. ``e`` are ``[label, out, in, values]`` of their edges. ``hubs`` are
the vertex ids of those with more than ``limit`` edges, which are not in ``e``. ``next`` is the next position or null.
"""

EDGES: Final = PreparedStatement.of(
    f"""
def rows = []
{render(g.V(param("x")).out_e())}.range(skip, skip + size).each {{ e ->
  rows << [e.label(), x, e.inVertex().id(), e.properties().collectMany {{ [it.key(), it.value()] }}]
}}
[rows]
""",
    "x",
    "skip",
    "size",
    name="elements",
)
"""Reads at most ``size`` outgoing edges of the vertex ``x`` after the first ``skip``, as ``e`` of :data:`PAGE`."""


@dataclass(frozen=True, slots=True)
class VertexElement:
    """A stored vertex, with its id and its label."""

    vid: int
    label: str
    values: Values


@dataclass(frozen=True, slots=True)
class EdgeElement:
    """A stored edge, with the vertex ids of its ends."""

    label: str
    source: int
    target: int
    values: Values


@dataclass(frozen=True, slots=True)
class ElementPage:
    """Some elements of a store, and the position after them.

    ``position`` is where reading goes on if it is interrupted: None for the begin, and at the last page. ``last``
    states whether the page is the last.
    """

    vertices: tuple[VertexElement, ...]
    edges: tuple[EdgeElement, ...]
    position: Json
    last: bool = False


Parts: TypeAlias = Literal["all", "vertices", "edges"]
"""Which elements are read."""


async def element_pages(
    client: GremlinClient, position: Json = None, parts: Parts = "all"
) -> AsyncIterator[ElementPage]:
    """Yield all elements of a store, those after ``position`` only if it is that of an earlier page.

    The edges of a vertex with more than MAX_EDGES are pages of their own, which come before the page of their vertices
    and have the position before it. Raises the errors of :meth:`GremlinClient.submit`.
    """
    while True:
        bindings = {"since": position, "size": PAGE_VERTICES, "limit": MAX_EDGES, "parts": parts}
        (row,) = await client.submit(PAGE, bindings)
        for hub in row["hubs"]:
            async for edges in _edges_of(client, hub):
                yield ElementPage((), edges, position)
        position = row["next"]
        vertices = tuple(VertexElement(vid, label, _pairs(flat)) for vid, label, flat in row["v"])
        yield ElementPage(vertices, tuple(map(_edge, row["e"])), position, last=position is None)
        if position is None:
            return


async def _edges_of(client: GremlinClient, vid: int) -> AsyncIterator[tuple[EdgeElement, ...]]:
    """Yield the outgoing edges of a vertex, PAGE_EDGES at a time."""
    skip = 0
    while True:
        (rows,) = await client.submit(EDGES, {"x": vid, "skip": skip, "size": PAGE_EDGES})
        if rows:
            yield tuple(map(_edge, rows))
        if len(rows) < PAGE_EDGES:
            return
        skip += PAGE_EDGES


def _edge(row: list[Json]) -> EdgeElement:
    label, source, target, flat = row
    return EdgeElement(label, source, target, _pairs(flat))


def _pairs(flat: list[Json]) -> Values:
    """Return the pairs of a list ``[key, value, key, value, …]``."""
    return tuple(zip(flat[::2], flat[1::2], strict=True))
