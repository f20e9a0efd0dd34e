"""Rights and preconditions as rejections: messages name what is missing and disclose nothing that is hidden."""

from app.graph.records.edge_record import DECLASSIFIED, UNCONFIRMED, EdgeKey, ends, is_current
from app.graph.records.vertex_record import is_deleted, is_unowned_stub
from app.graph.writing.rules.denials import denial_of
from app.graph.writing.rules.first_owner import may_take
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.placeholders import absent_record
from app.graph.writing.unit.rejections import conflict, denied, invalid, not_found
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import CONTAINS, PARENT_HOPS, RELATIONS, Direction
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.record import Record


def require_visible(unit: ItemUnit, urn: str, *path: str) -> Record:
    """Return the record of a URN; reject the item as NOT_FOUND if it does not exist or is hidden.

    ``path`` is the input field that holds the URN.
    """
    record = unit.visibility.visible(urn)
    if record is None:
        unit.visibility.report_hidden_id(urn)
        raise not_found(f"{urn} does not exist or is not visible to you; check the id.", *path)
    return record


def refuse_unexpected(unit: ItemUnit, urn: str, expected: int | None, before: Record | None) -> None:
    """Reject the item if the stored revision differs from the expected one; None accepts any.

    A hidden or absent record counts as revision 0.
    """
    if expected is None:
        return
    if before is not None and not unit.visibility.is_visible(before):
        before = None
    stored = before["revision"] if before is not None else 0
    if stored != expected:
        found = f"has revision {stored}" if before is not None else "does not exist or is not visible to you"
        raise conflict(
            f"{urn} {found}, but `expectedRevision` is {expected}; read it again.", stored or None, "expectedRevision"
        )


def refuse_deleted(record: Record | None, *path: str) -> None:
    """Reject the item as CONFLICT if the asset is deleted: it must be restored before this change. None is accepted.

    ``path`` is the input field of the asset; without one, the error gets the field of the item's id.
    """
    if record is not None and is_deleted(record):
        raise conflict(
            f"{record['id']} is deleted; restore it with `restoreAsset` first, or use another id.",
            record["revision"],
            *path,
        )


def refuse_stub(record: Record, *path: str) -> None:
    """Reject the item if the asset is a stub, which has no content to approve or promote."""
    if record["hydration"] == "STUB":
        raise invalid(f"{record['id']} is a stub (referenced, never registered); register it first.", *path)


def require_right(unit: ItemUnit, action: str, record: Record, *path: str) -> None:
    """Reject the item as DENIED unless the policy allows the action on the record.

    ``path`` is the input field that needs the right; without one, the error gets the field of the item's id.
    """
    decision = unit.visibility.allows(action, record)
    if not decision.allowed:
        raise denied(denial_of(unit, action, record, decision), *path)


def require_right_on_subjects(unit: ItemUnit, attached: Record) -> None:
    """Require the right ``update`` on each visible or withheld subject of an attached record, except deleted ones.

    If all of them are deleted, each counts. A hidden subject does not count, because a denial would disclose it.
    """
    found = [record for record in map(unit.lookup.record, attached["subjects"]) if record is not None]
    shown = [each for each in found if unit.visibility.is_visible(each) or unit.visibility.is_withheld(each)]
    for record in [each for each in shown if not is_deleted(each)] or shown:
        refuse_withheld(unit, record)
        if unit.visibility.is_visible(record):
            require_right(unit, "update", record)


def refuse_withheld(unit: ItemUnit, record: Record, *path: str) -> None:
    """Reject the item as DENIED if an asset is withheld, whose right the caller therefore lacks; a stub is accepted.

    The message does not name the asset. ``path`` is the input field that needs the right.
    """
    if not is_unowned_stub(record) and unit.visibility.is_withheld(record):
        raise denied(
            "The change needs a right on an asset that you may not see while it is raised to a stricter sensitivity; "
            "let its owner, or an administrator, make the change.",
            *path,
        )


def require_right_if_visible(unit: ItemUnit, action: str, record: Record, *path: str) -> bool:
    """Require the right on the other end of an edge; return whether that end is visible or an unowned stub.

    An unowned stub accepts any edge. A hidden end is checked as if it were absent, so that the response is the same: an
    absent version still belongs to its parent.
    """
    if is_unowned_stub(record):
        return True
    if unit.visibility.is_visible(record):
        require_right(unit, action, record, *path)
        return True
    absent = absent_record(unit, unit.visibility.name(record))
    if not is_unowned_stub(absent):
        require_right(unit, action, absent, *path)
    return False


def needs_confirmation(
    unit: ItemUnit, key: EdgeKey, own: int, edge: Record | None, declarer: str = "", *path: str
) -> bool:
    """Return whether the edge is stored unconfirmed, because the caller has no right on an end that it changes.

    A current confirmed edge needs no confirmation and no further right. Otherwise a hidden end makes the edge
    unconfirmed, and a visible end without the right ``link`` rejects the item. Two ends are excepted: unowned stubs,
    and ``own``, the vertex id of the asset whose rights were checked before. If ``declarer`` declares the unconfirmed
    edge already, it stays unconfirmed without the right, so that a retry of a call gets the same outcome. A child that
    may not get this parent makes the edge unconfirmed too, as :func:`may_join` has it. ``edge`` is the edge as the
    caller knows it. ``path`` is the input field of the other end.
    """
    current = edge if is_current(edge, unit.now) else None
    if current is not None and not current.get(UNCONFIRMED):
        return False
    if current is not None and declarer in current["by"]:
        return not (may_link_other_ends(unit, key, own) and _may_be_in_group(unit, key))
    others = changed_ends(unit, key, without=own)
    allowed = [require_right_if_visible(unit, "link", record, *path) for record in others]  # each can reject the item
    return not (all(allowed) and _may_be_in_group(unit, key))


def may_join(unit: ItemUnit, vid: int) -> bool:
    """Return whether a feature may get a feature set: by others, an unowned one would be taken by who owns the set."""
    return bool(unit.lookup.known(vid)["ownerTeam"]) or may_take(unit, unit.lookup.batch.vertex(vid))


def _may_be_in_group(unit: ItemUnit, key: EdgeKey) -> bool:
    """Return whether an edge may have effect as that of a parent to its child; true of other relations.

    Otherwise a stranger's incidents and sensitivity would reach a child without an owner, and stay with its later one.
    """
    is_parent = PARENT_HOPS.get(unit.lookup.kind(key[2])) == CONTAINS.into(unit.lookup.kind(key[1]))
    return key[0] != CONTAINS.name or not is_parent or may_join(unit, key[2])


def require_right_to_enter(
    unit: ItemUnit, relation: str, source: str, asset: Record, edge: Record | None, *path: str
) -> None:
    """Require the right to update what a domain owns, if an edge puts the asset, an unowned stub, into the domain.

    The domain owns the asset once it is registered. A current confirmed edge needs no further right, so that a retry of
    a call gets the same outcome. ``source`` is the URN of the domain, ``edge`` the edge as the caller knows it, and
    ``path`` the input field of the domain.
    """
    if relation != CONTAINS.name or parse_urn(source).kind != "Domain" or not is_unowned_stub(asset):
        return
    if edge is None or not is_current(edge, unit.now) or edge.get(UNCONFIRMED):
        require_right(unit, "update", {**asset, "ownerTeam": source}, *path)


def require_right_below(unit: ItemUnit, urn: str, parent: Record, *path: str) -> None:
    """Require the right to register a version with this id below its stored parent, unless that is an unowned stub.

    A version that begins to exist, or is restored, may become the latest version of its parent.
    """
    if not is_unowned_stub(parent):
        require_right(unit, "register", {**parent, "kind": KINDS[parse_urn(urn).kind].code}, *path)


def may_link_other_ends(unit: ItemUnit, key: EdgeKey, own: int) -> bool:
    """Return whether the caller has the right ``link`` on the ends that an edge changes, except the vertex ``own``.

    An unowned stub accepts any edge; a hidden end none.
    """
    return all(_may_link(unit, record) for record in changed_ends(unit, key, without=own))


def require_right_to_end(unit: ItemUnit, key: EdgeKey, own: int, edge: Record | None, *path: str) -> None:
    """Require the right ``link`` on the ends that a confirmed edge changed, except ``own``, as linking does.

    The right on ``own`` was checked before. An unconfirmed edge changed no other end. ``edge`` is the edge as the
    caller knows it. ``path`` is the input field of the other end.
    """
    if not (edge or {}).get(UNCONFIRMED):
        require_right_on_other_ends(unit, key, own, *path)


def require_right_to_move(
    unit: ItemUnit, key: EdgeKey, own: int, edge: Record | None, after: Record, *path: str
) -> None:
    """Require the right to end an edge if ``after``, its next record, begins or ends at another instant.

    A current confirmed edge would otherwise be ended by a link or a revert that only gives it an end, or a begin in the
    future. ``own``, ``edge`` and ``path`` are those of :func:`require_right_to_end`.
    """
    if edge is None or not is_current(edge, unit.now):
        return
    if (edge["validFrom"], ends(edge)) != (after["validFrom"], ends(after)):
        require_right_to_end(unit, key, own, edge, *path)


def require_right_on_other_ends(unit: ItemUnit, key: EdgeKey, own: int, *path: str) -> None:
    """Require the right ``link`` on the ends that the edge would change, except the vertex ``own``.

    As in :func:`require_right_if_visible`, a hidden end is checked as if it were absent, unless it is withheld.
    """
    for record in changed_ends(unit, key, without=own):
        refuse_withheld(unit, record, *path)
        require_right_if_visible(unit, "link", record, *path)


def require_right_to_declassify(
    unit: ItemUnit, own: Record, target: int, before: Record | None, after: Record, *path: str
) -> None:
    """Require the right to approve on ``own`` and the target if the edge becomes or ceases to be declassified.

    ``before`` is the edge that the record ``after`` amends; the declassification of one that has ended does not count.
    A hidden target is checked as if it were absent, unless it is withheld.
    """
    stored = before if before is not None and is_current(before, unit.now) else {}
    if bool(after.get(DECLASSIFIED)) != bool(stored.get(DECLASSIFIED)):
        known = unit.lookup.known(target)
        require_right(unit, "approve", own, *path)
        refuse_withheld(unit, known, *path)
        require_right_if_visible(unit, "approve", known, *path)


def changed_ends(unit: ItemUnit, key: EdgeKey, *, without: int | None = None) -> list[Record]:
    """Return the records of the ends that an edge changes, except the vertex ``without``."""
    relation, *ends = key
    changed = RELATIONS[relation].changed_ends(unit.lookup.kind(ends[0]))
    found = {ends[1] if direction is Direction.OUT else ends[0] for direction in changed} - {without}
    return [unit.lookup.known(vid) for vid in sorted(found)]


def _may_link(unit: ItemUnit, record: Record) -> bool:
    if is_unowned_stub(record):
        return True
    return unit.visibility.is_visible(record) and unit.visibility.allows("link", record).allowed
