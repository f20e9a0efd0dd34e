"""Audit entries: what an item changed, field by field, as ``Change`` vertices of the same transaction.

An item leaves one ``Change`` for each asset, team, user, domain or tag whose record it created or changed, or of which
its handler recorded a changed edge or field. The edge ``CHANGED`` attaches it. Its ``fields`` is a list of entries
``{field, before, after}`` with JSON values; that of an alias also has ``part``, the name of the alias. A field of edges
has one entry per edge, which also holds ``edge`` (relation, from, to) and the records ``was`` and ``is`` of the edge,
for :mod:`app.graph.writing.handlers.revert_fields`. With ``apart``, the author's subject, they are those of what the
author declared apart from the edge. Only these records have the properties of the edge, which a reader adds to
``before`` and ``after``; entries of earlier releases have them there, too. ``visible`` marks an entry whose author saw
the far end of the edge, which was registered. The policy of a field is applied to its entries when they are read.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import orjson

from app.graph.records.edge_record import UNCONFIRMED, EdgeKey, is_current, without_links
from app.graph.records.merged_record import MERGE_DEPTH, MERGED_INTO
from app.graph.records.tag_edge import declared_part
from app.graph.records.vertex_record import ALIASES, ATTACHED_COUNTS, CONFIRMED, FORMER_DELETION, GIVEN_BY, kind_of
from app.graph.writing.rules.approved_content import NAMED_RUNS, UNPROTECTED_BY, WEAKENED_BY
from app.graph.writing.rules.attach import new_ordered_record, new_urn
from app.graph.writing.unit.audit_trail import EdgeChange
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import invalid
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import CHANGED
from graphql_schema.catalog.urn import parent_urn
from graphql_schema.ports.record import Json, Record
from graphql_schema.rules.change_stamp import (
    MADE_BY,
    REGISTERED_AT,
    REGISTERED_BY,
    RESERVED_FOR,
    WAS_VISIBLE,
    shows_no_owner,
)
from policies.blurred_limit import blurred

_NOT_AUDITED: Final = frozenset(
    {"id", "kind", "tenant", "source", "namespace", "version", "index", "deletedWith"}
    | {"revision", "createdAt", "createdBy", "updatedAt", "updatedBy", REGISTERED_AT}
    | {CONFIRMED, GIVEN_BY, RESERVED_FOR, ATTACHED_COUNTS, FORMER_DELETION}
    | {MERGED_INTO, MERGE_DEPTH}  # recorded by the handler
    | {NAMED_RUNS}  # recorded as edges
    | {ALIASES}  # recorded alias by alias, by the handler
    | {MADE_BY, WEAKENED_BY, UNPROTECTED_BY, REGISTERED_BY}  # subjects, which the changes have as actors
)
"""Record keys whose difference makes no audit entry."""

_EDGE_VALUES: Final = ("kinds", "mode", "role", "origin", "confidence", "validFrom", "validTo")
"""Values of an edge that an entry shows, besides its properties."""

MAX_CHANGE: Final = 4 * 1024 * 1024
"""Maximal number of bytes of the fields of a change as JSON: to parse them takes 45 ms in one call."""

MAX_REVISIONS: Final = 1_000_000
"""The order of a change is its audit instant times this factor, plus the revision of its subject modulo this factor.

A change that comes last has this factor minus 1 in place of the revision.
"""


def stage_audit_entries(unit: ItemUnit) -> None:
    """Stage one ``Change`` for each asset, team, user, domain or tag that the item created or changed.

    A staged record without any entry still gets a ``Change``: another order of owners shows in no field. One that only
    counts attached records gets none.
    """
    records = unit.staging.staged.vertices
    changed = {vid for vid in records if kind_of(records[vid]) in KINDS and not _only_counts(unit, vid)}
    edges = defaultdict[int, dict[EdgeKey, EdgeChange]](dict)
    for change in unit.audit.edges:
        edges[change.about][change.key] = change
    for vid in dict.fromkeys([*filter(changed.__contains__, records), *edges, *unit.audit.fields]):
        before, after = unit.lookup.batch.vertex(vid), unit.lookup.known(vid)
        fields = [
            *_values(before, after, unit.audit.rewritten.get(vid, ())),
            *_edges(unit, vid, edges.get(vid, {})),
            *unit.audit.fields[vid],
        ]
        default = ChangeAction.UPDATED if before is not None else ChangeAction.REGISTERED
        _refuse_too_large(fields)
        if fields or vid in changed:
            stage_change(unit, vid, unit.audit.actions.get(vid, default), fields)


def _only_counts(unit: ItemUnit, vid: int) -> bool:
    """Return whether nothing of a record but the numbers of attached records has changed."""
    before, after = unit.lookup.batch.vertex(vid), unit.lookup.known(vid)
    if before is None or before.get(ATTACHED_COUNTS) == after.get(ATTACHED_COUNTS):
        return False
    names = (before.keys() | after.keys()) - {ATTACHED_COUNTS}
    return all(before.get(name) == after.get(name) for name in names)


def _refuse_too_large(fields: list[Record]) -> None:
    """Reject the item as INVALID if a change of these fields would be too large to read.

    Each field is measured by itself, up to the limit: 50 MB as one text hold the interpreter for 0.25 seconds.
    """
    size, maximum = 2, blurred(MAX_CHANGE)  # hidden values before the change count
    for each in fields:
        size += len(orjson.dumps(each)) + 1
        if size > maximum:
            raise invalid(
                f"The item changes {len(fields)} values and edges, for which its entry in the history would have more "
                f"than {MAX_CHANGE} bytes, which is the limit. Give fewer edges in one item."
            )


def stage_change(
    unit: ItemUnit, vid: int, action: ChangeAction, fields: list[Record], *, comes_last: bool = False
) -> None:
    """Stage one ``Change`` of a vertex; with ``comes_last``, it is ordered after others of the same audit instant."""
    record, author = unit.lookup.known(vid), unit.author
    revision, ends = int(record["revision"]), _far_ends(fields, record["id"], _parents(unit, vid))
    urn = _new_urn(unit, record, action, ends[0] if len(ends) == 1 else "", "z-" if comes_last else "-")
    change = new_ordered_record(
        unit,
        urn,
        action=action.name,
        actor=author.subject,
        subject=record["id"],
        subjects=[record["id"]],
        subjectKind=record["kind"],
        subjectRevision=revision,
        requestId=author.request_id or None,
        fields=fields,
        ends=ends or None,
        reason=unit.audit.reason if vid in unit.audit.actions else None,
        **unit.audit.details.get(vid, {}),
    )
    change_vid = unit.lookup.vid(urn)
    unit.staging.put(change_vid, change)
    place = MAX_REVISIONS - 1 if comes_last else revision % MAX_REVISIONS
    order = author.audit_instant * MAX_REVISIONS + place
    unit.staging.attach(CHANGED, change_vid, vid, order)


def _new_urn(unit: ItemUnit, record: Record, action: ChangeAction, end: str, mark: str) -> str:
    """Return a new id of a change. ``mark`` orders ids with the same revision."""
    identity = (record["id"], str(record["revision"]), action.name, str(unit.author.audit_instant), end)
    return new_urn(unit, "change", *identity, prefix=f"{record['revision']:09d}{mark}")


def _parents(unit: ItemUnit, vid: int) -> frozenset[str]:
    """Return the URNs of the parents of an asset, before and after the change; "" is that of one without a parent."""
    records = (each for each in (unit.lookup.batch.vertex(vid), unit.lookup.known(vid)) if each is not None)
    return frozenset(parent_urn(each["id"]) or each["index"]["whole"] for each in records)


def _far_ends(fields: list[Record], subject: str, parents: frozenset[str]) -> list[str]:
    """Return the URNs of the far ends, or versions, of a change whose entries are all edges or aliases, else none.

    The change is hidden from readers who may see none of these URNs, so that it does not disclose them. Its author
    sees an own link nevertheless (:mod:`app.graph.records.change_record`). An inherited owner that no reader sees is an
    entry of that kind, with the ``parents`` as its far ends. So is a change without entries by which an asset got
    another parent.
    """
    is_of_parents = any(map(shows_no_owner, fields)) if fields else len(parents) > 1
    inherited = parents - {""} if is_of_parents else frozenset[str]()
    if not all("edge" in entry or "part" in entry or (inherited and shows_no_owner(entry)) for entry in fields):
        return []
    joined = {urn for entry in fields for urn in entry.get("edge", ())[1:] if urn != subject}
    aliased = {
        entry[side]["version"] for entry in fields if "part" in entry for side in ("before", "after") if entry[side]
    }
    return sorted(joined | aliased | inherited)


def _values(before: Record | None, after: Record, rewritten: Collection[str]) -> Iterator[Record]:
    """Yield an entry for each audited value that differs or is ``rewritten``; a new stub has none."""
    if before is None and after.get("hydration") == "STUB":
        return
    was = before or {}
    for name in sorted((was.keys() | after.keys() | {*rewritten}) - _NOT_AUDITED):
        if was.get(name) != after.get(name) or name in rewritten:
            yield {"field": name, "before": was.get(name), "after": after.get(name)}


def _edges(unit: ItemUnit, vid: int, changes: Mapping[EdgeKey, EdgeChange]) -> Iterator[Record]:
    """Yield one entry for each changed or ``rewritten`` edge of ``changes``, those that the audit trail has for it."""
    for key, change in changes.items():
        states = change.apart or (unit.lookup.batch.edge(key), unit.lookup.edge(key))
        was, now = (None if each is None else without_links(each) for each in map(declared_part, states))
        if was != now or change.rewritten:
            yield {
                "field": change.field,
                "before": _shown(unit, key, vid, was),
                "after": _shown(unit, key, vid, now),
                "edge": _ends(unit, key),
                "was": was,
                "is": now,
                **({"apart": unit.author.subject} if change.apart else {}),
                **({WAS_VISIBLE: True} if unit.visibility.was_visible(_far(key, vid)) else {}),
            }


def _ends(unit: ItemUnit, key: EdgeKey) -> list[str]:
    relation, *ends = key
    return [relation, *(unit.visibility.name(unit.lookup.known(end)) for end in ends)]


def _far(key: EdgeKey, vid: int) -> int:
    return key[1] if key[2] == vid else key[2]


def _shown(unit: ItemUnit, key: EdgeKey, vid: int, edge: Record | None) -> Json:
    """Return ``{"id": far end, "relation": name, …values}`` of a current or unconfirmed edge, else None."""
    if edge is None or not (is_current(edge, unit.now) or edge.get(UNCONFIRMED)):
        return None
    far = unit.visibility.name(unit.lookup.known(_far(key, vid)))
    return {"id": far, "relation": key[0], **{name: edge[name] for name in _EDGE_VALUES if name in edge}}
