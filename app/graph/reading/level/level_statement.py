"""The one read text: everything that one level of a query needs, in one request.

A level asks for points (vertex ids), hops (edges from many sources, then the far vertices) and listings (what starts in
the index). The text is constant and knows no relation, no filter and no policy: they are data. Each hop is ``{d: "out"
| "in", ls: labels, ks: far kinds or [], xs: sources, p: -1, or the hop whose far ends are its sources, n: 0 or how many
per source, a: far id to begin after, t: whether newest first, at: latest time, since: earliest time, vf: when edges
must have begun, vt: when they must not have ended, i: whether some edges may be inferred}``, and ``p`` below -1 takes
its sources from a listing, the first for -2. What an inferred edge leads through is brought with it, and counts as
edges do. Each listing is ``{f: filter, t: filter of the total, o: order key, d: whether descending, n: how many, c:
whether to count, b: filters}``, its filters in the form of :mod:`app.graph.reading.level.index_filter`. Where more than
``n`` are found, those that pass the first of ``b`` go before the others, then those that pass the second, and so on;
without ``b`` the order alone decides.

A first page costs what it shows, however many edges its source has; a later one passes over those before it.

The answer is ``{e: [[source, far, edge record, …] per hop], v: [record, …], l: [{x: [id, …], n: total or -1}, …], over:
whether the cap ended it}``. Listings come first, then edges, then the unique far vertices (docs/design/janusgraph.md,
section 4). Where the cap ended it, nothing is brought that edges lead to: that would be read in vain.
"""

from typing import Any, Final

from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import Order, P

from app.graph.driver.gremlin_text import g, param, render, spread
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.inferred_edge import PREFIX, THROUGH

EDGE_CAP: Final = 50_000
"""Edges that one request may carry; what bounds a request, since the embedded store must not be interrupted."""


def _valid(edges: Any) -> Any:  # noqa: ANN401 - a gremlinpython traversal
    return edges.has("validFrom", P.lte(param("vf"))).has("validTo", P.gt(param("vt")))


def _hop(direction: str, *, kinds: bool) -> str:
    start = g.V(param("xs"))
    edges = _valid(start.out_e(spread("ls")) if direction == "out" else start.in_e(spread("ls")))
    return str(
        render(edges.has("toKind" if direction == "out" else "fromKind", P.within(param("ks"))) if kinds else edges)
    )


def _first(direction: str, *, kinds: bool) -> str:
    """The first ``n`` edges of one label from each source, in the store's own order, which is that of the far ids."""
    edges = _valid(__.out_e(param("l")) if direction == "out" else __.in_e(param("l")))
    if kinds:
        edges = edges.has("toKind" if direction == "out" else "fromKind", P.within(param("ks")))
    return str(render(g.V(param("xs")).local(edges.limit(param("n")))))


def _newest(start: Any) -> str:  # noqa: ANN401 - a gremlinpython traversal
    within = _valid(__.in_e(spread("ls"))).has("at", P.lte(param("at"))).has("at", P.gte(param("since")))
    edges = within.order().by("at", Order.desc).limit(param("n"))
    return str(render(start.local(edges)))


LEVEL: Final = PreparedStatement.of(
    f"""
def reach = {{ h, xs ->
  def ls = h.ls; def ks = h.ks; def n = h.n; def at = h.at; def since = h.since; def vf = h.vf; def vt = h.vt
  if (h.t) return {_newest(g.V(param("xs")))}
  h.d == 'out' ? (ks ? {_hop("out", kinds=True)} : {_hop("out", kinds=False)})
               : (ks ? {_hop("in", kinds=True)} : {_hop("in", kinds=False)})
}}
def begin = {{ h, xs, l ->
  def ks = h.ks; def n = h.n; def vf = h.vf; def vt = h.vt
  h.d == 'out' ? (ks ? {_first("out", kinds=True)} : {_first("out", kinds=False)})
               : (ks ? {_first("in", kinds=True)} : {_first("in", kinds=False)})
}}
def inferred = {{ e -> e.label().startsWith('{PREFIX}') }}
def byFar = {{ a, b -> a[0] <=> b[0] ?: inferred(a[1]) <=> inferred(b[1]) }}
def seen = new LinkedHashSet(points)
def test = {{ t, k ->
  def x = k[2]
  switch (k[0]) {{
    case 'in': return t.has(k[1], P.within(x))
    case 'out': return t.has(k[1], P.without(x))
    case 'above': return t.has(k[1], P.gt(x))
    case 'below': return t.has(k[1], P.lt(x))
    case 'least': return t.has(k[1], P.gte(x))
    case 'most': return t.has(k[1], P.lte(x))
    case 'prefix': return t.has(k[1], textPrefix(x))
    case 'regex': return t.has(k[1], textRegex(x))
    case 'word': return t.has(k[1], textContains(x))
    case 'wordPrefix': return t.has(k[1], textContainsPrefix(x))
  }}
  throw new IllegalArgumentException('test')
}}
def every = {{ t, tests -> tests.each {{ t = test(t, it) }}; t }}
def narrow = {{ f ->
  def t = g.V().has('tenant', tenant)
  f.each {{ arms -> t = arms.size() == 1 ? every(t, arms[0]) : t.or(*arms.collect {{ every(__.start(), it) }}) }}
  t
}}
def page = {{ q, f ->
  def t = narrow(f).order().by(q.o, q.d ? desc : asc)
  if (q.o != 'urn') t = t.by('urn', q.d ? desc : asc)
  q.n == 0 ? [] : t.limit(q.n).id().toList()
}}
def lists = listings.collect {{ q ->
  def xs = page(q, q.f)
  if (q.b && xs.size() >= q.n) {{
    def best = new LinkedHashSet()
    q.b.each {{ if (best.size() < q.n) best.addAll(page(q, it)) }}
    best.addAll(xs)
    xs = best.take(q.n as int) as List
  }}
  seen.addAll(xs)
  [x: xs, n: q.c ? narrow(q.t).limit(10001).id().count().next() : -1]
}}
def given = seen.size()
def sets = []
def room = cap
def edges = hops.collect {{ h ->
  def xs = h.p == -1 ? h.xs : h.p < 0 ? lists[-2 - h.p].x : new ArrayList(sets[h.p])
  def rows = []
  def reached = new LinkedHashSet()
  def take = {{ s, f, e ->
    rows << s; rows << f; rows << e.value('record'); reached << f
    if (h.i) e.property('{THROUGH}').ifPresent {{ it.tokenize(',').each {{ x -> seen << (x as long); room-- }} }}
  }}
  if (xs && room > 0) {{
    def out = h.d == 'out'
    def bySource = new LinkedHashMap()
    def ways = h.n > 0 && !h.t && h.a < 0 ? h.ls.collect {{ begin(h, xs, it) }} : [reach(h, xs)]
    ways.each {{ t ->
      while (t.hasNext() && room > 0) {{
        def e = t.next()
        def s = out ? e.outVertex().id() : e.inVertex().id()
        def f = out ? e.inVertex().id() : e.outVertex().id()
        if (h.n == 0) {{ take(s, f, e); room-- }}
        else if (h.t || f > h.a) {{ bySource.computeIfAbsent(s, {{ [] }}) << [f, e]; if (h.t) room-- }}
      }}
    }}
    if (room > 0) bySource.each {{ s, found ->
      if (h.t && found.size() >= h.n) {{
        def least = found[-1][1].value('at')
        def known = found.collect {{ it[0] }}.toSet()
        def ls = h.ls; def at = least; def n = cap; def vf = h.vf; def vt = h.vt
        {render(_valid(g.V(param("s")).in_e(spread("ls"))).has("at", P.eq(param("at"))))}.each {{
          if (known.add(it.outVertex().id())) {{ found << [it.outVertex().id(), it]; room-- }}
        }}
      }} else if (!h.t) found = found.sort(byFar).take(h.n as int)
      found.each {{ take(s, it[0], it[1]); if (!h.t) room-- }}
    }}
  }}
  sets << reached
  seen.addAll(reached)
  rows
}}
def xs = room > 0 ? seen as List : seen.take(given) as List
def v = xs ? {render(g.V(param("xs")).values("record"))}.toList() : []
[[e: room > 0 ? edges : [], v: v, l: lists, over: room <= 0]]
""",
    "points",
    "hops",
    "listings",
    "cap",
    "tenant",
)
