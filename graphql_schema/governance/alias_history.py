"""The version that an alias of a model pointed at in the past, from the changes of the model."""

from dataclasses import dataclass

from graphql_schema.fields.context import Info
from graphql_schema.governance.aliases import ALIASES
from graphql_schema.governance.changes import HISTORY
from graphql_schema.ports.record import Record
from graphql_schema.ports.relation_query import PageRequest
from graphql_schema.ports.row import PageItem, Row
from graphql_schema.rules.change_stamp import made_at


@dataclass(frozen=True, slots=True)
class AliasMoves:
    """Accepts changes of an alias, also of its protection alone, that were made at the instant ``until`` or before."""

    alias: str
    until: int

    def __call__(self, item: PageItem) -> bool:
        """Return whether an item is a change of the alias that was made at ``until`` or before."""
        record = item.row.record
        return made_at(record) <= self.until and _last_entry(record, self.alias) is not None


async def version_at(model: Row, info: Info, alias: str, instant: int) -> Row | None:
    """Return the version that an alias of a model pointed at at an instant.

    None without an alias then, or if the model hides its history. None also if the version is hidden, was deleted by
    then, or is deleted and hides when. A hidden version and no alias take the same requests to the store.
    """
    if not model.is_shown("history"):
        return None
    reader = info.context.reader
    moves = await reader.related(model, HISTORY, PageRequest(first=1, keep=AliasMoves(alias, instant)))
    entries = [_last_entry(item.row.record, alias) for item in moves.items]
    named = [entry["after"]["version"] for entry in entries if entry is not None and entry["after"] is not None]
    rows = await reader.nodes(named, constant_time=True)
    return next((row for row in rows if row is not None and _existed(row, instant)), None)


def _last_entry(change: Record, alias: str) -> Record | None:
    """Return the last entry of a change about an alias, None without one; the move from a hidden version has two."""
    entries = [entry for entry in change["fields"] if entry["field"] == ALIASES and entry.get("part") == alias]
    return entries[-1] if entries else None


def _existed(version: Row, instant: int) -> bool:
    """Return whether a version was not deleted at an instant; a hidden instant of its deletion counts as earlier."""
    deleted = version.visible_value("deletedAt")
    return not version.deleted or (deleted is not None and deleted > instant)
