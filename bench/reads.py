"""Measures the queries: warm, with the sides in turn, and cold, after a restart of the API over a warm store."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.estate import Estate
from bench.measure import Answer, Client, Request, Sample, by_hand, session
from bench.options import Options
from bench.questions import HEALTH, QUESTIONS, Question
from bench.results import Key
from bench.run import Run
from bench.servers import Server, Side, serving, store
from bench.view import CALLERS, View

WARM_REQUESTS, WARM_CONNECTIONS, WARM_SECONDS = 10, 4, 1.0
"""Requests of each warm connection at least, because the JVM compiles a path after some dozens of requests."""

HAND, HAND_SECONDS = "floor", 0.3
"""The name of the lower bound, and the seconds of one of its slices."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of one caller: its request for a server, the expected response, and the function by hand."""

    question: Question
    caller: str
    answer: Answer
    respond: Callable[[], bytes]
    estate: Estate

    @classmethod
    def of(cls, question: Question, caller: str, estate: Estate) -> "Asked":
        """Return the query of a caller over an estate."""
        view = View(estate, CALLERS[caller])
        answer = Answer(f"{question.name} as {caller}", question.expected(view), envelope=bool(question.document))
        return cls(question, caller, answer, question.by_hand(view), estate)

    def request(self, server: Server) -> Request:
        """Return the request for a server."""
        if not self.question.document:
            return Request(None, path="/health/live")
        return Request.of(self.question.document, self.question.variables(self.estate), server.tokens[self.caller])


def asked(options: Options, estate: Estate) -> list[Asked]:
    """Return the queries of a run as each of its callers, with the health probe beside ``{ __typename }``."""
    chosen = [QUESTIONS[name] for name in options.reads]
    found = [Asked.of(each, who, estate) for each in chosen for who in options.callers]
    return [*found, *([Asked.of(HEALTH, options.callers[0], estate)] if "typename" in options.reads else [])]


@dataclass(frozen=True, slots=True)
class Reads:
    """The measurement of queries over one estate, called ``name``."""

    name: str
    run: Run
    queries: Sequence[Asked]

    async def warm(self, clients: Sequence[Client]) -> None:
        """Compare each query on each side with the oracle, warm them up, and measure them with the sides in turn."""
        task = self.run.progress.add_task("oracle and warm-up", total=len(self.queries) * len(clients))
        for query in self.queries:
            for client in clients:
                await warm_up(client, query)
                self.run.progress.advance(task)
        self.run.progress.remove_task(task)
        cells = [(query, c) for query in self.queries for c in self._connections(query)]
        task = self.run.progress.add_task("warm", total=len(cells) * self.run.options.slices)
        for query, connections in cells:
            await self._cell(clients, query, connections, lambda: self.run.progress.advance(task))
        self.run.progress.remove_task(task)

    def _connections(self, query: Asked) -> tuple[int, ...]:
        """Return the numbers of connections: all for the first caller, the least for the others."""
        first = query.caller == self.run.options.callers[0]
        return self.run.options.connections if first else (min(self.run.options.connections),)

    async def _cell(
        self, clients: Sequence[Client], query: Asked, connections: int, advance: Callable[[], None]
    ) -> None:
        totals = {client.server.side.name: Sample() for client in clients} | {HAND: Sample()}
        for _ in range(self.run.options.slices):
            for client in clients:
                request = query.request(client.server)
                found = await client.slice(always(request), query.answer, connections, self.run.options.seconds)
                totals[client.server.side.name].add(found)
            totals[HAND].add(by_hand(query.respond, query.answer, HAND_SECONDS))
            advance()
        key = Key(self.name, query.question.name, query.caller, connections)
        self.run.add(key, {side: total.figures() for side, total in totals.items()})

    async def cold(self, folders: Mapping[Side, Path]) -> None:
        """Measure the first request of each query after a restart of the API, as the first caller.

        The JVM of the store is warm: each query was read from it by an API without a graph cache, equally often on all
        sides. One small request before the first one fetches the keys of the issuer.
        """
        queries = [
            each for each in self.queries if each.caller == self.run.options.callers[0] and each.question.reads_store
        ]
        async with AsyncExitStack() as stack:
            stores = {side: await stack.enter_async_context(store(side, folder)) for side, folder in folders.items()}
            task = self.run.progress.add_task("cold", total=len(queries) * self.run.options.cold)
            for side, folder in folders.items():
                async with restarted(_without_cache(side), folder, stores[side]) as client:
                    for query in queries:
                        await warm_up(client, query)
            for query in queries:
                totals = {side: Sample() for side in folders}
                for _ in range(self.run.options.cold):
                    for side, folder in folders.items():
                        totals[side].add(await _first(side, folder, stores[side], query))
                    self.run.progress.advance(task)
                key = Key(self.name, query.question.name, query.caller, 1, cold=True)
                self.run.add(key, {side.name: total.figures() for side, total in totals.items()})
            self.run.progress.remove_task(task)


def _without_cache(side: Side) -> Side:
    """Return a side whose API reads everything from the store, so that the JVM compiles the paths of reads."""
    return replace(side, environment=(*side.environment, ("MLG_CACHE_MB", "0")))


async def _first(side: Side, folder: Path, running: tuple[str, int], query: Asked) -> Sample:
    """Return the sample of the first request to a fresh API."""
    async with restarted(side, folder, running) as client:
        request = query.request(client.server)
        return await client.slice(lambda: request, query.answer, 1, 0)


def always(request: Request) -> Callable[[], Request]:
    """Return a function that returns the request."""
    return lambda: request


async def warm_up(client: Client, query: Asked) -> None:
    """Compare a query with the oracle, and repeat it over several connections."""
    request = query.request(client.server)
    await client.repeat(lambda: request, query.answer, 0)
    warm = (client.repeat(lambda: request, query.answer, WARM_SECONDS, WARM_REQUESTS) for _ in range(WARM_CONNECTIONS))
    await asyncio.gather(*warm)


@asynccontextmanager
async def restarted(side: Side, folder: Path, running: tuple[str, int]) -> AsyncIterator[Client]:
    """Run a fresh API over a running store; one small request has been sent."""
    url, jvm = running
    async with serving(side, folder, url, jvm) as server, session() as http:
        client = Client(server, http)
        for who in CALLERS:
            await client.send(Request.of("{ viewer { subject } }", {}, server.tokens[who]))
        yield client
