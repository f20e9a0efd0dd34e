"""The audit: what an item changed, field by field, as ``Change`` vertices of the same transaction.

Each asset, team, user, domain or tag whose record or edges an item changed has one ``Change`` of its own, hung on
it by ``CHANGED``. Its ``fields`` are ``{field, before, after}`` with JSON values as stored; where a field is made of
edges there is one for each, which also has ``edge`` (relation, from, to) and the edge's records ``was`` and ``is``:
what :mod:`app.graph.writing.handlers.revert` needs. They are policed when they are read, like the field they are about.
"""

from collections.abc import Iterator
from itertools import count
from typing import Any, Final

from app.graph.records.edge_record import UNCONFIRMED, EdgeKey, is_current
from app.graph.records.tag_edge import declared_part
from app.graph.records.vertex_record import ALIASES, Record, kind_of
from app.graph.writing.rules.attach import attached_urn, new_attached_record
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import CHANGED

_BOOKKEEPING: Final = frozenset(
    {"id", "kind", "tenant", "source", "namespace", "version", "index", "deletedWith"}
    | {"revision", "createdAt", "createdBy", "updatedAt", "updatedBy"}
    | {ALIASES}  # whoever sets one says so, name by name
)
_EDGE_FACTS: Final = ("kinds", "mode", "role", "origin", "confidence", "validFrom", "validTo", "properties")

MAX_REVISIONS: Final = 1_000_000
"""Changes of one asset in one transaction are in the order of its revision, which fits in here beside the instant."""


def audit(unit: ItemUnit) -> None:
    """Add the changes of an item to its draft: one for each revision that it moves on, whatever a field shows of it.

    Owners in another order are no other field and yet a change: the first team owns.
    """
    things = [vid for vid in unit.vertices if kind_of(unit.vertices[vid]) in KINDS]
    for vid in dict.fromkeys([*things, *(move.about for move in unit.moves), *unit.told]):
        before, after = unit.state.vertices.get(vid), unit.known(vid)
        fields = [*_values(before, after), *_edges(unit, vid), *unit.told[vid]]
        default = ChangeAction.UPDATED if before is not None else ChangeAction.REGISTERED
        action = unit.action.get(vid, default)
        if fields or vid in unit.vertices:
            add_audit_entry(unit, vid, action, fields)


def add_audit_entry(unit: ItemUnit, vid: int, action: ChangeAction, fields: list[Record]) -> None:
    """Write one change of a vertex into the draft."""
    record, author = unit.known(vid), unit.author
    revision, ends = int(record["revision"]), _far_ends(fields, record["id"])
    urn = _new_urn(unit, record, action, ends[0] if len(ends) == 1 else "")
    change = new_attached_record(
        unit,
        urn,
        author.at,
        action=action.name,
        actor=author.subject,
        subject=record["id"],
        subjects=[record["id"]],
        subjectKind=record["kind"],
        subjectRevision=revision,
        requestId=author.request_id or None,
        fields=fields,
        ends=ends or None,
        **(unit.reason if vid in unit.action else {}),
        **unit.noted.get(vid, {}),
    )
    at = unit.vid(urn)
    unit.vertices[at] = change
    place = author.at * MAX_REVISIONS + revision % MAX_REVISIONS
    unit.attach(CHANGED, at, vid, place)


def _new_urn(unit: ItemUnit, record: Record, action: ChangeAction, end: str) -> str:
    """The id of a new change: made of nothing that may be hidden from who sees the change, so nobody can try values."""
    for number in count():
        marks = (record["id"], str(record["revision"]), action.name, str(unit.author.at), end, str(number))
        urn = attached_urn(unit, "change", *marks, prefix=f"{record['revision']:09d}-")
        if unit.vertex(unit.vid(urn)) is None:
            return urn
    raise AssertionError  # count() has no end


def _far_ends(fields: list[Record], subject: str) -> list[str]:
    """What a change is about beside its subject, where it is about nothing else: who may know of none gets none of it.

    That is what edges lead to, whether they hold or not, and what names stand for.
    """
    if not all("edge" in entry or "part" in entry for entry in fields):
        return []
    joined = {urn for entry in fields for urn in entry.get("edge", ())[1:] if urn != subject}
    named = {
        entry[side]["version"] for entry in fields if "part" in entry for side in ("before", "after") if entry[side]
    }
    return sorted(joined | named)


def _values(before: Record | None, after: Record) -> Iterator[Record]:
    """The fields of a record that differ; of a new one, what it holds, and of a stub nothing."""
    if before is None and after.get("hydration") == "STUB":
        return
    was = before or {}
    for name in sorted((was.keys() | after.keys()) - _BOOKKEEPING):
        if was.get(name) != after.get(name):
            yield {"field": name, "before": was.get(name), "after": after.get(name)}


def _edges(unit: ItemUnit, vid: int) -> Iterator[Record]:
    """The edges that moved, once each, as the field that they belong to."""
    moves = {move.key: move for move in unit.moves if move.about == vid}
    for key, move in moves.items():
        was, now = declared_part(unit.state.edges.get(key)), declared_part(unit.edge(key))
        if was != now:
            yield {
                "field": move.field,
                "before": _shown(unit, key, vid, was),
                "after": _shown(unit, key, vid, now),
                "edge": _ends(unit, key),
                "was": was,
                "is": now,
            }


def _ends(unit: ItemUnit, key: EdgeKey) -> list[str]:
    relation, *ends = key
    return [relation, *(str(unit.known(end)["id"]) for end in ends)]


def _shown(unit: ItemUnit, key: EdgeKey, vid: int, edge: Record | None) -> Any:  # noqa: ANN401 - a JSON value
    """The far end of an edge that holds, with what it says; None where there is none."""
    if edge is None or not (is_current(edge, unit.now) or edge.get(UNCONFIRMED)):
        return None
    far = unit.known(key[1] if key[2] == vid else key[2])["id"]
    return {"id": far, "relation": key[0], **{name: edge[name] for name in _EDGE_FACTS if name in edge}}
