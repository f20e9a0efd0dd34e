"""Reads stored sensitivities where records are not needed: of vertices, and of the children of parents."""

from collections.abc import Iterable
from typing import Final

from gremlin_python.process.traversal import P

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.propagation.stored_flows import AT_ONCE, CHILD_STEPS, hop_row, propagating_edges
from policies.sensitivity import RANK, SENSITIVITIES

BELOW: Final = PreparedStatement.traversal(
    g.V(param("xs")).has("sensitivity", P.within(param("levels"))).id_().fold(), name="flows"
)

BEARING: Final = PreparedStatement.of(
    f"""
ps.findAll {{ p -> hops.any {{ h ->
  def xs = [p]; def ls = h.ls; def ks = h.ks
  def out = h.d == 'out'
  (out ? {propagating_edges("out")} : {propagating_edges("in")}).any {{ e ->
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
    name="flows",
)
"""Reads which of the parents ``ps`` have a child with one of the ``levels``; it ends at the first one of each."""


async def below(client: GremlinClient, vertices: Iterable[int], level: str) -> set[int]:
    """Return those of the vertices, which are assets, whose stored sensitivity is lower than ``level``."""
    xs, levels, found = list(vertices), SENSITIVITIES[: RANK[level]], set[int]()
    for start in range(0, len(xs), AT_ONCE):
        (low,) = await client.submit(BELOW, {"xs": xs[start : start + AT_ONCE], "levels": levels})
        found.update(low)
    return found


async def bearing(client: GremlinClient, parents: Iterable[int], level: str, now: int) -> set[int]:
    """Return those of the parents that have a child, as stored and valid at ``now``, of at least ``level``.

    ``now`` is in epoch milliseconds.
    """
    ps, hops = list(parents), [hop_row(step.direction, [step.label], step.far, []) for step in CHILD_STEPS]
    bindings = {"ps": ps, "hops": hops, "now": now, "levels": SENSITIVITIES[RANK[level] :]}
    return {*await client.submit(BEARING, bindings)} if ps else set()
