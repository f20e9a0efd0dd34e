"""The level statement: a Gremlin text that reads everything that one query level needs, in one request.

A level consists of vertices by id, hops (edges from many sources, then their far vertices) and listings (vertices from
the index). The text is constant and contains no relation, filter or policy: these are data. Listings are read first,
then edges, then each far vertex once (docs/design/janusgraph.md). If the cap ends the request, far vertices are not
read.

| parameter | content                                                     |
|-----------|-------------------------------------------------------------|
| points    | vertex ids whose records are returned                       |
| hops      | list of hops                                                |
| listings  | list of listings                                            |
| cap       | number of edges and chain vertices that end the request     |
| visited   | number of edges, also ended ones, that end the request      |
| size      | number of bytes of records that end the request             |
| full      | whether the records of vertices are returned                |
| tenant    | tenant of all listings                                      |
| head      | vertex id of the head of the write log, 0 for none          |

| hop   | content                                                                                      |
|-------|----------------------------------------------------------------------------------------------|
| d     | direction, ``out`` or ``in``                                                                 |
| ls    | edge labels                                                                                  |
| ks    | codes of the kinds of the far ends; all kinds if empty; ignored if ``t``                     |
| xs    | vertex ids of the sources, if ``p`` is -1                                                    |
| p     | -1; index of the hop whose far ends are the sources; or -2 - index of a listing              |
| n     | maximal number of edges from each source; 0 for all. If ``t``, further edges are included    |
|       | that have the ``at`` of the last one, because edges of one time are not ordered              |
| a     | only far ends whose vertex id is greater, -1 for all; ignored if ``t``, or if ``n`` is 0     |
| t     | whether edges are ordered by the property ``at``, newest first; only if ``d`` is ``in`` and  |
|       | ``n`` is not 0                                                                               |
| at    | latest ``at``, if ``t``: epoch milliseconds, for edges of changes a greater number           |
| since | earliest ``at``, if ``t``, in the same unit                                                  |
| vf    | ``validFrom`` of the edge must not be later                                                  |
| vt    | ``validTo`` of the edge must be later                                                        |
| i     | whether edges may be inferred: vertices on their chains are returned and count for the cap   |
| f     | vertex ids of far ends, absent for all: only edges to these, ended ones too; only if ``p``   |
|       | is -1 and ``n`` is 0, and only ``out``; ``ks``, ``vf`` and ``vt`` are then ignored           |

| listing | content                                                                                    |
|---------|--------------------------------------------------------------------------------------------|
| f       | filter, in the form of :mod:`app.graph.reading.level.index_filter`                         |
| t       | filter of the total                                                                        |
| o       | native property by which the listing is ordered, then by URN                               |
| d       | whether the order is descending                                                            |
| s       | whether to return the values of the order                                                  |
| n       | maximal number of vertices                                                                 |
| c       | whether to count the total                                                                 |
| b       | filters of preference, each used without ``f``: if ``n`` or more vertices are found, those |
|         | of the first come before the others, then those of the second, and so on; empty for none   |

| response | content                                                                                   |
|----------|-------------------------------------------------------------------------------------------|
| e        | for each hop the flat rows ``[source, far end, edge record, …]``; empty if ``over``       |
| v        | records of the vertices in ``points`` and listings; unless ``over``, also of far ends and |
|          | vertices on chains; also of those that merged ones among them point at                    |
| l        | for each listing ``{x: vertex ids, s: their values of ``o`` if requested, n: total up to  |
|          | 10,001, or -1}``                                                                          |
| over     | whether the cap ended the request                                                         |
| w        | vertex ids whose records were left out, because the request is not ``full``               |
| large    | whether the size ended the request: ``e``, ``v`` and ``l`` are empty then                  |
| h        | number of the last transaction before the response, 0 without a ``head``                  |

A page in the order of time (``t``) reads its own edges and those of its last instant, however many the source has.
Another page passes the edges of the source before it, and those that have ended. The store keeps them in memory until
the response. So it reads few edges of each source first, and then the sources with more of them one by one.
"""

from typing import Any, Final

from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import Order, P

from app.graph.driver.gremlin_text import g, param, render, spread
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.inferred_edge import PREFIX, THROUGH
from app.graph.records.merged_record import POINTER

EDGE_CAP: Final = 50_000
"""Number of edges and chain vertices at which a request ends, because the embedded store must not be interrupted."""

VISITED_CAP: Final = 150_000
"""Number of edges, also ended ones, that end a request: the store keeps them in memory until then, some 60 MB."""


TOGETHER: Final = 250
"""Number of sources whose first edges are read together."""

FEW: Final = 400
"""Number of edges that are first read of a source of which all are wanted; sources with more are read one by one."""

RECORDS_CAP: Final = 16 * 1024 * 1024
"""Number of bytes of records, as the response has them, at which a request ends. It bounds the memory of the store: a
request needs a multiple of it there, and several run at once. It bounds also the time in which a response is decoded,
in one call. A level with fewer bytes of edges is then read in parts.
"""

READ_AT_ONCE: Final = 250
"""Number of vertices whose records the store reads before it compares their size with the cap."""


def _valid(edges: Any) -> Any:  # noqa: ANN401 - a gremlinpython traversal
    """Return the traversal restricted to edges that are valid within the bounds ``vf`` and ``vt``."""
    return edges.has("validFrom", P.lte(param("vf"))).has("validTo", P.gt(param("vt")))


def _near(direction: str) -> str:
    """Return the text of the first ``most`` edges of each source, those of one label in the order of far vertex ids."""
    edges = __.out_e(spread("ls")) if direction == "out" else __.in_e(spread("ls"))
    return str(render(g.V(param("xs")).local(edges.limit(param("most")))))


def _newest(start: Any) -> str:  # noqa: ANN401 - a gremlinpython traversal
    """Return the text of the ``n`` newest edges from each source of ``start``."""
    within = _valid(__.in_e(spread("ls"))).has("at", P.lte(param("at"))).has("at", P.gte(param("since")))
    edges = within.order().by("at", Order.desc).limit(param("n"))
    return str(render(start.local(edges)))


_NEAR: Final = """
@groovy.transform.CompileStatic
class Near {
  final Map<Object, List<List<Object>>> found = new LinkedHashMap<>()
  final Map<Object, int[]> counts = new HashMap<>()
  final boolean out
  final Set<Object> kinds
  final long from, to, after
  final int wanted
  int visited = 0

  Near(Map<String, Object> h) {
    out = h.get('d') == 'out'
    kinds = new HashSet<Object>((Collection<Object>) h.get('ks'))
    wanted = ((Number) h.get('n')).intValue()
    after = wanted > 0 ? ((Number) h.get('a')).longValue() : -1L
    from = ((Number) h.get('vf')).longValue()
    to = ((Number) h.get('vt')).longValue()
  }

  Near read(Iterator<Edge> edges) {
    Object last = null
    List<List<Object>> near = null
    int[] count = null
    while (edges.hasNext()) {
      Edge e = edges.next()
      Object s = (out ? e.outVertex() : e.inVertex()).id()
      if (s != last) {
        last = s
        near = found.computeIfAbsent(s) { k -> new ArrayList<List<Object>>() }
        count = counts.computeIfAbsent(s) { k -> new int[1] }
      }
      visited++
      count[0]++
      if (wanted > 0 && near.size() >= wanted) continue
      Object f = (out ? e.inVertex() : e.outVertex()).id()
      if (((Number) f).longValue() <= after) continue
      if (((Number) e.property('validTo').orElse(0L)).longValue() <= to) continue
      if (((Number) e.property('validFrom').orElse(Long.MAX_VALUE)).longValue() > from) continue
      if (kinds && !kinds.contains(e.property(out ? 'toKind' : 'fromKind').orElse(null))) continue
      near.add([f, (Object) e])
    }
    this
  }

  static long sizeOf(String r) {
    long size = r.length()
    for (int i = 0; i < r.length(); i++) {
      int c = (int) r.charAt(i)
      if (c == 34 || c == 92) size++
      else if (c > 127) size += c < 2048 || Character.isSurrogate((char) c) ? 1 : 2
    }
    size
  }

  static long take(Object s, List<List<Object>> found, List<Object> rows, Set<Object> reached, long left) {
    for (List<Object> each : found) {
      if (left <= 0) break
      String r = (String) ((Edge) each.get(1)).value('record')
      left -= sizeOf(r)
      rows.add(s)
      rows.add(each.get(0))
      rows.add(r)
      reached.add(each.get(0))
    }
    left
  }
}
"""
"""Collects the valid edges in what the store returns, by source, and counts all of them.

The size of a record is that of its text in JSON: quotation marks and backslashes are escaped, others are UTF-8.
"""

LEVEL: Final = PreparedStatement.of(
    f"""
{_NEAR}
def between = {{ xs, fs, ls ->
  def far = {render(g.V(param("fs")))}.toList()
  {render(g.V(param("xs")))}.toList().collectMany {{ a ->
    far.collectMany {{ b -> a.query().labels(*ls).direction(OUT).adjacent(b).edges().toList() }}
  }}.iterator()
}}
def newest = {{ h, xs ->
  def ls = h.ls; def n = h.n; def at = h.at; def since = h.since; def vf = h.vf; def vt = h.vt
  {_newest(g.V(param("xs")))}
}}
def edgesOf = {{ h, xs, ls, most -> h.d == 'out' ? {_near("out")} : {_near("in")} }}
def inferred = {{ e -> e.label().startsWith('{PREFIX}') }}
def byFar = {{ a, b -> a[0] <=> b[0] ?: inferred(a[1]) <=> inferred(b[1]) }}
def wanted = new LinkedHashSet(points)
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
  wanted.addAll(xs)
  def s = q.s ? xs.collect {{ x -> g.V(x).values(q.o).tryNext().orElse(null) }} : []
  [x: xs, s: s, n: q.c ? narrow(q.t).limit(10001).id().count().next() : -1]
}}
def given = wanted.size()
def sets = []
def budget = cap
def unvisited = visited
def scan = {{ h, xs, ls, done ->
  def n = h.n as int
  def few = n ? 2 * n + 4 : {FEW}
  xs.collate({TOGETHER}).each {{ part ->
    if (budget <= 0) return
    def first = new Near(h).read(edgesOf(h, part, ls, few))
    unvisited -= first.visited
    first.found.each {{ s, found ->
      if (first.counts[s][0] == few && !(n && found.size() >= n)) {{
        def most = Math.max(unvisited + few, 1)
        def whole = new Near(h).read(edgesOf(h, [s], ls, most))
        unvisited -= Math.max(whole.visited - few, 0)
        if (whole.visited == most) budget = 0
        found = whole.found[s]
      }}
      if (budget > 0) done(s, found)
    }}
    if (unvisited <= 0) budget = 0
  }}
}}
def left = size as long
def sized = {{ r -> left -= Near.sizeOf(r); r }}
def edges = hops.collect {{ h ->
  def xs = h.p == -1 ? h.xs : h.p < 0 ? lists[-2 - h.p].x : new ArrayList(sets[h.p])
  def rows = []
  def reached = new LinkedHashSet()
  def keep = {{ s, found ->
    left = Near.take(s, found, rows, reached, left)
    if (h.i) found.each {{ it[1].property('{THROUGH}').ifPresent {{ chain -> chain.tokenize(',').each {{ x ->
      wanted << (x as long)
      budget--
    }} }} }}
  }}
  if (xs && budget > 0 && left > 0) {{
    def out = h.d == 'out'
    def bySource = new LinkedHashMap()
    if (h.f || h.t) (h.f ? between(xs, h.f, h.ls) : newest(h, xs)).each {{ e ->
      if (budget <= 0 || left <= 0) return
      def s = (out ? e.outVertex() : e.inVertex()).id()
      def f = (out ? e.inVertex() : e.outVertex()).id()
      if (h.f) keep(s, [[f, e]]) else bySource.computeIfAbsent(s, {{ [] }}) << [f, e]
      budget--
    }} else if (h.n == 0) scan(h, xs, h.ls) {{ s, found ->
      keep(s, found.size() > budget ? found.take(budget as int) : found)
      budget -= found.size()
    }} else h.ls.each {{ l -> scan(h, xs, [l]) {{ s, found -> bySource.computeIfAbsent(s, {{ [] }}).addAll(found) }} }}
    if (budget > 0) bySource.each {{ s, found ->
      if (left <= 0) return
      if (h.t && found.size() >= h.n) {{
        def least = found[-1][1].value('at')
        def known = found.collect {{ it[0] }}.toSet()
        def ls = h.ls; def at = least; def n = cap; def vf = h.vf; def vt = h.vt
        {render(_valid(g.V(param("s")).in_e(spread("ls"))).has("at", P.eq(param("at"))))}.each {{
          if (known.add(it.outVertex().id())) {{ found << [it.outVertex().id(), it]; budget-- }}
        }}
      }} else if (!h.t) found = found.sort(byFar).take(h.n as int)
      keep(s, found)
      if (!h.t) budget -= found.size()
    }}
  }}
  sets << reached
  wanted.addAll(reached)
  rows
}}
def xs = budget > 0 ? wanted as List : wanted.take(given) as List
def v = []
def read = new LinkedHashSet(xs)
while (full && xs) {{
  def further = []
  xs.collate({READ_AT_ONCE}).each {{ part ->
    if (left > 0) {render(g.V(param("part")).values("record"))}.each {{ r ->
      v << sized(r)
      if (r.startsWith('{POINTER}')) further << (r.substring({len(POINTER)}, r.indexOf(',')) as long)
    }}
  }}
  xs = further.findAll {{ read.add(it) }}
}}
def last = head ? {render(g.V(param("head")).values("sequence"))}.tryNext().orElse(0L) : 0L
if (left <= 0) return [[e: [], v: [], w: [], l: [], over: false, large: true, h: last]]
[[e: budget > 0 ? edges : [], v: v, w: full ? [] : xs, l: lists, over: budget <= 0, large: false, h: last]]
""",
    "points",
    "hops",
    "listings",
    "cap",
    "visited",
    "size",
    "full",
    "tenant",
    "head",
    name="level",
)
