"""Sends a query over some connections for a while, compares each response with the oracle, and reads the CPU used."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import aiohttp
import orjson

from bench.oracle import Data, difference, normalised
from bench.servers import Server

STORE_REQUESTS, CACHE_HITS = "store_requests_total", "cache_hits_total"
"""Ends of the names of the counters in ``/metrics``; a server without them has no figure."""

HEADERS: Final = {"Accept": "application/graphql-response+json, application/json", "Accept-Encoding": "identity"}
"""Without compression, whose cost depends on the encoding and not on the query."""

_TIMEOUT: Final = aiohttp.ClientTimeout(total=600)
SLICE_REQUESTS: Final = 8
"""Requests of one slice at least, over all connections, so that a busy machine gives figures too."""

_KEPT: Final = 64
"""Bodies of one query that are compared as bytes; further ones are parsed each time."""


class WrongAnswerError(Exception):
    """A response differs from the oracle, or is an error; the message has the difference."""


@dataclass
class Answer:
    """The expected data of a query, and the bodies that were found equal to it."""

    title: str
    expected: Data
    envelope: bool = True
    accepted: set[bytes] = field(default_factory=set)

    def check(self, status: int, body: bytes) -> None:
        """Raise WrongAnswerError unless a body has the expected data and no errors."""
        if status == HTTPStatus.OK and body in self.accepted:
            return
        found = orjson.loads(body) if status == HTTPStatus.OK else {}
        data = found.get("data") if self.envelope else found
        if status != HTTPStatus.OK or data is None or "errors" in found:
            raise WrongAnswerError(f"{self.title}: status {status}, {body[:500]!r}")
        wrong = difference(normalised(self.expected), normalised(data))
        if wrong:
            raise WrongAnswerError(f"{self.title}: {wrong}")
        if len(self.accepted) < _KEPT:
            self.accepted.add(body)


@dataclass
class Sample:
    """What some requests took: milliseconds of each, seconds of wall and of CPU of API and JVM, bytes, refusals."""

    walls: list[float] = field(default_factory=list)
    seconds: float = 0.0
    api: float = 0.0
    jvm: float = 0.0
    bytes: int = 0
    refused: int = 0
    counters: dict[str, float] = field(default_factory=dict)

    def add(self, other: "Sample") -> None:
        """Add the requests of another sample."""
        self.walls += other.walls
        self.seconds += other.seconds
        self.api += other.api
        self.jvm += other.jvm
        self.bytes += other.bytes
        self.refused += other.refused
        for name, value in other.counters.items():
            self.counters[name] = self.counters.get(name, 0.0) + value

    def figures(self) -> dict[str, float | int | None]:
        """Return the figures of a request: times in milliseconds, requests a second, bytes, store requests and hits."""
        number = len(self.walls)
        if not number:
            return {}
        ordered = sorted(self.walls)
        return {
            "requests": number,
            "p50": statistics.median(ordered),
            "p99": ordered[min(number - 1, int(number * 0.99))],
            "rps": number / self.seconds,
            "api": self.api / number * 1e3,
            "jvm": self.jvm / number * 1e3,
            "cpu": (self.api + self.jvm) / number * 1e3,
            "bytes": self.bytes // number,
            "refused": self.refused,
            "store_requests": self._each(STORE_REQUESTS),
            "hits": self._each(CACHE_HITS),
        }

    def _each(self, counter: str) -> float | None:
        return self.counters[counter] / len(self.walls) if counter in self.counters else None


@dataclass(frozen=True, slots=True)
class Request:
    """One request: its body, None for a GET of ``path``, and the token of a caller; empty for none."""

    body: bytes | None
    token: str = ""
    path: str = "/graphql"

    @classmethod
    def of(cls, document: str, variables: Mapping[str, Any], token: str) -> "Request":
        """Return the request for a document."""
        return cls(orjson.dumps({"query": document, "variables": variables}), token)


class Client:
    """Keep-alive connections to one server."""

    def __init__(self, server: Server, http: aiohttp.ClientSession) -> None:
        self.server = server
        self._http = http

    async def send(self, request: Request) -> tuple[int, bytes]:
        """Return the status and the body of a response."""
        headers = {**HEADERS, "Content-Type": "application/json"} if request.body is not None else dict(HEADERS)
        if request.token:
            headers["Authorization"] = f"Bearer {request.token}"
        method = "GET" if request.body is None else "POST"
        async with self._http.request(
            method, self.server.url + request.path, data=request.body, headers=headers, timeout=_TIMEOUT
        ) as response:
            return response.status, await response.read()

    async def repeat(self, request: Callable[[], Request], answer: Answer, seconds: float, least: int = 1) -> Sample:
        """Send requests one after the other for some seconds, and at least ``least``; each is compared when it arrives.

        A refusal because too many requests wait is counted, and repeated after a pause.
        """
        sample, begin = Sample(), time.perf_counter()
        while time.perf_counter() - begin < seconds or len(sample.walls) < least:
            sent = time.perf_counter()
            status, body = await self.send(request())
            if status == HTTPStatus.TOO_MANY_REQUESTS:
                sample.refused += 1
                await asyncio.sleep(0.05)
                continue
            sample.walls.append((time.perf_counter() - sent) * 1e3)
            sample.bytes += len(body)
            answer.check(status, body)
        return sample

    async def counters(self) -> dict[str, float]:
        """Return the counters of ``/metrics`` that the bench reports, empty for a server without them."""
        status, body = await self.send(Request(None, self.server.tokens["root"], "/metrics"))
        found: dict[str, float] = {}
        for line in body.decode().splitlines() if status == HTTPStatus.OK else ():
            name = line.partition("{")[0].partition(" ")[0]
            for wanted in (STORE_REQUESTS, CACHE_HITS):
                if name.endswith(wanted):
                    found[wanted] = found.get(wanted, 0.0) + float(line.rpartition(" ")[2])
        return found

    async def measured(self, work: Callable[[], Awaitable[list[Sample]]]) -> Sample:
        """Return the samples of some work as one, with the time and CPU of all of it."""
        total, before = Sample(), await self.counters()
        begin, (api, jvm) = time.perf_counter(), self.server.cpu()
        for each in await work():
            total.add(each)
        total.seconds = time.perf_counter() - begin
        api_end, jvm_end = self.server.cpu()
        total.api, total.jvm = api_end - api, jvm_end - jvm
        after = await self.counters()
        total.counters = {name: value - before.get(name, 0.0) for name, value in after.items()}
        return total

    async def slice(self, request: Callable[[], Request], answer: Answer, connections: int, seconds: float) -> Sample:
        """Return the sample of some connections that repeat a request for some seconds.

        With 0 seconds each sends one.
        """
        least = -(-SLICE_REQUESTS // connections) if seconds else 1

        async def work() -> list[Sample]:
            return await asyncio.gather(*(self.repeat(request, answer, seconds, least) for _ in range(connections)))

        return await self.measured(work)


def session() -> aiohttp.ClientSession:
    """Return a session whose connections are kept and not bounded in number."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4))


def by_hand(respond: Callable[[], bytes], answer: Answer, seconds: float) -> Sample:
    """Return the sample of a function that makes the response in this process; the body is compared once."""
    answer.check(HTTPStatus.OK, respond())
    sample, begin, cpu = Sample(), time.perf_counter(), time.process_time()
    while time.perf_counter() - begin < seconds or not sample.walls:
        sent = time.perf_counter()
        sample.bytes += len(respond())
        sample.walls.append((time.perf_counter() - sent) * 1e3)
    sample.seconds = time.perf_counter() - begin
    sample.api = time.process_time() - cpu
    return sample
