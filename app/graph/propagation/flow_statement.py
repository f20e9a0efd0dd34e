"""The text FLOW, which reads a page of the propagation neighbours of vertices, and the hops that it takes.

Parameters and keys:

| name      | content                                                                          |
|-----------|----------------------------------------------------------------------------------|
| points    | vertex ids whose records are returned too                                        |
| hops      | list of the hops below, as :class:`app.graph.driver.edge_pages.EdgePages` has them |
| hops.d    | direction, ``out`` or ``in``                                                     |
| hops.ls   | edge labels                                                                      |
| hops.ks   | codes of the kinds of the far ends                                               |
| hops.p    | index of the hop whose far ends this hop starts from, or -1 to start from ``xs`` |
| hops.ns   | codes of the kinds of those far ends from which it starts, or none for all kinds |
| hops.xs   | vertex ids where the hop starts, if ``p`` is -1                                  |
| hops.more | positions where the hop continues                                                |
| now       | epoch milliseconds; edges that have ended by then are left out                   |
| page      | number of edges and starts after which no further edge is read                   |
| most      | maximal number of records; if there are more vertices, no record is returned     |
| size      | number of bytes of complete records, as JSON, at which no further record is read |
| length    | number of characters of them at which no further record is read                  |
| only      | keys that records of more than SHORT characters have, or no keys for all of theirs |

The response is one object. Declassified edges are left out, and so are edges with an empty interval, such as
unconfirmed edges: these may begin, and so end, later than ``now``.

| name | content                                                                                |
|------|----------------------------------------------------------------------------------------|
| e    | for each hop a flat list ``[start, far end, kind code of the far end, …]``             |
| r    | for each hop a list of the starts, and one of the positions, that are not read yet     |
| v    | a flat list ``[vertex id, record, …]`` of the points and of the far ends of all hops   |
| w    | vertex ids of those whose records are left out because of ``size`` or ``length``       |
| n    | number of edges and starts that were visited, also if they are in no list              |
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.graph.driver.edge_pages import VISITED, page_of_edges
from app.graph.driver.gremlin_text import g, param, render
from app.graph.driver.groovy.edge_entries import EDGES_BEHIND
from app.graph.driver.groovy.json_size import JSON_SIZE
from app.graph.driver.groovy.record_parts import RECORD_PARTS
from app.graph.driver.prepared_statement import PreparedStatement
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import CHILD_HOPS, PARENT_HOPS, Hop
from graphql_schema.ports.record import Json, JsonObject

SHORT: Final = 4_096
"""Number of characters of a record that the store returns in less time than it finds some keys of it."""


PROPAGATES: Final = """
def propagates = { e ->
  def end = e.property('validTo').orElse(0L)
  end > now && e.value('validFrom') < end && !e.property('declassified').orElse(false)
}
"""
"""Text of a closure that returns whether an edge propagates after the instant ``now``."""

FLOW: Final = PreparedStatement.of(
    f"""
{JSON_SIZE}{EDGES_BEHIND}
{RECORD_PARTS}
{PROPAGATES}
def found = new LinkedHashSet(points)
def sets = []
def rest = []
def budget = page as long
def edges = hops.collect {{ h ->
  def out = h.d == 'out'; def ls = h.ls; def ks = h.ks as Set
  def ns = h.ns as Set
  def first = h.p < 0 ? h.xs : sets[h.p].findAll {{ !ns || ns.contains(it.value) }}.collect {{ it.key }}
  def more = h.more
  def rows = []
  def reached = new LinkedHashMap()
  def see = {{ e ->
    if (!propagates(e)) return 1
    def k = e.property(out ? 'toKind' : 'fromKind').orElse(null)
    if (!ks.contains(k)) return 1
    def f = out ? e.inVertex().id() : e.outVertex().id()
    rows << (out ? e.outVertex().id() : e.inVertex().id()); rows << f; rows << k
    reached[f] = k
    1
  }}
{page_of_edges("see")}
  sets << reached
  rest << [unread, partly]
  found.addAll(reached.keySet())
  rows
}}
def v = []
def w = []
def left = size as long
def vacant = length as long
def keys = only as Set
def xs = found.size() <= most ? found as List : []
if (xs) {render(g.V(param("xs")))}.each {{
  if (left > 0 && vacant > 0) {{
    def r = it.value('record')
    vacant -= r.length()
    left -= JsonSize.of(r)
    v << it.id(); v << (keys && r.length() > {SHORT} ? RecordParts.only(r, keys) : r)
  }} else w << it.id()
}}
[[e: edges, r: rest, v: v, w: w, n: {VISITED}]]
""",
    "points",
    "hops",
    "now",
    "page",
    "most",
    "size",
    "length",
    "only",
    name="flows",
)


@dataclass(frozen=True, slots=True)
class Step:
    """One edge label between parents and children of asset groups, with the kinds at both ends.

    ``near`` are the kinds where the step starts and ``far`` those where it ends; ``direction`` is ``out`` or ``in``.
    """

    direction: str
    label: str
    near: list[str]
    far: list[str]


def _by_label(hops: Mapping[str, Hop]) -> list[Step]:
    """Return the steps over hops that are given by the kind where they start: one step per direction and label."""
    by_edge: dict[tuple[str, str], list[tuple[str, Hop]]] = defaultdict(list)
    for near, hop in hops.items():
        by_edge[hop.direction.value, hop.relation.name].append((near, hop))
    return [
        Step(*step, [near for near, _ in found], [name for _, hop in found for name in hop.kinds])
        for step, found in by_edge.items()
    ]


CHILD_STEPS: Final = _by_label(CHILD_HOPS)


PARENT_STEPS: Final = _by_label(PARENT_HOPS)


def codes_of(kinds: Iterable[str]) -> list[Json]:
    """Return the codes of kinds."""
    return [KINDS[name].code for name in kinds]


def hop_row(
    direction: str, labels: Sequence[str], kinds: Iterable[str], xs: Sequence[int], source_hop: int = -1
) -> JsonObject:
    """Return one hop in the form that FLOW takes; with a ``source_hop``, it starts from far ends of all kinds."""
    return {"d": direction, "ls": list(labels), "ks": codes_of(kinds), "p": source_hop, "ns": [], "xs": list(xs)}
