"""A client of the GraphQL API: a bearer token, one document at a time, and another try when it is safe.

Every request of the importers may be repeated: registration is idempotent by identity, and the rest only reads.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx2
import orjson

from app.auth.issuers import is_loopback
from policies.errors import Code, CodedError

_BUSY = 429
_FAILING = 500
_BUSY_CODES = {Code.STORE_UNAVAILABLE, Code.KEYS_UNAVAILABLE}
_ASKED_AT_MOST = 60.0


class UnreachableError(CodedError):
    """The API did not answer, or was busy, at every try."""

    code = Code.STORE_UNAVAILABLE


class TokenRefusedError(CodedError):
    """The API does not accept the token, or not for this."""

    code = Code.UNAUTHENTICATED


class RequestRejectedError(CodedError):
    """The API refused the request as a whole; sending it again would not help."""

    code = Code.BAD_REQUEST


class _BusyError(Exception):
    """The API asks to come back later, in ``after`` seconds if it said so."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


@dataclass(frozen=True, slots=True)
class Retry:
    """How often to try, and how long to wait: full jitter below a bound that doubles from ``first`` to ``longest``."""

    tries: int = 7
    first: float = 0.5
    longest: float = 20.0

    def pause(self, failures: int) -> float:
        """Seconds before the next try, after so many failed ones."""
        bound = min(self.longest, self.first * 2.0 ** (failures - 1))
        return secrets.SystemRandom().uniform(0.0, bound)


PATIENT = Retry()
"""About a minute in all, the restart of a server."""


class ApiClient:
    """One connection pool to ``POST <url>/graphql``; use it as an async context manager.

    ``deadline`` is in seconds, for one answer; ``transport`` carries the requests where that is not the network.
    ``hidden`` counts the values that the policy withheld from the answers so far, by coordinate.
    """

    def __init__(
        self,
        url: str,
        token: str,
        retry: Retry = PATIENT,
        deadline: float = 90.0,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._endpoint = url.rstrip("/").removesuffix("/graphql") + "/graphql"
        self._retry = retry
        self.hidden: Counter[str] = Counter()
        self._http = httpx2.AsyncClient(
            headers={"Authorization": f"Bearer {token}", "Accept": "application/graphql-response+json"},
            timeout=httpx2.Timeout(deadline, connect=10.0),
            transport=transport,
            trust_env=not is_loopback(httpx2.URL(url).host),  # a proxy of the environment is no way to this machine
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def execute(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Run one operation and return its ``data``.

        Raises UnreachableError after the last try, TokenRefusedError at 401 and 403, RequestRejectedError when the
        request as such is wrong.
        """
        body = orjson.dumps({"query": document, "variables": variables})
        failures = 0
        while True:
            try:
                return await self._post(body)
            except _BusyError as busy:
                failures += 1
                if failures >= self._retry.tries:
                    raise UnreachableError(
                        f"{self._endpoint} did not answer after {failures} tries: {busy}. Nothing that was confirmed "
                        "is lost; run the same command again when the API is back."
                    ) from busy
                await asyncio.sleep(max(self._retry.pause(failures), min(busy.after or 0.0, _ASKED_AT_MOST)))

    async def _post(self, body: bytes) -> dict[str, Any]:
        try:
            response = await self._http.post(self._endpoint, content=body, headers={"Content-Type": "application/json"})
        except (httpx2.NetworkError, httpx2.TimeoutException, httpx2.RemoteProtocolError) as error:
            raise _BusyError(f"{type(error).__name__} {error}".strip()) from error
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise RequestRejectedError(
                f"{self._endpoint} is no address: {error}. Write --url http://HOST:PORT."
            ) from error
        if response.status_code == _BUSY or response.status_code >= _FAILING:
            raise _BusyError(f"HTTP {response.status_code}", _seconds(response.headers.get("Retry-After")))
        return self._counted(_answer(response))

    def _counted(self, answer: dict[str, Any]) -> dict[str, Any]:
        authorization = (answer.get("extensions") or {}).get("authorization") or {}
        for entry in authorization.get("hidden", ()):
            self.hidden[entry["coordinate"]] += entry["count"]
        data: dict[str, Any] = answer["data"]
        return data


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None


def _answer(response: httpx2.Response) -> dict[str, Any]:
    """The answer that holds data, or the error that it means."""
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        answer = {}
    errors = (answer.get("errors") or []) if isinstance(answer, dict) else []
    said = "; ".join(str(error.get("message")) for error in errors) or f"HTTP {response.status_code}"
    codes = {(error.get("extensions") or {}).get("code") for error in errors}
    if response.status_code in {401, 403} or codes & {Code.UNAUTHENTICATED, Code.FORBIDDEN}:
        reason = said.rstrip(".")
        raise TokenRefusedError(
            f"The API does not accept the token: {reason}. Give one made for this server (--token)."
        )
    if codes & _BUSY_CODES:
        raise _BusyError(said)
    data = answer.get("data") if isinstance(answer, dict) else None
    if errors or not isinstance(data, dict):
        raise RequestRejectedError(said)
    return dict(answer)
