"""The policy's word on an item, as a refusal that names what is missing and nothing that is hidden."""

from app.graph.records.edge_record import UNCONFIRMED, EdgeKey
from app.graph.records.vertex_record import Record, is_deleted, is_unowned_stub
from app.graph.writing.unit.item_unit import ItemUnit, name_of
from app.graph.writing.unit.rejections import conflict, denied, invalid, not_found
from graphql_schema.catalog.relations import RELATIONS, Direction


def require_visible(unit: ItemUnit, urn: str, *path: str) -> Record:
    """What stands at an id that a write is about; raises NOT_FOUND where there is nothing that the caller knows of."""
    record = unit.visible(urn)
    if record is None:
        unit.report_hidden_id(urn, unit.vid(urn))
        raise not_found(f"There is no {urn} that you may know of; check the id.", *path)
    return record


def refuse_unexpected(unit: ItemUnit, urn: str, expected: int | None, before: Record | None) -> None:
    """Raise unless the stored revision is the expected one; what is hidden is as what is not there."""
    if expected is None:
        return
    if before is not None and not unit.is_visible(before):
        before = None
    stored = before["revision"] if before is not None else 0
    if stored != expected:
        there = f"has revision {stored}" if before is not None else "is not stored"
        raise conflict(f"{urn} {there} and {expected} was expected; read it again.", stored or None, "expectedRevision")


def refuse_deleted(record: Record | None) -> None:
    """Raise for what was deleted: nobody changes it until somebody restores it."""
    if record is not None and is_deleted(record):
        raise conflict(
            f"{record['id']} is deleted; take that back with `restoreAsset` first, or use another id.",
            record["revision"],
        )


def refuse_stub(record: Record, *path: str) -> None:
    """Raise for what was only referred to: nobody knows yet what would be decided about."""
    if record["hydration"] == "STUB":
        raise invalid(f"{record['id']} was only referred to so far; register it first.", *path)


def require_right(unit: ItemUnit, action: str, record: Record) -> None:
    """Raise unless the caller may do this to what has this record."""
    decision = unit.may(action, record)
    if not decision.allowed:
        kind = record["kind"].lower().replace("_", " ")
        raise denied(f"You may not {action} this {kind}: {'; '.join(decision.reasons)}")


def permit_known(unit: ItemUnit, action: str, record: Record) -> bool:
    """Raise unless the caller may do this to the other end of an edge; whether the caller may know of it.

    What was only referred to so far belongs to nobody and takes any edge. What is hidden must answer as if it
    were not there: a version that is not belongs to its asset all the same.
    """
    if is_unowned_stub(record):
        return True
    if unit.is_visible(record):
        require_right(unit, action, record)
        return True
    unknown = unit.as_unknown(record["id"])
    if not is_unowned_stub(unknown):
        require_right(unit, action, unknown)
    return False


def needs_confirmation(unit: ItemUnit, key: EdgeKey, own: int, declarer: str = "") -> bool:
    """Raise unless the caller may link every end that the edge changes; ``own`` is permitted already.

    Where the caller may not know of such an end, the edge is a claim only, and this is True: else it would change what
    nobody who knows of it may change so. A claim of this declarer stays one where it may not become an edge: the same
    again must be no worse than it was, also when the edge came into doubt meanwhile.
    """
    edge = unit.edge(key) if unit.current(key) else None
    if edge is not None and not edge.get(UNCONFIRMED):
        return False
    may = _may_link if edge is not None and declarer in edge["by"] else _permit_link
    relation, *ends = key
    changed = RELATIONS[relation].changed_ends(name_of(unit, ends[0]))
    others = {ends[1] if direction is Direction.OUT else ends[0] for direction in changed} - {own}
    allowed = [may(unit, unit.known(vid)) for vid in others]
    return not all(allowed)


def _permit_link(unit: ItemUnit, record: Record) -> bool:
    return permit_known(unit, "link", record)


def _may_link(unit: ItemUnit, record: Record) -> bool:
    return is_unowned_stub(record) or (unit.is_visible(record) and unit.may("link", record).allowed)
