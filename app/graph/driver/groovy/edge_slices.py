"""Groovy classes that read the edges of one source in slices, however many it has.

A traversal keeps each edge that it passes in the memory of its transaction, some 400 bytes. A slice of the backend of
JanusGraph is a list of encoded entries, which is freed when the next one is read. Edge labels have the multiplicity
SIMPLE, so the key of an entry begins with the label and the direction, and then has the id of the far vertex. Its
encoding, ``IDHandler.writeVertexId``, keeps the order of ids. So the edges of one label are in the order of far ids,
and a slice begins behind any of these.

These classes use what JanusGraph has beneath its API. What they find is compared with traversals
(tests/integration/app/graph/reading/level/test_edge_slices.py).
"""

from typing import Final

from app.graph.records.inferred_edge import PREFIX, THROUGH

FIRST_SLICE: Final = 1_000
"""Number of entries in the first slice of a source of which all edges are wanted; each further one is up to 4 times as
large.
"""

MIN_SLICE: Final = 100
"""Minimal number of entries that are requested as a slice after the first."""

MAX_SLICE: Final = 10_000
"""Maximal number of entries in a slice."""

SLICE_BYTES: Final = 4 * 1024 * 1024
"""Number of bytes that a slice is to have: if entries are large, the next one has fewer."""

SLICES: Final = f"""
@groovy.transform.CompileStatic
class Slices {{
  final org.janusgraph.graphdb.transaction.StandardJanusGraphTx tx
  final org.janusgraph.graphdb.database.StandardJanusGraph graph
  final Map<String, Long> keys = new HashMap<>()
  int unvisited
  long left

  Slices(org.janusgraph.graphdb.database.StandardJanusGraph graph, int unvisited) {{
    this.graph = graph
    this.unvisited = unvisited
    tx = (org.janusgraph.graphdb.transaction.StandardJanusGraphTx) graph.getCurrentThreadTx()
  }}

  org.janusgraph.graphdb.internal.InternalRelationType type(String name) {{
    (org.janusgraph.graphdb.internal.InternalRelationType) tx.getRelationType(name)
  }}

  Object property(org.janusgraph.graphdb.relations.RelationCache edge, String name) {{
    edge.get(keys.computeIfAbsent(name) {{ k -> (Long) type(name).longId() }}.longValue())
  }}

  List<Object> read(Hop hop, List<Object> position, long most, long size, List<Found> found) {{
    left = size
    long s = ((Number) position.get(0)).longValue()
    int label = ((Number) position.get(1)).intValue()
    long after = ((Number) position.get(2)).longValue()
    int wanted = ((Number) position.get(3)).intValue()
    wanted > 0 ? pageBehind(hop, s, after, wanted, found) : allBehind(hop, s, label, after, most, found)
  }}

  private void add(Slice edges, List<Found> found) {{
    Found each = edges.found()
    found.add(each)
    left -= JsonSize.of(each.text)
  }}

  private List<Object> allBehind(Hop hop, long s, int label, long after, long most, List<Found> found) {{
    List<String> labels = hop.labels.findAll {{ String each -> type(each) != null }}
    labels.sort {{ String each -> type(each).longId() }}
    for (int i = label; i < labels.size(); i++) {{
      Slice edges = new Slice(this, hop, s, labels.get(i), i == label ? after : -1L, {FIRST_SLICE})
      while (edges.next()) {{
        unvisited--
        if (edges.valid()) add(edges, found)
        if (unvisited <= 0 || found.size() >= most || left <= 0) return [(Object) s, i, edges.far, 0]
      }}
    }}
    null
  }}

  private List<Object> pageBehind(Hop hop, long s, long after, int wanted, List<Found> found) {{
    List<Slice> open = new ArrayList<>()
    for (String label : hop.labels) {{
      if (type(label) == null) continue
      Slice edges = new Slice(this, hop, s, label, after, 2 * wanted + 4)
      if (edges.next()) open.add(edges)
    }}
    long last = after
    while (!open.isEmpty()) {{
      Slice first = open.get(0)
      for (Slice each : open) if (each.precedes(first)) first = each
      if (unvisited <= 0 && first.far > last) return [(Object) s, 0, last, wanted - found.size()]
      unvisited--
      if (first.valid()) add(first, found)
      if (found.size() >= wanted || left <= 0) return null
      last = first.far
      if (!first.next()) open.remove(first)
    }}
    null
  }}
}}

@groovy.transform.CompileStatic
class Slice {{
  final Slices slices
  final Hop hop
  final boolean derived
  final org.janusgraph.diskstorage.StaticBuffer key, end
  org.janusgraph.diskstorage.StaticBuffer start
  Iterator<org.janusgraph.diskstorage.Entry> entries = Collections.emptyIterator()
  boolean last = false
  int size
  org.janusgraph.graphdb.relations.RelationCache edge
  long far

  Slice(Slices slices, Hop hop, long s, String label, long after, int size) {{
    this.slices = slices
    this.hop = hop
    this.size = size
    derived = label.startsWith('{PREFIX}')
    key = slices.graph.getIDManager().getKey(s)
    def type = slices.type(label)
    def direction = hop.out
      ? org.janusgraph.graphdb.database.idhandling.IDHandler.DirectionID.EDGE_OUT_DIR
      : org.janusgraph.graphdb.database.idhandling.IDHandler.DirectionID.EDGE_IN_DIR
    def all = org.janusgraph.graphdb.database.idhandling.IDHandler.getRelationType(
      type.longId(), direction, type.isInvisibleType())
    end = org.janusgraph.diskstorage.util.BufferUtil.nextBiggerBuffer(all)
    if (after < 0) start = all
    else {{
      def to = slices.graph.getDataSerializer().getDataOutput(32)
      org.janusgraph.graphdb.database.idhandling.IDHandler.writeRelationType(
        to, type.longId(), direction, type.isInvisibleType())
      org.janusgraph.graphdb.database.idhandling.IDHandler.writeVertexId(to, after, false)
      start = org.janusgraph.diskstorage.util.BufferUtil.nextBiggerBuffer(to.getStaticBuffer())
    }}
  }}

  boolean next() {{
    if (!entries.hasNext()) {{
      if (last) return false
      read()
      if (!entries.hasNext()) return false
    }}
    edge = slices.tx.getEdgeSerializer().parseRelation(entries.next(), false, slices.tx)
    far = ((Number) edge.getOtherVertexId()).longValue()
    true
  }}

  private void read() {{
    int limit = Math.max(1, Math.min(size, slices.unvisited + 1))
    org.janusgraph.diskstorage.EntryList found = slices.tx.getTxHandle().edgeStoreQuery(
      new org.janusgraph.diskstorage.keycolumnvalue.KeySliceQuery(key, start, end).setLimit(limit))
    int count = found.size()
    entries = found.iterator()
    last = count < limit
    if (last) return
    start = org.janusgraph.diskstorage.util.BufferUtil.nextBiggerBuffer(found.get(count - 1).getColumn())
    long fitting = ({SLICE_BYTES}L * count).intdiv(Math.max(1, found.getByteSize())).longValue()
    size = (int) Math.max({MIN_SLICE}L, Math.min(Math.min({MAX_SLICE}L, 4L * size), fitting))
  }}

  boolean precedes(Slice other) {{ far < other.far || (far == other.far && !derived && other.derived) }}

  boolean valid() {{
    Number to = (Number) slices.property(edge, 'validTo')
    if (to == null || to.longValue() <= hop.to) return false
    Number from = (Number) slices.property(edge, 'validFrom')
    if (from == null || from.longValue() > hop.from) return false
    !hop.kinds || hop.kinds.contains(slices.property(edge, hop.out ? 'toKind' : 'fromKind'))
  }}

  Found found() {{
    String record = (String) slices.property(edge, 'record')
    new Found(far, record, (String) slices.property(edge, '{THROUGH}'), derived)
  }}
}}
"""
"""``Slices`` reads sources one by one from positions ``[source, index of the label, far id, edges wanted or 0]``.

``read`` adds the valid edges behind the position to ``found``. If edges are wanted of all labels, these are in the
order of far ids, inferred ones behind others. Otherwise they are those of one label after the other, in the order in
which the store keeps labels. It returns null at the end, or the position at which it has stopped. It stops when
``unvisited`` edges were passed, ended ones included, when it has found ``most``, or when these have ``size`` bytes. A
page, of edges that are wanted, does not go on after ``size`` bytes, so that it returns null then.
"""
