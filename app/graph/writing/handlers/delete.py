"""Deleting softly, and taking that back: a whole takes its parts along, and nothing in use goes away.

What is in use is what the caller may know of: hidden consumers do not speak, since the answer would tell of them, and
a deletion can be taken back.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from app.graph.records.vertex_record import ALIASES, Record, is_deleted, kind_of
from app.graph.writing.rules.permissions import refuse_unexpected, require_right, require_visible
from app.graph.writing.unit.item_unit import ItemUnit, name_of
from app.graph.writing.unit.read_set import require_all
from app.graph.writing.unit.rejections import conflict
from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.catalog.relations import (
    BASE_OF,
    CALLED_BY,
    CHILD_HOPS,
    DEPLOYED_AS,
    DERIVES,
    FEEDS,
    INPUT_TO,
    SERVED_BY,
    TESTED_IN,
    Direction,
    Hop,
)
from graphql_schema.catalog.urn import parent_urn
from graphql_schema.ports.commands import Deleting, Restoring
from graphql_schema.ports.outcomes import Outcome, WriteOutcome

USES: Final = (
    *(relation.out() for relation in (FEEDS, DERIVES, INPUT_TO, BASE_OF, CALLED_BY, TESTED_IN, DEPLOYED_AS)),
    SERVED_BY.into(),
)
"""The hops to what an asset is in use by."""

MAX_NAMED: Final = 5
"""Uses that a refusal names."""

DELETED_WITH: Final = "deletedWith"
"""Of a part that was deleted with its whole: the id of that."""


def delete(unit: ItemUnit, item: Deleting) -> WriteOutcome:
    """Draft a deletion; raises RejectedItemError while what is deleted is in use."""
    record = require_visible(unit, item.urn, "asset")
    vid = unit.vid(item.urn)
    refuse_unexpected(unit, item.urn, item.expected_revision, record)
    require_right(unit, "retire", record)
    if is_deleted(record):
        return WriteOutcome(Outcome.UNCHANGED, item.urn, record["revision"])
    parts = {vid: record, **{far: unit.known(far) for far in _parts(unit, vid) if not is_deleted(unit.known(far))}}
    _read_uses(unit, parts)
    uses = [use for each in parts for use in _uses(unit, each, parts)]
    if uses:
        more = f" and {len(uses) - MAX_NAMED} more" if len(uses) > MAX_NAMED else ""
        raise conflict(
            f"{item.urn} is in use: {'; '.join(uses[:MAX_NAMED])}{more}. End or retire these first.",
            record["revision"],
            "asset",
        )
    unit.record_action(vid, ChangeAction.DELETED, item.reason)
    for part, before in parts.items():
        require_right(unit, "retire", before)
        unit.action[part] = ChangeAction.DELETED
        unit.put(part, {**before, "deletedAt": unit.now, **({} if part == vid else {DELETED_WITH: item.urn})})
    unit.bump_revisions()
    return WriteOutcome(Outcome.UPDATED, item.urn, unit.known(vid)["revision"])


def restore(unit: ItemUnit, item: Restoring) -> WriteOutcome:
    """Draft the end of a deletion; raises RejectedItemError for a part of what is deleted itself."""
    record = require_visible(unit, item.urn, "asset")
    vid = unit.vid(item.urn)
    require_right(unit, "retire", record)
    if not is_deleted(record):
        return WriteOutcome(Outcome.UNCHANGED, item.urn, record["revision"])
    whole = parent_urn(item.urn) or record["index"]["whole"]
    above = unit.visible(whole) if whole else None
    if above is not None and is_deleted(above):
        raise conflict(f"{whole} is deleted, and {item.urn} is a part of it; restore that.", record["revision"])
    unit.record_action(vid, ChangeAction.RESTORED)
    _revive(unit, vid)
    for part in _parts(unit, vid):
        if unit.known(part).get(DELETED_WITH) == item.urn:
            require_right(unit, "retire", unit.known(part))
            unit.action[part] = ChangeAction.RESTORED
            _revive(unit, part)
    unit.bump_revisions()
    return WriteOutcome(Outcome.UPDATED, item.urn, unit.known(vid)["revision"])


def _revive(unit: ItemUnit, vid: int) -> None:
    unit.put(vid, {k: v for k, v in unit.known(vid).items() if k not in {"deletedAt", DELETED_WITH}})


def _parts(unit: ItemUnit, vid: int) -> list[int]:
    hop = CHILD_HOPS.get(name_of(unit, vid))
    return [] if hop is None else [_far(hop, key) for key, _ in unit.around(hop, vid)]


def _far(hop: Hop, key: tuple[str, int, int]) -> int:
    return key[2] if hop.direction is Direction.OUT else key[1]


def _read_uses(unit: ItemUnit, parts: Iterable[int]) -> None:
    """Read what all parts are in use by in one request, however many there are."""
    at = [(hop, vid) for vid in parts for hop in _use_hops(name_of(unit, vid))]
    require_all(partial(unit.state.need_hop, hop.direction, hop.relation.name, vid) for hop, vid in at)


def _use_hops(kind: str) -> list[Hop]:
    """The hops that lead from a kind to what uses it."""
    return [hop for hop in USES if kind in {a if hop.direction is Direction.OUT else b for a, b in hop.relation.ends}]


def _uses(unit: ItemUnit, vid: int, within: dict[int, Record]) -> Iterator[str]:
    """What an asset is in use by, in words, beside what is deleted with it."""
    record, kind = unit.known(vid), name_of(unit, vid)
    if kind == "Deployment" and record.get("status") == "ACTIVE":
        yield f"{record['id']} is ACTIVE"
    for hop in _use_hops(kind):
        for key, far in unit.around(hop, vid):
            if _far(hop, key) not in within and _live(far):
                yield f"{far['id']} ({hop.relation.name})"
    if kind == "ModelVersion":
        model = unit.visible(parent_urn(record["id"]) or "")
        for name, alias in ((model or {}).get(ALIASES) or {}).items():
            if alias["version"] == record["id"] and unit.vid(str((model or {})["id"])) not in within:
                yield f"the alias {name!r} of its model stands for it"


def _live(far: Record) -> bool:
    """Whether what uses something still does: runs are over, and what is retired, or serves no more, uses nothing."""
    if is_deleted(far) or far["stage"] == "RETIRED" or kind_of(far) == "Run":
        return False
    return kind_of(far) != "Deployment" or far.get("status") == "ACTIVE"
