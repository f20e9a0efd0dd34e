"""Outbox entries as the store has them, read in pages: there may be a hundred thousand."""

from collections.abc import AsyncIterator, Sequence
from itertools import islice
from typing import Final

from app.graph.commits.outbox_entry import OUTBOX_ROOT, OutboxEntry, entry_from_row
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render
from app.graph.driver.prepared_statement import PreparedStatement
from graphql_schema.ports.operation_budget import OperationBudget

PAGE: Final = 500
"""Maximal number of entries that one request reads."""

PAGE_CHARACTERS: Final = 1024 * 1024
"""Number of characters of entries at which a request ends; a single entry with a floor may have 2 Mi."""

STORED_IDS: Final = PreparedStatement.traversal(g.V(param("xs")).out("PENDING").id_().fold(), "outbox")

READ: Final = PreparedStatement.of(
    f"""
def rows = [], left = [], size = 0
{render(g.V(param("xs")))}.each {{ v ->
  if (size >= most) {{
    left << v.id()
    return
  }}
  def row = [x: v.id(), note: v.value('note'), covered: v.property('covered').orElse('[]'),
             frontier: v.properties('frontier').collect {{ it.value() }}]
  rows << row
  size += row.note.length() + row.covered.length() + row.frontier.sum(0) {{ it.length() }}
}}
[[rows, left]]
""",
    "xs",
    "most",
    name="outbox",
)
"""Reads the entries ``xs`` until they have ``most`` characters: the response is one row ``[entries, other ids]``."""


async def stored_ids(client: GremlinClient) -> list[int]:
    """Return the vertex ids of all stored entries."""
    ids: list[int]
    (ids,) = await client.submit(STORED_IDS, {"xs": [OUTBOX_ROOT]})
    return ids


async def stored_entries(client: GremlinClient, ids: Sequence[int]) -> AsyncIterator[OutboxEntry]:
    """Yield the stored entries with these vertex ids, in turns; absent ones are left out."""
    budget, wanted, left = OperationBudget(), iter(ids), list[int]()
    while page := [*left, *islice(wanted, PAGE - len(left))]:
        ((rows, left),) = await client.submit(READ, {"xs": page, "most": PAGE_CHARACTERS})
        async for row in budget.in_turns(rows):
            yield entry_from_row(row)
