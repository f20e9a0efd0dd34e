"""The number of queries for the members of a team who own something, over a client that answers as an index does."""

from collections.abc import Mapping
from typing import Any, cast

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.reading import team_closure

TEAM = "mlg://team/catalog/default/a"
USERS = [f"mlg://user/catalog/default/u{number:03}" for number in range(300)]


class OneOwnerAtOnce:
    """Answers each query of the index with the first of the owners that it names: that one has very many assets."""

    def __init__(self) -> None:
        self.queries = 0

    async def submit(self, statement: PreparedStatement, bindings: Mapping[str, Any], **_: object) -> list[str]:
        """Return the members of the team, one of the examined owners, or no teams above and no domains."""
        if "most" in bindings:
            self.queries += 1
            return [*bindings["owners"][:1]]
        return USERS if statement is team_closure._MEMBERS else []  # noqa: SLF001 - which request it is


async def test_few_queries_find_the_owners_among_many_members() -> None:
    """Members of whom ten queries say nothing count as owners, so no teammate loses a right by a busy team."""
    client = OneOwnerAtOnce()
    found = await team_closure.close_teams(cast("GremlinClient", client), "default", frozenset({TEAM}))
    assert (client.queries, {*found}) == (10, {TEAM, *USERS})
