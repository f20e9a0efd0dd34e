"""Lists of incidents: on an asset, on what a team owns, and everywhere."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import strawberry

from graphql_schema.catalog import RAISED_ON
from graphql_schema.connection import After, First, Pages, paged
from graphql_schema.context import Info
from graphql_schema.enums import AccessGrade, IncidentState
from graphql_schema.fields import Parent, connect
from graphql_schema.listing import Clause, asset_listing
from graphql_schema.related import FieldIn, Keep, Page, cut, newest
from graphql_schema.row import Row, Slice
from policies.errors import LimitError

INCIDENTS = newest(RAISED_ON.into("Incident"))
"""From an asset to its incidents."""

FIELD = "incidents"
"""The field of an asset that shows them."""

MOST_OWNED = 10_000
"""Assets of a team whose incidents one field gathers."""

StateArg = Annotated[IncidentState | None, strawberry.argument(description="In this state; all when absent.")]


def _in_state(state: IncidentState | None) -> Keep | None:
    return None if state is None else FieldIn("state", (state.name,))


async def _of_asset(root: Parent, info: Info, state: StateArg = None, first: First = 20, after: After = None) -> Any:
    return await connect(root, info, INCIDENTS, first, after, _in_state(state))


asset_incidents: Any = strawberry.field(
    description="Problems that stand, or stood, on it, the newest first.", resolver=_of_asset
)


async def _everywhere(info: Info, state: StateArg = None, first: First = 20, after: After = None) -> Any:
    where: Clause = ("and",) if state is None else ("in", "state", (state.name,))
    page, binding = paged(info, first, after, where)
    return Pages(await info.context.reader.facts("Incident", where, page), page, binding)


all_incidents: Any = strawberry.field(
    description="Every incident on an asset that the viewer may read, the newest first.", resolver=_everywhere
)


def incidents_where(clause_for: Callable[[str], Clause], description: str) -> Any:
    """A connection of the incidents on the assets that a clause made from the source's id selects."""

    async def resolve(root: Parent, info: Info, state: StateArg = None, first: First = 20, after: After = None) -> Any:
        page, binding = paged(info, first, after, root.urn, keep=_in_state(state))
        assets = await _shown(info, clause_for(root.urn))
        return Pages(await _gathered(info, assets, page), page, binding)

    return strawberry.field(resolver=resolve, description=description)


async def _shown(info: Info, where: Clause) -> list[Row]:
    """The assets that a clause selects, as far as the viewer may see their incidents."""
    found = await info.context.reader.listing(asset_listing(None, None, where), Page(MOST_OWNED))
    if found.has_next:
        raise LimitError(
            f"These are the incidents of more than {MOST_OWNED} assets; ask for `incidents` of the query, by state.",
            limit=MOST_OWNED,
        )
    rows = [item.row for item in found.items]
    return [row for row in rows if row.access.grade is AccessGrade.READ and FIELD not in row.access.hidden]


async def _gathered(info: Info, assets: list[Row], page: Page) -> Slice:
    """One page over the incidents of several assets: each brings as many as the page may need of it."""
    each = replace(page, first=None, after=None, total=False) if page.total else page
    found = await asyncio.gather(*(info.context.reader.related(asset, INCIDENTS, each) for asset in assets))
    items = {item.row.urn: item for slice_ in found for item in slice_.items}
    merged = cut(sorted(items.values(), key=lambda item: item.position), page)
    return replace(merged, has_next=merged.has_next or any(slice_.has_next for slice_ in found))
