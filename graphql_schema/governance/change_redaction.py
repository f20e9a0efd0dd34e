"""Redaction of audit entries: removes the values that the viewer may not see."""

from collections.abc import Collection, Iterator, Mapping

import orjson

from graphql_schema.fields.scalars import instant_text
from graphql_schema.ports.record import Json, JsonObject, Record
from graphql_schema.ports.row import Row
from graphql_schema.rules.change_stamp import OWNER_TEAM, names_unseen, shown_owner, shows_no_owner
from graphql_schema.rules.observation.observed_columns import BY_SOURCES

VisibleRows = Mapping[str, Row]
"""The rows that are visible to the caller, by id."""


ID_KEYS = frozenset({"id", "version", "dataset", "plan", "team", "runId"})
"""Keys of the objects in an entry that have an id.

``id`` is that of the far end of an edge, or of a merged dataset; ``version`` belongs to an alias, ``dataset`` to a
source of a column. ``plan`` and ``team`` belong to a change plan. Edges of an early version have ``runId``. A text
under any other key names nothing, also if it looks like an id: a caller may have written it.
"""


PROPERTIES = "properties"
"""The key of pairs that callers wrote freely: no id is among them, and all are shown."""


INSTANT = "At"
"""The suffix of the names of fields whose integers are instants."""


_INSTANTS = frozenset({"validFrom", "validTo", "since"})

_RECORDS = {"before": "was", "after": "is"}
"""The keys of the records of an edge, by the side of an entry that shows them."""


def named_ids(entry: Record) -> Iterator[str]:
    """Yield the ids that an audit entry names and whose existence it would disclose; an id may occur twice."""
    yield from entry.get("edge", ())[1:]
    for side in ("before", "after"):
        yield from _ids_in(entry[side])


def _ids_in(value: Json) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            if key in ID_KEYS and isinstance(each, str):
                yield each
            elif not (key == PROPERTIES or isinstance(each, str)):
                yield from _ids_in(each)
    elif isinstance(value, list):
        for each in value:
            if not isinstance(each, str):
                yield from _ids_in(each)


def is_visible_entry(entry: Record, subject: Row, visible: VisibleRows, author: str | None = None) -> bool:
    """Return whether an entry is shown: its field is visible, and so are all ids in an entry of an edge.

    An entry of an alias is shown if one of its versions is visible, because the other one then counts as no alias. An
    entry of the owner team is shown if one of its owners is a team, because the other one then counts as no team.
    ``author`` is the subject of the viewer if the viewer made the change and may write, else None. To the author, each
    edge with a visible field is shown whose far end the author named unseen.
    """
    if entry["field"] in subject.access.hidden:
        return False
    if author is not None and names_unseen(entry):
        return True
    if "part" in entry:
        return any(side is not None for side in _sides(entry, visible).values())
    if shows_no_owner(entry):
        return False
    return "edge" not in entry or all(urn in visible for urn in named_ids(entry))


def redacted_entry(entry: Record, subject: Row, visible: VisibleRows, author: str | None = None) -> JsonObject:
    """Return a visible entry as the source of a ``FieldChange``, without hidden values.

    An alias of a hidden version is null, as in the field `aliases`. An owner who is not a team is null, as in the field
    `ownerTeam`. Of an edge to a hidden asset or a stub, its ``author`` gets relation and id only, and nothing that
    others recorded. The read of a restricted or secret field is reported for the access log.
    """
    field = entry["field"]
    subject.is_shown(field)  # the access log records restricted and secret fields
    sides = _sides(entry, visible)
    shown: Collection[str] = visible
    if "edge" in entry:  # a change can have thousands of edges, so the work for each does not grow with their number
        shown = {*named_ids(entry)}
        mine = {"before": _is_recorded_by(entry.get("was"), author), "after": True}
        sides = {
            side: None if value is None else _of_edge(value, subject, _far_row(value, visible, author), mine=mine[side])
            for side, value in sides.items()
        }
    return {
        "field": field,
        "alias": entry.get("part"),
        **{side: _text(field, value, shown) for side, value in sides.items()},
    }


def _sides(entry: Record, visible: Collection[str]) -> dict[str, Json]:
    """Return both sides of an entry.

    A side is None without an alias, with an alias of a hidden version, or with an owner who is not a team. One of an
    edge gets the properties that are stored with the record of the edge alone.
    """
    sides = {side: _with_properties(entry[side], entry.get(of)) for side, of in _RECORDS.items()}
    if "part" in entry:
        return {
            side: value if value and all(urn in visible for urn in _ids_in(value)) else None
            for side, value in sides.items()
        }
    if entry["field"] == OWNER_TEAM:
        return {side: shown_owner(value) for side, value in sides.items()}
    return sides


def _with_properties(side: Json, edge: Record | None) -> Json:
    pairs = edge.get(PROPERTIES) if edge is not None else None
    return side if side is None or pairs is None else {**side, PROPERTIES: pairs}


def _is_stub(row: Row) -> bool:
    return bool(row.record.get("hydration") == "STUB")


def _is_recorded_by(edge: Record | None, author: str | None) -> bool:
    return edge is not None and author is not None and edge.get("recordedBy") == author


def _far_row(edge: Record, visible: VisibleRows, author: str | None) -> Row | None:
    """Return the row of the far end of an edge; None if it is hidden, or a stub and the viewer is its ``author``."""
    row = visible.get(edge["id"])
    return None if row is None or (author is not None and _is_stub(row)) else row


def _of_edge(edge: Record, subject: Row, far: Row | None, *, mine: bool) -> Record | None:
    """Return the values of an edge that both of its ends show.

    If the far end ``far`` is None, the result is relation and id, or None unless ``mine`` is set.
    """
    if far is None:
        return {"id": edge["id"], "relation": edge["relation"]} if mine else None
    hidden = subject.access.of_edge("Neighbour", far.access).hidden
    return {name: each for name, each in edge.items() if name not in hidden}


def _text(field: str, value: Json, visible: Collection[str]) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and field.endswith(INSTANT):
        return instant_text(value)
    return orjson.dumps(_scrubbed(value, visible)).decode()


def _scrubbed(value: Json, visible: Collection[str]) -> Json:
    """Return the value without parts about hidden ids, with instants as RFC 3339 text.

    The mark of a column whose sources may all be hidden is left out.
    """
    if isinstance(value, Mapping):
        kept = {
            key: _redacted_value(key, each, visible)
            for key, each in value.items()
            if key != BY_SOURCES and not _is_hidden_id(key, each, visible)
        }
        return {key: each for key, each in kept.items() if each != []}  # a list of hidden ids only is left out
    if isinstance(value, list):
        return [_scrubbed(each, visible) for each in value if not _has_hidden_id(each, visible)]
    return value


def _redacted_value(key: str, value: Json, visible: Collection[str]) -> Json:
    if key in _INSTANTS:
        return instant_text(value)
    return value if key == PROPERTIES else _scrubbed(value, visible)


def _is_hidden_id(key: str, value: Json, visible: Collection[str]) -> bool:
    return key in ID_KEYS and isinstance(value, str) and value not in visible


def _has_hidden_id(value: Json, visible: Collection[str]) -> bool:
    """Return whether an element of a list has a hidden id."""
    return isinstance(value, Mapping) and any(_is_hidden_id(key, each, visible) for key, each in value.items())
