"""Declarations of fields over listings of assets."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated

import strawberry

from graphql_schema.fields.connection import After, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import LISTING, Parent, Resolved, SchemaField
from graphql_schema.fields.filters import AssetFilter, AssetOrder, asset_listing
from graphql_schema.ports.conditions import Condition

AssetFilterArg = Annotated[
    AssetFilter | None, strawberry.argument(description="Conditions on the assets; default: all assets.")
]


AssetOrderArg = Annotated[
    AssetOrder | None, strawberry.argument(description="The order of the assets; default: by id.")
]


async def list_assets(
    info: Info,
    where: AssetFilter | None,
    order: AssetOrder | None,
    first: int | None,
    after: str | None,
    *within: Condition,
    scope: tuple[object, ...] = (),
) -> ConnectionSource:
    """Return a page of a listing of assets as the source of a connection.

    ``within`` are further conditions. ``scope`` replaces them in the cursors, if they may differ between two pages,
    such as those of the sub-teams of a team. Raises InvalidError for an invalid filter or cursor, LimitError for an
    invalid ``first``, and the errors of the reader.
    """
    listing = asset_listing(where, order, *within)
    bound_to = (asset_listing(where, order), *scope) if scope else (listing,)
    page, binding = page_request_of(info, first, after, *bound_to)
    found = await info.context.reader.listing(listing, replace(page, may_end=True))
    return ConnectionSource(found, page, binding)


def listing_field(resolver: Callable[..., Awaitable[Resolved]], description: str) -> SchemaField:
    """Return a connection field below an object whose resolver returns the result of :func:`list_assets`."""
    return strawberry.field(resolver=resolver, description=description, metadata={LISTING: True})


def assets_where(condition_for: Callable[[str], Condition], description: str) -> SchemaField:
    """Return a connection field of the assets that meet the result of ``condition_for`` for the id of the source."""

    async def resolve(
        root: Parent,
        info: Info,
        filter: AssetFilterArg = None,
        order_by: AssetOrderArg = None,
        first: First = 20,
        after: After = None,
    ) -> Resolved:
        return await list_assets(info, filter, order_by, first, after, condition_for(root.urn))

    return listing_field(resolve, description)
