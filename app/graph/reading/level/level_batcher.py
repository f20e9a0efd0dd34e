"""One request per level: what the loaders of one operation ask for travels together.

While a request is on its way, new questions wait; when it has come back, the coalescer lets the operation settle until
nothing more is asked, then sends everything as one request. So the number of requests is the length of the longest
chain of questions, however wide the query and however uneven the answers.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.reading.level.level_statement import EDGE_CAP, LEVEL
from app.graph.records.read_time import ReadTime
from app.graph.records.vertex_id import vertex_id
from policies.errors import LimitError

IDLE_TICKS: Final = 12
"""Turns of the event loop without a new question that complete a level: more than resolvers need to go down."""

GIVEN: Final = -1
"""Of a hop that names its sources itself."""


@dataclass(frozen=True, slots=True)
class LevelRequest:
    """What a loader needs of one level, in the form of :mod:`app.graph.reading.level.level_statement`."""

    points: Sequence[int] = ()
    hops: Sequence[dict[str, Any]] = ()
    listings: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class LevelResponse:
    """Edges ``[source, far, edge record, …]`` per hop, records by vertex id, and what each listing found."""

    edges: list[list[Any]]
    records: dict[int, dict[str, Any]]
    listings: list[dict[str, Any]]


Waiting = tuple[LevelRequest, asyncio.Future[LevelResponse]]
"""A question, and where its answer goes."""


@dataclass(slots=True)
class LevelBatcher:
    """Sends the questions of one operation, level by level; edges hold at ``instant`` unless a hop says when."""

    client: GremlinClient
    tenant: str
    instant: ReadTime
    _waiting: list[Waiting] = field(default_factory=list)
    _asked: int = 0
    _driver: asyncio.Task[None] | None = None

    async def ask(self, question: LevelRequest) -> LevelResponse:
        """The answer to a question; raises what the store raised, or LimitError when a level is too large."""
        future: asyncio.Future[LevelResponse] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        self._asked += 1
        if self._driver is None or self._driver.done():
            self._driver = asyncio.create_task(self._drive())
        return await future

    async def _drive(self) -> None:
        while self._waiting:
            await self._settle()
            level, self._waiting = self._waiting, []
            sending = asyncio.create_task(self._send(level))
            await asyncio.wait([sending])
            error = sending.exception()
            for _, future in level:
                if error is not None and not future.done():
                    future.set_exception(error)
            await asyncio.sleep(0)

    async def _settle(self) -> None:
        quiet, asked = 0, self._asked
        while quiet < IDLE_TICKS:
            await asyncio.sleep(0)
            quiet, asked = (quiet + 1, asked) if asked == self._asked else (0, self._asked)

    async def _send(self, level: list[Waiting]) -> None:
        hops: list[dict[str, Any]] = []
        listings: list[dict[str, Any]] = []
        window = self.instant.window
        for question, _ in level:
            base = len(hops)
            hops.extend({**window, **hop, "p": _shifted(hop["p"], base, len(listings))} for hop in question.hops)
            listings.extend(question.listings)
        bindings = {
            "points": sorted({point for question, _ in level for point in question.points}),
            "hops": hops,
            "listings": listings,
            "cap": EDGE_CAP,
            "tenant": self.tenant,
        }
        (found,) = await self.client.submit(LEVEL, bindings)
        if found["over"] and sum(bool(question.hops) for question, _ in level) > 1:
            for each in level:  # too much together: nobody pays for what others ask
                await self._send([each])
        else:
            self._deliver(level, found, _too_many() if found["over"] else None)

    def _deliver(self, level: list[Waiting], found: dict[str, Any], refusal: LimitError | None) -> None:
        """Give everybody their part of what was found; with a refusal for whoever asked for edges, if there is one."""
        records = {vertex_id(self.tenant, record["id"]): record for record in map(orjson.loads, found["v"])}
        hop = listing = 0
        for question, future in level:
            edges = found["e"][hop : hop + len(question.hops)]
            listings = found["l"][listing : listing + len(question.listings)]
            hop, listing = hop + len(question.hops), listing + len(question.listings)
            if refusal is not None and question.hops and not future.done():
                future.set_exception(refusal)
            elif not future.done():
                future.set_result(LevelResponse(edges, records, listings))


def _too_many() -> LimitError:
    return LimitError(
        f"One level of the query reads more than {EDGE_CAP} edges; ask for fewer parents or smaller pages.",
        limit=EDGE_CAP,
    )


def _shifted(parent: int, hops: int, listings: int) -> int:
    """Where a hop has its sources from, behind so many hops and listings of other questions."""
    if parent == GIVEN:
        return parent
    return parent + hops if parent >= 0 else parent - listings
