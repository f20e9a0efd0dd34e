"""Ingestions: what became of each event, as the viewer may see it now, and their list."""

from enum import Enum
from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import value
from graphql_schema.fields.connection import After, ConnectionSource, First, page_request_of
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, SchemaField, stored_field
from graphql_schema.fields.filter_fields import below, listing_condition, not_below, one_of
from graphql_schema.fields.node import Node, resolve_subject
from graphql_schema.fields.refs import AssetRef, NodeRef
from graphql_schema.fields.scalars import Instant
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.row import Row

SHOWN_BY = "history"
"""The field of an asset that a viewer must be able to read to see what an event did to the asset."""

_FIELD_LISTS = ("changed", "kept", "outdated")
"""The members of an effect on an asset that list its fields; a part of a field follows it after a dot."""


@strawberry.enum(description="What an event did.")
class IngestionState(Enum):
    """What an event did."""

    WRITTEN = value("WRITTEN", description="All that the event names was written, or was stored already.")
    PARTIAL = value("PARTIAL", description="Some values or edges were refused; the others were written.")
    NO_EDGES = value(
        "NO_EDGES",
        description="The event names inputs or outputs, and all edges to them were refused: its lineage is missing.",
    )
    REJECTED = value(
        "REJECTED",
        description="The event was rejected: it is malformed, or the run, job or dataset that it is about was not "
        "written.",
    )


@strawberry.type(description="A name in an event, and the asset that it became.")
class IngestedName:
    """A name in an event, and the asset that it became."""

    role: str = stored_field(
        "The role of the name: input, output, dataset, job, parent job, or lineage for the facet of this name."
    )
    namespace: str = stored_field("The namespace, as the event has it.")
    name: str = stored_field("The name, as the event has it.")
    rule: str = stored_field("The rule by which the name became an id: EXACT, SPELLING, NAMESPACE, SYMLINK or MERGED.")
    asset: AssetRef = stored_field("The asset.")


@strawberry.type(
    description="An effect of an event on one asset. The stage, the owners, the tags and each result of a check have "
    "entries of their own, apart from that of all other values."
)
class IngestedAsset:
    """An effect of an event on one asset; an asset can have several entries."""

    asset: AssetRef = stored_field("The asset.")
    outcome: str = stored_field(
        "CREATED, UPDATED, UNCHANGED, or the code of the error that refused the values. For the result of a check, "
        "CREATED is about the result."
    )
    changed: list[str] = stored_field("The fields whose stored value the event changed.")
    kept: list[str] = stored_field("The fields whose value a client registered, and which the event did not replace.")
    outdated: list[str] = stored_field("The fields for which a later event has another value.")


@strawberry.type(description="An edge that an event began, ended, or could not begin.")
class IngestedEdge:
    """An edge that an event began, ended, or could not begin."""

    field: str = stored_field("The field of the edge, such as `inputs`.")
    effect: str = stored_field("BEGAN, ENDED or REFUSED.")
    source: AssetRef = stored_field("The asset whose field it is.")
    target: NodeRef = stored_field("The other end: an asset, or an owner or tag that the event gives.")


@strawberry.type(description="A facet, or a part of one, that had no effect.")
class IgnoredFacet:
    """A facet, or a part of one, that had no effect."""

    facet: str = stored_field("The path of the facet in the event, such as `run.parent`.")
    reason: str = stored_field("The reason.")


async def _shown(info: Info, entries: list[JsonObject], *keys: str) -> list[JsonObject]:
    """Return the entries whose assets the viewer may read, with the rows of the assets in place of their ids."""
    named = list(dict.fromkeys(entry[key] for entry in entries for key in keys))
    found = zip(named, await info.context.reader.nodes(named, constant_time=True), strict=True)
    await info.context.budget.pause()
    rows = {urn: row for urn, row in found if row is not None and row.reads(SHOWN_BY)}
    return [
        {**entry, **{key: rows[entry[key]] for key in keys}}
        for entry in entries
        if all(entry[key] in rows for key in keys)
    ]


def _received_at(root: Parent) -> Resolved:
    return root.record["createdAt"]


async def _names(root: Parent, info: Info) -> Resolved:
    return await _shown(info, root.record["names"], "asset")


def _visible_fields(row: Row, names: list[str]) -> list[str]:
    """Return the names of the fields and parts of fields that the viewer may see; the access log records their read."""
    fields = {name: name.partition(".")[0] for name in names}
    return [name for name, field in fields.items() if field not in row.access.hidden and row.is_shown(field)]


async def _assets(root: Parent, info: Info) -> Resolved:
    """Return the effects on assets without the fields that are hidden; an effect on such fields alone is left out."""
    found = []
    for entry in await _shown(info, root.record["assets"], "asset"):
        shown = {key: _visible_fields(entry["asset"], entry[key]) for key in _FIELD_LISTS}
        if any(shown.values()) or not any(entry[key] for key in _FIELD_LISTS):
            found.append({**entry, **shown})
    return found


async def _edges(root: Parent, info: Info) -> Resolved:
    """Return the edges between visible assets without those of hidden fields."""
    edges = await _shown(info, root.record["edges"], "source", "target")
    return [each for each in edges if _visible_fields(each["source"], [each["field"]])]


async def _ignored(root: Parent, info: Info) -> Resolved:
    """Return the entries about assets that the viewer may read: a path may have names of columns.

    An entry of an earlier version does not say which asset it is about, and is left out.
    """
    return await _shown(info, [each for each in root.record["ignored"] if "asset" in each], "asset")


@strawberry.type(description="What became of an event; kept for 30 days.")
class Ingestion(Node):
    """What became of an event; kept for 30 days."""

    subject: AssetRef | None = strawberry.field(
        description="The run, job or dataset that the event is about.", resolver=resolve_subject
    )
    received_at: Instant = strawberry.field(
        description="The instant at which the event first arrived.", resolver=_received_at
    )
    event_at: Instant | None = stored_field("The instant of the event; null if a malformed event has none.")
    event_type: str = stored_field("The type of the event, such as COMPLETE; OTHER without a valid one.")
    source: str = stored_field("The namespace of the job or dataset that the event is about.")
    producer: str | None = stored_field("The program that made the event, as the event has it.")
    actor: str = stored_field("The caller who sent the event, in the form of `Change.actor`.")
    state: IngestionState = stored_field("What the event did.")
    reason: str | None = stored_field(
        "The code of the error for which the event was rejected, and after a colon the malformed member, if any; null "
        "for an accepted event."
    )
    names: list[IngestedName] | None = strawberry.field(
        description="The names in the event with the assets that they became; of the first 200 at most, those whose "
        "`history` the viewer may read.",
        resolver=_names,
    )
    assets: list[IngestedAsset] | None = strawberry.field(
        description="The effects on assets that the event changed, or of which a value was kept, outdated or refused. "
        "Of the first 200 at most, those on assets whose `history` the viewer may read are listed, without fields that "
        "are hidden from the viewer. An effect on such fields alone is left out.",
        resolver=_assets,
    )
    edges: list[IngestedEdge] | None = strawberry.field(
        description="The edges that the event changed, or could not begin. Of the first 200 at most, those are listed "
        "whose field the viewer may see, and the `history` of both ends.",
        resolver=_edges,
    )
    ignored: list[IgnoredFacet] = strawberry.field(
        description="The facets, or parts of facets, that had no effect; of the first 200 at most, those about assets "
        "whose `history` the viewer may read.",
        resolver=_ignored,
    )


@strawberry.input(
    description="A condition on ingestions; every given field must match. An empty list matches no ingestion."
)
class IngestionFilter:
    """A condition on ingestions; every given field must match."""

    subjects: list[strawberry.ID] | None = one_of("subject", "The event is about one of these assets.")
    actors: list[str] | None = one_of(
        "actor", "The caller who sent the event is one of these, each in the form of `Change.actor`."
    )
    sources: list[str] | None = one_of("source", "The namespace of the job or dataset is one of these.")
    states: list[IngestionState] | None = one_of("state", "The `state` of the ingestion is one of these.")
    since: Instant | None = not_below("createdAt", "The event arrived at this instant or later.")
    until: Instant | None = below("createdAt", "The event arrived before this instant.")


FilterArg = Annotated[
    IngestionFilter | None, strawberry.argument(description="Conditions on the ingestions; default: all.")
]


async def _ingestions(info: Info, filter: FilterArg = None, first: First = 20, after: After = None) -> Resolved:
    where = listing_condition(filter)
    page, binding = page_request_of(info, first, after, where)
    return ConnectionSource(await info.context.reader.attached_records("Ingestion", where, page), page, binding)


all_ingestions: SchemaField = strawberry.field(
    description="What became of events, of those about assets whose `history` the viewer may read, the newest first. "
    "A rejected event is among them if its sender may update the asset.",
    resolver=_ingestions,
)
