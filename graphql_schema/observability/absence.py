"""Explains why an asset or an edge is not there, by what the viewer may see.

An absent id and a hidden id get the same explanation by the same requests. After the look-up by id, only assets that
are visible to the viewer are read.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import strawberry

from graphql_schema.catalog.enums import Hydration, RelationName
from graphql_schema.catalog.kinds import ALL_KINDS
from graphql_schema.catalog.relations import LINEAGE, RELATIONS
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parent, Resolved, SchemaField, stored_field
from graphql_schema.fields.refs import AssetRef
from graphql_schema.governance.changes import Change
from graphql_schema.lineage.lineage_edge import LineageEdge
from graphql_schema.observability.absence_reason import AbsenceReason, absence
from graphql_schema.observability.ingestions import Ingestion
from graphql_schema.observability.missing_edge import ending_change, explained_edge
from graphql_schema.observability.other_spellings import OtherSpelling, other_spellings
from graphql_schema.ports.conditions import All, In
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import Row
from policies.errors import InvalidError


async def _change(root: Parent, info: Info) -> Resolved:
    """Return the change that deleted or merged the asset, deleted an end of the edge, or ended the edge.

    None for other reasons, or if no such change is found or visible.
    """
    row: Row | None = root["asset"]
    if root["reason"] is AbsenceReason.MERGED:
        return await _newest(info, root["merged"], "MERGED")
    if root["reason"] is not AbsenceReason.ENDED:
        return None
    if row is not None:
        return await _newest(info, row.urn, "DELETED")
    return await ending_change(info, root["ends"], root["dated"])


async def _newest(info: Info, urn: str, action: str) -> Row | None:
    """Return the newest visible change of an asset with an action; None without one."""
    where = All((In("subject", (urn,)), In("action", (action,))))
    page = await info.context.reader.attached_records("Change", where, PageRequest(first=1))
    return next((item.row for item in page.items), None)


@strawberry.type(description="Why an asset or an edge is not there, by what is visible to the viewer.")
class Absence:
    """Why an asset or an edge is not there."""

    reason: AbsenceReason = stored_field("The reason.")
    unknown_ids: list[strawberry.ID] = stored_field(
        "Those of the given ids that do not exist or are not visible to the viewer."
    )
    asset: AssetRef | None = stored_field(
        "The asset with the given id, that to which the id of a merged dataset leads, or the deleted end of an edge; "
        "null without one."
    )
    edge: LineageEdge | None = stored_field(
        "The edge that was found, with its last validity: it is there, unconfirmed, begins later, has ended, or joins "
        "other spellings. Null without one."
    )
    change: Change | None = strawberry.field(
        description="The change that deleted or merged the asset, or ended the edge; null for other reasons, or if no "
        "such change was found that is visible to the viewer.",
        resolver=_change,
    )
    ingestion: Ingestion | None = stored_field("The newest event whose edge was refused; null for other reasons.")
    spellings: list[OtherSpelling] = stored_field(
        "Assets with another spelling of an unknown id or of a placeholder. For an edge between visible assets: other "
        "spellings of its ends that such an edge joins."
    )


IdArg = Annotated[
    strawberry.ID | None, strawberry.argument(description="The id of the asset; without it give `from` and `to`.")
]
FromArg = Annotated[
    strawberry.ID | None, strawberry.argument(name="from", description="The id of the asset where the edge begins.")
]
ToArg = Annotated[strawberry.ID | None, strawberry.argument(description="The id of the asset where the edge ends.")]
RelationArg = Annotated[
    RelationName | None,
    strawberry.argument(description="The relation of the edge, one of lineage; default: any of these."),
]


async def _explain(
    info: Info, id: IdArg = None, from_: FromArg = None, to: ToArg = None, relation: RelationArg = None
) -> Resolved:
    given = [urn for urn in (id, from_, to) if urn is not None]
    of_edge = from_ is not None and to is not None
    if of_edge == (id is not None) or len(given) > 1 + of_edge or (relation is not None and not of_edge):
        raise InvalidError("Give `id`, or `from` and `to` with or without `relation`.")
    if relation is not None and not RELATIONS[relation.name].lineage:
        names = ", ".join(each.name for each in LINEAGE)
        raise InvalidError(f"`relation` is {relation.name}, which is no relation of lineage; give one of {names}.")
    for urn in given:
        if not ALL_KINDS[parse_urn(urn).kind].asset:
            raise InvalidError(f"{urn} is no id of an asset; read it by `node`.")
    found = await info.context.reader.nodes(given, named=True)
    rows = [row for row in found if row is not None]
    if len(rows) < len(given):
        return await _unknown(info, [urn for urn, row in zip(given, found, strict=True) if row is None])
    if id is not None:
        return await _of_asset(info, id, rows[0])
    wanted = [each.name for each in LINEAGE] if relation is None else [relation.name]
    return await explained_edge(info, rows[0], rows[1], tuple(wanted))


async def _unknown(info: Info, unknown: Sequence[str]) -> JsonObject:
    """Explain ids that are absent or hidden."""
    ids = dict.fromkeys(unknown)
    spelt = await asyncio.gather(*(other_spellings(info, urn) for urn in ids))
    found = [entry for entries in spelt for entry in entries]
    reason = AbsenceReason.OTHER_SPELLING if found else AbsenceReason.UNKNOWN_OR_HIDDEN
    return absence(reason, unknownIds=[*ids], spellings=found)


async def _of_asset(info: Info, urn: str, row: Row) -> JsonObject:
    """Explain a visible asset to which an id leads."""
    if row.urn != urn:
        return absence(AbsenceReason.MERGED, asset=row, merged=urn)
    if row.visible_value("deletedAt") is not None:
        return absence(AbsenceReason.ENDED, asset=row)
    if row.visible_value("hydration") == Hydration.STUB.name:
        return absence(AbsenceReason.PLACEHOLDER, asset=row, spellings=await other_spellings(info, row.urn))
    return absence(AbsenceReason.PRESENT, asset=row)


explain_absence: SchemaField = strawberry.field(
    description="Explains why an asset (`id`) or a direct edge of lineage (`from` and `to`) is not there. What does "
    "not exist and what is not visible to the viewer are explained alike.",
    resolver=_explain,
)
