"""Deleting softly, and taking that back: a whole takes its parts along, and nothing in use goes away.

What is in use is what the caller may know of: hidden consumers do not speak, since the answer would tell of them, and
a deletion can be taken back.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from app.graph.records.vertex_record import ALIASES, Record, is_deleted, kind_of
from app.graph.writing.rules.permissions import existing, permit, refuse_unexpected
from app.graph.writing.unit.item_unit import Draft, name_of
from app.graph.writing.unit.read_set import together
from app.graph.writing.unit.rejections import conflict
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import (
    BASE_OF,
    CALLED_BY,
    DEPLOYED_AS,
    DERIVES,
    FEEDS,
    INPUT_TO,
    PART_HOPS,
    SERVED_BY,
    TESTED_IN,
    Direction,
    Hop,
)
from graphql_schema.catalog.urn import whole_urn
from graphql_schema.ports.commands import Deleting, Restoring
from graphql_schema.ports.outcomes import Outcome, Registered

USES: Final = (
    *(relation.out() for relation in (FEEDS, DERIVES, INPUT_TO, BASE_OF, CALLED_BY, TESTED_IN, DEPLOYED_AS)),
    SERVED_BY.into(),
)
"""The hops to what an asset is in use by."""

MOST_NAMED: Final = 5
"""Uses that a refusal names."""

DELETED_WITH: Final = "deletedWith"
"""Of a part that was deleted with its whole: the id of that."""


def delete(draft: Draft, item: Deleting) -> Registered:
    """Draft a deletion; raises RefusedItemError while what is deleted is in use."""
    record = existing(draft, item.urn, "asset")
    vid = draft.vid(item.urn)
    refuse_unexpected(draft, item.urn, item.expected_revision, record)
    permit(draft, "retire", record)
    if is_deleted(record):
        return Registered(Outcome.UNCHANGED, item.urn, record["revision"])
    parts = {vid: record, **{far: draft.known(far) for far in _parts(draft, vid) if not is_deleted(draft.known(far))}}
    _read_uses(draft, parts)
    uses = [use for each in parts for use in _uses(draft, each, parts)]
    if uses:
        more = f" and {len(uses) - MOST_NAMED} more" if len(uses) > MOST_NAMED else ""
        raise conflict(
            f"{item.urn} is in use: {'; '.join(uses[:MOST_NAMED])}{more}. End or retire these first.",
            record["revision"],
            "asset",
        )
    draft.note(vid, ChangeAction.DELETED, item.reason)
    for part, before in parts.items():
        permit(draft, "retire", before)
        draft.action[part] = ChangeAction.DELETED
        draft.put(part, {**before, "deletedAt": draft.now, **({} if part == vid else {DELETED_WITH: item.urn})})
    draft.stamp()
    return Registered(Outcome.UPDATED, item.urn, draft.known(vid)["revision"])


def restore(draft: Draft, item: Restoring) -> Registered:
    """Draft the end of a deletion; raises RefusedItemError for a part of what is deleted itself."""
    record = existing(draft, item.urn, "asset")
    vid = draft.vid(item.urn)
    permit(draft, "retire", record)
    if not is_deleted(record):
        return Registered(Outcome.UNCHANGED, item.urn, record["revision"])
    whole = whole_urn(item.urn) or record["index"]["whole"]
    above = draft.find(whole) if whole else None
    if above is not None and is_deleted(above):
        raise conflict(f"{whole} is deleted, and {item.urn} is a part of it; restore that.", record["revision"])
    draft.note(vid, ChangeAction.RESTORED)
    _revive(draft, vid)
    for part in _parts(draft, vid):
        if draft.known(part).get(DELETED_WITH) == item.urn:
            permit(draft, "retire", draft.known(part))
            draft.action[part] = ChangeAction.RESTORED
            _revive(draft, part)
    draft.stamp()
    return Registered(Outcome.UPDATED, item.urn, draft.known(vid)["revision"])


def _revive(draft: Draft, vid: int) -> None:
    draft.put(vid, {k: v for k, v in draft.known(vid).items() if k not in {"deletedAt", DELETED_WITH}})


def _parts(draft: Draft, vid: int) -> list[int]:
    hop = PART_HOPS.get(name_of(draft, vid))
    return [] if hop is None else [_far(hop, key) for key, _ in draft.around(hop, vid)]


def _far(hop: Hop, key: tuple[str, int, int]) -> int:
    return key[2] if hop.direction is Direction.OUT else key[1]


def _read_uses(draft: Draft, parts: Iterable[int]) -> None:
    """Read what all parts are in use by in one request, however many there are."""
    at = [(hop, vid) for vid in parts for hop in _use_hops(name_of(draft, vid))]
    together(partial(draft.state.need_hop, hop.direction, hop.relation.name, vid) for hop, vid in at)


def _use_hops(kind: str) -> list[Hop]:
    """The hops that lead from a kind to what uses it."""
    return [hop for hop in USES if kind in {a if hop.direction is Direction.OUT else b for a, b in hop.relation.ends}]


def _uses(draft: Draft, vid: int, within: dict[int, Record]) -> Iterator[str]:
    """What an asset is in use by, in words, beside what is deleted with it."""
    record, kind = draft.known(vid), name_of(draft, vid)
    if kind == "Deployment" and record.get("status") == "ACTIVE":
        yield f"{record['id']} is ACTIVE"
    for hop in _use_hops(kind):
        for key, far in draft.around(hop, vid):
            if _far(hop, key) not in within and _live(far):
                yield f"{far['id']} ({hop.relation.name})"
    if kind == "ModelVersion":
        model = draft.find(whole_urn(record["id"]) or "")
        for name, alias in ((model or {}).get(ALIASES) or {}).items():
            if alias["version"] == record["id"] and draft.vid(str((model or {})["id"])) not in within:
                yield f"the alias {name!r} of its model stands for it"


def _live(far: Record) -> bool:
    """Whether what uses something still does: runs are over, and what is retired, or serves no more, uses nothing."""
    if is_deleted(far) or far["stage"] == "RETIRED" or kind_of(far) == "Run":
        return False
    return kind_of(far) != "Deployment" or far.get("status") == "ACTIVE"
