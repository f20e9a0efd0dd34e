"""Counts the thin events that wait and those that are dead, by source, from the index."""

from dataclasses import dataclass
from typing import Final

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from graphql_schema.catalog.kinds import ATTACHED_KINDS
from graphql_schema.observability.thin_events import ThinEventState

MAX_COUNTED: Final = 20_000
"""Maximal number of events of a state that are counted, the oldest first."""

_STATES: Final = (ThinEventState.PENDING, ThinEventState.DEAD)

_COUNTS: Final = PreparedStatement.of(
    """
states.collect { state ->
  def found = [:]
  g.V().has('kind', kind).has('state', state).order().by('createdAt').limit(most).toList().each {
    def name = it.value('source')
    if (found[name] == null) { found[name] = [0L, it.value('createdAt')] }
    found[name][0] = found[name][0] + 1L
  }
  found
}
""",
    "kind",
    "states",
    "most",
    name="thin_events",
)


@dataclass(frozen=True, slots=True)
class WaitingEvents:
    """The events of one source: how many are pending and dead, and the arrival of the oldest pending one.

    ``oldest_at`` is in epoch milliseconds, None if no event is pending.
    """

    pending: int = 0
    dead: int = 0
    oldest_at: int | None = None


async def read_waiting_events(client: GremlinClient) -> dict[str, WaitingEvents]:
    """Return the events of each source that has pending or dead ones; raises the CodedError of a store that fails.

    Sources of several tenants with the same name are one. Of more than MAX_COUNTED events the newest are left out.
    """
    bindings = {
        "kind": ATTACHED_KINDS["ThinEvent"].code,
        "states": [state.name for state in _STATES],
        "most": MAX_COUNTED,
    }
    pending, dead = await client.submit(_COUNTS, bindings)
    return {
        name: WaitingEvents(
            pending=pending[name][0] if name in pending else 0,
            dead=dead[name][0] if name in dead else 0,
            oldest_at=pending[name][1] if name in pending else None,
        )
        for name in sorted({*pending, *dead})
    }
