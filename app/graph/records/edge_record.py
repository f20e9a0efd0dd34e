"""The record of an edge: pure functions from what it was to what it becomes.

One edge per (relation, from, to). ``by`` names who declares it: fields such as ``ModelVersion.trainedOn``, ``link``,
and ``id`` for what a version's URN says. With no declarer left it is closed; opened again it remembers its ``earlier``
intervals, ``[begin, end]``, or ``[begin, end, opened, closed]`` where one was recorded at another time than it began or
ended; of the last one ``opened`` and ``closed`` say so. The strongest origin speaks, and a confidence counts only if it
comes with that. Structure has no time of its own: it is as old as the younger end, so it is valid from the beginning
(design README, 3.6).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from app.graph.records.vertex_record import Record
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.relations import OWNED_BY, TAGGED, Direction, Hop, Relation, RelationFamily


class EmptyIntervalError(ValueError):
    """The edge would end before it begins; ``args`` are message and input field. The link handler catches it."""


EdgeKey = tuple[str, int, int]
"""Relation, and the vertex ids of the *from* and the *to* end."""


def key_over(hop: Hop, near: int, far: int) -> EdgeKey:
    """Return the key of the edge that a hop follows from ``near`` to ``far``."""
    return (hop.relation.name, near, far) if hop.direction is Direction.OUT else (hop.relation.name, far, near)


def far_end(hop: Hop, key: EdgeKey) -> int:
    """Return the vertex id at the far end of an edge that a hop follows."""
    return key[2] if hop.direction is Direction.OUT else key[1]


LINK: Final = "link"
IDENTITY: Final = "id"

DECLASSIFIED: Final = "declassified"
"""Of the record of an edge over which sensitivity does not flow, though data does: an approver said so."""

_STRENGTH: Final = ("INFERRED", "DECLARED", "OBSERVED")
_FIRST: Final[Mapping[str, Mapping[str, Any]]] = {
    OWNED_BY.name: {"kinds": ["TECHNICAL"]},
    TAGGED.name: {"mode": "DIRECT"},
}


UNCONFIRMED: Final = "claim"
"""Marks an edge that changes what its declarer may not know of.

It is stored, since the answer must be that for an end which is not there, and takes no effect: its native interval is
empty, so no reader and no flow of sensitivity meets it. It becomes an edge when someone with rights on that end, too,
declares it.
"""


OPENED: Final = "opened"
CLOSED: Final = "closed"


def is_current(edge: Record | None, now: int) -> bool:
    """Whether the edge has not ended."""
    return edge is not None and ends(edge) > now


def carries_sensitivity(edge: Record | None, now: int) -> bool:
    """Whether sensitivity flows over the edge, if its relation is one that it flows over."""
    return is_current(edge, now) and edge is not None and not (edge.get(DECLASSIFIED) or edge.get(UNCONFIRMED))


def with_confirmation(edge: Record, *, unconfirmed: bool) -> Record:
    """The edge as a claim, or as one no longer."""
    rest = {name: value for name, value in edge.items() if name != UNCONFIRMED}
    return {**rest, UNCONFIRMED: True} if unconfirmed else rest


def unconfirmed_from(edge: Record, now: int) -> Record:
    """The edge as a claim from now on; that it held until now stays so."""
    if edge.get(UNCONFIRMED):
        return edge
    rest = {name: value for name, value in edge.items() if name != CLOSED}
    over = _lasting([*edge.get("earlier", ()), interval({**rest, "validTo": now})])
    earlier = {"earlier": over} if over else {}
    return with_confirmation({**edge, **earlier, "validFrom": max(now, edge["validFrom"])}, unconfirmed=True)


def ends(edge: Record) -> int:
    """When it ends; OPEN when it does not."""
    return int(edge.get("validTo", FOREVER))


def interval(edge: Record) -> list[int]:
    """The interval that it holds in, as ``earlier`` keeps it."""
    begin, end = edge["validFrom"], ends(edge)
    if OPENED in edge or CLOSED in edge:
        return [begin, end, edge.get(OPENED, begin), edge.get(CLOSED, end)]
    return [begin, end]


def intervals(edge: Record) -> list[list[int]]:
    """The intervals that it holds in, as they are kept, the last one last; a claim holds no longer, and may have."""
    return _lasting([*edge.get("earlier", ()), *(() if edge.get(UNCONFIRMED) else (interval(edge),))])


def recorded_by(found: Iterable[Sequence[int]], recorded: int) -> Iterator[tuple[int, int]]:
    """Intervals, as they are kept, as they were known by then: those that had been recorded, without a later end."""
    for begin, end, *marks in found:
        opened, closed = marks or (begin, end)
        if opened <= recorded:
            yield begin, end if closed <= recorded else FOREVER


def _lasting(found: Iterable[list[int]]) -> list[list[int]]:
    return [each for each in found if each[0] < each[1]]


def recorded(before: Record | None, after: Record, now: int) -> Record:
    """The edge with when its interval was recorded, where that is another time than it began or ended.

    A claim that becomes an edge holds from then on, unless it is said since when.
    """
    if (
        before is not None
        and before.get(UNCONFIRMED)
        and not after.get(UNCONFIRMED)
        and before["validFrom"] == after["validFrom"]
    ):
        after = {**after, "validFrom": max(now, after["validFrom"])}
    was, marks = before or {}, {}
    for mark, of in ((OPENED, _begin), (CLOSED, ends)):
        if before is not None and of(before) == of(after):
            marks[mark] = was.get(mark)
        elif of(after) not in {now, FOREVER}:
            marks[mark] = now
    rest = {name: value for name, value in after.items() if name not in {OPENED, CLOSED}}
    return {**rest, **{mark: at for mark, at in marks.items() if at is not None}}


def _begin(edge: Record) -> int:
    return int(edge["validFrom"])


def active_intervals(edge: Record | None) -> list[tuple[int, int]]:
    """The intervals in which it held, holds or will hold, the earliest first."""
    return [] if edge is None else sorted((start, end) for start, end, *_ in intervals(edge))


def declared(
    edge: Record | None, relation: Relation, declarer: str, now: int, facts: Mapping[str, Any] | None = None
) -> Record:
    """The edge with one declarer more and its facts, ``origin`` among them; new or open again if it was not current."""
    current = edge if edge is not None and is_current(edge, now) else _opened(edge, relation, now)
    return _merged({**current, "by": sorted({*current["by"], declarer})}, facts or {})


def undeclared(edge: Record, declarer: str, now: int) -> Record:
    """The edge without a declarer; closed when that was the last."""
    left = [name for name in edge["by"] if name != declarer]
    if left:
        return {**edge, "by": left}
    return {**edge, "by": [], "validTo": max(now, edge["validFrom"])}


def ended(edge: Record, now: int, end: int | None = None) -> Record:
    """The edge without any declarer, closed at ``end`` or now. Raises when it would end before it begins."""
    if end is not None and end <= edge["validFrom"]:
        raise EmptyIntervalError("The edge would end before it begins; give a later `validTo`.", "validTo")
    return {**edge, "by": [], "validTo": max(now, edge["validFrom"]) if end is None else end}


def with_empty_interval(edge: Record) -> Record:
    """The edge with an interval in which there is no instant."""
    return {**edge, "by": [], "validTo": edge["validFrom"]}


def reopened(edge: Record | None, was: Record, now: int) -> Record:
    """The edge as it was while it held: the same again where it holds, a new interval where it does no longer."""
    if edge is not None and (edge.get(UNCONFIRMED) or not is_current(edge, now)):
        was = {**was, "validFrom": now, "earlier": intervals(edge)}
    return was


def linked(edge: Record | None, relation: Relation, facts: Mapping[str, Any], now: int) -> tuple[Record, bool]:
    """The edge as a link declares it, and whether it is new or open again. Raises when its interval cannot be."""
    given = dict(facts)
    start, end = given.pop("validFrom", None), given.pop("validTo", None)
    again = edge is None or not (is_current(edge, now) or _corrects(edge, start, end, now))
    after = _opened(edge, relation, now) if edge is None or again else dict(edge)
    if start is not None:
        after["validFrom"] = start
    if end is not None or "validTo" in facts:
        after["validTo"] = FOREVER if end is None else end
    if after.get("validTo") == FOREVER:
        del after["validTo"]
    if ends(after) <= after["validFrom"]:
        raise EmptyIntervalError("The edge would end before it begins; give a `validTo` after `validFrom`.", "validTo")
    return _merged({**after, "by": sorted({*after["by"], LINK})}, given), again


def _corrects(edge: Record, start: int | None, end: int | None, now: int) -> bool:
    """Whether an interval with an end is the one that has ended, or overlaps it, rather than a later one."""
    if end is None:
        return False
    begins = edge["validFrom"] if start is None and end == ends(edge) else now if start is None else start
    return bool(begins < ends(edge))


def _opened(edge: Record | None, relation: Relation, now: int) -> dict[str, Any]:
    always = relation.family is RelationFamily.STRUCTURE and edge is None
    earlier = [] if edge is None else intervals(edge)
    first = {"relation": relation.name, "validFrom": 0 if always else now, "by": []}
    return {**first, **_FIRST.get(relation.name, {}), **({"earlier": earlier} if earlier else {})}


def _merged(edge: dict[str, Any], facts: Mapping[str, Any]) -> Record:
    """The edge with facts merged: a present None clears, properties merge by key."""
    origin = facts.get("origin") or "DECLARED"
    after = {**edge, "origin": max(edge.get("origin", origin), origin, key=_STRENGTH.index)}
    if after["origin"] != edge.get("origin"):
        after.pop("confidence", None)
    for key, value in facts.items():
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
