"""Incidents as the store keeps them, written with the product's own write text: for tests of what they close."""

from harness.api import Api

from app.graph.clock import epoch_milliseconds
from app.graph.ids import vertex_id
from app.graph.write_texts import WRITE
from app.graph.writing.receipts import SHELVES, shelf_of
from app.graph.writing.state import Read, State
from app.graph.writing.vertices import fact
from graphql_schema.catalog import KIND_OF_SLUG, RAISED_ON
from graphql_schema.urn import make_urn, parse_urn, slug_of

TENANT = "default"


async def raise_incident(api: Api, on: str, severity: str, state: str = "OPEN") -> str:
    """Write an incident on an asset and return its id."""
    now = epoch_milliseconds()
    urn = make_urn("incident", "test", "", f"{parse_urn(on).name}-{slug_of(on)}-{severity}-{state}")
    incident = fact(
        TENANT, urn, "tests", now, title="it drifts", state=state, severity=severity, openedAt=now, subjects=[on]
    )
    source, target = vertex_id(TENANT, urn), vertex_id(TENANT, on)
    written = State({target: {"kind": KIND_OF_SLUG[slug_of(on)].code}}, {}, {}, Read((), (), (), (), ()))
    edge = {"relation": RAISED_ON.name, "validFrom": 0, "at": now}
    written.adopt({source: incident}, {(RAISED_ON.name, source, target): edge})
    beside = {"notes": [], "top": 0, "shelf": shelf_of(now), "shelves": SHELVES, "shelved": now}
    await api.services.client.submit(WRITE, {**(written.writes() or {}), **beside}, writes=True)
    return urn
