"""Groovy classes that read the encoded edges of one label of a vertex from behind one of them, however many it has.

A traversal can only count the edges before those that it is to return, so the pages of a vertex with 100,000 edges
would take more and more time. It also keeps each edge that it passes in the memory of its transaction, some 400 bytes.
A slice of the backend of JanusGraph is a list of encoded entries, which is freed when the next one is read. Edge labels
have the multiplicity SIMPLE, so the key of an entry begins with the label and the direction, and then has the id of the
far vertex. Its encoding, ``IDHandler.writeVertexId``, keeps the order of ids. So the edges of one label are in the
order of far ids, and a slice begins behind any of these.

These classes use what JanusGraph has beneath its API. What they find is compared with traversals
(tests/integration/app/graph/reading/level/test_edge_slices.py, tests/integration/app/graph/driver/test_edge_pages.py).
"""

from typing import Final

FIRST_SLICE: Final = 1_000
"""Number of entries in the first slice of a vertex of which all edges are wanted; each further one is up to 4 times as
large.
"""

MIN_SLICE: Final = 100
"""Minimal number of entries that are requested as a slice after the first."""

MAX_SLICE: Final = 10_000
"""Maximal number of entries in a slice."""

SLICE_BYTES: Final = 4 * 1024 * 1024
"""Number of bytes that a slice is to have: if entries are large, the next one has fewer."""

ENTRIES: Final = f"""
@groovy.transform.CompileStatic
class Entries implements Iterator<org.janusgraph.diskstorage.Entry> {{
  final org.janusgraph.graphdb.transaction.StandardJanusGraphTx tx
  final org.janusgraph.diskstorage.StaticBuffer key, end
  org.janusgraph.diskstorage.StaticBuffer start
  Iterator<org.janusgraph.diskstorage.Entry> entries = Collections.emptyIterator()
  boolean last = false
  int size
  int most

  Entries(org.janusgraph.graphdb.database.StandardJanusGraph graph, long s, String label, boolean out, long after,
      int size, int most) {{
    this.size = size
    this.most = most
    tx = (org.janusgraph.graphdb.transaction.StandardJanusGraphTx) graph.getCurrentThreadTx()
    def type = (org.janusgraph.graphdb.internal.InternalRelationType) tx.getRelationType(label)
    if (type == null) {{ last = true; return }}
    key = graph.getIDManager().getKey(s)
    def direction = out
      ? org.janusgraph.graphdb.database.idhandling.IDHandler.DirectionID.EDGE_OUT_DIR
      : org.janusgraph.graphdb.database.idhandling.IDHandler.DirectionID.EDGE_IN_DIR
    def all = org.janusgraph.graphdb.database.idhandling.IDHandler.getRelationType(
      type.longId(), direction, type.isInvisibleType())
    end = org.janusgraph.diskstorage.util.BufferUtil.nextBiggerBuffer(all)
    if (after <= 0) start = all
    else {{
      def to = graph.getDataSerializer().getDataOutput(32)
      org.janusgraph.graphdb.database.idhandling.IDHandler.writeRelationType(
        to, type.longId(), direction, type.isInvisibleType())
      org.janusgraph.graphdb.database.idhandling.IDHandler.writeVertexId(to, after, false)
      start = org.janusgraph.diskstorage.util.BufferUtil.nextBiggerBuffer(to.getStaticBuffer())
    }}
  }}

  boolean hasNext() {{
    if (!entries.hasNext() && !last) read()
    entries.hasNext()
  }}

  org.janusgraph.diskstorage.Entry next() {{ entries.next() }}

  private void read() {{
    int limit = Math.max(1, Math.min(size, most))
    org.janusgraph.diskstorage.EntryList found = tx.getTxHandle().edgeStoreQuery(
      new org.janusgraph.diskstorage.keycolumnvalue.KeySliceQuery(key, start, end).setLimit(limit))
    int count = found.size()
    entries = found.iterator()
    last = count < limit
    if (last) return
    start = org.janusgraph.diskstorage.util.BufferUtil.nextBiggerBuffer(found.get(count - 1).getColumn())
    long fitting = ({SLICE_BYTES}L * count).intdiv(Math.max(1, found.getByteSize())).longValue()
    size = (int) Math.max({MIN_SLICE}L, Math.min(Math.min({MAX_SLICE}L, 4L * size), fitting))
  }}
}}
"""
"""``Entries`` yields the entries of the edges of a label behind the far id ``after``, or all if that is not positive.

The first slice has ``size`` entries, the next ones up to four times as many as the one before, and none has more than
``most``. A label that the store does not have has no entries.
"""

EDGES_BEHIND: Final = f"""
{ENTRIES}
@groovy.transform.CompileStatic
class EdgesBehind implements Iterator<Edge> {{
  final Entries entries
  final org.janusgraph.graphdb.internal.InternalVertex vertex
  final boolean out
  long far
  long left

  EdgesBehind(org.janusgraph.graphdb.database.StandardJanusGraph graph, long s, String label, boolean out, long after,
      long most) {{
    entries = new Entries(graph, s, label, out, after, {FIRST_SLICE}, {FIRST_SLICE})
    vertex = entries.tx.getInternalVertex(s)
    this.out = out
    far = after
    left = most
  }}

  boolean hasNext() {{
    entries.most = (int) Math.min({MAX_SLICE}L, left + 1)
    entries.hasNext()
  }}

  Edge next() {{
    left--
    def found = org.janusgraph.graphdb.transaction.RelationConstructor.readRelation(
      vertex, Collections.singletonList(entries.next()), entries.tx)
    Edge edge = (Edge) found.iterator().next()
    far = ((Number) (out ? edge.inVertex() : edge.outVertex()).id()).longValue()
    edge
  }}
}}
"""
"""``EdgesBehind`` yields the edges themselves. ``far`` is the far id of the last one, behind which a later page begins.

``most`` is the number of edges that are wanted at most. Call ``hasNext`` before ``next``.
"""
