"""The codec of the text ``STATE``: records, edges at vertices and single edges, read in one request.

:data:`app.graph.commits.write_statements.STATE` documents the keys of its bindings and of its response.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.graph.commits.write_statements import STATE
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.edge_record import EdgeKey
from app.graph.records.record_text import record_of, records_by_id
from graphql_schema.catalog.relations import Direction
from graphql_schema.ports.record import Json, Record

FarEdge = tuple[int, int, Record]
"""A vertex id, the vertex id at the far end, and the edge between them."""


@dataclass(frozen=True, slots=True)
class HopRead:
    """Edges with one of the ``labels`` that leave (OUT) or reach (IN) the ``vertices``; ended edges included."""

    direction: Direction
    labels: Sequence[str]
    vertices: Sequence[int]


@dataclass(frozen=True, slots=True)
class StoredState:
    """Records by vertex id, far vertices included; the edges of each hop; each single edge, None if it is absent."""

    records: Mapping[int, Record]
    hops: Sequence[Sequence[FarEdge]]
    edges: Sequence[Record | None]


async def read_state(
    client: GremlinClient,
    vertices: Iterable[int],
    hops: Sequence[HopRead] = (),
    edges: Iterable[EdgeKey] = (),
    *,
    follow: bool = False,
) -> StoredState:
    """Return the stored state of ``vertices``, of ``hops`` that start there, and of single ``edges`` between them.

    Hops must start in ``vertices``, and single edges must have both ends there: other edges are not read. Vertices and
    edges of hops that are not stored are left out; a single edge that is not stored is None. With ``follow``, hops and
    edges that name a merged vertex are those of the vertex to which its pointers lead, whose record is read too.
    """
    bindings = {
        "stored": list(vertices),
        "hops": [{"d": hop.direction.value, "ls": list(hop.labels), "xs": list(hop.vertices)} for hop in hops],
        "pairs": [{"l": relation, "o": source, "i": target} for relation, source, target in edges],
        "follow": follow,
    }
    (response,) = await client.submit(STATE, bindings)
    return StoredState(
        records_by_id(response["v"]),
        [list(_far_edges(rows)) for rows in response["e"]],
        [None if text is None else record_of(text) for text in response["p"]],
    )


async def read_records(client: GremlinClient, vertices: Iterable[int]) -> Mapping[int, Record]:
    """Return the records of these vertices by vertex id; vertices that are not stored are left out."""
    return (await read_state(client, sorted(vertices))).records


def _far_edges(flat: Sequence[Json]) -> Iterator[FarEdge]:
    """Yield the rows of a flat ``[vertex id, far vertex id, edge text, …]``."""
    for near, far, text in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
        yield near, far, record_of(text)
