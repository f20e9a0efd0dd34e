"""Declarations that a caller keeps apart from an edge.

An edge may have an end that is hidden from a caller who names it by its id. If others already declare such an edge, the
caller must not notice. So links, unlinks and lists of the caller change a record of the caller's own, which is stored
with the edge under :data:`app.graph.records.edge_record.APART`, and are answered from that record. An unconfirmed
declaration never replaces an edge that had effect.

The edge itself changes in two cases only. If no other declaration has effect, because it has ended or is unconfirmed,
the next confirmed declaration of the caller becomes the edge. When no other declarer is left, the edge lasts while such
a record without an end keeps it (:func:`app.graph.records.edge_record.kept_by`). It does not outlast an `unlink` by a
caller who sees both ends, or an end that it has already.

An edge that several callers declare also names who gave each declarer, because a recorder from whom an end is hidden
may withdraw it. It then becomes the edge of another one of these callers, with their declarers.
"""

from collections.abc import Mapping

from app.graph.records.edge_record import (
    APART,
    CORRECTED,
    DECLARED_BY,
    DECLASSIFIED,
    UNCONFIRMED,
    UNCONFIRMED_LINKS,
    ends,
    intervals,
    is_current,
    kept_by,
    opened,
    with_confirmation,
    with_links_of,
    without_declassification,
    without_links,
)
from graphql_schema.catalog.relations import Relation
from graphql_schema.ports.record import JsonObject, Record


def own_declaration(edge: Record, subject: str) -> Record | None:
    """Return the edge as a caller declared it: itself if the caller recorded it last, else what is kept apart.

    If the caller has none there, the caller's unconfirmed link is returned, marked as unconfirmed.
    """
    if edge["recordedBy"] == subject:
        return edge
    found: Record | None = edge.get(APART, {}).get(subject)
    link: Record | None = edge.get(UNCONFIRMED_LINKS, {}).get(subject)
    if found is None and link is not None:
        return {**with_confirmation(link, unconfirmed=True), "recordedBy": subject}
    return found


def with_own_declarers(edge: Record, subject: str, now: int) -> Record:
    """Return the edge as a caller knows it who sees both ends now.

    The declarers of what the caller kept apart are among its declarers, and that record is removed.
    """
    own: Record | None = edge.get(APART, {}).get(subject)
    if own is None:
        return edge
    keeps = is_current(own, now) and not own.get(UNCONFIRMED)
    return {**_without(edge, subject), "by": sorted({*edge["by"], *(own["by"] if keeps else ())})}


def with_declaration(edge: Record, subject: str, own: Record, now: int) -> Record:
    """Return a current edge with ``own``, the declaration that a caller keeps apart.

    If neither ``own`` nor another declarer keeps the edge, it ends: at ``now``, at its begin or at the confirmed end of
    ``own``, the last of these. An end that the edge has is not changed.
    """
    after = {**edge, APART: {**edge.get(APART, {}), subject: _without_past(own)}}
    is_declared = edge["by"] or "validTo" in edge or kept_by(after)
    scheduled = ends(own) if is_current(own, now) and not own.get(UNCONFIRMED) else 0
    return after if is_declared else {**after, "validTo": max(now, edge["validFrom"], scheduled)}


def taken_over(edge: Record, record: Record, subject: str) -> Record:
    """Return the record of a caller's declaration that becomes the edge, because the stored one is without effect.

    All intervals of ``edge`` are former ones of the result, also where they overlap with its own.
    """
    former = intervals(edge)
    return _without(with_links_of(edge, {**_without_past(record), **({"earlier": former} if former else {})}), subject)


def declarers(edge: Record | None, now: int) -> dict[str, str]:
    """Return who gave each declarer of a stored edge, by subject; none of an edge that has ended or is unconfirmed."""
    if edge is None or edge.get(UNCONFIRMED) or not is_current(edge, now):
        return {}
    return {name: edge.get(DECLARED_BY, {}).get(name, edge["recordedBy"]) for name in edge["by"]}


def declarers_of_others(edge: Record | None, subject: str, now: int) -> dict[str, str]:
    """Return what :func:`declarers` does, without the declarers that the caller ``subject`` gave."""
    return {name: giver for name, giver in declarers(edge, now).items() if giver != subject}


def with_declarers(record: Record, given: Mapping[str, str], recorder: str) -> Record:
    """Return the record of an edge with who ``given`` its declarers, for those that ``recorder`` did not give."""
    noted = {name: given[name] for name in record["by"] if given.get(name, recorder) != recorder}
    rest = {name: value for name, value in record.items() if name != DECLARED_BY}
    return {**rest, **({DECLARED_BY: noted} if noted else {})}


def handed_over(edge: Record, heir: str, own: Record, subject: str, now: int) -> Record:
    """Return an edge that a caller declares no longer, as the declaration of ``heir``, another caller.

    It keeps the declarers that others gave, and loses its declassification. Without such declarers it is what ``heir``
    kept apart, and its interval up to ``now`` is a former one. ``own`` is the ended declaration of the caller
    ``subject``, which is kept apart from now on.
    """
    given = declarers_of_others(edge, subject, now)
    if given:
        left = with_declarers({**without_declassification(edge), "by": sorted(given)}, given, heir)
    else:
        left = taken_over({**edge, "validTo": max(now, edge["validFrom"])}, edge[APART][heir], heir)
    return {**left, APART: {**left.get(APART, {}), subject: _without_past(own)}}


def declared_anew(edge: Record, relation: Relation, now: int) -> Record:
    """Return an edge without declarers and values that begins as an absent edge would if it is declared at ``now``.

    Of the intervals of ``edge``, what was before that begin is kept. So are its mark as unconfirmed, what callers
    declared apart, and the declassification of a current edge.
    """
    kept = {UNCONFIRMED, *({DECLASSIFIED} if is_current(edge, now) else ())}
    fresh = {**opened(None, relation, now), **{name: edge[name] for name in kept & edge.keys()}}
    begin = fresh["validFrom"]
    over = [
        each if each[1] <= begin else [each[0], begin, *([each[2], begin] if each[2:] else [])]
        for each in intervals(edge)
        if each[0] < begin
    ]
    return with_links_of(edge, {**fresh, **({"earlier": over} if over else {})})


def _without_past(record: Record) -> Record:
    """Return the record of a declaration as it is kept apart: without former intervals and what others declared."""
    return {name: value for name, value in without_links(record).items() if name not in {"earlier", CORRECTED}}


def _without(edge: Record, subject: str) -> JsonObject:
    """Return an edge without what a caller declared apart."""
    others = {name: each for name, each in edge.get(APART, {}).items() if name != subject}
    rest = {name: value for name, value in edge.items() if name != APART}
    return {**rest, **({APART: others} if others else {})}
