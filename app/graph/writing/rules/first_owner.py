"""Who may take a registered asset that no team owns, or give it a child with an owner.

These are the caller who registered it, and callers who may retire it.
"""

from app.graph.records.vertex_record import attributes, is_unowned_stub, owner_team
from app.graph.writing.rules.denials import who_may_take
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import denied
from graphql_schema.catalog.kinds import KIND_OF_CODE
from graphql_schema.catalog.urn import parent_urn
from graphql_schema.ports.record import Record
from graphql_schema.rules.change_stamp import REGISTERED_AT, REGISTERED_BY, registrant
from policies.sensitivity import RANK


def with_registrant(record: Record, subject: str, now: int) -> Record:
    """Return the record of a first registration with the subject as registrant, and its instant."""
    by = {} if record["createdBy"] == subject else {REGISTERED_BY: subject}
    at = {} if record["createdAt"] == now else {REGISTERED_AT: now}
    return {**record, **by, **at}


def may_take(unit: ItemUnit, record: Record | None) -> bool:
    """Return whether the caller may take an unowned asset: a new one, a stub, or one that the caller registered.

    A caller who may retire the asset may take it too; by the default policy, these are the administrators. If its id is
    reserved for a team, only a caller may who may register it for this team.
    """
    if record is None:
        return True
    reserved = unit.author.owner_of_name(record["id"])
    if reserved:
        return unit.visibility.allows("register", {**record, "ownerTeam": reserved}).allowed
    return is_unowned_stub(record) or is_of_author(unit, record)


def is_of_author(unit: ItemUnit, record: Record) -> bool:
    """Return whether the caller registered an asset, or referred to a stub first, or may retire it."""
    return registrant(record) == unit.author.subject or unit.visibility.allows("retire", record).allowed


def require_right_to_take(unit: ItemUnit) -> None:
    """Reject the item as DENIED if it takes an asset that no team owns, and that the caller may not take.

    To take an unowned asset is to give it an owner, to change its visibility from `ORG`, or to declare it more
    sensitive. It would leave the reach of callers who registered and use it. What a child inherits from its parent is
    decided at the parent. But the caller must be allowed to update the child, which may be hidden or of a user.
    A child with an owner of its own below an unowned parent would stay with that owner in the group of a later owner.
    """
    for vid, after in unit.staging.staged.vertices.items():
        before = unit.lookup.batch.vertex(vid)
        if _has_new_owner(before, after):
            _require_right_on_parent(unit, after)
        if before is None or not KIND_OF_CODE[before["kind"]].asset:
            continue
        if not before["ownerTeam"] and _is_taken(before, after) and not may_take(unit, before):
            raise denied(
                f"{before['id']} has no owner. Only {who_may_take(unit, before)} or an administrator may give it "
                "an owner, hide it or declare it more sensitive; let one of them make the change."
            )
        if after["ownerTeam"] not in {"", before["ownerTeam"]}:
            _require_right_of_heir(unit, before, after)
            _require_right_on_child(unit, before, after)


def _require_right_of_heir(unit: ItemUnit, child: Record, after: Record) -> None:
    """Reject the item as DENIED if another owner than that of its parent takes a child which is to follow the parent.

    A child without an owner, whose parent has one, gets this owner by a job. It counts as having it.
    """
    if child["ownerTeam"]:
        return
    inherited = owner_team(child, unit.lookup.parent(child))
    if inherited in {"", after["ownerTeam"]}:
        return
    if not unit.visibility.allows("update", {**child, "ownerTeam": inherited}).allowed:
        raise denied(
            f"{child['id']} gets the owner of its parent, whose assets you may not change; let this owner, or an "
            "administrator, make the change."
        )


def _require_right_on_child(unit: ItemUnit, child: Record, after: Record) -> None:
    """Reject the item as DENIED if the caller may not update a registered child before or after it gets another owner.

    Such an owner is that of its parent, or its own user or domain when the parent gives it no owner any more. A child
    without an owner of which the id is reserved needs a caller who may take it, also if it is a stub.
    The caller needs no right if the child follows its parent through the hands of several callers.
    """
    shown = child["id"] if unit.visibility.is_visible(child) else "an asset that you may not see"
    reserved = "" if child["ownerTeam"] else unit.author.owner_of_name(child["id"])
    if reserved and not may_take(unit, child):
        raise denied(
            f"The owner would also own {shown}, which only {who_may_take(unit, child)} or an administrator may give an "
            "owner; let one of them make the change."
        )
    if is_unowned_stub(child) or unit.follows_hand_overs(child, after):
        return
    if not unit.visibility.allows("update", child).allowed:
        raise denied(
            f"The owner would also own {shown}, which you may not update; let its owner, or an administrator, make the "
            "change."
        )
    if not unit.visibility.allows("update", after).allowed:
        raise denied(
            f"Without its present owner, {shown} would belong to one whose assets you may not change. Give it a team "
            "as its owner, unlink it from the domain that would own it, or let an administrator make the change."
        )


def _has_new_owner(before: Record | None, after: Record) -> bool:
    """Return whether an asset with an owner is new, had none, or gets another parent; false for attached records."""
    if not after.get("ownerTeam"):
        return False
    return before is None or not before["ownerTeam"] or before["index"]["whole"] != after["index"]["whole"]


def _require_right_on_parent(unit: ItemUnit, child: Record) -> None:
    """Reject the item as DENIED if the visible parent of an owned child has no owner, unless the caller may take it."""
    urn = parent_urn(child["id"]) or child["index"]["whole"]
    parent = unit.visibility.visible(urn) if urn else None
    if parent is not None and not parent["ownerTeam"] and not may_take(unit, parent):
        raise denied(
            f"{child['id']} would have an owner, and its parent {urn} has none. Only "
            f"{who_may_take(unit, parent, 'the parent')} or an administrator may change that; let one of "
            "them give the parent its owner first, or give no owner."
        )


def _is_taken(before: Record, after: Record) -> bool:
    owned = bool(after["ownerTeam"]) and after["index"] != before["index"]
    hidden = attributes(after).visibility != "ORG" == attributes(before).visibility
    return owned or hidden or RANK[after["declaredSensitivity"]] > RANK[before["declaredSensitivity"]]
