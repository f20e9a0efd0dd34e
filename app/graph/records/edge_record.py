"""Records of edges: pure functions from one record of an edge to the next.

There is at most one declared edge per (relation, from, to); an inferred one may exist beside it. Edges at attached
records have neither declarers nor a ``validTo``. These keys describe the other edges:

- ``by``: its declarers, such as the field ``ModelVersion.trainedOn``, ``link``, or ``id`` for the parent in a URN. An
  edge without declarers has a ``validTo``, unless a caller keeps it by a declaration apart (:func:`kept_by`).
- ``validFrom``, ``validTo``: the last interval; ``validTo`` is absent if the interval has no end.
- ``opened``, ``closed``: the instants when begin and end of the last interval were recorded, if these differ
  from begin and end. An interval without an end has no ``closed``.
- ``earlier``: former intervals ``[begin, end]``, or ``[begin, end, opened, closed]``.
- ``corrected``: the last interval before its begin or end was corrected (:data:`CORRECTED`).
- ``origin``, ``confidence``: of the declarations of an interval, the strongest origin wins (OBSERVED, then DECLARED,
  then INFERRED), and only a confidence that was given with this origin counts.

A structural edge that was not stored before is valid from instant 0, unless a begin is given. It thus counts as being
as old as the younger of its ends (docs/design/lineage-rules.md).
"""

from collections.abc import Collection, Iterable, Mapping
from itertools import accumulate
from operator import itemgetter
from typing import Final

from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.relations import OWNED_BY, TAGGED, Relation, RelationFamily
from graphql_schema.ports.record import JsonObject, Record


class InvalidEdgeError(ValueError):
    """An edge would not end after it begins, or have too large properties; ``args`` are message and input field."""


MAX_PROPERTY_TEXT: Final = 4 * 1024
"""Maximal number of characters in the properties of an edge, which each reader of the edges of an asset reads."""

MAX_PAIRS: Final = 100
"""Maximal number of the properties of an edge; imports give one or two."""

MAX_INTERVALS: Final = 500
"""Maximal number of intervals of an edge, some 23 KB: its readers read all of them, and a change stores them twice."""

EdgeKey = tuple[str, int, int]
"""A relation, and the vertex ids of the *from* and the *to* end."""

LINK: Final = "link"
IDENTITY: Final = "id"

DECLASSIFIED: Final = "declassified"
"""Record key that is true on an edge over which data flows and sensitivity does not, by decision of an approver."""

STRENGTH: Final = ("INFERRED", "DECLARED", "OBSERVED")
"""The origins of edges, the weakest first."""

_FIRST: Final[Mapping[str, Record]] = {
    OWNED_BY.name: {"kinds": ["TECHNICAL"]},
    TAGGED.name: {"mode": "DIRECT"},
}


UNCONFIRMED: Final = "claim"
"""Record key that is true on an unconfirmed edge. The store has an empty interval for it, so it has no effect.

Unless a confirmed edge is current, a declared edge that changes an asset hidden from the caller is stored unconfirmed.
The response is then the same as for an absent asset. A carrying edge becomes unconfirmed if a stub at its target is
registered by a caller from whom its source is hidden, unless the registration declares the edge. An edge is confirmed
when a caller with rights on the assets that it changes declares it.
"""


REPORTED: Final = "reported"
"""Record key that is true on a lineage edge whose author needed no right on its *to* end, and could not link it.

The author is the caller who declared the edge. If the end had no lasting owner, the key is true unless the author was
an administrator. A current edge without the key does not get it from further declarations. A reported edge is shown,
but no causes of health propagate over it to an asset of another owner team than that of the *from* end.
"""


GIVEN_FOR: Final = "givenFor"
"""Record key of an edge whose values a link or unlink gave while an asset that it changes had no lasting owner.

It holds the URNs of the teams and of the user of the author, and those of owners of changed assets that the author acts
for. Absent if the author was an administrator, and in edges that an older release wrote.
"""


UNCONFIRMED_LINKS: Final = "links"
"""Record key: maps the subject of a caller to the edge as this caller last linked or ended it, without effect.

The asset that the link would change was hidden from the caller then
(:mod:`app.graph.writing.rules.unconfirmed_links`). Changes of the edge by others keep the value. Otherwise the next
link by the caller would have another outcome, and disclose the change.
"""


APART: Final = "apart"
"""Record key: maps the subject of a caller to the edge as this caller declared or ended it, apart from the others.

An end of the edge was hidden from the caller then, and others had declared the edge
(:mod:`app.graph.writing.unit.apart_declarations`).
"""


BY_CALLER: Final = frozenset({UNCONFIRMED_LINKS, APART})
"""Record keys with what callers declared apart from the edge; changes of the edge by others keep them."""

DECLARED_BY: Final = "declaredBy"
"""Record key: maps a declarer to the subject of the caller who last changed the edge by it, if not the recorder."""

REMOVED: Final = "removed"
"""Record key that is true on an ended edge which a client removed although other declarers had it.

Observed values do not begin such an edge again. A client that declares it does, which removes the key.
"""


OPENED: Final = "opened"
CLOSED: Final = "closed"

CORRECTED: Final = "corrected"
"""Record key: ``[begin, end, opened, closed, until]``, the last interval as it was recorded before ``until``.

Later pages of a list that began before that instant read it (:mod:`app.graph.records.read_time`). Only the latest
correction of the last interval is kept; a new interval has none.
"""


def is_current(edge: Record | None, now: int) -> bool:
    """Return whether the edge exists and ends after ``now`` or never; it may begin later, or be unconfirmed.

    An edge that was ended before its begin has an empty interval and is not current.
    """
    return edge is not None and ends(edge) > max(now, edge.get("validFrom", 0))


def carries_sensitivity(edge: Record | None, now: int) -> bool:
    """Return whether the edge is current, and neither declassified nor unconfirmed; its relation is not checked."""
    return is_current(edge, now) and edge is not None and not (edge.get(DECLASSIFIED) or edge.get(UNCONFIRMED))


def with_confirmation(edge: Record, *, unconfirmed: bool) -> Record:
    """Return the edge marked as unconfirmed, or without the mark."""
    rest = {name: value for name, value in edge.items() if name != UNCONFIRMED}
    return {**rest, UNCONFIRMED: True} if unconfirmed else rest


def without_declassification(edge: Record) -> Record:
    """Return the edge such that sensitivity propagates over it."""
    return {name: value for name, value in edge.items() if name != DECLASSIFIED}


def with_report(edge: Record, *, reported: bool) -> Record:
    """Return the edge marked as reported, or without the mark."""
    rest = {name: value for name, value in edge.items() if name != REPORTED}
    return {**rest, REPORTED: True} if reported else rest


def with_links_of(edge: Record | None, record: Record) -> Record:
    """Return the record, which replaces ``edge``, with what callers declared apart from ``edge`` instead of its own."""
    return {**without_links(record), **{name: value for name, value in (edge or {}).items() if name in BY_CALLER}}


def without_links(edge: Record) -> Record:
    """Return the edge without what callers declared apart from it, and without who gave its declarers."""
    return {name: value for name, value in edge.items() if name not in BY_CALLER and name != DECLARED_BY}


def ends(edge: Record) -> int:
    """Return the instant at which the edge ends, FOREVER if it does not end."""
    return int(edge.get("validTo", FOREVER))


def native_end(edge: Record) -> int:
    """Return the end by which the store filters the edge; an unconfirmed edge has an empty interval.

    No instant is within an empty interval, so a read of the present returns no such edge.
    """
    return int(edge["validFrom"]) if edge.get(UNCONFIRMED) else ends(edge)


def interval(edge: Record) -> list[int]:
    """Return the last interval, in the form of ``earlier``."""
    begin, end = edge["validFrom"], ends(edge)
    if OPENED in edge or CLOSED in edge:
        return [begin, end, edge.get(OPENED, begin), edge.get(CLOSED, end)]
    return [begin, end]


def intervals(edge: Record) -> list[list[int]]:
    """Return all intervals that are not empty, in the form of ``earlier``, the last interval last.

    An unconfirmed edge has only former intervals. If there are more than MAX_INTERVALS, those former ones are joined
    that have the shortest time between them.
    """
    last = [] if edge.get(UNCONFIRMED) else [interval(edge)]
    former = _joined([each for each in edge.get("earlier", ()) if each[0] < each[1]], MAX_INTERVALS - 1)
    return [*former, *(each for each in last if each[0] < each[1])]


def _joined(found: list[list[int]], maximum: int) -> list[list[int]]:
    """Return at most ``maximum`` intervals; if some are joined, the earliest is first."""
    if len(found) <= maximum:
        return found
    found = sorted(found)
    reached = [*accumulate((each[1] for each in found), max)]
    by_pause = sorted(range(1, len(found)), key=lambda place: found[place][0] - reached[place - 1])
    closing, joined = {*by_pause[: len(found) - maximum]}, list[list[int]]()
    for place, each in enumerate(found):
        joined.append(_union(joined.pop(), each) if place in closing else each)
    return joined


def _union(first: list[int], second: list[int]) -> list[int]:
    """Return the interval from the begin of the first to the last end of both, with the instants of their recording."""
    last = max(first, second, key=itemgetter(1))
    bounds, recorded = [first[0], last[1]], [(first[2:] or first)[0], last[-1]]
    return bounds if recorded == bounds else [*bounds, *recorded]


def was_confirmed(edge: Record | None) -> bool:
    """Return whether an edge is or was confirmed, also if a later begin left it without an interval."""
    return edge is not None and (not edge.get(UNCONFIRMED) or bool(intervals(edge)))


def active_intervals(edge: Record | None) -> list[tuple[int, int]]:
    """Return the intervals in which the edge was, is or will be active, earliest first; none for an edge of None."""
    return [] if edge is None else sorted((start, end) for start, end, *_ in intervals(edge))


def declared(edge: Record | None, relation: Relation, declarer: str, now: int, values: Record | None = None) -> Record:
    """Return the edge with this declarer added and with ``values`` merged as :func:`_merged` does.

    An ended edge begins a new interval at ``now``, without its former declarers and values, but with what
    callers declared apart. An absent edge begins at ``now``, or at 0 if it is structural.
    """
    current = edge if edge is not None and is_current(edge, now) else opened(edge, relation, now)
    return _merged({**current, "by": sorted({*current["by"], declarer})}, values or {})


def undeclared(edge: Record, declarer: str, now: int) -> Record:
    """Return the edge without this declarer; if none is left, it ends at ``now``, or at its begin if that is later.

    While only callers of :func:`kept_by` declare it, it does not end, but is :func:`left_to` them.
    """
    left = [name for name in edge["by"] if name != declarer]
    if left:
        return {**edge, "by": left}
    if keepers := kept_by(edge, declarer):
        return left_to(edge, keepers)
    return {**edge, "by": [], "validTo": max(now, edge["validFrom"])}


def left_to(edge: Record, keepers: Iterable[str]) -> Record:
    """Return the edge without declarers, because only ``keepers`` declare it, apart from it.

    It loses its declassification, and is reported if the declarations of all keepers are.
    """
    reported = all(edge[APART][each].get(REPORTED) for each in keepers)
    return with_report(without_declassification({**edge, "by": []}), reported=reported)


def kept_by(edge: Record, declarer: str = "") -> list[str]:
    """Return the callers whose declaration, kept :data:`APART`, is current, confirmed and without an end.

    With ``declarer``, the name of a field, declarations by this field alone are left out: its new value replaces the
    one that these callers gave.
    """
    found = [(subject, own) for subject, own in sorted(edge.get(APART, {}).items()) if {*own["by"]} - {declarer}]
    return [subject for subject, own in found if "validTo" not in own and not own.get(UNCONFIRMED)]


def ended(edge: Record, now: int, end: int | None = None) -> Record:
    """Return the edge without declarers, ended at ``end``.

    If ``end`` is None, the edge ends at ``now``, or at its begin if that is later. An ended edge that gets an ``end``
    after ``now`` loses its declassification.
    Raises InvalidEdgeError if ``end`` is not after the begin of the edge.
    """
    if end is not None and end <= edge["validFrom"]:
        raise InvalidEdgeError("The edge would not end after it begins; give a later `validTo`.", "validTo")
    after = {**edge, "by": [], "validTo": max(now, edge["validFrom"]) if end is None else end}
    return _reactivated(edge, after, now)


def _reactivated(before: Record, after: Record, now: int) -> Record:
    """Return ``after``, without declassification if ``before`` had ended at ``now`` and ``after`` has not."""
    return without_declassification(after) if not is_current(before, now) and is_current(after, now) else after


def with_empty_interval(edge: Record) -> Record:
    """Return the edge without declarers, and with an empty last interval; its former intervals are kept."""
    return {**edge, "by": [], "validTo": edge["validFrom"]}


def reopened(edge: Record | None, was: Record, now: int) -> Record:
    """Return ``was``, a former record of ``edge``, to restore it.

    If ``edge`` has ended or is unconfirmed, the result begins a new interval at ``now``. Otherwise ``was`` is returned
    unchanged.
    """
    if edge is not None and (edge.get(UNCONFIRMED) or not is_current(edge, now)):
        was = {**was, "validFrom": now, "earlier": intervals(edge)}
    return was


def linked(edge: Record | None, relation: Relation, values: Record, now: int) -> tuple[Record, bool]:
    """Return the edge as ``link`` declares it, and whether it begins a new interval, as an edge of None does.

    ``values`` may hold ``validFrom`` and ``validTo``. A ``validFrom`` or ``origin`` of None counts as
    absent, any other present None removes the value. An ended edge begins a new interval without its former declarers
    and values, but with what callers declared apart, unless :func:`_corrects` applies. A correction after which it has
    not ended removes its declassification.

    Raises InvalidEdgeError if the end is not after the begin, or if ``values`` have properties that are too large
    together with the stored ones.
    """
    given = dict(values)
    start, end = given.pop("validFrom", None), given.pop("validTo", None)
    again = edge is None or not (is_current(edge, now) or _corrects(edge, start, end, now))
    after = opened(edge, relation, now) if edge is None or again else dict(edge)
    if start is not None:
        after["validFrom"] = start
    if end is not None or "validTo" in values:
        after["validTo"] = FOREVER if end is None else end
    if after.get("validTo") == FOREVER:
        del after["validTo"]
    if ends(after) <= after["validFrom"]:
        raise InvalidEdgeError("The edge would not end after it begins; give a `validTo` after `validFrom`.", "validTo")
    kept = after if edge is None else _reactivated(edge, after, now)
    merged = _merged({**kept, "by": sorted({*kept["by"], LINK})}, given)
    if given.get("properties"):
        _require_few(merged.get("properties", ()))
    return merged, again


def _require_few(pairs: Collection[Record]) -> None:
    """Raise InvalidEdgeError if the properties of an edge are too many or too large."""
    if len(pairs) > MAX_PAIRS:
        raise InvalidEdgeError(
            f"The edge would have {len(pairs)} properties, with the stored ones; the limit is {MAX_PAIRS}. Give fewer, "
            "or give null to remove all first.",
            "properties",
        )
    if sum(len(pair["key"]) + len(pair["value"]) for pair in pairs) > MAX_PROPERTY_TEXT:
        raise InvalidEdgeError(
            f"The properties of the edge, with the stored ones, have more than {MAX_PROPERTY_TEXT} characters; replace "
            "values by shorter ones, or give null to remove all first.",
            "properties",
        )


def _corrects(edge: Record, start: int | None, end: int | None, now: int) -> bool:
    """Return whether an interval corrects the last one: it has an end, and begins before the last one ends.

    Without ``start`` it begins at ``now``, or as the last one if both ends are equal.
    """
    if end is None:
        return False
    begins = edge["validFrom"] if start is None and end == ends(edge) else now if start is None else start
    return bool(begins < ends(edge))


def opened(edge: Record | None, relation: Relation, now: int) -> JsonObject:
    """Return ``edge`` with a new interval from ``now`` on, without declarers and values.

    If it is None, the result is a first record; that of a structural relation begins at 0.
    """
    always = relation.family is RelationFamily.STRUCTURE and edge is None
    earlier = [] if edge is None else intervals(edge)
    first = {"relation": relation.name, "validFrom": 0 if always else now, "by": []}
    fresh = {**first, **_FIRST.get(relation.name, {}), **({"earlier": earlier} if earlier else {})}
    return {**with_links_of(edge, fresh)}


def _merged(edge: JsonObject, values: Record) -> Record:
    """Return the edge with values merged: a present None removes the value, properties merge by key.

    An absent ``origin``, or None, counts as DECLARED. A confidence is merged only if no stored origin is stronger. A
    stronger origin removes the stored confidence.
    """
    origin = values.get("origin") or "DECLARED"
    after = {**edge, "origin": max(edge.get("origin", origin), origin, key=STRENGTH.index)}
    if after["origin"] != edge.get("origin"):
        after.pop("confidence", None)
    for key, value in values.items():
        if key == "origin" or (key == "confidence" and origin != after["origin"]):
            continue
        if value is not None and key == "properties":
            pairs = {pair["key"]: pair["value"] for pair in (*after.get(key, ()), *value)}
            value = [{"key": name, "value": pairs[name]} for name in sorted(pairs)] or None  # noqa: PLW2901 - merged
        if value is None or (key == DECLASSIFIED and not value):
            after.pop(key, None)
        else:
            after[key] = value
    return after
