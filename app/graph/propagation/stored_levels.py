"""Reads stored sensitivities where records are not needed: of vertices, and of the children of parents."""

from collections.abc import Iterable
from typing import Final

from app.graph.driver.edge_pages import PAGE
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render, spread
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.propagation.flow_statement import CHILD_STEPS, PROPAGATES, hop_row
from app.graph.propagation.stored_flows import AT_ONCE
from graphql_schema.catalog.instants import FOREVER
from policies.sensitivity import RANK, SENSITIVITIES

EXAMINED: Final = 100
"""Maximal number of edges of each step at a parent that are examined, also those that have ended."""

MAX_VISITED: Final = 2 * PAGE
"""Maximal number of edges, and of steps at parents, that one request goes through: all writers wait meanwhile."""

LEVELS: Final = PreparedStatement.of(
    """
def found = []
def xs = g.V(vs).toSet()
if (xs) g.getGraph().multiQuery(xs).keys('sensitivity').properties().each { v, ps ->
  ps.each { found << v.id(); found << it.value() }
}
[found]
""",
    "vs",
    name="flows",
)
"""Reads the stored sensitivity of vertices: a flat list ``[vertex id, level, …]``.

It reads one property of each, in one request to the storage; another step may read all of its hundreds.
"""

_FIRST: Final = [
    render(getattr(g.V(param("p")), step)(spread("ls")).limit(param("examined"))) for step in ("out_e", "in_e")
]

BEARING: Final = PreparedStatement.of(
    f"""
{PROPAGATES}
def left = visits as long
ps.findAll {{ p -> hops.any {{ h ->
  if (left-- <= 0) return false
  def ls = h.ls; def ks = h.ks as Set
  def out = h.d == 'out'
  (out ? {_FIRST[0]} : {_FIRST[1]}).any {{ e ->
    def kind = e.property(out ? 'toKind' : 'fromKind').orElse(null)
    if (left-- <= 0 || !propagates(e) || !ks.contains(kind)) return false
    def child = out ? e.inVertex() : e.outVertex()
    levels.contains(child.property('sensitivity').orElse('')) && teams.contains(child.property('ownerTeam').orElse(''))
  }}
}} }}
""",
    "ps",
    "hops",
    "now",
    "levels",
    "teams",
    "examined",
    "visits",
    name="flows",
)
"""Reads which parents ``ps`` have a child with one of the ``levels`` and ``teams`` among the first edges of each.

It goes through ``examined`` edges of each step at a parent, and ``visits`` edges and steps together. Parents that are
left then have no such child in the response.
"""


async def levels_of(client: GremlinClient, vertices: Iterable[int]) -> dict[int, str]:
    """Return the stored sensitivity of vertices, which are assets, by id; one that is not stored has none."""
    vs, found = list(vertices), dict[int, str]()
    for start in range(0, len(vs), AT_ONCE):
        (flat,) = await client.submit(LEVELS, {"vs": vs[start : start + AT_ONCE]})
        found.update(zip(flat[::2], flat[1::2], strict=True))
    return found


async def bearing(client: GremlinClient, parents: Iterable[int], level: str, teams: Iterable[str]) -> set[int]:
    """Return those of the parents of which one of the first children is stored with ``level`` or more.

    A child of another owner than ``teams`` does not count; each of these is an id, or "". Its author may have had no
    right to raise the targets, so that their raise is not confirmed yet.
    Only children that belong to their parent without an end count. A parent is left out if such a child is behind
    EXAMINED edges, or if those of parents before it are MAX_VISITED. Its targets are then read as if it had none.
    """
    ps, found = list(parents), set[int]()
    hops = [hop_row(step.direction, [step.label], step.far, []) for step in CHILD_STEPS]
    fixed = {
        "hops": hops,
        "now": FOREVER - 1,
        "levels": SENSITIVITIES[RANK[level] :],
        "teams": [*teams],
        "examined": EXAMINED,
        "visits": MAX_VISITED,
    }
    for start in range(0, len(ps), AT_ONCE):
        found.update(await client.submit(BEARING, {**fixed, "ps": ps[start : start + AT_ONCE]}))
    return found
