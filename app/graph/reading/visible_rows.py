"""The rows of one operation: evaluates the policy on the records of responses, once for each vertex."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from app.graph.reading.access.row_policy import RowPolicy
from app.graph.reading.level.level_batcher import LevelBatcher, LevelRequest, LevelResponse
from app.graph.records.change_record import is_own_link
from app.graph.records.inferred_edge import is_traversable
from app.graph.records.merged_record import target_of
from app.graph.records.vertex_id import vertex_id
from graphql_schema.ports.record import Record
from graphql_schema.ports.row import Row
from graphql_schema.rules.observation.known_owner import known_owner

ALL_ENDS: Final = sys.maxsize
"""Number of far ends of each change that are read, if all are."""

FEW_ENDS: Final = 100
"""Number of far ends that are read first of a change with more than MANY_ENDS, which most often show it."""

MANY_ENDS: Final = 1_000
"""Number of far ends of a change up to which they are read at once."""

_OF_TIMES: Final = ("kind", "sourceCreatedAt", "createdAt", "deletedAt")
"""What decides whether an asset existed at an instant; the other values of hidden assets are not kept."""

_EVALUATED_AT_ONCE: Final = 100
"""Number of records between two pauses: about a millisecond. Under sensitivity floors, each may take as long."""


class VisibleRows:
    """Rows by vertex id, for one operation.

    The value is None for a vertex that the caller may not discover, or that is absent at the read time.
    """

    def __init__(self, batcher: LevelBatcher, row_policy: RowPolicy) -> None:
        self.row_policy = row_policy
        self.budget = batcher.budget
        self._batcher = batcher
        self._known: dict[int, Row | None] = {}
        self._hidden_times: dict[int, Record] = {}
        self._level: tuple[dict[int, Record], list[int]] | None = None

    @property
    def now(self) -> int:
        """Read time of the operation, in epoch milliseconds."""
        return self._batcher.instant.valid

    async def fetch(self, request: LevelRequest, *, ends: int = 0) -> LevelResponse:
        """Return the response to a request, and evaluate the policy on its records.

        A change that lists far ends is hidden unless the caller may discover one of them, or it is an own link of the
        caller. ``ends`` is 0 unless the response can contain changes, which are evaluated last, in turns. The records
        of the first ``ends`` far ends of each are read in a second request, and the others count as hidden. It is sent
        even if there is no further record to read, or if all are in the cache. The number of requests would otherwise
        disclose hidden changes, and changes about hidden assets.

        Of a change with more than MANY_ENDS, the first FEW_ENDS are read, and the others in a third request, unless one
        of the first shows the change. To read all of several such changes would exceed the limit of an operation.
        """
        response = await self._batcher.fetch(request)
        unknown = self._unknown_of(response)
        changes = [vid for vid, record in response.records.items() if record.get("ends")] if ends else []
        if ends:
            long = [vid for vid in changes if len(response.records[vid]["ends"]) > MANY_ENDS and ends > FEW_ENDS]
            counts = dict.fromkeys(changes, ends) | dict.fromkeys(long, FEW_ENDS)
            unknown += await self._read_ends(request, response, counts)
            await self._evaluate_all(unknown, response)
            hidden = [
                vid
                async for vid in self.budget.in_turns(long)
                if not self._has_visible_end(response.records[vid], response, FEW_ENDS)
            ]
            if hidden:
                unknown += await self._read_ends(request, response, dict.fromkeys(hidden, ends))
        await self._evaluate_all(unknown, response)
        async for vid in self.budget.in_turns(changes):
            self.row(vid, response)
        await self.budget.pause()  # all that wait for this response continue in the same iteration of the event loop
        return response

    async def _read_ends(self, request: LevelRequest, response: LevelResponse, counts: Mapping[int, int]) -> list[int]:
        """Read of each change as many of its first far ends as ``counts`` has; return those to evaluate."""
        named = {
            self.vid(urn): None
            async for vid, count in self.budget.in_turns(counts.items())
            for urn in response.records[vid]["ends"][:count]
        }
        missing = [vid for vid in named if vid not in self._known]
        also = await self._batcher.fetch(LevelRequest(vertices=missing or request.vertices, fresh=True))
        response.records.update(also.records)
        return self._unknown(also)

    async def _evaluate_all(self, unknown: list[int], response: LevelResponse) -> None:
        """Evaluate the policy on the vertices in a list that other callers may share, and empty the list."""
        count = 1 if self.row_policy.floors.any else _EVALUATED_AT_ONCE
        while unknown:
            await self.budget.pause()
            part = unknown[-count:]
            del unknown[-count:]
            for vid in part:
                self.row(vid, response)

    def _unknown_of(self, response: LevelResponse) -> list[int]:
        """Return the vertices of a level whose policy is to be evaluated; each caller takes some of them from the list.

        The hundreds of callers that get the same level share the list. If each examined all records, the event loop
        would be held for the product of both numbers.
        """
        if self._level is None or self._level[0] is not response.records:
            self._level = response.records, self._unknown(response)
        return self._level[1]

    def _unknown(self, response: LevelResponse) -> list[int]:
        """Return the vertices of a response without a row, except changes, which depend on further records."""
        return [vid for vid, record in response.records.items() if vid not in self._known and "ends" not in record]

    def vid(self, urn: str) -> int:
        """Return the vertex id of a URN in the tenant of the caller."""
        return vertex_id(self.row_policy.tenant, urn)

    def row(self, vid: int, response: LevelResponse) -> Row | None:
        """Return the row of a vertex.

        None if the response has no record of it, it did not exist at the read time, or the caller may not discover it.
        For a change also None if the caller may discover none of the far ends that it lists, unless it is an own link
        of the caller. A merged dataset has no row unless the caller may discover the one to which it leads. The first
        result for a vertex counts for the rest of the operation, unless :meth:`hide` replaces it.
        """
        if vid not in self._known:
            record = response.records.get(vid)
            hidden = record is not None and self._leads_to_hidden(record, response)
            shown = record is not None and not hidden and self._has_visible_end(record, response)
            row = self._known[vid] = self.row_policy.row(vid, record) if shown and record is not None else None
            if row is None and record is not None and (hidden or not self.row_policy.discovers(vid, record)):
                self._hidden_times[vid] = {key: record[key] for key in _OF_TIMES if key in record}
        return self._known[vid]

    def led_to(self, vid: int, response: LevelResponse) -> int:
        """Return the vertex to which the id of ``vid`` leads at the read time, by the pointers of merged datasets.

        Before its merge, the id of a dataset leads to itself.
        """
        target = target_of(response.records.get(vid))
        while target is not None:
            row = self.row(vid, response)
            if row is not None and not row.deleted:
                return vid
            vid, target = target, target_of(response.records.get(target))
        return vid

    def evaluate(self, vids: Iterable[int], response: LevelResponse) -> None:
        """Evaluate the policy on vertices of a response, for later calls of :meth:`known` and :meth:`hidden_times`."""
        for vid in vids:
            self.row(vid, response)

    def known(self, vid: int) -> Row | None:
        """Return the row that :meth:`row` returns for an evaluated vertex; None for a vertex that was not evaluated."""
        return self._known.get(vid)

    def owner_of(self, asset: Row) -> str | None:
        """Return the owner of an asset as :func:`known_owner` does; its parent counts as hidden until it is evaluated.

        A request that reads the asset group of an asset evaluates its parent.
        """
        return known_owner(asset, self._of_urn)

    def _of_urn(self, urn: str) -> Row | None:
        return self.known(self.vid(urn))

    def hidden_times(self, vid: int) -> Record | None:
        """Return the kind and the times of an asset that the policy hides, only to count the asset.

        Return None if the caller may discover the asset, or if it was not evaluated.
        """
        return self._hidden_times.get(vid)

    def passes(self, vid: int, response: LevelResponse) -> bool:
        """Return whether the caller may traverse a vertex along lineage and it is not deleted."""
        row = self.row(vid, response)
        return is_traversable(row) and not (row is not None and row.deleted)

    def found(self, vids: Sequence[int], response: LevelResponse) -> list[Row]:
        """Return the visible rows of some vertices, in their order."""
        return [row for row in (self.row(vid, response) for vid in vids) if row is not None]

    def hide(self, vid: int) -> None:
        """Treat a vertex as hidden for the rest of the operation."""
        self._known[vid] = None

    def _leads_to_hidden(self, record: Record, response: LevelResponse) -> bool:
        """Return whether the pointer of a merged dataset leads to one that the caller may not discover."""
        target = target_of(record)
        while target is not None:
            found = response.records.get(target)
            if found is None or not self.row_policy.discovers(target, found):
                return True
            target = target_of(found)
        return False

    def _has_visible_end(self, record: Record, response: LevelResponse, count: int = ALL_ENDS) -> bool:
        """Return whether a change is an own link, or the caller may discover one of its ``ends``.

        Only the first ``count`` are examined. True for a record without ``ends``.
        """
        ends = record.get("ends")
        if not ends or is_own_link(record, self.row_policy.author):  # whose ends may not all be read
            return True
        return any(self.row(self.vid(urn), response) is not None for urn in ends[:count])
