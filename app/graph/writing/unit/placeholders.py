"""Creates stubs for assets that an item refers to and that are not stored, and reports the placeholders of the item.

Also whether the owner of an asset is one that a placeholder has for a while.
"""

from typing import Final

from app.graph.driver.errors import CostlyWriteError
from app.graph.records.edge_record import IDENTITY, declared
from app.graph.records.native.write_cost import MAX_WRITE_COST, RECORD_COST
from app.graph.records.vertex_record import stub
from app.graph.writing.unit.item_unit import ItemUnit
from app.graph.writing.unit.rejections import not_found
from graphql_schema.catalog.relations import VERSION_OF
from graphql_schema.catalog.urn import parent_urn, slug_of
from graphql_schema.ports.record import Record
from graphql_schema.rules.change_stamp import RESERVED_FOR

_IDENTITIES: Final = frozenset({"team", "user"})


def ensure_referenced(unit: ItemUnit, urn: str, *path: str) -> int:
    """Return the vertex id of a URN that an item refers to; stage a stub if nothing is stored under it.

    Rejects a user or team that is not stored, unless it is in ``identities`` of the author or the caller may register
    it: others must not invent people. ``path`` is the input field that holds the URN.
    """
    lookup, author = unit.lookup, unit.author
    if slug_of(urn) in _IDENTITIES and urn not in author.identities and lookup.record(urn) is None:
        new = stub(author.tenant, urn, author.subject, author.now)
        if not unit.visibility.allows("register", new).allowed:
            raise not_found(
                f"{urn} is not registered, and users and teams come from the identity provider or an administrator; "
                "check the id, or have an administrator register it.",
                *path,
            )
    unit.visibility.report_placeholder(urn)
    _refuse_many(unit)
    return ensure_stub(unit, urn)


def ensure_stub(unit: ItemUnit, urn: str) -> int:
    """Return the vertex id of a URN; stage a stub if nothing is stored there.

    The stub of a version takes owner team and visibility from its parent, which is staged as a stub too if it does not
    exist. Raises NotReadError if the vertex, or the parent of a stub, was not read.
    """
    lookup, author = unit.lookup, unit.author
    vid = lookup.vid(urn)
    if lookup.vertex(vid) is not None:
        return vid
    lookup.batch.require_record(vid, urn)
    record, parent = _new_stub(unit, urn), parent_urn(urn)
    if RESERVED_FOR in record:
        ensure_stub(unit, record[RESERVED_FOR])
    if parent is None:
        unit.staging.put(vid, record)
        return vid
    parent_vid = ensure_stub(unit, parent)
    unit.staging.put(vid, _inherited(record, lookup.known(parent_vid)))
    key = (VERSION_OF.name, vid, parent_vid)
    unit.staging.put_edge(key, declared(lookup.edge(key), VERSION_OF, IDENTITY, author.now))
    return vid


def _refuse_many(unit: ItemUnit) -> None:
    """Raise CostlyWriteError if an item has too many placeholders: each takes as long to plan as to write.

    Hidden assets count like absent ones.
    """
    if RECORD_COST * len(unit.visibility.placeholders) > MAX_WRITE_COST:
        raise CostlyWriteError(MAX_WRITE_COST)


def absent_record(unit: ItemUnit, urn: str) -> Record:
    """Return the stub that a reference to a URN would create if there were no such asset.

    It takes owner team and visibility from the parent; one that is hidden from the caller counts as absent. A decision
    about a hidden asset uses this record, so that hidden and absent assets get the same response.
    """
    record, parent = _new_stub(unit, urn), parent_urn(urn)
    if parent is None:
        return record
    known = unit.lookup.record(parent)
    is_shown = known is not None and unit.visibility.is_visible(known)
    return _inherited(record, known if known is not None and is_shown else _new_stub(unit, parent))


def has_lasting_owner(unit: ItemUnit, record: Record) -> bool:
    """Return whether an asset has an owner, and this is not one that a placeholder has for a while.

    Any engineer may own a placeholder, or a child of one, act on it as its owner, and leave it to who registers it. But
    the team of a reserved name lasts, and for a child the owner of its registered parent. Raises NotReadError if that
    was not read.
    """
    owner, urn = record["ownerTeam"], parent_urn(record["id"])
    if not owner or owner == record.get(RESERVED_FOR):
        return bool(owner)
    if record["hydration"] != "STUB":
        parent = unit.lookup.parent(record)
        return parent is None or parent["hydration"] != "STUB" or has_lasting_owner(unit, parent)
    parent = unit.lookup.record(urn) if urn else None
    return parent is not None and parent["ownerTeam"] == owner and has_lasting_owner(unit, parent)


def _new_stub(unit: ItemUnit, urn: str) -> Record:
    """Return a stub of a URN, with the team as owner for which the id is reserved; a version gets its owner later."""
    author = unit.author
    record = stub(author.tenant, urn, author.subject, author.now)
    reserved = "" if parent_urn(urn) else author.owner_of_name(urn)
    return {**record, "ownerTeam": reserved, RESERVED_FOR: reserved} if reserved else record


def _inherited(version: Record, parent: Record) -> Record:
    return {**version, "ownerTeam": parent["ownerTeam"], "visibility": parent["visibility"]}
