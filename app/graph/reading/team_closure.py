"""The owners whose assets the teams of a caller own too.

These are the teams, the teams above them, their members, and the domains that any of these own.

A member of a sub-team is a member of the teams above it. What a user owns belongs to the user's teams as well.

Members who are the owner of no asset are left out, because each owner makes the filters of the caller larger. An edge
OWNED_BY to a member does not count by itself: any engineer begins one by an asset whose owner is another team.
"""

from collections.abc import Sequence
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
"""Maximum number of domains in one closure, and of members who are examined for it; those beyond give no rights.

The members of the teams of the caller are examined before those of the teams above.
"""

_MAX_EXAMINED: Final = 250
"""Maximum number of members in one query of the index, which takes some 0.06 ms for each."""

_MAX_ASSETS: Final = 250
"""Maximum number of assets that one such query returns; it is repeated for the members of whom it returns none."""

_MAX_QUERIES: Final = 10
"""Maximum number of such queries; members who are left count as owners, as each of them is named by an asset."""

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

_OWNING: Final = PreparedStatement.traversal(
    g.V().has("tenant", param("tenant")).has("ownerTeam", P.within(param("owners")))
    .limit(param("most")).values("ownerTeam").dedup(), "teams"
)  # fmt: skip

_DOMAINS: Final = PreparedStatement.traversal(
    g.V().has("tenant", param("tenant")).has("kind", "DOMAIN").has("ownerTeam", P.within(param("owners")))
    .limit(MAX_MEMBERS).values("urn"), "teams"
)  # fmt: skip


async def close_teams(client: GremlinClient, tenant: str, teams: frozenset[str]) -> frozenset[str]:
    """Return the URNs of the owners whose assets count as owned by some teams, as they are now.

    These are the teams and those above them, up to DEEPEST levels, their members who are the owner of an asset, and the
    domains that any of these own. At most MAX_MEMBERS members are examined, and there are at most as many domains.
    Empty if ``teams`` is. Raises the errors of the driver.
    """
    if not teams:
        return teams
    now = {"tenant": tenant, "now": epoch_milliseconds()}
    found = teams | frozenset(await client.submit(_ABOVE, {"xs": _vids(tenant, teams), **now}))
    members: dict[str, None] = {}
    for part in filter(None, (teams, found - teams)):
        members |= dict.fromkeys(await client.submit(_MEMBERS, {"xs": _vids(tenant, part), **now}))
    found |= await _owning(client, tenant, [*members][:MAX_MEMBERS])
    return found | frozenset(await client.submit(_DOMAINS, {"tenant": tenant, "owners": sorted(found)}))


async def _owning(client: GremlinClient, tenant: str, users: Sequence[str]) -> frozenset[str]:
    """Return the users who are the owner of an asset for the policy; a deleted one counts, because it can return."""
    owning: set[str] = set()
    left = [*users]
    for _ in range(_MAX_QUERIES):
        if not left:
            break
        examined = left[:_MAX_EXAMINED]
        bindings = {"tenant": tenant, "owners": examined, "most": _MAX_ASSETS}
        # The index can lag behind an asset that has another owner now, who may be anybody.
        found = {*await client.submit(_OWNING, bindings)} & {*examined}
        owning |= found
        left = [user for user in left if user not in found] if found else left[_MAX_EXAMINED:]
    return frozenset({*owning, *left})


def _vids(tenant: str, urns: frozenset[str]) -> list[int]:
    return sorted(vertex_id(tenant, urn) for urn in urns)
