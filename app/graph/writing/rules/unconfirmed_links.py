"""Links by callers from whom the asset that the link would change is hidden.

They are kept with the edge, apart from what others declared, so that the caller gets the responses of a link to an
absent asset, whatever is stored. They have no effect. Where no edge is stored, or it has ended, an unconfirmed edge is
stored as well, which a caller with rights on the asset confirms by declaring it.
"""

from app.graph.records.edge_record import (
    APART,
    CLOSED,
    LINK,
    UNCONFIRMED,
    UNCONFIRMED_LINKS,
    EdgeKey,
    intervals,
    with_confirmation,
)
from app.graph.writing.rules.edge_effects import change_edge
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.ports.record import Record


def unconfirmed_link(unit: ItemUnit, key: EdgeKey) -> Record | None:
    """Return the caller's own unconfirmed link as last stored, by a link or an unlink; None if there is none."""
    links: dict[str, Record] = (unit.lookup.edge(key) or {}).get(UNCONFIRMED_LINKS, {})
    return links.get(unit.author.subject)


def stage_unconfirmed_link(unit: ItemUnit, key: EdgeKey, link: Record, own: int, field: str) -> None:
    """Stage an unconfirmed link of the caller, and its audit entry as ``field`` of the hidden asset ``own``.

    A current edge, and one that had effect before, keeps its values and its author. An unconfirmed edge that only the
    caller linked follows the link.
    """
    edge, subject = unit.lookup.edge(key) or {}, unit.author.subject
    links = {**edge.get(UNCONFIRMED_LINKS, {}), subject: link}
    mine = edge.get(UNCONFIRMED) and edge["recordedBy"] == subject and {*edge["by"]} <= {LINK}
    if edge and not mine and (unit.lookup.is_current(key) or intervals(edge)):
        unit.staging.keep_edge(key, {**edge, UNCONFIRMED_LINKS: links})
        unit.audit.record_edge(own, field, key, rewritten=True)
        return
    after = {name: value for name, value in link.items() if name != "earlier"}
    former = {"earlier": intervals(edge)} if edge and intervals(edge) else {}
    change_edge(
        unit, key, with_confirmation({**after, **former, UNCONFIRMED_LINKS: links}, unconfirmed=True), own, field
    )


def unconfirmed_from(edge: Record, now: int) -> Record:
    """Return a current edge marked unconfirmed from ``now`` on; the interval up to ``now`` is kept in ``earlier``.

    So are the declarations that callers keep apart. An edge that is already unconfirmed is returned unchanged.
    """
    if edge.get(UNCONFIRMED):
        return edge
    if apart := edge.get(APART):
        edge = {**edge, APART: {name: with_confirmation(own, unconfirmed=True) for name, own in apart.items()}}
    rest = {name: value for name, value in edge.items() if name != CLOSED}
    over = intervals({**rest, "validTo": now})
    earlier = {"earlier": over} if over else {}
    return with_confirmation({**edge, **earlier, "validFrom": max(now, edge["validFrom"])}, unconfirmed=True)
