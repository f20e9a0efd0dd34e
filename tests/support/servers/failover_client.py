"""A client of several API processes that repeats requests as docs/backup.md says: reads, and writes under their key."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import httpx2
from support.servers.in_process import REGISTER
from support.servers.server_process import Serving
from support.waiting import until

_REPEATED = {"STORE_UNAVAILABLE", "LIMIT_EXCEEDED"}
"""Codes of errors after which a request is sent to another process."""


@dataclass
class FailoverClient:
    """Sends each request to the next process, and to another one without a response or after a repeatable error.

    ``done`` counts the requests with a result, ``repeated`` the repetitions. ``failures`` are other errors.
    """

    processes: Sequence[Serving]
    done: int = 0
    repeated: int = 0
    failures: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._turns = cycle(self.processes)
        self._headers = {serving.url: serving.headers() for serving in self.processes}

    async def register(self, items: Sequence[dict[str, Any]], key: str) -> list[Any]:
        """Register items under an idempotency key, and return their results."""
        data = await self.send(REGISTER, input={"items": items, "idempotencyKey": key})
        results: list[Any] = data["registerAssets"]["results"]
        return results

    async def send(self, query: str, **variables: Any) -> Any:
        """Return the data of a request; a failure that is not repeated is recorded and raised."""
        found: list[Any] = []

        async def responded() -> bool:
            body = await self._once(next(self._turns), query, variables)
            if body is None:
                self.repeated += 1
                return False
            found.append(body)
            return True

        await until(responded, within=120)
        self.done += 1
        if "errors" in found[0]:
            self.failures.append(found[0]["errors"])
            raise AssertionError(found[0]["errors"])
        return found[0]["data"]

    async def _once(self, serving: Serving, query: str, variables: dict[str, Any]) -> Any:
        """Return the body of a response, None if the request is to be repeated."""
        headers, body = self._headers[serving.url], {"query": query, "variables": variables}
        try:
            async with httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http:
                response = await http.post(f"{serving.url}/graphql", json=body)
                found = response.json()
        except (httpx2.TransportError, ValueError):  # no connection, or not a complete response
            return None
        codes = {error.get("extensions", {}).get("code") for error in found.get("errors", ())}
        return None if codes & _REPEATED or response.status_code == httpx2.codes.SERVICE_UNAVAILABLE else found
