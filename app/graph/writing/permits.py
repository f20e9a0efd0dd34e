"""The policy's word on an item, as a refusal that names what is missing and nothing that is hidden."""

from app.graph.writing.draft import Draft, name_of
from app.graph.writing.edges import CLAIM, Key
from app.graph.writing.refusal import denied
from app.graph.writing.vertices import Record, unclaimed
from graphql_schema.catalog import RELATIONS, Direction


def permit(draft: Draft, action: str, record: Record) -> None:
    """Raise unless the caller may do this to what has this record."""
    decision = draft.may(action, record)
    if not decision.allowed:
        kind = record["kind"].lower().replace("_", " ")
        raise denied(f"You may not {action} this {kind}: {'; '.join(decision.reasons)}")


def permit_known(draft: Draft, action: str, record: Record) -> bool:
    """Raise unless the caller may do this to the other end of an edge; whether the caller may know of it.

    What was only referred to so far belongs to nobody and takes any edge. What is hidden must answer as if it
    were not there: a version that is not belongs to its asset all the same.
    """
    if unclaimed(record):
        return True
    if draft.knows(record):
        permit(draft, action, record)
        return True
    unknown = draft.as_unknown(record["id"])
    if not unclaimed(unknown):
        permit(draft, action, unknown)
    return False


def claims(draft: Draft, key: Key, own: int) -> bool:
    """Raise unless the caller may link every end that the edge changes; ``own`` is permitted already.

    Where the caller may not know of such an end, the edge is a claim only, and this is True: else it would change what
    nobody who knows of it may change so.
    """
    edge = draft.edge(key)
    if edge is not None and draft.current(key) and not edge.get(CLAIM):
        return False
    relation, *ends = key
    claim = False
    for direction in RELATIONS[relation].changed_ends(name_of(draft, ends[0])):
        vid = ends[1] if direction is Direction.OUT else ends[0]
        if vid != own and not permit_known(draft, "link", draft.known(vid)):
            claim = True
    return claim
