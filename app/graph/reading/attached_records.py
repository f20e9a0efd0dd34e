"""Lists of attached records of one kind, such as all changes since an instant.

The index cannot filter them by the policy, because an attached record is visible through its subjects. For a page,
batches are therefore read until enough records are visible.
"""

from dataclasses import dataclass
from typing import Final

from app.graph.reading.level.index_filter import after_position, filter_of
from app.graph.reading.level.index_query import IndexQuery
from app.graph.reading.level.level_batcher import LevelRequest
from app.graph.reading.level.level_statement import EDGE_CAP
from app.graph.reading.rows_by_id import RowsById
from app.graph.reading.subject_hops import hide_unread, shows, to_subjects
from app.graph.reading.visible_rows import ALL_ENDS, FEW_ENDS, VisibleRows
from graphql_schema.catalog.kinds import ATTACHED_KINDS, KIND_OF_SLUG
from graphql_schema.catalog.relations import MAX_PLAN_ROOTS
from graphql_schema.catalog.urn import slug_of
from graphql_schema.ports.conditions import AnyOf, Below, Condition, In, Leaf, SortOrder, matches, nodes, rewrite
from graphql_schema.ports.record import Position, Record
from graphql_schema.ports.relation_query import COUNT_LIMIT, PageRequest
from graphql_schema.ports.row import FeedBatch, PageItem, Row, RowPage
from graphql_schema.rules.change_stamp import MADE_AT, made_at
from policies.blurred_limit import blurred
from policies.errors import LimitError

MAX_SCANNED: Final = 50_000
"""Number of records that are examined to fill one page, or to count its total, before LimitError is raised, blurred."""

MAX_BATCH_SIZE: Final = 2_000
"""Maximal number of records in a batch of a page. The first one has as many as are wanted, if these are fewer."""

BATCH_SIZES: Final = {"ChangePlan": EDGE_CAP // (2 * MAX_PLAN_ROOTS)}
"""Maximal number of records in a batch of a kind with many subjects: all edges of a batch are read in one request."""

_SUBJECT: Final = "subject"
"""Native property of a change with the id of what changed."""

_OLDEST_FIRST: Final = SortOrder("createdAt")
_NEWEST_FIRST: Final = SortOrder("createdAt", descending=True)


@dataclass(frozen=True, slots=True)
class _List:
    """The records of a kind that meet a condition, in an order."""

    kind: str
    where: Condition
    order: SortOrder


@dataclass(frozen=True, slots=True)
class _ReadBatch:
    """One batch: ``examined`` records were read, of which ``items`` are visible and have a date within the condition.

    ``last`` is the position of the last record read, None if there is none. ``subjects`` are the visible subjects of
    all records read.
    """

    items: list[PageItem]
    last: Position | None
    examined: int
    subjects: list[Row]


class AttachedRecords:
    """Pages and batches of attached records, for one operation.

    Most queries for attached records also select their subjects, so these are remembered in ``subjects``.
    """

    def __init__(self, rows: VisibleRows, subjects: RowsById) -> None:
        self._rows = rows
        self._subjects = subjects

    async def page(self, kind: str, where: Condition, page: PageRequest, *, newest_first: bool) -> RowPage:
        """Return a page of the visible records of a kind that meet ``where``.

        They are in the order of creation, reversed if ``newest_first`` is set. The index lists Change, ChangePlan,
        Incident, Ingestion and ThinEvent; a page of another kind of attached record is empty.

        The total is None if it is not requested or above COUNT_LIMIT.
        Raises LimitError if :data:`MAX_SCANNED` records were examined before the page was full or the total counted. A
        page ``in_parts`` ends there instead, and has ``has_next``. It also ends at half of what the operation may read.
        Raises ValueError if ``kind`` is no kind of attached record, and the errors of :func:`filter_of`.
        """
        if kind not in ATTACHED_KINDS:
            raise ValueError(f"{kind} is not a kind of attached record")
        shown = await self._about_shown_subjects(kind, where)
        records = _List(kind, shown, _NEWEST_FIRST if newest_first else _OLDEST_FIRST)
        total = None
        if page.total:
            counted, has_more = await self._scan(records, None, COUNT_LIMIT)
            total = None if has_more else len(counted)
        size = COUNT_LIMIT if page.first is None else page.first
        items, has_next = await self._scan(records, page.after, size, in_parts=page.in_parts)
        return RowPage(tuple(items), has_next, total)

    async def next_batch(
        self, kind: str, where: Condition, after: Position, size: int, *, few_ends: bool = False
    ) -> FeedBatch:
        """Return the visible ones of the next ``size`` records of a kind after a position, oldest first.

        The ``size`` records are those that the index finds for ``where``. Records whose own date does not meet the
        condition are left out of the result. With ``few_ends``, a change is hidden if the caller may discover none of
        its first FEW_ENDS far ends, unless it is an own link of the caller.
        """
        shown = await self._about_shown_subjects(kind, where)
        batch = await self._read(_List(kind, shown, _OLDEST_FIRST), after, size, FEW_ENDS if few_ends else ALL_ENDS)
        return FeedBatch(tuple(batch.items), batch.last, tuple(batch.subjects))

    async def _about_shown_subjects(self, kind: str, where: Condition) -> Condition:
        """Return the condition without the subjects that do not show the caller records of a kind.

        The records of a hidden subject are then not read, as if the subject were absent. A condition that names no
        subjects is returned unchanged, without a request.
        """
        named = [
            str(urn) for leaf in nodes(where) if isinstance(leaf, In) and leaf.key == _SUBJECT for urn in leaf.values
        ]
        if not named:
            return where
        urns = [urn for urn in dict.fromkeys(named) if _may_be_subject(urn)]
        found = await self._subjects.many(urns, named=True)
        pairs = zip(urns, found, strict=True)
        in_turns = self._rows.budget.in_turns
        shown = {urn async for urn, row in in_turns(pairs) if row is not None and shows(row, kind)}

        def narrowed(leaf: Leaf) -> Condition:
            if isinstance(leaf, In) and leaf.key == _SUBJECT:
                return In(_SUBJECT, tuple(urn for urn in leaf.values if urn in shown))
            return leaf

        return rewrite(where, narrowed)

    async def _scan(
        self, records: _List, after: Position | None, first: int, *, in_parts: bool = False
    ) -> tuple[list[PageItem], bool]:
        """Return the ``first`` visible records after a position, and whether there may be more of them.

        Raises LimitError if MAX_SCANNED records were examined before. With ``in_parts``, what was found is returned
        instead, also if half of what the operation may read is read.
        """
        items: list[PageItem] = []
        limit, max_scanned = BATCH_SIZES.get(records.kind, MAX_BATCH_SIZE), blurred(MAX_SCANNED)
        examined, size = 0, min(first + 1, limit)
        while True:
            batch = await self._read(records, after, size, continues=examined > 0)
            items += batch.items
            examined += batch.examined
            if len(items) > first or batch.examined < size:
                return items[:first], len(items) > first
            if in_parts and (examined >= max_scanned or self._rows.budget.is_half_read):
                return items, True
            if examined >= max_scanned:
                raise LimitError(
                    f"{MAX_SCANNED} records were examined, too few of them visible to you to fill the page or to count "
                    "the total; narrow the filter.",
                    limit=MAX_SCANNED,
                )
            after, size = batch.last, min(max(size * 2, 100), limit)

    async def _read(
        self, records: _List, after: Position | None, size: int, ends: int = ALL_ENDS, *, continues: bool = False
    ) -> _ReadBatch:
        beyond = () if after is None else (after_position(records.order, after),)
        where = filter_of(In("kind", (ATTACHED_KINDS[records.kind].code,)), _by_order(records.where), *beyond)
        query = IndexQuery(where, size, records.order)
        hops = to_subjects(records.kind, listing=0)
        request = LevelRequest(hops=hops.wire(()), listings=[query.wire()], continues=continues)
        response = await self._rows.fetch(request, ends=ends if records.kind == "Change" else 0)
        vids = response.listings[0]["x"]
        subjects = await hide_unread(self._rows, hops, vids, response)
        async for subject in self._rows.budget.in_turns(subjects):
            self._subjects.remember(subject)
        await self._rows.budget.pause()
        rows = self._rows.found(vids, response)
        last = response.records[vids[-1]] if vids else None
        dated = (row for row in rows if _is_dated_within(row.record, records.where))
        items = [PageItem(row, (row.record["createdAt"], row.urn)) for row in dated]
        return _ReadBatch(items, None if last is None else (last["createdAt"], last["id"]), len(vids), subjects)


def _may_be_subject(urn: str) -> bool:
    """Return whether a text begins like the URN of a thing that attached records can be about."""
    kind = KIND_OF_SLUG.get(slug_of(urn))
    return kind is not None and not kind.shown_by


def _by_order(where: Condition) -> Condition:
    """Return a wider condition for the index: every record whose date meets ``where`` meets it.

    A date that differs from ``createdAt`` is earlier, and is stored as the native property ``begins``.
    """

    def earlier(leaf: Leaf) -> Condition:
        if isinstance(leaf, Below) and leaf.key == "createdAt":
            return AnyOf((leaf, Below("begins", leaf.bound)))
        return leaf

    return rewrite(where, earlier, lambda leaf: leaf)


def _is_dated_within(record: Record, where: Condition) -> bool:
    """Return whether a record from the index meets a condition with its own date, if it has one, as ``createdAt``."""
    return MADE_AT not in record or matches(where, {**record, "createdAt": made_at(record)}.get)
