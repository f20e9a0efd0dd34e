"""The two texts of a write: one reads what a batch touches, the other writes it in one transaction.

``STATE`` takes vertex ids, hops ``{d, ls, xs}`` over those that exist (closed edges included; the far vertices are read
too) and pairs ``{l, o, i}`` of one edge each, and answers ``{v: [id, record, …], e: [[source, far,
record, …] per hop], p: [edge record or null, …]}``.

``WRITE`` takes the ids of known vertices, vertices ``{x, k, fresh, p: native values, s: native sets}``, edges ``{l, o,
i, fresh, p: native values}``, marks ``{x, k, at, exact}`` that move the native value ``k`` of a vertex on to ``at``, or
to it whatever it was (``exact``), receipts ``{x, fresh, at, record}`` that go on the ``shelf`` of an instant
``shelved`` below ``shelves`` (:mod:`app.graph.writing.idempotent_replay`), and notes ``{x, fresh, p: values, f: values
of the frontier}`` that hang on the vertex ``top`` (:mod:`app.graph.commits.outbox`). It answers how many vertices and
edges it wrote. Creation needs no lock: the id is computed from identity, so a second creator fails (janusgraph.md,
section 5).
"""

from typing import Final

from app.graph.driver.gremlin_text import g, param, render, spread
from app.graph.driver.prepared_statement import PreparedStatement

STATE: Final = PreparedStatement.of(
    f"""
def known = new LinkedHashMap()
def xs = stored
if (xs) {render(g.V(param("xs")))}.each {{ known[it.id()] = it }}
def seen = new LinkedHashSet()
def edges = hops.collect {{ h ->
  xs = h.xs.findAll {{ known.containsKey(it) }}
  def ls = h.ls
  def rows = []
  if (xs) {{
    def out = h.d == 'out'
    (out ? {render(g.V(param("xs")).out_e(spread("ls")))} : {render(g.V(param("xs")).in_e(spread("ls")))}).each {{ e ->
      def f = out ? e.inVertex().id() : e.outVertex().id()
      rows << (out ? e.outVertex().id() : e.inVertex().id()); rows << f; rows << e.value('record')
      if (!known.containsKey(f)) seen << f
    }}
  }}
  rows
}}
def one = pairs.collect {{ p ->
  def a = known[p.o]; def b = known[p.i]
  if (a == null || b == null) return null
  def found = a.query().labels(p.l).direction(OUT).adjacent(b).edges().iterator()
  found.hasNext() ? found.next().value('record') : null
}}
def v = []
known.each {{ x, it -> v << x; v << it.value('record') }}
xs = seen as List
if (xs) {render(g.V(param("xs")))}.each {{ v << it.id(); v << it.value('record') }}
[[v: v, e: edges, p: one]]
""",
    "stored",
    "hops",
    "pairs",
)

WRITE: Final = PreparedStatement.of(
    f"""
def known = [:]
def xs = stored
if (xs) {render(g.V(param("xs")))}.each {{ known[it.id()] = it }}
def need = {{ x -> if (known[x] == null) throw new IllegalStateException('a vertex of the batch is gone'); known[x] }}
vertices.each {{ r ->
  def v = r.fresh ? g.addV(r.k).property(T.id, r.x).next() : need(r.x)
  known[r.x] = v
  r.p.each {{ k, x -> v.property(single, k, x) }}
  r.s.each {{ k, many ->
    if (!r.fresh) v.properties(k).each {{ it.remove() }}
    many.each {{ v.property(set, k, it) }}
  }}
}}
edges.each {{ r ->
  def a = need(r.o); def b = need(r.i)
  def e = null
  if (!r.fresh) {{
    def found = a.query().labels(r.l).direction(OUT).adjacent(b).edges().iterator()
    if (found.hasNext()) e = found.next()
  }}
  if (e == null) e = a.addEdge(r.l, b)
  r.p.each {{ k, x -> e.property(k, x) }}
}}
marks.each {{ m ->
  def v = need(m.x)
  if (m.exact || m.at > v.property(m.k).orElse(0L)) v.property(single, m.k, m.at)
}}
notes.each {{ n ->
  def v = n.fresh ? g.addV('Pending').property(T.id, n.x).next() : g.V(n.x).next()
  n.p.each {{ k, x -> v.property(single, k, x) }}
  n.f.each {{ v.property(set, 'frontier', it) }}
  if (n.fresh) {{
    def above = g.V(top).tryNext().orElse(null) ?: g.addV('Pending').property(T.id, top).next()
    above.addEdge('PENDING', v)
  }}
}}
if (receipts) {{
  def holder = g.V(shelf).tryNext().orElse(null)
  if (holder == null) {{
    holder = g.addV('Shelf').property(T.id, shelf).next()
    def above = g.V(shelves).tryNext().orElse(null) ?: g.addV('Shelf').property(T.id, shelves).next()
    above.addEdge('SHELF', holder)
  }}
  holder.property(single, 'at', shelved)
  receipts.each {{ r ->
    def v = r.fresh ? g.addV('Receipt').property(T.id, r.x).next() : g.V(r.x).next()
    v.property(single, 'record', r.record)
    v.property(single, 'at', r.at)
    holder.addEdge('RECEIPT', v)
  }}
}}
[vertices.size() + edges.size()]
""",
    "stored",
    "vertices",
    "edges",
    "marks",
    "notes",
    "top",
    "receipts",
    "shelf",
    "shelves",
    "shelved",
)

NOTHING: Final = {
    "stored": [],
    "vertices": [],
    "edges": [],
    "marks": [],
    "notes": [],
    "top": 0,
    "receipts": [],
    "shelf": 0,
    "shelves": 0,
    "shelved": 0,
}
"""The bindings of ``WRITE`` that write nothing, to begin from."""
