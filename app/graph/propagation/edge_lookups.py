"""Looks up which edges over which sensitivity and tags flow are current, one by one, and reads no other edge.

A feature may be in a hundred thousand feature sets, and have left as many; a dataset may have as many sources.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator
from typing import Final

from app.fair_queue import PROCESS
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.propagation.flow_statement import PARENT_STEPS, PROPAGATES
from app.graph.records.edge_record import EdgeKey
from graphql_schema.catalog.kinds import ASSETS, KINDS
from graphql_schema.catalog.relations import CARRYING
from graphql_schema.ports.record import JsonObject

CARRIED: Final = len(PARENT_STEPS)
"""The number of the step from a vertex over the carrying edges to it."""

EdgeLookup = tuple[int, int, int]
"""The number of a step, the vertex id where it starts, and that of the far end.

A step in PARENT_STEPS leads from a child to a parent, and CARRIED from a vertex to a source of it.
"""

EDGES_AT_ONCE: Final = 1_000
"""Maximal number of edges that one request looks up."""

CURRENT: Final = PreparedStatement.of(
    f"""
{PROPAGATES}
def known = [:]
{render(g.V(param("ends")))}.each {{ known[it.id()] = it }}
steps.collectMany {{ s ->
  def out = s.d == 'out'; def ls = s.ls as String[]; def ks = s.ks as Set; def fs = s.fs as Set
  s.ms.findAll {{ m ->
    def near = known[m[1] as long]; def far = known[m[2] as long]
    if (near == null || far == null) return false
    def (a, b) = out ? [near, far] : [far, near]
    a.query().labels(ls).direction(OUT).adjacent(b).edges().any {{ e ->
      propagates(e) && ks.contains(e.property(out ? 'fromKind' : 'toKind').orElse(null)) &&
        fs.contains(e.property(out ? 'toKind' : 'fromKind').orElse(null))
    }}
  }}
}}
""",
    "ends",
    "steps",
    "now",
    name="flows",
)
"""Reads which of the lookups ``ms`` of each of the ``steps`` are those of an edge that propagates after ``now``.

``ends`` has all their vertices. Of a step, ``d`` is the direction of its edges where it starts, and ``ls`` are their
labels. ``ks`` are the codes of the kinds where it starts, ``fs`` those of the kinds at the far end.
"""


def lookups_of(edge: EdgeKey) -> Iterator[EdgeLookup]:
    """Yield the lookups of an edge that may carry, or may be between a child and its parent; none for other edges."""
    label, out, into = edge
    if label in CARRYING:
        yield CARRIED, into, out
    for number, step in enumerate(PARENT_STEPS):
        if step.label == label:
            yield (number, out, into) if step.direction == "out" else (number, into, out)


async def current_edges(
    client: GremlinClient, lookups: Iterable[EdgeLookup], now: int, caller: Hashable = PROCESS
) -> list[EdgeLookup]:
    """Return those of the lookups whose edge is current at the instant ``now``, in epoch milliseconds."""
    rest, found = list(lookups), list[EdgeLookup]()
    for start in range(0, len(rest), EDGES_AT_ONCE):
        some = rest[start : start + EDGES_AT_ONCE]
        ends = sorted({vid for _, *both in some for vid in both})
        bindings = {"ends": ends, "steps": _steps(some), "now": now}
        found += [(number, near, far) for number, near, far in await client.submit(CURRENT, bindings, caller=caller)]
    return found


def _steps(lookups: Collection[EdgeLookup]) -> list[JsonObject]:
    by_step = defaultdict[int, list[EdgeLookup]](list)
    for each in lookups:
        by_step[each[0]].append(each)
    return [{**_step(number), "ms": some} for number, some in by_step.items()]


def _step(number: int) -> JsonObject:
    if number == CARRIED:
        return {"d": "in", "ls": [*CARRYING], "ks": _codes(ASSETS), "fs": _codes(ASSETS)}
    step = PARENT_STEPS[number]
    return {"d": step.direction, "ls": [step.label], "ks": _codes(step.near), "fs": _codes(step.far)}


def _codes(kinds: Iterable[str]) -> list[str]:
    return [KINDS[name].code for name in kinds]
