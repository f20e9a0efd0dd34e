"""Counts the thin events that wait and those that are dead, source by source, from the index.

Each source has a request of its own, with a limit of its own: the events of one source hide none of another. The
sources take turns, because there may be thousands.
"""

from dataclasses import dataclass
from typing import Final

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.observability.thin_events import ThinEventState

MAX_COUNTED: Final = 20_000
"""Maximal number of events of a source and a state that are counted."""

MAX_READ: Final = 200
"""Maximal number of sources that are read at once, one after the other."""

_NEXT: Final = PreparedStatement.of(
    """
def events = g.V().has('kind', kind).has('state', P.within([pending, dead])).has('source', P.gt(after))
def name = events.order().by('source').limit(1).values('source').tryNext().orElse(null)
def of = { state -> g.V().has('kind', kind).has('state', state).has('source', name) }
name == null ? [] : [
  name,
  of(pending).limit(most).id().count().next(),
  of(dead).limit(most).id().count().next(),
  of(pending).order().by('createdAt').limit(1).values('createdAt').tryNext().orElse(null),
]
""",
    "kind",
    "pending",
    "dead",
    "after",
    "most",
    name="thin_events",
)
"""The numbers of the first source after a name. The ids are counted, because a count by the index is not exact."""


@dataclass(frozen=True, slots=True)
class WaitingEvents:
    """The events of one source: how many are pending and dead, and the arrival of the oldest pending one.

    ``oldest_at`` is in epoch milliseconds, None if no event is pending.
    """

    pending: int = 0
    dead: int = 0
    oldest_at: int | None = None


async def read_waiting_events(client: GremlinClient, after: str = "") -> tuple[dict[str, WaitingEvents], str]:
    """Return the events of the next MAX_READ sources with pending or dead ones, and the name of the last source.

    The first are those whose name is greater than ``after``. The last name is empty if there are no further sources.
    Sources of several tenants with the same name are one. A number is at most MAX_COUNTED. Raises the CodedError of a
    store that fails.
    """
    found = dict[str, WaitingEvents]()
    for _ in range(MAX_READ):
        bindings = {
            "kind": ATTACHED_KINDS["ThinEvent"].code,
            "pending": ThinEventState.PENDING.name,
            "dead": ThinEventState.DEAD.name,
            "after": after,
            "most": MAX_COUNTED,
        }
        row = await client.submit(_NEXT, bindings)
        if not row:
            return found, ""
        after, pending, dead, oldest_at = row
        found[after] = WaitingEvents(pending, dead, oldest_at)
    return found, after
