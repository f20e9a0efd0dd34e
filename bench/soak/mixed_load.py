"""A mixed load at a fixed rate: nine nested reads for each registration, sent at their times whatever the server does.

The time of a request counts from the instant at which it was due, so that a stalled server cannot hide the requests
that it delayed. Every read is compared with the oracle, and every registration is read back at the end.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import aiohttp
import orjson

from bench.estate import Estate
from bench.measure import Answer, Client, Request, WrongAnswerError
from bench.questions import QUESTIONS
from bench.reads import Asked
from bench.writes import Registrations

READS_PER_WRITE: Final = 9
DECLARED: Final = frozenset({"LIMIT_EXCEEDED", "STORE_UNAVAILABLE"})
"""Codes of errors that a client must expect: it sends the request again later."""

MAX_WAITING: Final = 256
"""Requests without a response from which on further ones are counted as skipped: the server does not keep up."""

CALLERS: Final = ("ada", "cy")


@dataclass(frozen=True, slots=True)
class Observation:
    """One request: seconds since the begin of the load when it was due, its milliseconds, and its result.

    ``error`` is empty for a correct response, else a code of the API or the kind of failure.
    """

    due: float
    milliseconds: float
    is_write: bool
    error: str = ""


@dataclass
class MixedLoad:
    """The load on one server, with what was observed so far."""

    client: Client
    estate: Estate
    observed: list[Observation] = field(default_factory=list)
    skipped: int = 0
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reads = [Asked.of(QUESTIONS["nested_list"], who, self.estate) for who in CALLERS]
        self._writes = Registrations(self.client)
        self._sent = 0
        self._waiting = 0

    async def warm_up(self, requests: int) -> None:
        """Send some requests one after the other; a wrong response raises WrongAnswerError."""
        for number in range(requests):
            request, answer, _ = self._at(number)
            answer.check(*await self.client.send(request))

    async def capacity(self, connections: int, seconds: float) -> float:
        """Return the requests a second of connections that send the mixed load without a pause."""
        begin, sent = time.perf_counter(), 0

        async def repeat() -> None:
            nonlocal sent
            while time.perf_counter() < begin + seconds:
                await self._send(0.0, time.perf_counter())
                sent += 1

        await asyncio.gather(*(repeat() for _ in range(connections)))
        rate = sent / (time.perf_counter() - begin)
        self.observed.clear()
        return rate

    async def run(self, rate: float, seconds: float, sent: Callable[[float], None]) -> None:
        """Send ``rate`` requests a second for some seconds, and wait for the last responses.

        ``sent`` receives the seconds so far, before each request.
        """
        begin = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            for number in range(int(rate * seconds)):
                due = number / rate
                await asyncio.sleep(max(0.0, begin + due - time.perf_counter()))
                sent(due)
                if self._waiting >= MAX_WAITING:
                    self.skipped += 1
                    continue
                tasks.create_task(self._send(due, begin + due))

    async def read_back(self) -> int:
        """Return the number of registrations; raises WrongAnswerError if one that was confirmed is not stored."""
        await self._writes.read_back()
        return len(self._writes.sent)

    def _at(self, number: int) -> tuple[Request, Answer, bool]:
        """Return a request with its expected response, and whether it writes."""
        if number % (READS_PER_WRITE + 1) == READS_PER_WRITE:
            return self._writes.next(), self._writes.answer, True
        read = self._reads[number % len(self._reads)]
        return read.request(self.client.server), read.answer, False

    async def _send(self, due: float, begun: float) -> None:
        self._sent += 1
        self._waiting += 1
        request, answer, is_write = self._at(self._sent)
        item = self._writes.sent[-1] if is_write else None
        error = ""
        try:
            status, body = await self.client.send(request)
            error = code_of(status, body)
            if not error:
                answer.check(status, body)
        except WrongAnswerError as wrong:
            error = "WRONG"
            self.wrong.append(str(wrong))
        except (aiohttp.ClientError, TimeoutError) as failure:
            error = type(failure).__name__
        finally:
            self._waiting -= 1
        if error and item is not None:
            self._writes.sent.remove(item)  # it was not confirmed
        self.observed.append(Observation(due, (time.perf_counter() - begun) * 1e3, is_write, error))

    def errors(self) -> Counter[str]:
        """Return the numbers of errors by code."""
        return Counter(each.error for each in self.observed if each.error)


def code_of(status: int, body: bytes) -> str:
    """Return the code of the first error of a response, empty without one; a body without a code gives the status."""
    if status == HTTPStatus.OK and b'"errors":[{' not in body:
        return ""
    try:
        errors = orjson.loads(body)["errors"]
        return str(errors[0]["extensions"]["code"])
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError):
        return f"STATUS_{status}"
