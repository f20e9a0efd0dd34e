"""Fences: what is judged as stricter than it is stored, because the raise has not arrived there yet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from policies.sensitivity import LEVELS, RANK


@dataclass(frozen=True, slots=True)
class SensitivityFloor:
    """A level that holds for some vertices of a tenant, or for all of them when ``covered`` is None."""

    tenant: str
    level: str
    covered: frozenset[int] | None

    def covers(self, vid: int) -> bool:
        """Whether it holds for a vertex of its tenant."""
        return self.covered is None or vid in self.covered


class FloorView:
    """The fences that stood at any time since it was opened: what one operation reads may be as old as that."""

    __slots__ = ("__weakref__", "_fences", "_tenant")

    def __init__(self, tenant: str, standing: Iterable[SensitivityFloor] = ()) -> None:
        self._tenant = tenant
        self._fences = [fence for fence in standing if fence.tenant == tenant]

    @property
    def any(self) -> bool:
        """Whether any fence of the tenant is in the view."""
        return bool(self._fences)

    def add(self, fence: SensitivityFloor) -> None:
        """Take note of a fence that has been raised meanwhile."""
        if fence.tenant == self._tenant:
            self._fences.append(fence)

    def rank(self, vid: int) -> int:
        """The rank of the strictest level that holds for a vertex; 0 where none does."""
        return max((RANK[fence.level] for fence in self._fences if fence.covers(vid)), default=0)

    def with_floor(self, vid: int, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """The record as it is to be judged and shown: its sensitivity is at least that of the fences."""
        least = self.rank(vid) if self._fences else 0
        if least <= RANK[record["sensitivity"]]:
            return record
        return {**record, "sensitivity": LEVELS[least]}


class SensitivityFloors:
    """The fences that stand in this process, and the views that are open."""

    def __init__(self) -> None:
        self.active: list[SensitivityFloor] = []
        self._views: WeakSet[FloorView] = WeakSet()

    def view(self, tenant: str) -> FloorView:
        """Open a view for one operation."""
        view = FloorView(tenant, self.active)
        self._views.add(view)
        return view

    def raise_floor(self, fence: SensitivityFloor) -> None:
        """Let it hold from now on, for operations under way too."""
        if fence in self.active:
            return
        self.active.append(fence)
        for view in self._views:
            view.add(fence)

    def replace(self, fences: Iterable[SensitivityFloor]) -> None:
        """Let these stand and no others; views keep what they have."""
        wanted = list(fences)
        for fence in wanted:
            self.raise_floor(fence)
        self.active = wanted
