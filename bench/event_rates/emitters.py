"""Emitters that post events at fixed times whatever the server does, and repeat each until it is acknowledged.

The lag of an event counts from the instant at which it was due, so that a stalled or killed server hides nothing.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import aiohttp
import orjson

from bench.event_rates.made_events import Event

PAUSE: Final = 0.2
"""Seconds before a request without an acknowledgement is repeated."""

_ACCEPTED: Final = {HTTPStatus.CREATED}


@dataclass
class Emitters:
    """Some emitters of one server: each has a connection, and sends its next events when the last are acknowledged.

    An emitter that is late sends up to ``batch`` events in one request; with 1, single events as the standard client.
    ``lags`` are seconds from due to acknowledged, with the seconds since the begin when the event was due.
    ``half_sent`` is set when half of the events are acknowledged.
    """

    url: str
    token: str
    number: int
    batch: int
    lags: list[tuple[float, float]] = field(default_factory=list)
    repeated: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    half_sent: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, events: Sequence[Event], rate: float) -> None:
        """Send all events, ``rate`` of them a second; return when all are acknowledged."""
        begin = time.perf_counter()
        shares: list[deque[tuple[float, Event]]] = [deque() for _ in range(self.number)]
        for at, event in enumerate(events):
            shares[at % self.number].append((at / rate, event))
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(timeout=timeout) as http, asyncio.TaskGroup() as tasks:
            for share in shares:
                tasks.create_task(self._emit(http, share, begin, len(events) // 2))

    async def _emit(
        self, http: aiohttp.ClientSession, share: deque[tuple[float, Event]], begin: float, half: int
    ) -> None:
        while share:
            await asyncio.sleep(max(0.0, begin + share[0][0] - time.perf_counter()))
            now = time.perf_counter() - begin
            due = [share.popleft()]
            while share and len(due) < self.batch and share[0][0] <= now:
                due.append(share.popleft())
            while not await self._acknowledged(http, [event for _, event in due]):  # noqa: ASYNC110 - it polls a server
                await asyncio.sleep(PAUSE)
            now = time.perf_counter() - begin
            self.lags += [(at, now - at) for at, _ in due]
            if len(self.lags) >= half:
                self.half_sent.set()

    async def _acknowledged(self, http: aiohttp.ClientSession, events: Sequence[Event]) -> bool:
        self.requests += 1
        single = self.batch == 1
        path, body = ("", events[0]) if single else ("/batch", events)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            async with http.post(f"{self.url}/api/v1/lineage{path}", data=orjson.dumps(body), headers=headers) as got:
                await got.read()
                result = str(got.status)
                if got.status in _ACCEPTED:
                    return True
        except (aiohttp.ClientError, TimeoutError) as error:
            result = type(error).__name__
        self.repeated[result] += 1
        return False
