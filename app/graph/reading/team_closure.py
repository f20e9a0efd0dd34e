"""Teams above the teams of a caller, over PART_OF: a member of a sub-team is a member of the teams above it."""

from typing import Final

from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import P

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.vertex_id import vertex_id

DEEPEST: Final = 20
"""Maximal number of levels of teams that are followed upwards."""

_ABOVE: Final = PreparedStatement.traversal(
    g.V(param("xs")).repeat(
        __.out_e("PART_OF").has("validFrom", P.lte(param("now"))).has("validTo", P.gt(param("now")))
        .in_v().has("kind", "TEAM").has("tenant", param("tenant")).dedup()
    ).emit().times(DEEPEST).values("urn").dedup()
)  # fmt: skip


async def close_teams(client: GremlinClient, tenant: str, teams: frozenset[str]) -> frozenset[str]:
    """Return the teams, and the teams above them now, up to DEEPEST levels; raises the CodedError of the store."""
    if not teams:
        return teams
    xs = sorted(vertex_id(tenant, team) for team in teams)
    return teams | frozenset(await client.submit(_ABOVE, {"xs": xs, "tenant": tenant, "now": epoch_milliseconds()}))
