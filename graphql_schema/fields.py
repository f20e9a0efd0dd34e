"""How a type file declares its fields: own properties, and relations as data that one resolver reads."""

from collections.abc import Callable
from typing import Annotated, Any

import strawberry

from graphql_schema.connection import After, First, Pages, paged
from graphql_schema.context import Info
from graphql_schema.listing import AssetFilter, AssetOrder, Clause, asset_listing
from graphql_schema.related import ALL, ONE, FieldIn, Keep, Related
from graphql_schema.row import Row

Parent = strawberry.Parent[Any]
"""The source of a resolver: a :class:`~graphql_schema.row.Row`."""

AssetFilterArg = Annotated[AssetFilter | None, strawberry.argument(description="Which assets; all when absent.")]
AssetOrderArg = Annotated[AssetOrder | None, strawberry.argument(description="In which order; by id when absent.")]
ActiveOnly = Annotated[bool | None, strawberry.argument(description="Whether to leave out what is not serving.")]
SERVING = FieldIn("status", ("ACTIVE",))
"""Keeps the deployments that serve."""


INPUTS = "inputs"
"""The key of a field's metadata that says what its value is made from."""


def own(description: str) -> Any:
    """A property of the record, stored under the field's GraphQL name."""
    return strawberry.field(description=description)


def made_from(*inputs: str) -> dict[str, Any]:
    """The metadata of a field that says what it is made from: ``Type.field``, or a field of the same type.

    The policy's labels may not hold the field less closely than these.
    """
    return {INPUTS: lambda _kind: inputs}


async def run_id(root: Parent, info: Info) -> Any:
    """The id of the run that saw an edge, where the caller may know of it."""
    urn = root.record.get("runId")
    run = await info.context.reader.node(urn) if urn else None
    return None if run is None else run.urn


def to_one(rel: Related, description: str, *inputs: str) -> Any:
    """The one row that a relation leads to; ``inputs`` as for :func:`made_from`."""

    async def resolve(root: Parent, info: Info) -> Any:
        found = await info.context.reader.related(root, rel, ONE)
        return found.items[0].row if found.items else None

    return strawberry.field(resolver=resolve, description=description, metadata=made_from(*rel.inputs, *inputs))


def to_list(rel: Related, description: str) -> Any:
    """All rows that a relation leads to, where there are few by nature."""

    async def resolve(root: Parent, info: Info) -> Any:
        found = await info.context.reader.related(root, rel, ALL)
        return [item.row for item in found.items]

    return strawberry.field(resolver=resolve, description=description, metadata=made_from(*rel.inputs))


def to_many(rel: Related, description: str, *, first: int = 20) -> Any:
    """A connection over a relation; ``first`` is the page size unless the caller says otherwise."""
    size = first

    async def resolve(root: Parent, info: Info, first: First = size, after: After = None) -> Any:
        return await connect(root, info, rel, size if first is None else first, after)

    return strawberry.field(resolver=resolve, description=description, metadata=made_from(*rel.inputs))


async def connect(
    root: Row, info: Info, rel: Related, first: int | None, after: str | None, keep: Keep | None = None
) -> Pages:
    """A page of a relation, as the source of a connection."""
    page, binding = paged(info, first, after, root.urn, keep=keep)
    return Pages(await info.context.reader.related(root, rel, page), page, binding)


async def list_assets(
    info: Info,
    where: AssetFilter | None,
    order: AssetOrder | None,
    first: int | None,
    after: str | None,
    *within: Clause,
    scope: tuple[object, ...] = (),
) -> Pages:
    """A page of a listing of assets, as the source of a connection.

    ``scope`` is what ``within`` depends on, where that may be another clause by the time of a later page.
    """
    listing = asset_listing(where, order, *within)
    about = (asset_listing(where, order), *scope) if scope else (listing,)
    page, binding = paged(info, first, after, *about)
    return Pages(await info.context.reader.listing(listing, page), page, binding)


def assets_where(clause_for: Callable[[str], Clause], description: str) -> Any:
    """A connection of the assets that a clause made from the source's id selects."""

    async def resolve(
        root: Parent,
        info: Info,
        filter: AssetFilterArg = None,
        order_by: AssetOrderArg = None,
        first: First = 20,
        after: After = None,
    ) -> Any:
        return await list_assets(info, filter, order_by, first, after, clause_for(root.urn))

    return strawberry.field(resolver=resolve, description=description)
