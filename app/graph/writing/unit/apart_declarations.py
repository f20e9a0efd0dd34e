"""Declarations that a caller keeps apart: those of an edge that others declared, and that has a hidden end.

A caller who names a hidden asset gets the responses of one who names an absent asset. So what others declared of the
edge does not count for the caller, and what the caller declares does not change it. It is kept with the edge, under
:data:`app.graph.records.edge_record.APART`, and the caller changes or ends it as an edge of its own.

Such a declaration has one effect: the edge does not end while the caller declares it without an end, although the
others declare it no longer.
"""

from app.graph.records.edge_record import (
    APART,
    DECLASSIFIED,
    UNCONFIRMED,
    UNCONFIRMED_LINKS,
    intervals,
    is_current,
    opened,
    with_confirmation,
    with_links_of,
)
from graphql_schema.catalog.relations import Relation
from graphql_schema.ports.record import Record


def own_declaration(edge: Record, subject: str) -> Record | None:
    """Return the edge as a caller declared it: itself if the caller recorded it last, else what is kept apart.

    That may be an unconfirmed link, which was made while the asset that it changes was hidden.
    """
    if edge["recordedBy"] == subject:
        return edge
    found: Record | None = edge.get(APART, {}).get(subject)
    link: Record | None = edge.get(UNCONFIRMED_LINKS, {}).get(subject)
    if found is None and link is not None:
        return {**with_confirmation(link, unconfirmed=True), "recordedBy": subject}
    return found


def declarers(edge: Record) -> list[str]:
    """Return the declarers of an edge, without the callers who declare it apart."""
    return [name for name in edge["by"] if not name.startswith(_of_caller(""))]


def with_declaration(edge: Record, subject: str, own: Record, now: int) -> Record:
    """Return a current edge with ``own``, the declaration that a caller keeps apart.

    The caller is one of its declarers while ``own`` is current, confirmed, and has no end. An edge that loses its last
    declarer so ends at ``now``, or at its begin if that is later.
    """
    caller = _of_caller(subject)
    left = [name for name in edge["by"] if name != caller]
    after = {**edge, APART: {**edge.get(APART, {}), subject: own}, "by": left}
    if is_current(own, now) and "validTo" not in own and not own.get(UNCONFIRMED):
        return {**after, "by": sorted([*left, caller])}
    return after if left or caller not in edge["by"] else {**after, "validTo": max(now, edge["validFrom"])}


def without_declaration(record: Record, subject: str) -> Record:
    """Return the record of an edge that is the caller's own now, without what the caller declared apart."""
    others = {name: each for name, each in record.get(APART, {}).items() if name != subject}
    rest = {name: value for name, value in record.items() if name != APART}
    left = [name for name in record["by"] if name != _of_caller(subject)]
    return {**rest, "by": left, **({APART: others} if others else {})}


def declared_anew(edge: Record, relation: Relation, now: int) -> Record:
    """Return an edge without declarers and values that begins as an absent edge would if it is declared at ``now``.

    The intervals before are kept. So are its mark as unconfirmed, what callers declared apart, and the declassification
    of a current edge.
    """
    kept = {UNCONFIRMED, *({DECLASSIFIED} if is_current(edge, now) else ())}
    return with_past_of(edge, {**opened(None, relation, now), **{name: edge[name] for name in kept & edge.keys()}})


def with_past_of(edge: Record, record: Record) -> Record:
    """Return the record, which replaces ``edge``, with the intervals of ``edge`` up to its begin as former ones.

    It also gets what callers declared apart from ``edge``.
    """
    begin = record["validFrom"]
    over = [
        each if each[1] <= begin else [each[0], begin, *([each[2], begin] if each[2:] else [])]
        for each in intervals(edge)
        if each[0] < begin
    ]
    rest = {name: value for name, value in record.items() if name != "earlier"}
    return with_links_of(edge, {**rest, **({"earlier": over} if over else {})})


def _of_caller(subject: str) -> str:
    """Return the declarer by which an edge names a caller who declares it apart."""
    return f"{APART}:{subject}"
