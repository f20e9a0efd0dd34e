"""Groovy classes of a hop: its bounds, its edges, and the first edges of many sources.

Their types are static, because a level has tens of thousands of edges. They need
:mod:`app.graph.driver.groovy.json_size`.
"""

from typing import Final

from app.graph.records.inferred_edge import PREFIX, THROUGH

NEAR: Final = f"""
@groovy.transform.CompileStatic
class Hop {{
  final boolean out
  final List<String> labels
  final Set<Object> kinds
  final long from, to, after
  final int wanted

  Hop(Map<String, Object> h) {{
    out = h.get('d') == 'out'
    labels = (List<String>) h.get('ls')
    kinds = new HashSet<Object>(h.get('t') ? Collections.emptySet() : (Collection<Object>) h.get('ks'))
    wanted = ((Number) h.get('n')).intValue()
    after = wanted > 0 ? ((Number) h.get('a')).longValue() : -1L
    from = ((Number) h.get('vf')).longValue()
    to = ((Number) h.get('vt')).longValue()
  }}
}}

@groovy.transform.CompileStatic
class Found {{
  final Object far
  final Edge edge
  final String text, chain
  final boolean derived

  Found(Object far, Edge edge, String text) {{
    this.far = far
    this.edge = edge
    this.text = text
    chain = null
    derived = false
  }}

  Found(Object far, String text, String chain, boolean derived) {{
    this.far = far
    edge = null
    this.text = text
    this.chain = chain
    this.derived = derived
  }}

  String through() {{ edge == null ? chain : (String) edge.property('{THROUGH}').orElse(null) }}

  boolean inferred() {{ edge == null ? derived : edge.label().startsWith('{PREFIX}') }}
}}

@groovy.transform.CompileStatic
class Near {{
  final Map<Object, List<Found>> found = new LinkedHashMap<>()
  final Map<Object, int[]> counts = new HashMap<>()
  final Hop hop
  int visited = 0
  long bytes = 0
  Object last = null
  boolean cut = false

  Near(Hop hop) {{ this.hop = hop }}

  Near read(Iterator<Edge> edges, long most) {{
    boolean out = hop.out
    List<Found> near = null
    int[] count = null
    while (!cut && edges.hasNext()) {{
      Edge e = edges.next()
      Object s = (out ? e.outVertex() : e.inVertex()).id()
      if (s != last) {{
        last = s
        near = found.computeIfAbsent(s) {{ k -> new ArrayList<Found>() }}
        count = counts.computeIfAbsent(s) {{ k -> new int[1] }}
      }}
      visited++
      count[0]++
      String r = (String) e.property('record').orElse('')
      bytes += r.length()
      cut = bytes >= most
      if (hop.wanted > 0 && near.size() >= hop.wanted) continue
      if (((Number) e.property('validTo').orElse(0L)).longValue() <= hop.to) continue
      if (((Number) e.property('validFrom').orElse(Long.MAX_VALUE)).longValue() > hop.from) continue
      if (hop.kinds && !hop.kinds.contains(e.property(out ? 'toKind' : 'fromKind').orElse(null))) continue
      near.add(new Found((out ? e.inVertex() : e.outVertex()).id(), e, r))
    }}
    this
  }}

  long mean() {{ Math.max(1L, bytes.intdiv(Math.max(1, visited)).longValue()) }}

  boolean lacks(Object s, int most) {{
    int[] count = counts.get(s)
    if (count == null) return cut
    (count[0] >= most || (cut && s == last)) && !(hop.wanted > 0 && found.get(s).size() >= hop.wanted)
  }}

  static long take(Object s, List<Found> found, List<Object> rows, Set<Object> reached, long left) {{
    for (Found each : found) {{
      if (left <= 0) break
      String r = each.text
      left -= JsonSize.of(r)
      rows.add(s)
      rows.add(each.far)
      rows.add(r)
      reached.add(each.far)
    }}
    left
  }}
}}
"""
"""``Near`` collects the valid edges in what the store returns, by source, and counts all of them.

It ends when the records of these have ``most`` characters, because the store keeps an edge that was read until the
response. A source ``lacks`` edges if ``most`` were read of it, and too few of them are valid. Behind such an end, the
source of the last edge may lack some, and so may those of which none was read.
"""
