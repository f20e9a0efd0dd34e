"""Explains why there is no direct edge of lineage between two visible assets."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Final

from graphql_schema.fields.context import Info
from graphql_schema.governance.change_redaction import is_visible_entry
from graphql_schema.observability.absence_reason import AbsenceReason, absence
from graphql_schema.observability.ingestions import SHOWN_BY, IngestionState
from graphql_schema.observability.other_spellings import other_spellings
from graphql_schema.ports.conditions import All, Below, In, Negated
from graphql_schema.ports.lineage_query import DatedEdge
from graphql_schema.ports.record import JsonObject, Record
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import Row

_EXAMINED: Final = PageRequest(first=50)
"""The page of changes, or of ingestions, that is examined for an edge."""

_ENDS: Final = {"inputs": ("INPUT_TO", "target", "source"), "outputs": ("PRODUCES", "source", "target")}
"""By field of an `IngestedEdge`, the relation of its edge, and the keys of the ids where it begins and ends."""


async def explained_edge(info: Info, source: Row, target: Row, relations: tuple[str, ...]) -> JsonObject:
    """Return the source of an `Absence` for the edge of one of some relations from a visible asset to another.

    The first of these that is found is the result: an edge of these two assets, a refused one, one between other
    spellings of them.
    Raises the errors of the reader.
    """
    deleted = next((row for row in (source, target) if row.visible_value("deletedAt") is not None), None)
    if deleted is not None:
        return absence(AbsenceReason.ENDED, asset=deleted)
    if source.deleted or target.deleted or not (source.reads("downstream") or target.reads("upstream")):
        source.is_shown("downstream")
        target.is_shown("upstream")
        return absence(AbsenceReason.UNKNOWN_OR_HIDDEN)
    return await _of_visible_ends(info, (source, target), relations)


async def _of_visible_ends(info: Info, ends: tuple[Row, Row], relations: tuple[str, ...]) -> JsonObject:
    """Explain an edge whose ends, and whose lineage at one of them, are visible."""
    spelt = asyncio.gather(*(other_spellings(info, row.urn) for row in ends))
    stored, refused, others = await asyncio.gather(
        info.context.reader.edges_between(ends[:1], ends[1:], relations), _refused(info, *ends, relations), spelt
    )
    found = next(_dated(stored, declarations=all(row.reads(SHOWN_BY) for row in ends)), None)
    if found is not None and found.current:
        return absence(AbsenceReason.PRESENT, edge=found.edge)
    under_others, spellings = await _under_others(info, ends, others, relations)
    if found is not None:
        return absence(_reason(found), edge=found.edge, spellings=spellings, dated=found, ends=ends)
    if refused is not None:
        return absence(AbsenceReason.REFUSED, ingestion=refused, spellings=spellings)
    if under_others is not None:
        return absence(AbsenceReason.OTHER_SPELLING, edge=under_others.edge, spellings=spellings)
    return absence(AbsenceReason.NEVER_OBSERVED)


def _dated(found: Sequence[DatedEdge], *, declarations: bool) -> Iterator[DatedEdge]:
    """Yield current edges, later ones, unconfirmed ones if the viewer sees ``declarations``, then ended ones."""

    def order(each: DatedEdge) -> tuple[bool, bool, bool, int]:
        return not each.current, not each.begins_later, not each.unconfirmed, -(each.end_recorded or 0)

    yield from sorted((each for each in found if declarations or not each.unconfirmed), key=order)


def _reason(dated: DatedEdge) -> AbsenceReason:
    """Return the reason for which an edge that is not current is missing."""
    if dated.unconfirmed:
        return AbsenceReason.UNCONFIRMED
    return AbsenceReason.BEGINS_LATER if dated.begins_later else AbsenceReason.ENDED


async def _under_others(
    info: Info, ends: Sequence[Row], spelt: Sequence[Sequence[JsonObject]], relations: tuple[str, ...]
) -> tuple[DatedEdge | None, list[JsonObject]]:
    """Return a current edge between other spellings of the ends, and the spellings that have one."""
    sources, targets = ([row, *(entry["asset"] for entry in found)] for row, found in zip(ends, spelt, strict=True))
    if len(sources) == len(targets) == 1:
        return None, []
    found = await info.context.reader.edges_between(sources, targets, relations)
    pairs = {(each.edge.record["from"], each.edge.record["to"]): each for each in found if each.current}
    pairs.pop((ends[0].urn, ends[1].urn), None)
    used = [{pair[end] for pair in pairs} for end in (0, 1)]
    return next(iter(pairs.values()), None), [
        entry for entries, urns in zip(spelt, used, strict=True) for entry in entries if entry["asset"].urn in urns
    ]


async def _refused(info: Info, source: Row, target: Row, relations: tuple[str, ...]) -> Row | None:
    """Return the newest ingestion about an end whose edge between both was refused; None if the viewer sees none."""
    if not (source.reads(SHOWN_BY) and target.reads(SHOWN_BY)):
        return None
    states = tuple(state.name for state in IngestionState if state is not IngestionState.WRITTEN)
    where = All((In("subject", (source.urn, target.urn)), In("state", states)))
    page = await info.context.reader.attached_records("Ingestion", where, _EXAMINED)
    wanted = [(relation, source.urn, target.urn) for relation in relations]
    for item in page.items:
        if any(_refused_edge(entry) in wanted for entry in item.row.record["edges"]):
            return item.row
    return None


def _refused_edge(entry: Record) -> tuple[str, str, str] | None:
    """Return relation and ends of an edge that an event could not begin; None for another entry."""
    if entry["effect"] != "REFUSED" or entry["field"] not in _ENDS:
        return None
    relation, begin, end = _ENDS[entry["field"]]
    return relation, entry[begin], entry[end]


async def ending_change(info: Info, ends: Sequence[Row], dated: DatedEdge) -> Row | None:
    """Return the change that ended an edge between ``ends``; None if it is hidden or not found.

    The first changes of the ends since the end was recorded are examined. Raises the errors of the reader.
    """
    named, subjects = {row.urn: row for row in ends}, tuple(dict.fromkeys(row.urn for row in ends))
    where = All((In("subject", subjects), Negated(Below("createdAt", dated.end_recorded or 0))))
    page = await info.context.reader.attached_records("Change", where, _EXAMINED, newest_first=False)
    for item in page.items:
        subject = named[item.row.record["subject"]]
        async for entry in info.context.budget.in_turns(item.row.record["fields"]):
            if _ends(entry, dated.edge.record) and is_visible_entry(entry, subject, named):
                return item.row
    return None


def _ends(entry: Record, edge: Record) -> bool:
    """Return whether an audit entry is about an edge, and left it with the end that it has."""
    is_about = entry.get("edge") == [edge["relation"], edge["from"], edge["to"]]
    return is_about and (entry.get("is") or {}).get("validTo") == edge["validTo"]
