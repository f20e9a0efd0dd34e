"""Reads which vertices carry a tag: the edges from many vertices to one tag, in one request."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gremlin_python.process.graph_traversal import __

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.record_text import record_of
from app.graph.records.tag_edge import Arrival, arrival, has_mode
from graphql_schema.catalog.enums import TagMode
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.relations import TAGGED
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Record

EDGES_TO_TAG: Final = str(render(g.V(param("xs")).out_e(TAGGED.name).where(__.in_v().has_id(param("tag")))))
"""Text of the edges from the vertices ``xs`` to a ``tag``: JanusGraph looks them up, and goes through no other ones.

An asset may have had thousands of tags, each of which it keeps as an edge that has ended.
"""

_CARRIERS: Final = PreparedStatement.of(
    f"""
def found = new LinkedHashMap()
def xs = vids
def vs = xs ? {render(g.V(param("xs")))}.toSet() : null
if (vs) g.getGraph().multiQuery(vs).keys('urn', 'deletedAt').properties().each {{ v, ps ->
  def row = found[v.id()] = [v.id(), null, null, null]
  ps.each {{ row[it.key() == 'urn' ? 1 : 2] = it.value() }}
}}
xs = found.keySet() as List
if (xs) {EDGES_TO_TAG}.each {{ found[it.outVertex().id()][3] = it.value('record') }}
[found.values() as List]
""",
    "vids",
    "tag",
    name="tags",
)


@dataclass(frozen=True, slots=True)
class Carrier:
    """A vertex and its edge to a tag.

    ``edge`` is current, ended, or None. ``arrival`` is None unless the edge is current and the tag propagated here. Two
    flags: ``closed`` means that the tag neither arrives here nor propagates from here, ``direct`` that it was assigned
    here.
    """

    urn: str
    edge: Record | None
    arrival: Arrival | None
    closed: bool
    direct: bool

    @property
    def steps(self) -> int | None:
        """Return the steps from the nearest direct assignment; None if the tag does not propagate from here."""
        if self.closed:
            return None
        return 0 if self.direct else self.arrival.steps if self.arrival else None


@dataclass(frozen=True, slots=True)
class Carriers:
    """Reads the carriers of the tag ``tag`` at the instant ``now``; all are closed unless ``propagates`` is set."""

    client: GremlinClient
    tag: int
    now: int
    propagates: bool

    async def of(self, vids: Iterable[int]) -> dict[int, Carrier]:
        """Return the vertices with their edges to the tag; vertices that are not stored are left out."""
        (rows,) = await self.client.submit(_CARRIERS, {"vids": sorted(vids), "tag": self.tag})
        in_turns = OperationBudget().in_turns(rows)
        return {vid: self._carrier(urn, deleted, edge) async for vid, urn, deleted, edge in in_turns}

    def _carrier(self, urn: str, deleted: int, text: str | None) -> Carrier:
        edge = None if text is None else record_of(text)
        closed = deleted != FOREVER or not self.propagates or has_mode(edge, TagMode.BLOCKED, self.now)
        return Carrier(urn, edge, arrival(edge, self.now), closed, has_mode(edge, TagMode.DIRECT, self.now))
