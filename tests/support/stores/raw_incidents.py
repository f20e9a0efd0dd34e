"""Writes incidents as stored records with the product's write statement, for tests of the incidents they close."""

from support.servers.in_process import Api

from app.graph.commits.write_set import WriteSet
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import attached_record
from graphql_schema.catalog.kinds import KIND_OF_SLUG
from graphql_schema.catalog.relations import RAISED_ON
from graphql_schema.catalog.urn import make_urn, parse_urn, slug_of

TENANT = "default"


async def raise_incident(api: Api, on: str, severity: str, state: str = "OPEN") -> str:
    """Write an incident on an asset and return its id."""
    now = epoch_milliseconds()
    urn = make_urn("incident", "test", "", f"{parse_urn(on).name}-{slug_of(on)}-{severity}-{state}")
    incident = attached_record(
        TENANT, urn, "tests", now, title="it drifts", state=state, severity=severity, openedAt=now, subjects=[on]
    )
    source, target = vertex_id(TENANT, urn), vertex_id(TENANT, on)
    edge = {"relation": RAISED_ON.name, "validFrom": 0, "at": now}
    writes = WriteSet()
    writes.vertex(source, incident, before=None)
    writes.edge((RAISED_ON.name, source, target), edge, kinds=(incident["kind"], KIND_OF_SLUG[slug_of(on)].code))
    await writes.submit(api.client)
    return urn
