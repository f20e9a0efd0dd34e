"""The tags around assets that were deleted or restored, which a job reads page by page over its steps.

These are the tags of such an asset, of its sources and of its children: with the asset, they begin or cease to flow to
its targets. An asset may have hundreds of thousands of sources and children, so a write does not read them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final

from app.graph.driver.edge_pages import VisitBudget
from app.graph.propagation.carried_tags import CarriedTags
from app.graph.propagation.source_reading import SourceReading
from app.graph.propagation.sources import group_of, is_group
from app.graph.propagation.stored_flows import MANY_EDGES, StoredFlows
from graphql_schema.execution.side_thread import run_in_turn

AT_ONCE: Final = 250
"""Maximal number of assets whose sources and children are read together: those of many may be the same."""

MAX_EDGES: Final = 500_000
"""Number of edges around several assets above which fewer assets are read together; those take some 200 MB."""


@dataclass(slots=True)
class _Around:
    """The carriers around some assets. A carrier is an asset itself, one of its sources, or a group of assets.

    A group is around an asset that is its parent, and around each target of its parent. ``assets_at`` has the assets
    that each carrier is around. ``carriers_at`` has the carriers that each vertex is, or is a member of.
    """

    assets_at: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    carriers_at: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, reading: SourceReading) -> "_Around":
        """Return what a completed reading found around its vertices."""
        sources, around = reading.sources(), cls()
        for asset in reading.vids:
            for carrier in {asset, group_of(asset), *sources.get(asset, ())}:
                around.assets_at[carrier].append(asset)
        for carrier in around.assets_at:
            for vid in sources.get(carrier, ()) if is_group(carrier) else (carrier,):
                around.carriers_at[vid].append(carrier)
        return around

    def assets(self, vids: Iterable[int]) -> set[int]:
        """Return the assets that have one of these vertices around them."""
        carriers = {carrier for vid in vids for carrier in self.carriers_at[vid]}
        return set(chain.from_iterable(self.assets_at[carrier] for carrier in carriers))


@dataclass(slots=True)
class TagsAround:
    """Reads the tags around assets; false if no asset is left.

    What is written between two pages leaves an outbox entry of its own. If there are more than MAX_EDGES edges around
    several assets, half of these are read again, without the others.
    """

    _waiting: dict[int, None] = field(default_factory=dict)
    _reading: SourceReading | None = None
    _limit: int = field(default_factory=lambda: AT_ONCE)
    _around: _Around = field(default_factory=_Around)
    _is_long: bool = False
    _carried: CarriedTags = field(default_factory=CarriedTags)

    def __bool__(self) -> bool:
        return bool(self._waiting) or self._reading is not None or bool(self._carried)

    def add(self, assets: Iterable[int]) -> None:
        """Add assets, unless they wait already."""
        self._waiting |= dict.fromkeys(assets)

    async def advance(self, flows: StoredFlows, budget: VisitBudget) -> dict[int, list[int]]:
        """Read a page of edges around assets, and one of tags, as far as the budget of a step permits.

        Return the vertices that carry each tag in the page of tags, as :meth:`CarriedTags.advance` does. To find the
        assets that they are around, call :meth:`concerned` before the next call.
        """
        if not self._carried:
            await self._next_edges(flows, budget)
        if not self._carried or budget.is_spent:
            return {}
        return await self._carried.advance(flows, budget)

    async def concerned(self, vids: Collection[int]) -> Collection[int]:
        """Return the assets to recompute for a tag: those with one of the vertices around them, which carry it."""
        return await run_in_turn(self._around.assets, self._is_long, vids)

    async def _next_edges(self, flows: StoredFlows, budget: VisitBudget) -> None:
        """Read a page of edges around the next assets; after the last page, let the tags of the carriers be read."""
        if self._reading is None:
            self._reading = flows.source_reading([*islice(self._waiting, self._limit)], with_children=True)
        reading = self._reading
        await flows.next_sources(reading, budget)
        if reading.pages.is_read:
            self._limit, self._reading = min(2 * self._limit, AT_ONCE), None
            for asset in reading.vids:
                del self._waiting[asset]
            self._is_long = reading.size > MANY_EDGES
            self._around = await run_in_turn(_Around.of, self._is_long, reading)
            self._carried.add(self._around.carriers_at)
        elif reading.size > MAX_EDGES and len(reading.vids) > 1:
            self._limit, self._reading = len(reading.vids) // 2, None
