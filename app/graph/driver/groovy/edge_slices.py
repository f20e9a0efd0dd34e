"""Groovy classes that read the valid edges of one source in slices, behind a position, however many it has.

They pass the edges as :mod:`app.graph.driver.groovy.edge_entries` does, without the memory that a traversal takes.
"""

from typing import Final

from app.graph.driver.groovy.edge_entries import ENTRIES, FIRST_SLICE
from app.graph.records.inferred_edge import PREFIX, THROUGH

SLICES: Final = f"""
{ENTRIES}
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
  final Entries entries
  org.janusgraph.graphdb.relations.RelationCache edge
  long far

  Slice(Slices slices, Hop hop, long s, String label, long after, int size) {{
    this.slices = slices
    this.hop = hop
    derived = label.startsWith('{PREFIX}')
    entries = new Entries(slices.graph, s, label, hop.out, after, size, slices.unvisited + 1)
  }}

  boolean next() {{
    entries.most = slices.unvisited + 1
    if (!entries.hasNext()) return false
    edge = slices.tx.getEdgeSerializer().parseRelation(entries.next(), false, slices.tx)
    far = ((Number) edge.getOtherVertexId()).longValue()
    true
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
