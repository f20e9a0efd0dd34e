"""Sensitivity floors: lower bounds for assets whose stored sensitivity has not been raised yet."""

from bisect import insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from weakref import WeakSet

from app.graph.records.vertex_record import confirmed_sensitivity, with_effective_sensitivity
from graphql_schema.ports.record import Record
from policies.principal import Principal
from policies.sensitivity import RANK, SENSITIVITIES

_TOP: Final = len(SENSITIVITIES) - 1

MayLink = Callable[[Principal, Record], bool]
"""Whether a caller may link an asset, which is what confirms a raise by this caller (docs/sensitivity.md)."""


def _always(_who: Principal, _record: Record) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class SensitivityFloor:
    """A lower bound ``level`` for the vertices ``covered`` of a tenant, or for all its vertices if that is None.

    ``raised_by`` is the caller whose write raises them, None for a floor that an older release wrote.
    """

    tenant: str
    level: str
    covered: frozenset[int] | None
    raised_by: Principal | None = None

    def covers(self, vid: int) -> bool:
        """Return whether the floor applies to a vertex of its tenant."""
        return self.covered is None or vid in self.covered


class FloorView:
    """All floors of a tenant that were active at any time since the view was opened.

    An operation may have read a record before a floor ended, so it applies that floor until the operation ends.
    """

    __slots__ = ("__weakref__", "_floors", "_may_link", "_tenant")

    def __init__(self, tenant: str, active: Iterable[SensitivityFloor] = (), may_link: MayLink = _always) -> None:
        self._tenant = tenant
        self._may_link = may_link
        self._floors = sorted((floor for floor in active if floor.tenant == tenant), key=_rank)

    @property
    def any(self) -> bool:
        """Return whether the view has any floor."""
        return bool(self._floors)

    def add(self, floor: SensitivityFloor) -> None:
        """Add a floor that became active; a floor of another tenant is ignored.

        The list is replaced, because a plan in the side thread may be reading it.
        """
        if floor.tenant == self._tenant:
            floors = [*self._floors]
            insort(floors, floor, key=_rank)
            self._floors = floors

    def rank(self, vid: int) -> int:
        """Return the rank of the highest floor that covers a vertex, 0 if there is none."""
        return next((_rank(floor) for floor in reversed(self._floors) if floor.covers(vid)), 0)

    def with_floor(self, vid: int, record: Record) -> Record:
        """Return the record with its sensitivity raised to the highest floor that covers it, if that is higher.

        :func:`with_floors` decides whether that is confirmed.
        """
        if not self._floors or self.rank(vid) <= RANK[record["sensitivity"]]:
            return record
        return with_floors((floor for floor in self._floors if floor.covers(vid)), self._may_link, record)


def with_floors(floors: Iterable[SensitivityFloor], may_link: MayLink, record: Record, max_rank: int = _TOP) -> Record:
    """Return the record raised to the highest of some floors, or to ``max_rank`` if that is lower.

    What a floor raises is confirmed if its caller :func:`confirms` it, whatever others raise as well.
    """
    before, after = RANK[record["sensitivity"]], record
    for floor in sorted(floors, key=_rank):
        rank = min(_rank(floor), max_rank)
        if rank > before and rank > RANK[confirmed_sensitivity(after)]:
            confirmed = confirms(may_link, floor.raised_by, record)
            after = with_effective_sensitivity(after, SENSITIVITIES[rank], confirmed=confirmed)
    return after


def _rank(floor: SensitivityFloor) -> int:
    return RANK[floor.level]


def confirms(may_link: MayLink, raised_by: Principal | None, record: Record) -> bool:
    """Return whether a raise by a caller is confirmed: the caller may link the asset.

    ``raised_by`` is None if an older release recorded no caller; the raise is then confirmed.
    """
    return raised_by is None or may_link(raised_by, record)


class SensitivityFloors:
    """The active floors of this process, by the vertex id of their outbox entry, and the views of running operations.

    Floors are never compared, because each may cover tens of thousands of vertices.
    """

    def __init__(self, may_link: MayLink = _always) -> None:
        self.active: dict[int, SensitivityFloor] = {}
        self.may_link = may_link
        self._views: WeakSet[FloorView] = WeakSet()

    def view(self, tenant: str) -> FloorView:
        """Return a new view of the floors of a tenant, for one operation."""
        view = FloorView(tenant, self.active.values(), self.may_link)
        self._views.add(view)
        return view

    def raise_floor(self, x: int, floor: SensitivityFloor) -> None:
        """Activate the floor of the entry ``x``, and add it to all open views of its tenant, unless it is active."""
        if x in self.active:
            return
        self.active[x] = floor
        for view in self._views:
            view.add(floor)

    def end(self, x: int) -> None:
        """End the floor of an entry, if it is active; open views keep it."""
        self.active.pop(x, None)

    def replace(self, floors: Mapping[int, SensitivityFloor]) -> None:
        """Make these the only active floors. Open views keep theirs and gain the new ones."""
        for x, floor in floors.items():
            self.raise_floor(x, floor)
        self.active = {**floors}
