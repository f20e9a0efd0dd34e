"""What one operation may use while it runs, and its pauses.

The cost of an operation is estimated before (:mod:`graphql_schema.operation.cost`); this is what it really uses. Long
work pauses in turns of the event loop (:mod:`graphql_schema.ports.turns.loop_turns`), and lets the others run.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeVar

from graphql_schema.ports.turns.gradual_release import RELEASE
from graphql_schema.ports.turns.loop_turns import TURNS
from graphql_schema.ports.turns.operation_end import OperationEnd
from policies.blurred_limit import blurred
from policies.errors import CodedError, LimitError

ItemT = TypeVar("ItemT")

_LESS: Final = "Use a smaller `first`, select less, or split the operation into several requests."
_FEWER_SUBSTRINGS: Final = (
    "A `contains` is one, and so are a few words of a search text, or a few `prefix` or ranges of texts in a filter: "
    "they are compared with all values in the index. Use `search`, `eq` or `in`, fewer words, or several requests."
)
_FEWER_LISTS: Final = (
    "Each object has such lists of its own. Use a smaller `first` above, fewer or shorter filters, or several requests."
)
_PATHS: Final = "Many objects lead to the same list. Leave out its `totalCount`, and use a smaller `first` or filters."
_WRITTEN: Final = "Earlier writes of the mutation remain. Select less of its result."
_ADVICE: Final = {"listings": _FEWER_LISTS, "filters": _FEWER_LISTS, "paths": _PATHS, "substrings": _FEWER_SUBSTRINGS}
"""What to do about an exceeded limit of a query, by its name; ``_LESS`` for the others."""
_NOT_SHOWN: Final = frozenset({"rows", "paths", "stored", "filters"})
"""Limits for which hidden rows, or conditions of the policy, count: blurred, and without the number in their error."""

MANY_ROWS: Final = 2_000
"""Number of edges and records read by an operation beyond which they are freed in turns, not at once."""

MANY_BYTES: Final = 4 * 1024 * 1024
"""The same for what they take in memory by estimate: few records can have a million values."""

MANY_VALUES: Final = 50_000
"""The same for the values of a response, each of which may be an object."""

MANY_ITEMS: Final = 20_000
"""The same for the elements of lists, each of which may be a record of its own."""


@dataclass(frozen=True, slots=True)
class UsageLimits:
    """Limits of one operation.

    - ``items``: elements of all lists in the response.
    - ``values``: values in the response: the fields of all objects but the root, also those that are null or a list.
    - ``characters``: characters of all texts in the response, and of the keys of these values.
    - ``rows``: edges and records that are read from the store or the cache.
    - ``paths``: those of lists over several relations (:mod:`app.graph.reading.relation_items`).
    - ``stored``: bytes of memory, by estimate, of the edges and records read from the store, selected or not, and of
      searches while they run.
    - ``listings``: lists that are read from the index of the store. A nested list counts for each object above it.
    - ``filters``: the size of the filters of these lists: characters, and 80 for each value. The conditions of the
      policy count, and a total has its filter once more.
    - ``substrings``: what the store compares with all values of a property: a `contains`, or PATTERNS_OF_SUBSTRING
      words of a search, or as many prefixes and ranges of texts in one filter. Each counts as often as the filter is
      read, as for each object above, and once for a total.
    - ``errors``: fields that are null because of an error. All errors are sorted by path before a few are shown.
    """

    items: int = 100_000
    values: int = 500_000
    characters: int = 8 * 1024 * 1024
    rows: int = 400_000
    paths: int = 1_000_000
    stored: int = 320 * 1024 * 1024
    listings: int = 1_500
    filters: int = 128 * 1024 * 1024
    substrings: int = 20
    errors: int = 1_000


EVENT_LIMITS: Final = UsageLimits(items=10_000, values=50_000, characters=1024 * 1024)
"""Limits of one event of a subscription: each of a caller's hundred may have one that its client has not taken yet."""


class MemoryAccount(Protocol):
    """What an operation is charged of the memory that the operations of a process share."""

    def charge(self, size: int, *, writes: bool) -> CodedError | None:
        """Charge bytes to a query, or to a mutation that ``writes``; return the error that is to end it, if any."""

    def release(self, size: int) -> None:
        """Charge bytes no longer, which were charged before."""

    def clear(self) -> None:
        """Charge nothing any more for what was read so far."""

    def close(self) -> None:
        """Charge nothing from now on, because the operation has ended."""

    def further(self) -> "MemoryAccount":
        """Return another account of the same caller, with nothing charged."""


@dataclass(slots=True, weakref_slot=True, eq=False)
class OperationBudget(OperationEnd):
    """Use of the limits by one operation.

    An operation ends by a limit, by its deadline, or when its client leaves. From then on it resolves no list, sends no
    request to read and begins no transaction: these raise what ended it. A transaction in flight is completed.
    """

    limits: UsageLimits = UsageLimits()
    items: int = 0
    foreseen: int = 0
    """Number of elements of lists that resolvers have made, and which count as items when they are completed."""
    values: int = 0
    characters: int = 0
    rows: int = 0
    paths: int = 0
    stored: int = 0
    listings: int = 0
    filters: int = 0
    substrings: int = 0
    errors: int = 0
    pauses: int = 0
    """Number of pauses so far; of the tasks that wait, those whose operation has had the fewest continue first."""
    continued: int = 0
    """Place, in the order of all waits, at which one of its tasks continued last; 0 before its first pause."""
    paused: int = 0
    """Number of its tasks that wait for a turn; a query level is not sent before it is 0."""
    reads_index: bool = False
    """Whether the operation has read the index of the store, such as for a list of assets."""
    _requests: int = 0
    """Number of its requests that the store works on; they end at their response, also if the client has left."""
    _calls: list[Callable[[], object]] = field(default_factory=list)
    memory: MemoryAccount | None = None
    """What it is charged for ``stored``; None for work of the process, and for events that subscriptions share."""
    operation: tuple[str, str | None] | None = None
    """Type and name of the operation, such as ``("query", "Page")``; None before its execution."""
    slots: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    """By field, the slots of the calls that its resolvers make at once."""
    cuts: set[str] = field(default_factory=set)
    """Names of the limits of the server that ended lineage queries of the operation, such as TIME."""
    is_partial: bool = False
    """Whether something in its lineage is hidden, and this is disclosed."""
    _response: MemoryAccount | None = None
    """What the operation is charged for its response, until that is sent."""
    _blurred: dict[str, int] = field(default_factory=dict)
    """The blurred limits that were drawn, by name."""
    _is_exceeded: bool = False
    """Whether one of its own limits ended the operation."""

    def renew(self) -> None:
        """Reset what was used and paused, for the next event; an operation that has ended stays so."""
        self.items = self.foreseen = self.values = self.characters = self.errors = 0
        self.rows = self.paths = self.stored = self.listings = self.filters = self.substrings = self.pauses = 0
        self.reads_index = self.is_partial = False
        self.cuts, self._blurred = set(), {}
        if self.memory is not None:
            self.memory.clear()

    def close(self) -> None:
        """Charge no memory any more, because the operation has ended, and what it has read is discarded."""
        if self.memory is not None:
            self.memory.close()

    def count_response(self, size: int) -> None:
        """Charge bytes of the response until :meth:`response_sent`; raise the error that takes its place, if any."""
        if self._response is None and self.memory is not None:
            self._response = self.memory.further()
        error = None if self._response is None else self._response.charge(size, writes=self.writes)
        if error is not None:
            raise error

    def response_sent(self) -> None:
        """Charge no bytes of the response any more."""
        if self._response is not None:
            self._response.close()

    def restart(self) -> None:
        """Reset what :meth:`renew` resets, for an operation that is executed again from the beginning.

        If `cancel_with` has set a function, an operation that has ended stays so. Unless it is a mutation, the
        function is called again, because the first execution may have consumed the cancellation. Without a function,
        an end by one of the operation's own limits is undone, and any other end remains.
        """
        self.renew()
        if self._cancel is None:
            self._end = None if self._is_exceeded else self._end
        elif self._end is not None and not self.writes:
            self._cancel()
        self._is_exceeded = False

    @property
    def has_read_much(self) -> bool:
        """Whether what the operation has read, and made of it, should be freed in turns, not at once."""
        are_many = self.values > MANY_VALUES or self.items + self.foreseen > MANY_ITEMS
        return are_many or self.rows > MANY_ROWS or self.stored > MANY_BYTES

    def free(self, discarded: list[object]) -> None:
        """Free what the operation no longer needs; in turns of the event loop, if it has read much."""
        if discarded and self.has_read_much:
            RELEASE.free(discarded)

    @property
    def is_half_read(self) -> bool:
        """Whether the operation has read more than half of the rows that it may read, or of their memory."""
        return self._has_read(2)

    @property
    def is_quarter_read(self) -> bool:
        """Whether it has read more than a quarter of them."""
        return self._has_read(4)

    def _has_read(self, part: int) -> bool:
        return part * self.rows > self._maximum("rows") or part * self.stored > self._maximum("stored")

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count a request to the store as under way while the body runs."""
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1
            if not self._requests:
                ended, self._calls = self._calls, []
                for call in ended:
                    call()

    def after_requests(self, call: Callable[[], object]) -> None:
        """Call a function when no request to the store is under way: now, or at the end of the last one."""
        if self._requests:
            self._calls.append(call)
        else:
            call()

    def count_items(self, count: int) -> None:
        """Count elements of a list; end the operation if there are too many; raise the error that ended it, if any.

        As many are foreseen no longer, also if those were of another list.
        """
        self.foreseen = max(0, self.foreseen - count)
        self._count("items", count)
        self.check()

    def foresee_items(self, count: int) -> None:
        """Add elements that :meth:`count_items` will count; end the operation, and raise, if they will be too many."""
        self.foreseen += count
        if self.items + self.foreseen > self.limits.items:
            self._exceed("items", self.items + self.foreseen, self.limits.items)

    def count_values(self, count: int) -> None:
        """Count values; if there are too many, end the operation and raise the error that ended it."""
        self._count("values", count)

    def count_characters(self, count: int) -> None:
        """Count characters of texts or keys; if there are too many, end the operation and raise what ended it."""
        self._count("characters", count)

    def count_rows(self, count: int) -> None:
        """Count edges and records read; if there are too many, end the operation and raise the error that ended it."""
        self._count("rows", count)

    def count_paths(self, count: int) -> None:
        """Count paths of lists; if there are too many, end the operation and raise the error that ended it."""
        self._count("paths", count)

    def count_stored(self, count: int) -> None:
        """Count bytes of what is read from the store; if too many, end the operation and raise what ended it.

        They may be too many for this operation, or for all those that run (:class:`MemoryAccount`).
        """
        self._count("stored", count)
        error = None if self.memory is None else self.memory.charge(count, writes=self.writes)
        if error is not None:
            self.end(error)
            self.check()

    @contextmanager
    def holding(self) -> Iterator[Callable[[int], None]]:
        """Yield a function that is given how many bytes of memory the work in this context has by now.

        They count until the end of the work, as in :meth:`count_stored`, which raises what ends the operation.
        """
        held, has_ended = 0, False

        def hold(size: int) -> None:
            nonlocal held
            if has_ended:
                return  # a part of the work that was left behind: nothing would release it
            if size > held:
                self.count_stored(size - held)
            else:
                self.release(held - size)
            held = size

        try:
            yield hold
        finally:
            has_ended = True
            self.release(held)

    @asynccontextmanager
    async def slot(self, name: str, at_once: int) -> AsyncIterator[Callable[[int], None]]:
        """Wait until fewer than ``at_once`` pieces of work with this name run in the operation.

        Aliases share what they read, but each makes something of its own from it. So few do at once, and what they have
        counts: the function is that of :meth:`holding`. Work must not wait for other work with its name.
        """
        async with self.slots.setdefault(name, asyncio.Semaphore(at_once)):
            with self.holding() as hold:
                yield hold

    def count_listings(self, count: int) -> None:
        """Count lists from the index; if there are too many, end the operation and raise the error that ended it."""
        self._count("listings", count)

    def count_filters(self, size: int) -> None:
        """Count the size of filters; if it is too large, end the operation and raise the error that ended it."""
        self._count("filters", size)

    def count_substrings(self, count: int) -> None:
        """Count substrings to search for; if there are too many, end the operation and raise what ended it."""
        self._count("substrings", count)

    def count_errors(self, count: int) -> None:
        """Count errors of fields; if there are too many, end the operation and raise the error that ended it."""
        self._count("errors", count)

    async def pause(self) -> None:
        """Let other tasks run if this turn is over, then raise the error that ended the operation, if it has ended."""
        if not TURNS.is_over():
            return
        self.pauses += 1
        with self.reading_on():
            await TURNS.wait(self)
        self.check()

    @contextmanager
    def reading_on(self) -> Iterator[None]:
        """Let requests of the operation wait for those that follow the work in this context, as if it paused.

        For work in the side thread: without this, what others of the level read next is sent before it has ended.
        """
        self.paused += 1
        try:
            yield
        finally:
            self.paused -= 1

    async def in_turns(self, items: Iterable[ItemT]) -> AsyncIterator[ItemT]:
        """Yield the items, with a pause before each at which the turn is over; raises as :meth:`pause`."""
        for item in items:
            if TURNS.is_over():
                await self.pause()
            yield item

    def release(self, size: int) -> None:
        """Count bytes no longer; fewer, if the operation was renewed meanwhile."""
        self.stored = max(0, self.stored - size)
        if self.memory is not None:
            self.memory.release(size)

    def _count(self, limit: str, count: int) -> None:
        setattr(self, limit, counted := getattr(self, limit) + count)
        if counted > self._maximum(limit):
            self._exceed(limit, counted, getattr(self.limits, limit))

    def _maximum(self, limit: str) -> int:
        """Return a limit; in each operation another one, always the same, if it is blurred."""
        maximum: int = getattr(self.limits, limit)
        if limit in _NOT_SHOWN and limit not in self._blurred:
            self._blurred[limit] = blurred(maximum)
        return self._blurred.get(limit, maximum)

    def _exceed(self, limit: str, actual: int, maximum: int) -> None:
        self._is_exceeded = self._end is None
        is_shown = limit not in _NOT_SHOWN
        reached = f"{actual} {limit}" if is_shown else f"its limit of `{limit}`"
        advice = _WRITTEN if self.writes else _ADVICE.get(limit, _LESS)
        error = LimitError(f"The operation reached {reached}; the limit is {maximum}. {advice}", limit=limit)
        error.extensions |= {"actual": actual, "maximum": maximum} if is_shown else {"maximum": maximum}
        self.end(error)
        self.check()
