"""The two Gremlin texts of a write: ``STATE`` reads what a batch touches, ``WRITE`` writes it as one transaction.

:mod:`app.graph.commits.state_read` and :mod:`app.graph.commits.write_set` are their codecs;
:mod:`app.graph.commits.outbox_entry` makes the rows of ``notes``. Creating the vertex of an asset needs no lock: its
id is a hash of tenant and URN, so a second transaction that creates it fails (docs/design/janusgraph.md).

``STATE``

| binding | rows |
|---|---|
| ``stored`` | vertex ids |
| ``hops`` | ``{d: "out" or "in", ls: labels, xs: vertex ids, vt}``; only ids in ``stored`` count |
| ``vt`` of these | an instant: only edges that end later; null: all edges, ended ones included |
| ``pairs`` | ``{l: label, o: from, i: to}``, one edge each; both ends are in ``stored`` |
| ``follow`` | whether hops and pairs that name a merged vertex are those of the one that it leads to |
| ``full`` | whether records of vertices are returned; without them, ``follow`` has no effect |
| ``size`` | number of bytes of complete records, as JSON in a response, at which the request ends |
| ``most`` | number of characters beyond which a value of a vertex is left out, save its ``id`` and ``index`` |
| ``complete`` | vertex ids whose records are complete nevertheless |

The response is ``{v, e, p, w, c, n, m, large}``, with records as JSON text. ``v`` is ``[id, record, …]`` of the
vertices in ``stored`` and of all far vertices; absent ones are left out. With ``follow``, ``v`` also has the vertices
that merged ones among ``stored`` point at, and hops and pairs that name a merged one are those of the last of these.
``e`` has ``[near, far, edge record, …]`` for each hop, ``p`` an edge record or null for each pair.

``w`` has the vertices whose records are left out because of ``size`` or ``full``: far ones, and those in ``stored`` if
there are no hops and pairs. ``c`` has ``[id, keys, …]`` of the vertices without some values, and ``n`` is the number of
characters that were read, and ``m`` that of records and edges, ended ones included. If the records in ``stored`` and of
edges are too many, ``large`` is true, and only these numbers are returned beside. A caller then reads in parts, so no
response is large.

``WRITE``

| binding | rows |
|---|---|
| ``stored`` | ids of stored vertices that ``vertices``, ``edges`` and ``marks`` refer to; all must exist |
| ``vertices`` | ``{x: id, k: label, fresh: whether it is new, p: native values, s: native sets}`` |
| ``edges`` | ``{l: label, o: from, i: to, fresh: whether it is new, p: native values}`` |
| ``marks`` | ``{x: id, k: native property, at: instant, exact}``: forward only unless ``exact``, equal: nothing |
| ``notes`` | outbox entries ``{x: id, fresh: whether it is new, p: values, f: values of the frontier}`` |
| ``top`` | vertex id that new outbox entries are attached to |
| ``receipts`` | ``{x: id, fresh: whether it is new, at: instant, record}`` |
| ``shelf``, ``bucket``, ``shelves`` | vertex ids of a part of a bucket of receipts, the bucket, and what is above |
| ``shelved`` | the last instant of the part, stored in the bucket |
| ``left`` | ids of receipts that leave ``shelf``, and stay in others |
| ``gone`` | vertex ids to delete: outbox entries, receipts, buckets of receipts, attached records |
| ``turn`` | ``{head, n, x, note, lease, old}`` of the write log; ``{epoch}`` or null if no other process writes |

With a ``head`` the transaction must be the next one, ``n``, after the ``sequence`` of the vertex ``head``, which it
raises. It adds the log entry ``note`` as vertex ``x``, stores ``lease`` unless it is null, and deletes the entries
``old``. It is committed in the text, under a lock of the JVM (:mod:`app.graph.commits.write_log`).

Otherwise it is committed under a lock of the JVM, too. A transaction whose client has given up may still run. If the
next one committed its index before, the index mark would be right without the documents of the former. One with an
``epoch`` that is not the last one of the JVM is refused (:mod:`app.graph.commits.late_writes`).

The response is the number of rows in ``vertices`` and ``edges``, or -1 if another transaction, or an epoch, came
before; nothing is written then. In the embedded store, whose JVM sets
``mlgraph.indexMark``, a transaction that writes vertices or marks also raises the count of the index mark, which
:mod:`app.graph.admin.store_probe` compares with the index.
"""

from typing import Final

from gremlin_python.process.graph_traversal import __

from app.graph.driver.gremlin_text import g, param, render, spread
from app.graph.driver.groovy.edge_writes import EDGE_WRITES
from app.graph.driver.groovy.json_size import JSON_SIZE
from app.graph.driver.groovy.record_parts import RECORD_PARTS
from app.graph.driver.groovy.set_members import SET_MEMBERS
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.merged_record import POINTER
from app.graph.records.vertex_id import vertex_id

INDEX_MARK_URN: Final = "index mark"
"""Value of ``urn`` of the index mark, which is no URN."""
INDEX_MARK: Final = vertex_id("index mark", INDEX_MARK_URN)
"""Vertex id of the index mark: a hash of a text that is not a URN."""

ENDED_BYTES: Final = 400
"""Bytes as which an edge counts that is passed because it has ended: those of an ordinary one."""

STATE: Final = PreparedStatement.of(
    f"""
{JSON_SIZE}
{RECORD_PARTS}
def known = new LinkedHashMap()
def texts = new LinkedHashMap()
def moved = [:]
def unread = []
def left = size as long
def length = 0L
def count = 0
def sized = {{ r -> count++; length += r.length(); left -= JsonSize.of(r); r }}
def cut = []
def kept = complete.collect {{ it as long }} as Set
def brief = {{ x, r -> kept.contains(x) ? r : RecordParts.brief(x, r, most as int, cut) }}
def xs = stored
while (xs) {{
  def further = []
  {render(g.V(param("xs")))}.each {{
    known[it.id()] = it
    if (!full || left <= 0) {{
      if (full) unread << it.id()
      return
    }}
    def r = sized(it.value('record'))
    texts[it.id()] = brief(it.id(), r)
    if (follow && r.startsWith('{POINTER}')) {{
      moved[it.id()] = r.substring({len(POINTER)}, r.indexOf(',')) as long
      further << moved[it.id()]
    }}
  }}
  xs = further.findAll {{ !known.containsKey(it) }}
}}
def last = {{ x -> while (moved.containsKey(x)) x = moved[x]; x }}
def seen = new LinkedHashSet()
def edges = hops.collect {{ h ->
  xs = h.xs.collect(last).findAll {{ known.containsKey(it) }}.unique()
  def ls = h.ls
  def rows = []
  if (xs && left > 0) {{
    def out = h.d == 'out'
    def t = out ? {render(g.V(param("xs")).out_e(spread("ls")))} : {render(g.V(param("xs")).in_e(spread("ls")))}
    while (left > 0 && t.hasNext()) {{
      def e = t.next()
      if (h.vt != null && (e.property('validTo').orElse(0L) as long) <= h.vt) {{
        count++
        left -= {ENDED_BYTES}
        continue
      }}
      def f = out ? e.inVertex().id() : e.outVertex().id()
      rows << (out ? e.outVertex().id() : e.inVertex().id()); rows << f; rows << sized(e.value('record'))
      if (!known.containsKey(f)) seen << f
    }}
  }}
  rows
}}
def one = pairs.collect {{ p ->
  def a = known[last(p.o)]; def b = known[last(p.i)]
  if (a == null || b == null || left <= 0) return null
  def found = a.query().labels(p.l).direction(OUT).adjacent(b).edges().iterator()
  found.hasNext() ? sized(found.next().value('record')) : null
}}
if (left <= 0 && (hops || pairs)) return [[v: [], e: [], p: [], w: [], c: [], n: length, m: count, large: true]]
def v = []
texts.each {{ x, r -> v << x; v << r }}
xs = seen as List
if (xs && full) {render(g.V(param("xs")))}.each {{
  if (left > 0) {{ v << it.id(); v << brief(it.id(), sized(it.value('record'))) }} else unread << it.id()
}}
[[v: v, e: edges, p: one, w: full ? unread : xs, c: cut, n: length, m: count, large: false]]
""",
    "stored",
    "hops",
    "pairs",
    "follow",
    "full",
    "size",
    "most",
    "complete",
    name="state",
)

_ROWS: Final = """
@groovy.transform.CompileStatic
class Rows {
  final Graph graph
  final Map<Object, Vertex> known = new HashMap<>()
  final Map<Vertex, Integer> written = new HashMap<>()

  Rows(Graph graph) { this.graph = graph }

  Vertex need(Object x) {
    Vertex v = known.get(x)
    if (v == null) throw new IllegalStateException('a vertex of the batch is gone')
    v
  }

  void writeVertices(List<Map<String, Object>> rows) {
    for (Map<String, Object> r : rows) {
      Vertex v = r.get('fresh') ? graph.addVertex(T.label, r.get('k'), T.id, r.get('x')) : need(r.get('x'))
      known.put(r.get('x'), v)
      for (Map.Entry<String, Object> p : ((Map<String, Object>) r.get('p')).entrySet())
        v.property(VertexProperty.Cardinality.single, p.getKey(), p.getValue())
      for (Map.Entry<String, Object> p : ((Map<String, Object>) r.get('s')).entrySet()) {
        Set<Object> members = new LinkedHashSet<>((List) p.getValue())
        if (!r.get('fresh'))
          for (VertexProperty each : v.properties(p.getKey()).toList())
            if (!members.remove(each.value())) each.remove()
        SetMembers.add(graph, v, p.getKey(), members)
      }
    }
  }

  void writeEdges(List<Map<String, Object>> rows) {
    for (Map<String, Object> r : rows) {
      Vertex a = need(r.get('o')), b = need(r.get('i'))
      String l = (String) r.get('l')
      Map<String, Object> values = (Map<String, Object>) r.get('p')
      Edge e = r.get('fresh') ? null : edge(a, l, b)
      if (written.getOrDefault(a, 0) >= EdgeWrites.MANY) {
        if (e == null) EdgeWrites.add(graph, a, l, b, values)
        else EdgeWrites.change(graph, e, values)
      } else {
        if (e == null) e = a.addEdge(l, b)
        for (Map.Entry<String, Object> p : values.entrySet()) e.property(p.getKey(), p.getValue())
      }
      count(a)
      count(b)
    }
  }

  void writeEntries(List<Map<String, Object>> rows, Object top) {
    Vertex above = null
    for (Map<String, Object> r : rows) {
      Vertex v = r.get('fresh') ? fresh('Pending', r.get('x')) : graph.vertices(r.get('x')).next()
      for (Map.Entry<String, Object> p : ((Map<String, Object>) r.get('p')).entrySet())
        v.property(VertexProperty.Cardinality.single, p.getKey(), p.getValue())
      for (Object f : (List) r.get('f')) v.property(VertexProperty.Cardinality.set, 'frontier', f)
      if (r.get('fresh')) {
        if (above == null) above = stored(top) ?: fresh('Pending', top)
        attach(above, 'PENDING', v)
      }
    }
  }

  void writeReceipts(List<Map<String, Object>> rows, Vertex holder) {
    for (Map<String, Object> r : rows) {
      Vertex v = r.get('fresh') ? fresh('Receipt', r.get('x')) : graph.vertices(r.get('x')).next()
      v.property(VertexProperty.Cardinality.single, 'record', r.get('record'))
      v.property(VertexProperty.Cardinality.single, 'at', r.get('at'))
      attach(holder, 'RECEIPT', v)
    }
  }

  void attach(Vertex above, String l, Vertex v) {
    if (written.getOrDefault(above, 0) >= EdgeWrites.MANY) EdgeWrites.add(graph, above, l, v, [:])
    else above.addEdge(l, v)
    count(above)
  }

  Vertex fresh(String label, Object x) { graph.addVertex(T.label, label, T.id, x) }

  Vertex stored(Object x) {
    Iterator<Vertex> found = graph.vertices(x)
    found.hasNext() ? found.next() : null
  }

  void count(Vertex v) { written.put(v, written.getOrDefault(v, 0) + 1) }

  Edge edge(Vertex a, String l, Vertex b) {
    boolean out = written.getOrDefault(a, 0) <= written.getOrDefault(b, 0)
    def near = (org.janusgraph.core.JanusGraphVertex) (out ? a : b)
    def found = near.query().labels(l).direction(out ? Direction.OUT : Direction.IN).adjacent(out ? b : a)
    Iterator<? extends Edge> edges = found.edges().iterator()
    edges.hasNext() ? edges.next() : null
  }
}
"""
"""Writes the rows of vertices, edges, entries and receipts; ``known`` are the vertices of the transaction by id.

Of a set, only members that are gone or new are written, by :mod:`app.graph.driver.groovy.set_members`. Edges from a
vertex that many leave are written by :mod:`app.graph.driver.groovy.edge_writes`, also those to entries and receipts. A
stored one is looked for from the end with fewer edges that are ``written``, because JanusGraph compares what it finds
with all of these.

Its types are static, because these loops are most of a write. With dynamic calls and one traversal for each vertex, the
load of 6,000 assets took 1.2 times the CPU of API and JVM together. Each entry or receipt took four times as long.
"""

_LEAVE: Final = g.V(param("x")).in_e("RECEIPT").where(__.out_v().has_id(param("shelf"))).drop()

WRITE: Final = PreparedStatement.of(
    f"""
{SET_MEMBERS}{EDGE_WRITES}{_ROWS}
def write = {{ ->
def to = new Rows(g.getGraph())
def xs = stored
if (xs) {render(g.V(param("xs")))}.each {{ to.known.put(it.id(), it) }}
to.writeVertices(vertices)
to.writeEdges(edges)
marks.each {{ m ->
  def v = to.need(m.x)
  def at = v.property(m.k).orElse(-1L)
  if (m.exact ? m.at != at : m.at > at) v.property(single, m.k, m.at)
}}
if (notes) to.writeEntries(notes, top)
if (receipts) {{
  def holder = g.V(shelf).tryNext().orElse(null)
  if (holder == null) {{
    holder = g.addV('Shelf').property(T.id, shelf).next()
    def full = g.V(bucket).tryNext().orElse(null)
    if (full == null) {{
      full = g.addV('Shelf').property(T.id, bucket).next()
      def above = g.V(shelves).tryNext().orElse(null) ?: g.addV('Shelf').property(T.id, shelves).next()
      above.addEdge('SHELF', full)
    }}
    if (shelved > full.property('at').orElse(0L)) full.property(single, 'at', shelved)
    full.addEdge('SHELF', holder)
  }}
  to.writeReceipts(receipts, holder)
}}
if ((vertices || marks) && Boolean.getBoolean('mlgraph.indexMark')) {{
  def v = g.V({INDEX_MARK}L).tryNext().orElse(null)
  if (v == null) v = g.addV('SelfCheck').property(T.id, {INDEX_MARK}L).property('urn', '{INDEX_MARK_URN}').next()
  v.property(single, 'updatedAt', v.property('updatedAt').orElse(0L) + 1L)
}}
left.each {{ x -> {render(_LEAVE)}.iterate() }}
gone.each {{ x -> {render(g.V(param("x")).drop())}.iterate() }}
vertices.size() + edges.size()
}}
if (turn?.head == null) {{
  synchronized ('mlgraph write'.intern()) {{
    def name = System.identityHashCode(g.getGraph())
    System.setProperty('mlgraph.writing.' + name, 'true')
    try {{
      if (turn != null && System.getProperty('mlgraph.epoch.' + name) != turn.epoch) return [-1]
      def count = write()
      g.tx().commit()
      return [count]
    }} finally {{
      System.clearProperty('mlgraph.writing.' + name)
    }}
  }}
}}
synchronized ('mlgraph write log'.intern()) {{
  def head = g.V(turn.head).next()
  if (head.value('sequence') != turn.n - 1) return [-1]
  def count = write()
  head.property(single, 'sequence', turn.n as long)
  if (turn.lease != null) head.property(single, 'note', turn.lease)
  g.addV('Logged').property(T.id, turn.x).property('note', turn.note).next()
  if (turn.old) g.V(turn.old).drop().iterate()
  g.tx().commit()
  [count]
}}
""",
    "stored",
    "vertices",
    "edges",
    "marks",
    "notes",
    "top",
    "receipts",
    "shelf",
    "bucket",
    "shelves",
    "shelved",
    "left",
    "gone",
    "turn",
    name="write",
)
