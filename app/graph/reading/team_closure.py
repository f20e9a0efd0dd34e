"""The owners whose assets the teams of a caller own too.

These are the teams, the teams above them, their members, and the domains that any of these own.

A member of a sub-team is a member of the teams above it. What a user owns belongs to the user's teams as well.
"""

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

MAX_MEMBERS: Final = 1_000
"""Maximum number of members, and of domains, in one closure; those beyond give no rights."""

_ABOVE: Final = PreparedStatement.traversal(
    g.V(param("xs")).repeat(
        __.out_e("PART_OF").has("validFrom", P.lte(param("now"))).has("validTo", P.gt(param("now")))
        .in_v().has("kind", "TEAM").has("tenant", param("tenant")).dedup()
    ).emit().times(DEEPEST).values("urn").dedup(), "teams"
)  # fmt: skip

_MEMBERS: Final = PreparedStatement.traversal(
    g.V(param("xs"))
    .in_e("MEMBER_OF").has("validFrom", P.lte(param("now"))).has("validTo", P.gt(param("now")))
    .out_v().has("kind", "USER").has("tenant", param("tenant")).dedup()
    .filter_(__.in_e("OWNED_BY").limit(1))
    .limit(MAX_MEMBERS).values("urn"), "teams"
)  # fmt: skip

_DOMAINS: Final = PreparedStatement.traversal(
    g.V().has("tenant", param("tenant")).has("kind", "DOMAIN").has("ownerTeam", P.within(param("owners")))
    .limit(MAX_MEMBERS).values("urn"), "teams"
)  # fmt: skip


async def close_teams(client: GremlinClient, tenant: str, teams: frozenset[str]) -> frozenset[str]:
    """Return the URNs of the owners whose assets count as owned by some teams, as they are now.

    These are the teams and those above them, up to DEEPEST levels, their members who own or owned something, and the
    domains that any of these own. Of members and of domains there are at most MAX_MEMBERS each. Empty if ``teams`` is.
    Raises the errors of the driver.
    """
    if not teams:
        return teams
    now = {"tenant": tenant, "now": epoch_milliseconds()}
    found = teams | frozenset(await client.submit(_ABOVE, {"xs": _vids(tenant, teams), **now}))
    found |= frozenset(await client.submit(_MEMBERS, {"xs": _vids(tenant, found), **now}))
    return found | frozenset(await client.submit(_DOMAINS, {"tenant": tenant, "owners": sorted(found)}))


def _vids(tenant: str, urns: frozenset[str]) -> list[int]:
    return sorted(vertex_id(tenant, urn) for urn in urns)
