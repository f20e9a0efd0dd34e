"""Reads stored sensitivities where records are not needed: of vertices, and of the children of parents."""

from collections.abc import Iterable
from typing import Final

from gremlin_python.process.traversal import P

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.propagation.flow_statement import CHILD_STEPS, hop_row, propagating_edges
from app.graph.propagation.stored_flows import AT_ONCE
from graphql_schema.catalog.instants import FOREVER
from policies.sensitivity import RANK, SENSITIVITIES

EXAMINED: Final = 100
"""Maximal number of children of a parent that are examined."""

BELOW: Final = PreparedStatement.traversal(
    g.V(param("xs")).has("sensitivity", P.within(param("levels"))).id_().fold(), name="flows"
)

BEARING: Final = PreparedStatement.of(
    f"""
ps.findAll {{ p -> hops.any {{ h ->
  def xs = [p]; def ls = h.ls; def ks = h.ks
  def out = h.d == 'out'
  (out ? {propagating_edges("out")} : {propagating_edges("in")}).limit(examined as long).any {{ e ->
    e.value('validFrom') < e.value('validTo') && levels.contains(
      (out ? e.inVertex() : e.outVertex()).property('sensitivity').orElse('')
    )
  }}
}} }}
""",
    "ps",
    "hops",
    "now",
    "levels",
    "examined",
    name="flows",
)
"""Reads which of the parents ``ps`` have a child with one of the ``levels`` among the first ones of each."""


async def below(client: GremlinClient, vertices: Iterable[int], level: str) -> set[int]:
    """Return those of the vertices, which are assets, whose stored sensitivity is lower than ``level``."""
    xs, levels, found = list(vertices), SENSITIVITIES[: RANK[level]], set[int]()
    for start in range(0, len(xs), AT_ONCE):
        (low,) = await client.submit(BELOW, {"xs": xs[start : start + AT_ONCE], "levels": levels})
        found.update(low)
    return found


async def bearing(client: GremlinClient, parents: Iterable[int], level: str) -> set[int]:
    """Return those of the parents of which one of the first EXAMINED children is stored with ``level`` or more.

    Only children that belong to their parent without an end count. A parent with such a child far behind is left out.
    """
    ps, found = list(parents), set[int]()
    hops = [hop_row(step.direction, [step.label], step.far, []) for step in CHILD_STEPS]
    fixed = {"hops": hops, "now": FOREVER - 1, "levels": SENSITIVITIES[RANK[level] :], "examined": EXAMINED}
    for start in range(0, len(ps), AT_ONCE):
        found.update(await client.submit(BEARING, {**fixed, "ps": ps[start : start + AT_ONCE]}))
    return found
