"""Rights on the result: a caller may only make of an asset what the caller may also change afterwards."""

from collections.abc import Mapping
from typing import Final

from app.graph.records.vertex_record import attributes
from app.graph.writing.rules.effective_sensitivity import with_known_sensitivity
from app.graph.writing.rules.permissions import require_right
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.ports.record import Record
from policies.gates import RISK_TIERS

_RISK: Final[Mapping[str | None, int]] = {None: 0, **{tier: rank for rank, tier in enumerate(RISK_TIERS, 1)}}


def require_right_on_result(unit: ItemUnit, vid: int, before: Record | None, *, creates: bool) -> None:
    """Reject the item unless the caller has the rights that the change from ``before`` to the staged record needs.

    With the flag ``creates``, only the right to register the staged record is needed.
    """
    if creates:
        # by the declared sensitivity: a hidden source must give the same response as an absent one
        known = unit.lookup.known(vid)
        require_right(unit, "register", {**known, "sensitivity": known["declaredSensitivity"]})
        return
    after = with_known_sensitivity(unit, vid)
    if before is None:
        return
    if _risk(after) < _risk(before):  # lower risk opens gates, so it needs the right that gates need
        require_right(unit, "approve", before)
    if attributes(before) != attributes(after):
        require_right(unit, "update", after)
    if before["declaredSensitivity"] != after["declaredSensitivity"]:
        require_right(unit, "update", {**after, "sensitivity": after["declaredSensitivity"]})
    if before.get("propagates") != after.get("propagates"):  # a propagating tag changes assets of every team
        require_right(unit, "administer", after)


def _risk(record: Record) -> int:
    return _RISK[record.get("riskTier")]
