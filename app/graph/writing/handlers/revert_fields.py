"""Restores the fields and edges of one change to their former values, unless they changed again since."""

from typing import Final

from app.graph.records.edge_record import (
    BY_CALLER,
    CLOSED,
    CORRECTED,
    DECLARED_BY,
    OPENED,
    UNCONFIRMED,
    EdgeKey,
    ends,
    is_current,
    kept_by,
    left_to,
    undeclared,
    with_confirmation,
    with_empty_interval,
    with_links_of,
)
from app.graph.records.tag_edge import declared_part, released, restored_declaration
from app.graph.records.vertex_record import updated, with_givers
from app.graph.writing.handlers.register import RETIRED
from app.graph.writing.rules.approved_content import DIGESTS, RETRACTED
from app.graph.writing.rules.attach import column_parts
from app.graph.writing.rules.edge_declarations import to_amend
from app.graph.writing.rules.edge_effects import (
    change_edge,
    is_unscheduled,
    refresh_owner_team,
    require_containers,
    update_ordered_lists,
    update_use_times,
)
from app.graph.writing.rules.permissions import (
    needs_confirmation,
    refuse_deleted,
    require_right,
    require_right_to_declassify,
    require_right_to_end,
    require_right_to_enter,
    require_right_to_move,
)
from app.graph.writing.rules.result_rights import require_right_on_result
from app.graph.writing.rules.stored_values import refuse_many_tags
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import conflict, invalid
from app.graph.writing.unit.unseen_references import RUN_ID, any_unseen
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import OWNED_BY, TAGGED, VERSION_OF
from graphql_schema.ports.outcomes import Outcome, WriteOutcome
from graphql_schema.ports.record import Record
from graphql_schema.rules.change_stamp import MADE_BY
from graphql_schema.rules.observation.observed_columns import COLUMNS, with_sources_of, without_sources

DERIVED: Final = frozenset({"ownerTeam", "hydration", "sensitivity", "deletedAt", "deletedWith", "approvals", MADE_BY})
"""Fields that a revert does not restore from their entries in a change.

``ownerTeam``, ``sensitivity``, ``deletedAt`` and ``deletedWith`` follow from other fields, edges or a deletion. The
others stay as they are: a voided approval stays void, and a registered asset stays registered.
"""

_RIGHTS: Final = {
    ChangeAction.LINKED.name: "link",
    ChangeAction.UNLINKED.name: "link",
    ChangeAction.TAGGED.name: "tag",
}
"""Right that reverting an action needs, which is the right of the action; all others need ``update``."""

_FORMER: Final = "former"
"""Key, in an entry of columns without their sources, of the columns before the change with these."""

_RECORDING: Final = frozenset(
    {"recordedAt", "recordedBy", "at", "earlier", OPENED, CLOSED, CORRECTED, *BY_CALLER, DECLARED_BY, RUN_ID}
)
"""Keys of an edge that do not count when its states are compared.

These are its recorder and recording time, its order in time, its former intervals, and its run, which may be hidden
from the caller. So are what callers declared apart, and who gave its declarers.
"""


def restore_fields(unit: ItemUnit, record: Record, change: Record) -> WriteOutcome:
    """Restore the fields of a change.

    Raises RejectedItemError if any of them changed again since or is a digest, none can be restored, the asset is
    deleted, or the caller may not.
    """
    vid = unit.lookup.vid(record["id"])
    require_right(unit, _RIGHTS.get(change["action"], "update"), record)
    refuse_deleted(record)
    kept = DERIVED | unit.visibility.hidden_fields(record)  # a conflict about a hidden field would disclose it
    values = [entry for entry in change["fields"] if "edge" not in entry and entry["field"] not in kept]
    values = [
        entry
        for entry in map(_without_sources, values)
        if entry["field"] != COLUMNS or entry["before"] != entry["after"]
    ]
    edges = _visible_edges(unit, [entry for entry in change["fields"] if "edge" in entry])
    owner = _restorable_owner(record, change)
    if not (values or edges or owner):
        raise invalid(nothing_to_restore(change), "change")
    _refuse_content(record, values)
    _refuse_changed_since(unit, record, change, [*values, *edges, *([] if values or edges else owner)])
    after = _restored(unit, record, values)
    if after["stage"] == RETIRED != record["stage"]:
        require_right(unit, "retire", record)
    after = with_givers(after, unit.visibility.changed_secrets(record, after), unit.author.subject)
    if any(entry["field"] == COLUMNS for entry in values):
        after = with_givers(after, {COLUMNS}, "")  # none would be of an earlier release, whose sources are compared
    unit.staging.put(vid, after)
    update_use_times(unit, vid)
    unit.lookup.require_records(*(urn for entry in edges for urn in _runs_of(unit, entry)))
    require_containers(unit, (_key(unit, entry) for entry in edges))
    moved = [_restore_edge(unit, vid, entry) for entry in edges]
    _restore_lists(unit, vid, change, edges, also_owners=bool(owner))
    require_right_on_result(unit, vid, record, creates=False)
    unit.staging.bump_revisions(*([vid] if any(moved) else []))
    outcome = Outcome.UPDATED if unit.staging.has_changes else Outcome.UNCHANGED
    return WriteOutcome(outcome, record["id"], unit.lookup.known(vid)["revision"])


def _without_sources(entry: Record) -> Record:
    """Return the entry of a value, that of columns without their sources, which may be hidden from the caller.

    A revert leaves the sources of columns: whether it changes something would disclose whether the caller guessed them.
    """
    if entry["field"] != COLUMNS:
        return entry
    plain = {side: without_sources(entry[side] or ()) or None for side in ("before", "after")}
    return {**entry, **plain, _FORMER: entry["before"]}


def nothing_to_restore(change: Record) -> str:
    """Return the message for a change whose entries are all derived, of parents, or hidden by field, end or version."""
    return (
        f"The change {change['id']} has nothing that a revert can restore for you. Set the values that you want "
        "yourself. A raised sensitivity ends with the link that raised it: unlink or declassify it."
    )


def _refuse_content(record: Record, values: list[Record]) -> None:
    """Reject the revert if the change set the digest of a version."""
    fixed = [entry["field"] for entry in values if entry["field"] in DIGESTS]
    if fixed:
        raise invalid(
            f"`{fixed[0]}` of {record['id']} is not reverted: versions are immutable. Register another version.",
            "change",
        )


def _refuse_changed_since(unit: ItemUnit, record: Record, change: Record, entries: list[Record]) -> None:
    """Reject the revert if any of these fields differs from what the change made of it."""
    changed = [entry["field"] for entry in entries if not _is_as_left(unit, record, entry)]
    if changed:
        names = " and ".join(f"`{name}`" for name in dict.fromkeys(changed))
        raise conflict(
            f"{names} of {record['id']} changed again after {change['id']}; revert the later changes first, or "
            "set the values that you want.",
            record["revision"],
            "change",
        )


def _restored(unit: ItemUnit, record: Record, values: list[Record]) -> Record:
    """Return the record with its former values. ``sensitivity`` in an update sets the declared sensitivity.

    A column that the record has keeps its present sources. Another one gets the registered sources that it had, and the
    observed ones by the present evidence. Those that it had may include a guess of the caller, which the next event
    would compare with the evidence.
    """
    before = {entry["field"]: entry["before"] for entry in values}
    if before.get(COLUMNS):
        former = next(entry[_FORMER] for entry in values if entry["field"] == COLUMNS)
        before[COLUMNS] = with_sources_of(former, record.get(COLUMNS) or (), column_parts(unit, record["id"]))
    if "declaredSensitivity" in before:
        before["sensitivity"] = before.pop("declaredSensitivity")
    return updated(record, before)


def _is_as_left(unit: ItemUnit, record: Record, entry: Record) -> bool:
    """Return whether a value or an edge still is what the change made of it."""
    if "edge" not in entry:
        stored = record.get(entry["field"])
        return bool((without_sources(stored or ()) or None if entry["field"] == COLUMNS else stored) == entry["after"])
    edge, left = unit.lookup.edge(_key(unit, entry)), entry["is"]
    if edge is not None and left is not None and edge.get(UNCONFIRMED) and not left.get(UNCONFIRMED):
        # the edge became unconfirmed since, which is no change by the caller who declared it
        edge = {**with_confirmation(edge, unconfirmed=False), "validFrom": left["validFrom"]}
    if edge is None or left is None or is_current(edge, unit.now) or is_current(left, unit.now):
        return bool(_active_values(unit, declared_part(edge)) == _active_values(unit, left))
    return (edge["validFrom"], ends(edge)) == (left["validFrom"], ends(left))


def _active_values(unit: ItemUnit, edge: Record | None) -> Record | None:
    """Return the values of a current edge, without its _RECORDING; None if the edge has ended or does not exist."""
    if edge is None or not is_current(edge, unit.now):
        return None
    return {name: value for name, value in edge.items() if name not in _RECORDING}


def _key(unit: ItemUnit, entry: Record) -> EdgeKey:
    relation, source, target = entry["edge"]
    return relation, unit.lookup.vid(source), unit.lookup.vid(target)


def _visible_edges(unit: ItemUnit, entries: list[Record]) -> list[Record]:
    """Return the edges of a change whose ends are visible; all edges are read in a constant number of requests.

    An edge to a hidden asset stays as it is, as if the change did not include it: a conflict would disclose it. So does
    one of which the author only changed a declaration kept apart, and that of a version to the parent in its id.
    """
    entries = [entry for entry in entries if "apart" not in entry and entry["edge"][0] != VERSION_OF.name]
    unit.lookup.require_records(*(urn for entry in entries for urn in entry["edge"][1:]))
    unit.lookup.require_edges(*(_key(unit, entry) for entry in entries))
    return [entry for entry in entries if all(unit.visibility.visible(urn) is not None for urn in entry["edge"][1:])]


def _runs_of(unit: ItemUnit, entry: Record) -> list[str]:
    """Return the ids of the runs that the stored edge and the former edge of an entry name."""
    edges = (unit.lookup.edge(_key(unit, entry)), entry["was"])
    return [edge[RUN_ID] for edge in edges if edge is not None and edge.get(RUN_ID)]


def _restore_edge(unit: ItemUnit, vid: int, entry: Record) -> bool:
    """Restore the former edge: open it again, end it, or restore its former interval; return whether it changes."""
    key, was = _key(unit, entry), entry["was"]
    edge = unit.lookup.edge(key)
    known = unit.visibility.known(key)
    unconfirmed = needs_confirmation(unit, key, vid, known)
    if was is not None and is_current(was, unit.now):
        require_right_to_enter(unit, key[0], entry["edge"][1], unit.lookup.known(key[2]), known)
        if is_unscheduled(key[0], unit.lookup.kind(key[1])):  # an earlier version scheduled its end
            was = {name: value for name, value in was.items() if name != "validTo"}
        stored = to_amend(unit, key, vid, edge, unconfirmed=unconfirmed)
        require_right_to_declassify(unit, unit.lookup.known(vid), key[2], stored, was)
        after = with_confirmation(restored_declaration(edge, was, unit.now), unconfirmed=unconfirmed)
        if not (after["by"] or "validTo" in after or kept_by(after)):  # others kept it then, and do no longer
            after = undeclared(after, "", unit.now)
        require_right_to_move(unit, key, vid, known, after)
        return change_edge(unit, key, after, vid, entry["field"], anew=any_unseen(unit, _runs_of(unit, entry)))
    if edge is None:
        return False
    past = with_empty_interval(edge) if was is None else with_links_of(edge, was)
    if not edge.get(RETRACTED):  # a revert retracts no naming: the rights of the one who did were for that one
        past = {name: value for name, value in past.items() if name != RETRACTED}
    if is_current(edge, unit.now):
        require_right_to_end(unit, key, vid, known)
    after = _without_declarers(edge, unit.now) if is_current(edge, unit.now) else past
    return change_edge(unit, key, after, vid, entry["field"])


def _without_declarers(edge: Record, now: int) -> Record:
    """Return a current edge ended at ``now``, unless callers keep it by a declaration apart."""
    keepers = kept_by(edge) if "validTo" not in edge else []
    return left_to(edge, keepers) if keepers else released(edge, now)


def _restorable_owner(record: Record, change: Record) -> list[Record]:
    """Return the entry of the changed owner team, in a list; empty unless the former team still owns the asset."""
    owners = {urn for urn, _ in record["index"]["owners"]}
    return [entry for entry in change["fields"] if entry["field"] == "ownerTeam" and entry["before"] in owners]


def _restore_lists(unit: ItemUnit, vid: int, change: Record, edges: list[Record], *, also_owners: bool) -> None:
    """Update the indexed owners and tags, and the owner team, once ``edges`` are restored.

    Restored entries follow the present ones; the former owner team comes first among the owners. ``also_owners``, a
    flag: update the owners even if ``edges`` has none of them.
    """
    restored: dict[str, list[str]] = {OWNED_BY.name: [], TAGGED.name: []}
    touched = {OWNED_BY.name} if also_owners else set()
    for entry in edges:
        relation, _, target = entry["edge"]
        if relation in restored:
            restored[relation].append(target)
            touched.add(relation)
    team = [entry["before"] for entry in change["fields"] if entry["field"] == "ownerTeam" and entry["before"]]
    owners = {*restored[OWNED_BY.name], *(urn for urn, _ in unit.lookup.known(vid)["index"]["owners"])}
    first = {OWNED_BY.name: [each for each in team if each in owners]}
    for relation in sorted(touched):
        update_ordered_lists(unit, vid, relation, first.get(relation, []), restored[relation])
    refuse_many_tags(unit, vid)
    refresh_owner_team(unit, vid)
