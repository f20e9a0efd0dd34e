"""Reads which of some children belong to parents, by the edges between them, and no other edge of either.

A feature may be in a hundred thousand feature sets, and have left as many.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable
from typing import Final

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.propagation.flow_statement import PARENT_STEPS, PROPAGATES
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.ports.record import JsonObject

Membership = tuple[int, int, int]
"""The number of a step in PARENT_STEPS, the vertex id of a child, and that of a parent."""

EDGES_AT_ONCE: Final = 1_000
"""Maximal number of edges that one request looks up."""

MEMBERS: Final = PreparedStatement.of(
    f"""
{PROPAGATES}
def known = [:]
{render(g.V(param("ends")))}.each {{ known[it.id()] = it }}
steps.collectMany {{ s ->
  def out = s.d == 'out'; def l = s.l; def ks = s.ks as Set
  s.ms.findAll {{ m ->
    def child = known[m[1] as long]; def parent = known[m[2] as long]
    if (child == null || parent == null) return false
    def (a, b) = out ? [child, parent] : [parent, child]
    a.query().labels(l).direction(OUT).adjacent(b).edges().any {{ e ->
      propagates(e) && ks.contains(e.property(out ? 'fromKind' : 'toKind').orElse(null))
    }}
  }}
}}
""",
    "ends",
    "steps",
    "now",
    name="flows",
)
"""Reads which memberships ``ms`` of each of the ``steps`` are those of an edge that propagates after ``now``.

``ends`` has all their vertices. A step has the direction ``d`` of its edges at a child, their label ``l``, and the
codes ``ks`` of the kinds of the children.
"""


async def current_members(
    client: GremlinClient, memberships: Iterable[Membership], now: int, caller: Hashable
) -> list[Membership]:
    """Return those of the memberships that are current at the instant ``now``, in epoch milliseconds."""
    rest, found = list(memberships), list[Membership]()
    for start in range(0, len(rest), EDGES_AT_ONCE):
        some = rest[start : start + EDGES_AT_ONCE]
        ends = sorted({vid for _, *both in some for vid in both})
        bindings = {"ends": ends, "steps": _steps(some), "now": now}
        found += [
            (number, child, parent) for number, child, parent in await client.submit(MEMBERS, bindings, caller=caller)
        ]
    return found


def _steps(memberships: Collection[Membership]) -> list[JsonObject]:
    by_step = defaultdict[int, list[Membership]](list)
    for each in memberships:
        by_step[each[0]].append(each)
    return [
        {
            "d": PARENT_STEPS[number].direction,
            "l": PARENT_STEPS[number].label,
            "ks": [KINDS[name].code for name in PARENT_STEPS[number].near],
            "ms": some,
        }
        for number, some in by_step.items()
    ]
