"""Who carries a tag: the edges to one tag of many vertices in one request."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import orjson
from gremlin_python.process.traversal import P

from app.graph.commits.write_statements import STATE
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.edge_record import EdgeKey
from app.graph.records.tag_edge import Arrival, arrival, has_mode
from app.graph.records.vertex_record import Record
from graphql_schema.catalog.enums import TagMode
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.relations import TAGGED

_CARRIERS: Final = PreparedStatement.of(
    f"""
def found = new LinkedHashMap()
def xs = vids
if (xs) {render(g.V(param("xs")))}.each {{ found[it.id()] = [it.id(), it.value('urn'), it.value('deletedAt'), null] }}
xs = found.keySet() as List
if (xs) {render(g.V(param("xs")).out_e(TAGGED.name))}.each {{
  if (it.inVertex().id() == tag) found[it.outVertex().id()][3] = it.value('record')
}}
[found.values() as List]
""",
    "vids",
    "tag",
)
_HOLDERS: Final = PreparedStatement.traversal(
    g.V(param("xs")).in_e(TAGGED.name).has("validTo", P.gt(param("now"))).out_v().id_().fold()
)


@dataclass(frozen=True, slots=True)
class Carrier:
    """A vertex, and how it stands to a tag: ``edge`` is that between them, closed or not, or None.

    ``closed`` says that nothing arrives here or passes on, ``direct`` that somebody put the tag here.
    """

    urn: str
    edge: Record | None
    arrival: Arrival | None
    closed: bool
    direct: bool

    @property
    def steps(self) -> int | None:
        """The steps from the nearest asset that carries the tag directly; None when it does not pass on from here."""
        if self.closed:
            return None
        return 0 if self.direct else self.arrival.steps if self.arrival else None


@dataclass(frozen=True, slots=True)
class Carriers:
    """Reads who carries the tag ``tag`` at the instant ``now``; nobody does, unless it ``passes`` on."""

    client: GremlinClient
    tag: int
    now: int
    passes: bool

    async def of(self, vids: Iterable[int]) -> dict[int, Carrier]:
        """How each of the vertices stands to the tag; what is not stored is left out."""
        (rows,) = await self.client.submit(_CARRIERS, {"vids": sorted(vids), "tag": self.tag})
        return {vid: self._carrier(urn, deleted, edge) for vid, urn, deleted, edge in rows}

    async def holders(self) -> list[int]:
        """Every vertex that the tag is on, or kept out of."""
        (found,) = await self.client.submit(_HOLDERS, {"xs": [self.tag], "now": self.now})
        return list(found)

    def _carrier(self, urn: str, deleted: int, text: str | None) -> Carrier:
        edge = None if text is None else orjson.loads(text)
        closed = deleted != FOREVER or not self.passes or has_mode(edge, TagMode.BLOCKED, self.now)
        return Carrier(urn, edge, arrival(edge, self.now), closed, has_mode(edge, TagMode.DIRECT, self.now))


async def records(client: GremlinClient, vids: Iterable[int]) -> dict[int, Record]:
    """The records of some vertices."""
    (answer,) = await client.submit(STATE, {"stored": sorted(vids), "hops": [], "pairs": []})
    return dict(zip(answer["v"][::2], map(orjson.loads, answer["v"][1::2]), strict=True))


def key_of(vid: int, tag: int) -> EdgeKey:
    """The edge between a vertex and a tag."""
    return TAGGED.name, vid, tag
