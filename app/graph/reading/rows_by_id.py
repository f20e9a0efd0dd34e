"""Rows by id, requested together by all resolvers of a query level."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Final, TypeVar

from app.graph.reading.level.level_batcher import LevelRequest, LevelResponse
from app.graph.reading.level.shared_batches import SharedBatches
from app.graph.reading.subject_hops import ToSubjects, hide_unread, to_subjects
from app.graph.reading.visible_rows import ALL_ENDS, VisibleRows
from app.graph.records.merged_record import is_merged
from graphql_schema.catalog.kinds import KIND_OF_SLUG
from graphql_schema.catalog.urn import slug_of
from graphql_schema.ports.row import Row

ResultT = TypeVar("ResultT")

IDS_AT_ONCE: Final = 1_000
"""Maximal number of ids whose rows are made between two pauses, some 10 ms."""


class RowsById:
    """Rows by URN, for one operation; a row that was returned once is not read again."""

    def __init__(self, rows: VisibleRows) -> None:
        self._rows = rows
        self._named: set[str] = set()
        self._request: asyncio.Task[None] | None = None
        self._batches = SharedBatches[str, Row | None](str, rows.budget.pause, joins=True)

    async def one(self, urn: str) -> Row | None:
        """Return the row of a URN; None if it does not exist or is not visible.

        The id of a merged dataset gives the row of the one to which it leads, which has another URN.
        """
        self._named.add(urn)
        (row,) = await self._batches.get([urn], self._load_all)
        return row

    async def many(self, urns: Sequence[str], *, constant_time: bool = False, named: bool = False) -> list[Row | None]:
        """Return the rows of URNs, in their order; None for one that does not exist or is not visible.

        ``named`` states that the request of the caller contains the URNs, as that of :meth:`one`. With
        ``constant_time`` a request is sent even if all rows are known or ``urns`` is empty. The response time then
        discloses neither of the two.
        """
        if named:
            self._named.update(urns)
        if not constant_time:
            return await self._load_many(urns)
        requested = self._requested()
        rows = await self._load_many(urns) if urns else []
        await asyncio.shield(requested)
        return rows

    def _requested(self) -> asyncio.Task[None]:
        """Return the task that sends a request in any case; calls of the same moment share it."""
        if self._request is None:
            self._request = asyncio.create_task(self._send())
            self._request.add_done_callback(_take_error)  # a call that fails before awaits it no more
        return self._request

    async def _send(self) -> None:
        await asyncio.sleep(0)
        self._request = None
        await self._rows.fetch(LevelRequest(fresh=True))

    async def _load_many(self, urns: Sequence[str]) -> list[Row | None]:
        """Return the rows of URNs, which are requested in turns and read in one level.

        The far ends of one page of changes alone can be a hundred thousand.
        """
        if len(urns) <= IDS_AT_ONCE:
            return await self._batches.get(urns, self._load_all)
        parts: list[asyncio.Task[list[Row | None]]] = []
        for begin in range(0, len(urns), IDS_AT_ONCE):
            await self._rows.budget.pause()
            part = self._batches.get(urns[begin : begin + IDS_AT_ONCE], self._load_all)
            parts.append(asyncio.create_task(part))
            parts[-1].add_done_callback(_take_error)  # if the operation ends in a pause, the parts before fail unread
        return [*chain.from_iterable(await asyncio.gather(*parts))]

    def remember(self, row: Row) -> None:
        """Store a row that was read elsewhere, so that it is not read again; not that of a merged dataset."""
        if not is_merged(row.record):
            self._batches.known.setdefault(row.urn, row)

    async def _load_all(self, urns: list[str]) -> list[Row | None]:
        """Return the rows of URNs, in their order; the requests for IDS_AT_ONCE of them each are those of one level."""
        parts = (self._load(urns[begin : begin + IDS_AT_ONCE]) for begin in range(0, len(urns), IDS_AT_ONCE))
        return [*chain.from_iterable(await asyncio.gather(*parts))]

    async def _load(self, urns: list[str]) -> list[Row | None]:
        """Return the rows of URNs, in their order; report hidden ids for the access log.

        Attached records are read together with their subjects. For ids of changes there is a second request.

        If an id that the caller names has no row, and the cache had all records, all ids are requested from the store
        too. A hidden record would otherwise leave the cache when it is written, and the time of the next request
        would disclose it. Ids from records do not count: a request for those without a row would disclose that there
        are some.
        """
        vids = [self._rows.vid(urn) for urn in urns]
        attached = _attached(urns, vids)
        paths: list[ToSubjects] = []
        for kind in attached:
            paths.append(to_subjects(kind, sum(len(path.hops) for path in paths)))
        hops = [hop for path in paths for hop in path.wire(attached[path.kind])]
        request = LevelRequest(vertices=vids, hops=hops)
        response = await self._rows.fetch(request, ends=ALL_ENDS if "Change" in attached else 0)
        for path in paths:
            subjects = await hide_unread(self._rows, path, attached[path.kind], response)
            async for subject in self._rows.budget.in_turns(subjects):
                self.remember(subject)
        led_to = [self._rows.led_to(vid, response) for vid in vids]
        rows = [self._rows.row(vid, response) for vid in led_to]
        if not response.sent and any(row is None and urn in self._named for urn, row in zip(urns, rows, strict=True)):
            await self._rows.fetch(replace(request, fresh=True))
        for urn, vid, row in zip(urns, led_to, rows, strict=True):
            if row is None:
                self._rows.row_policy.report_hidden_id(urn, vid, response.records.get(vid))
        return [self._of_urn(*each, response) for each in zip(urns, vids, rows, strict=True)]

    @staticmethod
    def _of_urn(urn: str, vid: int, row: Row | None, response: LevelResponse) -> Row | None:
        """Return the row to which a URN leads; None if the record under its vertex id has another URN."""
        return row if row is not None and response.records[vid]["id"] == urn else None


def _take_error(part: asyncio.Future[ResultT]) -> None:
    """Take the error of a future that is awaited no more, which asyncio would log."""
    if not part.cancelled():
        part.exception()


def _attached(urns: Sequence[str], vids: Sequence[int]) -> dict[str, list[int]]:
    """Return the vertex ids of the attached records among some ids, by kind."""
    attached: dict[str, list[int]] = {}
    for urn, vid in zip(urns, vids, strict=True):
        kind = KIND_OF_SLUG[slug_of(urn)]
        if kind.shown_by:
            attached.setdefault(kind.name, []).append(vid)
    return attached
