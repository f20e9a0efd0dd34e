"""Sends the requests of all loaders of one operation as one request for each query level.

While a request is in flight, new requests wait. After its response the batcher lets the event loop run until no further
request arrives, then sends all of them as one. So the number of requests to the store grows with the longest chain of
dependent requests, not with the width of the query. A level with very many listings or named vertices is sent in parts.
If several requests with hops together reach the edge cap, or several requests together are too large, they are sent
again one by one.
"""

import asyncio
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Final

from app.fair_queue import PROCESS
from app.graph.cache.graph_cache import GraphCache
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.reading.level.cached_level import CachedLevel
from app.graph.reading.level.continued_level import ContinuedLevel
from app.graph.reading.level.hop_plan import Adjacency, add_edges
from app.graph.reading.level.index_query import filter_size_of, substrings_of
from app.graph.reading.level.level_parts import LevelContent, LevelParts
from app.graph.reading.level.level_statement import EDGE_CAP, LEVEL, MEMORY, RECORDS_CAP, VISITED_CAP
from app.graph.records.read_time import ReadTime
from app.graph.records.record_text import LEAST_BYTES, parts_of, record_of
from app.graph.records.vertex_id import vertex_id
from graphql_schema.execution.failed_frames import forget_frames
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import Json, JsonObject, Record
from policies.blurred_limit import blurred
from policies.errors import LimitError

QUIET_TICKS: Final = 12
"""Iterations of the event loop without a new request that complete a level.

Resolvers need fewer to descend one level.
"""

LISTINGS_AT_ONCE: Final = 100
"""Maximal number of listings that requests of several loaders have together: the store does not interrupt a request."""

FILTERS_AT_ONCE: Final = 4 * 1024 * 1024
"""Maximal size of the filters of the listings in one request, as :func:`filter_size_of` measures it.

Quotation marks of this size are encoded in 20 ms.
"""

VERTICES_AT_ONCE: Final = 10_000
"""Maximal number of vertices that requests of several loaders name together, found or not."""


class LargeLevelError(LimitError):
    """The edges of a level, or one of its records, have too many bytes."""

    def __init__(self) -> None:
        super().__init__(
            f"One level of the query reads edges or a record of more than {RECORDS_CAP} bytes; request fewer "
            "parents or smaller pages.",
            limit="stored",
            maximum=RECORDS_CAP,
        )


@dataclass(frozen=True, slots=True)
class LevelRequest:
    """The part of a level that one loader needs, in the form of :mod:`app.graph.reading.level.level_statement`.

    With ``fresh`` all of it is requested from the store, even if it is cached or empty. The work then does not disclose
    what is cached. With ``continues`` the listings go on with earlier ones, because rows were hidden, or to read a list
    in parts. They are not counted again: the count would disclose how many rows are hidden.

    A request with ``refused_from`` is refused if its edges and records have as many bytes. The records of others are
    read in parts.
    """

    vertices: Sequence[int] = ()
    hops: Sequence[JsonObject] = ()
    listings: Sequence[JsonObject] = ()
    fresh: bool = False
    continues: bool = False
    refused_from: int = 0


@dataclass(frozen=True, slots=True)
class LevelResponse:
    """Response to one request of a loader.

    ``edges`` has the edges of each hop, ``listings`` the result of each listing. ``records`` has the records of the
    complete level by vertex id, and ``weights`` is that of :class:`LevelContent`, shared by all responses to the level.
    ``sent`` states whether a request was sent for the level. Each edge, record and result of a listing is shared with
    other operations: do not change it.
    """

    edges: list[Adjacency]
    records: dict[int, Record]
    listings: list[JsonObject]
    sent: bool = True
    weights: dict[int, int] = field(default_factory=dict)


Waiting = tuple[LevelRequest, asyncio.Future[LevelResponse]]
"""A request, and the future that gets its response."""


@dataclass(slots=True)
class LevelBatcher:
    """Batches the requests of one reader; the window of ``instant`` bounds the edges unless a hop has its own.

    Edges and records count as rows of ``budget``. Once ``budget`` has ended the operation, no further request is sent.
    Reads of the present use ``cache``, unless it is None; reads of the past do not. A mutation does not use it: what is
    read after a write to a hidden asset must take as much work as after one to an absent asset. The requests take slots
    of ``caller``.
    """

    client: GremlinClient
    tenant: str
    instant: ReadTime
    budget: OperationBudget = field(default_factory=OperationBudget)
    cache: GraphCache | None = None
    caller: Hashable = PROCESS
    _waiting: list[Waiting] = field(default_factory=list)
    _received: int = 0
    _driver: asyncio.Task[None] | None = None
    _sending: asyncio.Task[None] | None = None
    _former: list[object] = field(default_factory=list)
    """The responses of the last level."""
    _is_abandoned: bool = False

    def abandon(self) -> None:
        """Send nothing more, and count no rows of the request in flight. Requests that wait are cancelled.

        The request in flight is not cancelled: the store works on it in any case, and its slots are held until its end.
        """
        self._is_abandoned = True
        if self._driver is not None:
            self._driver.cancel()
            self._driver = None  # its error refers to its frame, and that to this object
        for _, future in self._waiting:
            future.cancel()
        self._waiting.clear()

    async def fetch(self, request: LevelRequest) -> LevelResponse:
        """Return the response to a request.

        Raises the errors of the driver, or the error that ended the operation. Raises LimitError if the request alone
        reaches EDGE_CAP, where vertices on chains of inferred edges count as edges. Raises LimitError too if the edges
        of the request alone, or one of its records, exceed RECORDS_CAP, or if its edges and records together reach its
        ``refused_from``. The caps are blurred. :meth:`abandon` cancels this call, and each later one.
        """
        if self._is_abandoned:
            raise asyncio.CancelledError
        self.budget.check()
        future: asyncio.Future[LevelResponse] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        self._received += 1
        if self._driver is None or self._driver.done():
            self._driver = asyncio.create_task(self._drive())
        try:
            return await future
        finally:
            del future  # it has the error, whose traceback has this frame: who catches it would leave a cycle

    async def _drive(self) -> None:
        """Send one level after the other until no request waits.

        The responses of a level are kept until their readers request the next level, and are then freed in turns. A
        reader that kept them longer would free a hundred thousand edges in one callback.
        """
        while self._waiting:
            await self._wait_until_quiet()
            former, self._former = self._former, []
            self.budget.free(former)
            level, self._waiting = self._waiting, []
            self._sending = sending = asyncio.create_task(self._send(level))
            try:
                await asyncio.wait([sending])
            except asyncio.CancelledError:
                sending.add_done_callback(self._forget)
                for _, future in level:
                    future.cancel()
                raise
            self._sending = None
            error = sending.exception()
            forget_frames(error)
            if error is not None:
                _fail(level, error)
            await asyncio.sleep(0)
            self._former = [future.result() for _, future in level if _has_result(future)]

    async def _wait_until_quiet(self) -> None:
        """Return when QUIET_TICKS iterations of the event loop in a row had no new request.

        An iteration does not count as quiet while a task of the operation has paused to let other operations run.
        """
        quiet, received = 0, self._received
        while quiet < QUIET_TICKS:
            await asyncio.sleep(0)
            is_quiet = received == self._received and not self.budget.paused
            quiet, received = (quiet + 1, received) if is_quiet else (0, self._received)

    async def _send(self, level: list[Waiting]) -> None:
        """Count the listings of a level, then read its requests as one, or in parts if they have too many listings."""
        self.budget.reads_index |= any(request.listings for request, _ in level)
        self.budget.count_listings(sum(len(request.listings) for request, _ in level if not request.continues))
        sizes = [await self._count_filters(request) for request, _ in level]
        for part in _parts(level, sizes):
            await self._send_as_one(part)

    async def _count_filters(self, request: LevelRequest) -> int:
        """Return the size of the filters of a request; count them, unless it continues earlier ones."""
        size = 0
        async for listing in self.budget.in_turns(request.listings):
            size += (further := filter_size_of(listing))
            if not request.continues:
                self.budget.count_filters(further)
                self.budget.count_substrings(substrings_of(listing))
        return size

    async def _send_as_one(self, level: list[Waiting]) -> None:
        """Read some requests as one; if they are refused together, read each by itself."""
        parts, window = LevelParts(cap=blurred(EDGE_CAP)), self.instant.window
        async for request, _ in self.budget.in_turns(level):
            hops = [{**window, **hop} for hop in request.hops]
            parts.add(request.vertices, hops, request.listings, fresh=request.fresh)
        self._check()
        refusal: LimitError | None
        try:
            bounds = [request.refused_from for request, _ in level if request.refused_from]
            content = await self._read(parts, refused_from=min(bounds, default=0))
        except LargeLevelError as error:
            content, refusal, refused = LevelContent([], {}, [], 0), error, level
        else:
            refusal = _too_many() if content.over else None
            refused = [(request, future) for request, future in level if refusal is not None and request.hops]
        if len(refused) > 1:
            forget_frames(refusal)  # it has this frame, which has the requests, and no caller gets it
            for each in level:  # the combined request exceeds a cap: send each alone, so that one cannot fail others
                await self._send_as_one([each])
        else:
            if refusal is not None:
                _fail(refused, refusal)
            self._deliver(level, content)

    async def _read(self, parts: LevelParts, *, refused_from: int) -> LevelContent:
        """Return the content of a level; read what the cache lacks, or everything, from the store."""
        submit = partial(self._submit, cap=parts.cap, refused_from=refused_from)
        if self.cache is not None and not self.instant.past and not self.budget.writes:
            content = await CachedLevel(self.cache, self.tenant, parts, self.budget).read(submit)
            if content is not None:
                self.budget.count_rows(content.count)
                return content
        found = await submit({"points": sorted(parts.vertices), "hops": parts.hops, "listings": parts.listings})
        count = len(found["v"]) + sum(len(edges) // 3 for edges in found["e"])
        self.budget.count_rows(count)
        content = LevelContent([], {}, found["l"], count, over=found["over"])
        for part, weights in parts_of(found["v"]):
            async for text, weight in self.budget.in_turns(zip(found["v"][part], weights, strict=True)):
                record = record_of(text)
                vid = vertex_id(self.tenant, record["id"])
                content.records[vid], content.weights[vid] = record, weight
        content.edges += [await self._parsed(rows) for rows in found["e"]]
        return content

    async def _submit(self, bindings: JsonObject, *, cap: int, refused_from: int) -> JsonObject:
        """Return the response of the store to the bindings of the level text, without those of the batcher.

        If edges and records have more than a quarter of RECORDS_CAP, edges and listings are read first, and the
        records in parts. To decode a response holds the event loop, 10 ms for each 4 MiB with a wide character in each
        text. With ``refused_from`` everything is read at once, or refused.
        Raises LargeLevelError if the edges alone, or one of the records, are too large, or if edges and records have
        ``refused_from`` bytes.

        Before the response is returned, the transactions of other processes that it may show are learned, because these
        may have sensitivity floors.
        """
        bindings = {**bindings, "cap": cap}
        found = await self._request(bindings, size=refused_from or RECORDS_CAP // 4)
        if found is None:
            found = None if refused_from else await self._request(bindings, size=blurred(RECORDS_CAP), full=False)
            if found is None:
                raise LargeLevelError
            found["v"] = await self._records(found["w"])
        return found

    async def _records(self, vids: Sequence[int]) -> list[str]:
        """Return the records of vertices as texts, read in halves if they have more than a quarter of RECORDS_CAP."""
        size = RECORDS_CAP if len(vids) == 1 else RECORDS_CAP // 4
        found = await self._request({"points": vids, "hops": [], "listings": []}, size=size)
        if found is not None:
            texts: list[str] = found["v"]
            return texts
        if len(vids) == 1:
            raise LargeLevelError
        half = len(vids) // 2
        return [*await self._records(vids[:half]), *await self._records(vids[half:])]

    async def _request(self, bindings: JsonObject, *, size: int, full: bool = True) -> JsonObject | None:
        """Return the response to bindings, None if the records of its edges and vertices have ``size`` bytes.

        If many edges must be passed, or have many bytes, further requests continue the first one, each in its turn
        among those of all callers. With ``full`` false the vertices have no records.
        """
        level = ContinuedLevel({"cap": EDGE_CAP, **bindings, "size": size})
        while True:
            found = await self._request_part({**level.bindings, "full": full})
            if found["large"]:
                return None
            complete = level.add(found)
            if complete is not None:
                return complete

    async def _request_part(self, bindings: JsonObject) -> JsonObject:
        """Return the response to one request."""
        order = self.client.write_order
        limits = {"visited": VISITED_CAP, "memory": blurred(MEMORY), "portion": RECORDS_CAP // 4}
        common = {**limits, "tenant": self.tenant, "head": order.head if order else 0}
        found: JsonObject
        with self.budget.request():
            (found,) = await self.client.submit(LEVEL, {**bindings, **common}, check=self._check, caller=self.caller)
        self._check()
        if order is not None:
            await order.learn_to(found["h"])
        texts = [*chain(found["v"], *(rows[2::3] for rows in found["e"]))]
        for part, weights in parts_of(texts):
            self.budget.count_stored(max(sum(weights), LEAST_BYTES * sum(map(len, texts[part]))))
            await self.budget.pause()
        return found

    def _check(self) -> None:
        """Raise the error that ended the operation, or CancelledError if it was abandoned."""
        if self._is_abandoned:
            raise asyncio.CancelledError
        self.budget.check()

    async def _parsed(self, rows: Sequence[Json]) -> Adjacency:
        """Return the edges of the flat rows of a hop."""
        found: Adjacency = {}
        for part, _ in parts_of(rows[2::3]):
            add_edges(found, rows[3 * part.start : 3 * part.stop])
            await self.budget.pause()
        return found

    def _forget(self, sending: asyncio.Task[None]) -> None:
        """Take the error of an abandoned request, which asyncio would log."""
        self._sending = None
        if not sending.cancelled():
            forget_frames(sending.exception())

    @staticmethod
    def _deliver(level: list[Waiting], content: LevelContent) -> None:
        """Set the result of each request that was not refused."""
        hop = listing = 0
        for request, future in level:
            edges = content.edges[hop : hop + len(request.hops)]
            listings = content.listings[listing : listing + len(request.listings)]
            hop, listing = hop + len(request.hops), listing + len(request.listings)
            if not future.done():
                response = LevelResponse(edges, content.records, listings, content.sent, content.weights)
                future.set_result(response)


def _has_result(future: asyncio.Future[LevelResponse]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _fail(level: list[Waiting], error: BaseException) -> None:
    for _, future in level:
        if not future.done():
            future.set_exception(error)


def _parts(level: list[Waiting], sizes: Sequence[int]) -> Iterator[list[Waiting]]:
    """Yield the requests of a level, as many at once as may have their listings, filters and vertices, or a single one.

    ``sizes`` are those of the filters of each request.
    """
    part: list[Waiting] = []
    listings = size = vertices = 0
    for each, further in zip(level, sizes, strict=True):
        count, named = len(each[0].listings), len(each[0].vertices)
        is_full = count and (listings + count > LISTINGS_AT_ONCE or size + further > FILTERS_AT_ONCE)
        if part and (is_full or (named and vertices + named > VERTICES_AT_ONCE)):
            yield part
            part, listings, size, vertices = [], 0, 0, 0
        part.append(each)
        listings += count
        size += further
        vertices += named
    yield part


def _too_many() -> LimitError:
    """Return the error for a level with too many edges."""
    return LimitError(
        f"One level of the query reads {EDGE_CAP} edges or more, with vertices on chains of inferred edges counted as "
        "edges; request fewer parents or smaller pages.",
        limit=EDGE_CAP,
    )
