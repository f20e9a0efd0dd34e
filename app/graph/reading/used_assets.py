"""Reads which assets of a listing are in use by the graph (:mod:`graphql_schema.rules.asset_uses`), for one caller.

The index has no such uses: a part, run, deployment or service may be hidden from the caller, and its use then does not
count. So the candidates are listed, their edges are read, and the caller's policy is applied to what they reach.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from app.graph.reading.level.hop_plan import HopSpec, compile_related
from app.graph.reading.level.index_query import IndexQuery
from app.graph.reading.level.index_tests import IndexFilter
from app.graph.reading.level.level_batcher import LISTINGS_AT_ONCE, LevelRequest
from app.graph.reading.level.level_statement import EDGE_CAP
from app.graph.reading.relation_items import relation_items
from app.graph.reading.visible_rows import VisibleRows
from graphql_schema.catalog.relations import USAGE_OF
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.record import JsonObject
from graphql_schema.ports.relation_query import ALL
from graphql_schema.ports.row import AccessGrade, PageItem, Row
from graphql_schema.rules.asset_uses import USES, last_use_of
from graphql_schema.rules.usage_days import begin_of
from policies.errors import LimitError

MAX_CANDIDATES: Final = 5_000
"""Maximum number of assets of one listing whose uses are read."""

MAX_USED: Final = 1_000
"""Maximum number of assets in use that one listing excludes by their ids."""

MANY_USES: Final = 2_000
"""Number of uses of one asset above which they are examined in the side thread; that many take some 9 ms."""

_DISCLOSED: Final = {kind: uses.disclosed_fields.get(kind, frozenset()) for kind, uses in USES.items()}
"""The fields of an asset, by its kind, that disclose its uses."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The assets that meet the filter ``where``, and the first day ``begin`` of the days in which a use counts."""

    where: IndexFilter
    begin: date


class UsedAssets:
    """Finds the assets in use, for one operation."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows

    async def ids(self, candidates: Sequence[Candidates]) -> list[tuple[str, ...]]:
        """Return for each element the ids of its assets that were in use by the graph on its day ``begin`` or later.

        Usage recorded for the asset itself, and uses hidden from the caller, do not count.

        Raises LimitError if an element has more than :data:`MAX_CANDIDATES` assets, or more than :data:`MAX_USED` of
        them were in use. Raises it too if one asset alone has too many edges for a request.
        """
        if not candidates:
            return []
        in_turns, listed = self._rows.budget.in_turns, list[list[Row]]()
        for begin in range(0, len(candidates), LISTINGS_AT_ONCE):
            some = candidates[begin : begin + LISTINGS_AT_ONCE]
            listings = [IndexQuery(each.where, MAX_CANDIDATES + 1).wire() for each in some]
            response = await self._rows.fetch(LevelRequest(listings=listings))
            for each in response.listings:
                _refuse_above(MAX_CANDIDATES, len(each["x"]))
            listed += [self._rows.found(each["x"], response) async for each in in_turns(response.listings)]
        since = min(each.begin for each in candidates).replace(day=1)
        days = await self._last_uses({row.vid: row async for rows in in_turns(listed) for row in rows}, since)
        ends = zip(listed, candidates, strict=True)
        return [_used(rows, each.begin, days) async for rows, each in in_turns(ends)]

    async def _last_uses(self, assets: Mapping[int, Row], since: date) -> dict[int, date | None]:
        """Return the last day of use of each asset by vertex id, None without one; usage before ``since`` is not read.

        The edges of all kinds are read in one request, unless these are too many for one.
        """
        sources: dict[str, list[Row]] = {kind: [] for kind in USES}
        async for row in self._rows.budget.in_turns(assets.values()):
            if row.kind in sources and _shows_uses(row):
                sources[row.kind].append(row)
        reads = (self._items(kind, rows, since) for kind, rows in sources.items() if rows)
        items = {row.vid: found for each in await asyncio.gather(*reads) for row, found in each}
        today = datetime.fromtimestamp(self._rows.now // 1000, UTC).date()
        uses = ((row, items.get(vid, [])) for vid, row in assets.items())
        return {
            row.vid: await run_in_turn(last_use_of, len(found) > MANY_USES, row, found, today)
            async for row, found in self._rows.budget.in_turns(uses)
        }

    async def _items(self, kind: str, sources: list[Row], since: date) -> list[tuple[Row, list[PageItem]]]:
        """Return assets of one kind with the items of their uses; read each half by itself if the edges are too many.

        Raises LimitError if one asset alone has too many edges, or if the budget of the operation is spent.
        """
        found: list[tuple[Row, list[PageItem]]] = []
        waiting = [sources]
        while waiting:
            batch = waiting.pop()
            vids = [row.vid for row in batch]
            hops = [_wired(hop, vids, since) for hop in compile_related(USES[kind]).hops]
            try:
                response = await self._rows.fetch(LevelRequest(hops=hops))
            except LimitError as error:
                if len(batch) == 1:
                    raise
                forget_frames(error)
                middle = len(batch) // 2
                waiting += [batch[:middle], batch[middle:]]
                continue
            await self._rows.budget.pause()  # the responses to all kinds arrive together
            items = await relation_items(self._rows, USES[kind], ALL, batch, response)
            found += zip(batch, items, strict=True)
        return found


def _wired(hop: HopSpec, vids: Sequence[int], since: date) -> JsonObject:
    """Return a hop in the form of the level statement; usage months before ``since`` are left out."""
    bounds = {"t": True, "n": EDGE_CAP, "since": begin_of(since)} if hop.labels == (USAGE_OF.name,) else {}
    return hop.wire(vids, **bounds)


def _shows_uses(asset: Row) -> bool:
    """Return whether the caller may read an asset, and the fields of it that disclose its uses."""
    return asset.access.grade is AccessGrade.READ and asset.access.hidden.isdisjoint(_DISCLOSED[asset.kind])


def _used(rows: Sequence[Row], begin: date, days: Mapping[int, date | None]) -> tuple[str, ...]:
    """Return the ids of the assets whose last day of use is the day ``begin`` or later."""
    used = tuple(row.urn for row in rows if (day := days[row.vid]) is not None and day >= begin)
    if len(used) > MAX_USED:
        raise LimitError(
            f"More than {MAX_USED} assets without usage in these days are in use by runs, deployments or other "
            "services; narrow the filter, by `kinds`, `ownerTeams` or `domains`, or add `unread: true` for recorded "
            "usage only.",
            limit=MAX_USED,
        )
    return used


def _refuse_above(limit: int, number: int) -> None:
    if number > limit:
        raise LimitError(
            f"`unusedForDays` has to read the runs, deployments and services that use more than {limit} assets; narrow "
            "the filter, by `kinds`, `ownerTeams` or `domains`, or add `unread: true` for recorded usage only.",
            limit=limit,
        )
