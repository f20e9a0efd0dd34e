"""The level statement: a Gremlin text that reads everything that one query level needs, in one request.

A level consists of vertices by id, hops (edges from many sources, then their far vertices) and listings (vertices from
the index). The text is constant and contains no relation, filter or policy: these are data. Listings are read first,
then edges, then each far vertex once (docs/design/janusgraph.md). If the cap ends the request, far vertices are not
read.

| parameter | content                                                      |
|-----------|--------------------------------------------------------------|
| points    | vertex ids whose records are returned                        |
| reached   | vertex ids that earlier requests of the level reached: their |
|           | records are returned unless ``over``                         |
| hops      | list of hops                                                 |
| listings  | list of listings                                             |
| cap       | number of edges and chain vertices that end the request      |
| visited   | number of edges, also ended ones, and of sources, after      |
|           | which it stops                                               |
| memory    | number of bytes of the edges that are read of many sources   |
|           | together, also ended ones, after which it stops              |
| size      | number of bytes of records that end the request              |
| full      | whether the records of vertices are returned                 |
| tenant    | tenant of all listings                                       |
| head      | vertex id of the head of the write log, 0 for none           |

| hop   | content                                                                                      |
|-------|----------------------------------------------------------------------------------------------|
| d     | direction, ``out`` or ``in``                                                                 |
| ls    | edge labels                                                                                  |
| ks    | codes of the kinds of the far ends; all kinds if empty; ignored if ``t``                     |
| xs    | vertex ids of sources                                                                        |
| p     | -1; index of the hop whose far ends are sources too; or -2 - index of a listing              |
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
| w     | what each source counts for the cap before the hop begins, absent for nothing                |
| b     | positions of further sources at which the hop goes on, absent for none                       |
|       | (:mod:`app.graph.driver.groovy.edge_slices`)                                                 |

| listing | content                                                                                    |
|---------|--------------------------------------------------------------------------------------------|
| f       | filter, in the form of :mod:`app.graph.reading.level.index_tests`                          |
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
| w        | vertex ids whose records were left out, because the request is not ``full``, or stopped   |
| large    | whether the size ended the request: ``e``, ``v`` and ``l`` are empty then                  |
| r        | empty, or where it stopped, so that ``e`` has the edges up to there, and ``v`` is empty:   |
|          | ``[index of the hop, its further sources, its ``b``, what is left of cap, and of size]``   |
| h        | number of the last transaction before the response, 0 without a ``head``                  |

A page in the order of time (``t``) reads few edges of each source first, of many sources together, and then more of
single ones. These are its own edges, those of its last instant, and those between that have ended.

Other hops read few edges of each source first as well. The sources with more of them follow one by one, in slices that
take no memory of the transaction. A page behind a far id begins there. A request passes edges that have ended, for as
long as the store may work on one request. It stops as well once those that it read of many sources together have
``memory`` bytes, ended ones included, because the store keeps them. It stops once the edges in its response have
``portion`` bytes, because a response is decoded at once; a page of one source is not divided. The next one goes on
where it stopped (:mod:`app.graph.reading.level.continued_level`). If the first source of a page in the order of time
has as many bytes as ``memory``, the request is too large.
"""

from typing import Final

from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import Order, P

from app.graph.driver.gremlin_text import g, param, render, spread
from app.graph.driver.groovy.edge_slices import SLICES
from app.graph.driver.groovy.json_size import JSON_SIZE
from app.graph.driver.groovy.near_edges import NEAR
from app.graph.driver.groovy.word_beginnings import MANY_WORDS, WORD_BEGINNINGS
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.reading.level.even_filter import NO_CHANGES, NOTHING, listed
from app.graph.records.merged_record import POINTER

EDGE_CAP: Final = 50_000
"""Number of edges and chain vertices at which a request ends, because the embedded store must not be interrupted."""

VISITED_CAP: Final = 150_000
"""Number of edges, also ended ones, and sources after which a request stops, and a further one goes on.

The store needs about a second for them. To find that a source has no edge takes it as long as to read one, for each
label. The labels do not count where all edges of a source are wanted.
"""

TOGETHER: Final = 250
"""Maximal number of sources whose first edges are read together."""

EDGES_TOGETHER: Final = 20_000
"""Maximal number of edges that are read together, so that few are read of further sources after a stop."""

MEMORY: Final = 24 * 1024 * 1024
"""Number of bytes of edges that a request reads of many sources together, which the store keeps until the response.

Several requests run at once.
"""

FEW: Final = 200
"""Number of edges that are first read of a source of which all are wanted; sources with more are read one by one."""

FEW_BY_TIME: Final = 100
"""The same as FEW where edges are ordered by time: of a source with more, as many are read as may be wanted, then more.
"""

RECORDS_CAP: Final = 12 * 1024 * 1024
"""Number of bytes of records, as the response has them, at which a request ends. It bounds the memory of the store: a
request needs a multiple of it there, and several run at once. It bounds also the time in which a response is decoded,
in one call. A level with fewer bytes of edges is then read in parts.
"""

READ_AT_ONCE: Final = 250
"""Number of vertices whose records the store reads before it compares their size with the cap."""


def _near(direction: str) -> str:
    """Return the text of the first ``most`` edges of each source, those of one label in the order of far vertex ids."""
    edges = __.out_e(spread("ls")) if direction == "out" else __.in_e(spread("ls"))
    return str(render(g.V(param("xs")).local(edges.limit(param("most")))))


def _newest() -> str:
    """Return the text of the ``most`` newest edges from each source, also those that have ended."""
    within = __.in_e(spread("ls")).has("at", P.lte(param("at"))).has("at", P.gte(param("since")))
    return str(render(g.V(param("xs")).local(within.order().by("at", Order.desc).limit(param("most")))))


def _of_instant() -> str:
    """Return the text of the first ``most`` edges of one instant from a source, also those that have ended."""
    return str(render(g.V(param("s")).in_e(spread("ls")).has("at", P.eq(param("at"))).limit(param("most"))))


LEVEL: Final = PreparedStatement.of(
    f"""
{JSON_SIZE}{NEAR}{SLICES}{WORD_BEGINNINGS}
def between = {{ xs, fs, ls ->
  def far = {render(g.V(param("fs")))}.toList()
  {render(g.V(param("xs")))}.toList().collectMany {{ a ->
    far.collectMany {{ b -> a.query().labels(*ls).direction(OUT).adjacent(b).edges().toList() }}
  }}.iterator()
}}
def newest = {{ h, xs, most -> def ls = h.ls; def at = h.at; def since = h.since; {_newest()} }}
def ofInstant = {{ h, s, at, most -> def ls = h.ls; {_of_instant()} }}
def edgesOf = {{ h, xs, ls, most -> h.d == 'out' ? {_near("out")} : {_near("in")} }}
def byFar = {{ a, b -> a.far <=> b.far ?: a.inferred() <=> b.inferred() }}
def wanted = new LinkedHashSet(points)
def many = [:]
def areMany = {{ key, x ->
  if (many[[key, x]] == null) {{
    many[[key, x]] = WordBeginnings.areMany(g.getGraph(), key, x, {MANY_WORDS})
  }}
  many[[key, x]]
}}
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
    case 'termPrefix': return t.has(k[1], areMany(k[1], x) ? P.eq(x) : textPrefix(x))
    case 'regex': return t.has(k[1], textRegex(x))
    case 'word': return t.has(k[1], textContains(x))
    case 'wordPrefix': return t.has(k[1], areMany(k[1], x) ? textContains(x) : textContainsPrefix(x))
  }}
  throw new IllegalArgumentException('test')
}}
def every = {{ t, tests -> tests.each {{ t = test(t, it) }}; t }}
def ofIndex = {{ f ->
  if (!f || f[-1] != {listed(NO_CHANGES)} || !WordBeginnings.isEmbedded(g.getGraph())) return f
  f[0..-2].collect {{ arms -> arms[0..-2] + [{listed(NOTHING)}] }}
}}
def narrow = {{ f ->
  def t = g.V().has('tenant', tenant)
  ofIndex(f).each {{ arms ->
    t = arms.size() == 1 ? every(t, arms[0]) : t.or(*arms.collect {{ every(__.start(), it) }})
  }}
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
wanted.addAll(reached)
def sets = []
def budget = cap
def left = size as long
def full_at = left - (portion as long)
def rest = []
def slices = new Slices(g.getGraph(), visited as int)
def free = memory as long
def near = {{ hop, edges, least ->
  def found = new Near(hop).read(edges, Math.max(free, least as long))
  slices.unvisited -= found.visited
  free -= found.bytes
  found
}}
def scan = {{ h, number, xs, done ->
  def hop = new Hop(h)
  def n = hop.wanted
  def few = n ? 2 * n + 4 : {FEW}
  def labels = n ? h.ls.collect {{ [it] }} : [h.ls]
  def large = new ArrayDeque(h.b ?: [])
  int at = 0
  while (budget > 0 && left > 0 && (large || at < xs.size())) {{
    if (slices.unvisited <= 0 || free <= 0 || left <= full_at) {{
      rest = [number, xs.drop(at), large as List]
      return
    }}
    if (large) {{
      def position = large.pop()
      def found = new ArrayList()
      long fitting = position[3] ? left : left - Math.max(full_at, 0L)
      def next = slices.read(hop, position, budget as long, fitting, found)
      if (next) large.push(next)
      done(position[0], found)
      continue
    }}
    int together = Math.min(slices.unvisited, {EDGES_TOGETHER}).intdiv(few * labels.size())
    def part = xs.subList(at, Math.min(at + Math.max(1, Math.min(together, {TOGETHER})), xs.size()))
    at += part.size()
    slices.unvisited -= part.size() * labels.size()
    if (hop.after >= 0) {{
      part.each {{ large.add([it, 0, hop.after, n]) }}
      continue
    }}
    def first = labels.collect {{ near(hop, edgesOf(h, part, it, few), 0) }}
    int unsent = 0
    part.each {{ x ->
      def s = x as long
      if (budget <= 0 || left <= 0) return
      if (left <= full_at) {{
        unsent++
        return
      }}
      def found = first.size() == 1 ? first[0].found[s] : first.collectMany {{ it.found[s] ?: [] }}
      if (first.any {{ it.lacks(s, few) }}) large.add([s, 0, -1L, n])
      else if (found) done(s, first.size() == 1 ? found : found.sort(byFar).take(n))
    }}
    at -= unsent
  }}
}}
def scanByTime = {{ h, number, xs, done ->
  def hop = new Hop(h)
  def atInstant = new Hop([*: h, n: 0])
  int few = Math.min(2L * hop.wanted + 4, {FEW_BY_TIME}L)
  int at = 0
  while (budget > 0 && left > 0 && at < xs.size()) {{
    if (left <= full_at) {{
      rest = [number, xs.drop(at), []]
      return
    }}
    int together = Math.min(slices.unvisited.intdiv(4), {EDGES_TOGETHER}).intdiv(few)
    def part = xs.subList(at, Math.min(at + Math.max(1, Math.min(together, {TOGETHER})), xs.size()))
    boolean stopped = slices.unvisited <= 0 || free <= 0
    def first = near(hop, stopped ? [].iterator() : newest(h, part, few), 0)
    for (x in part) {{
      if (budget <= 0 || left <= 0) break
      if (left <= full_at) {{
        rest = [number, xs.drop(at), []]
        return
      }}
      def s = x as long
      def last = first
      int most = few
      while (last.lacks(s, most) && slices.unvisited > most && free > 0) {{
        long fitting = Math.max(2L * most, free.intdiv(last.mean()))
        most = [Math.max(8L * most, Math.min(budget + few, hop.wanted)), fitting, slices.unvisited].min()
        last = near(hop, newest(h, [s], most), 0)
      }}
      stopped |= last.lacks(s, most)
      def found = last.found[s] ?: []
      if (!stopped && found.size() >= hop.wanted) {{
        def known = found.collect {{ it.far }}.toSet()
        most = Math.max(1, Math.min(slices.unvisited, Math.max(few, Math.max(free, at ? 0 : size).intdiv(last.mean()))))
        def further = near(atInstant, ofInstant(h, s, found[-1].edge.value('at'), most), at ? 0 : size)
        stopped = further.lacks(s, most)
        further.found[s].each {{ if (known.add(it.far)) found << it }}
      }}
      if (stopped) {{
        if (at || number) rest = [number, xs.drop(at), []]
        else if (free.intdiv(last.mean()) < slices.unvisited) left = 0
        else budget = 0
        return
      }}
      if (found) done(s, found)
      at++
    }}
    slices.unvisited -= part.size()
  }}
}}
def sized = {{ r -> left -= JsonSize.of(r); r }}
def edges = hops.withIndex().collect {{ h, number ->
  def xs = new LinkedHashSet(h.xs)
  if (h.p != -1) xs.addAll(h.p < 0 ? lists[-2 - h.p].x : sets[h.p])
  xs = new ArrayList(xs)
  def rows = []
  def far = new LinkedHashSet()
  def keep = {{ s, found ->
    left = Near.take(s, found, rows, far, left)
    if (h.i) found.each {{ it.through()?.tokenize(',')?.each {{ x ->
      wanted << (x as long)
      budget--
    }} }}
  }}
  if (h.w && !rest) budget -= h.w * xs.size()
  if ((xs || h.b) && budget > 0 && left > 0 && !rest) {{
    def out = h.d == 'out'
    if (h.f) between(xs, h.f, h.ls).each {{ e ->
      if (budget <= 0 || left <= 0) return
      keep(e.outVertex().id(), [new Found(e.inVertex().id(), e, (String) e.value('record'))])
      budget--
    }} else if (h.t) scanByTime(h, number, xs) {{ s, found ->
      keep(s, found)
      budget -= found.size()
    }} else scan(h, number, xs) {{ s, found ->
      keep(s, found.size() > budget ? found.take(budget as int) : found)
      budget -= found.size()
    }}
  }}
  sets << far
  wanted.addAll(far)
  rows
}}
def last = {{ head ? {render(g.V(param("head")).values("sequence"))}.tryNext().orElse(0L) : 0L }}
def none = [e: [], v: [], w: [], l: [], over: false, large: false, r: []]
if (left <= 0) return [none + [large: true, h: last()]]
if (rest) return [none + [e: edges, l: lists, w: wanted as List, r: [*rest, budget, left], h: last()]]
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
if (left <= 0) return [none + [large: true, h: last()]]
[none + [e: budget > 0 ? edges : [], v: v, w: full ? [] : xs, l: lists, over: budget <= 0, h: last()]]
""",
    "points",
    "reached",
    "hops",
    "listings",
    "cap",
    "visited",
    "memory",
    "size",
    "portion",
    "full",
    "tenant",
    "head",
    name="level",
)
