"""A client of the API: sends documents and events with a bearer token, and repeats a request after a transient failure.

Repeating a registration is safe, because registration is idempotent by identity. Another mutation without an
idempotency key may be applied twice if its first response was lost.
"""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx2
import orjson

from app.auth.issuers import is_loopback
from app.ingest.shown_address import without_credentials, without_secrets
from graphql_schema.ports.record import Json, JsonObject, Record
from policies.errors import Code, CodedError

_BUSY = 429
_FAILING = 500
_BUSY_CODES = {Code.STORE_UNAVAILABLE, Code.KEYS_UNAVAILABLE}
_MAX_RETRY_AFTER_SECONDS = 60.0


class UnreachableError(CodedError):
    """The API did not respond, was busy, or returned a status of 500 or above, at every attempt."""

    code = Code.STORE_UNAVAILABLE


class TokenRefusedError(CodedError):
    """The API does not accept the token, or not for this request."""

    code = Code.UNAUTHENTICATED


class RequestRejectedError(CodedError):
    """The address is invalid, or the response has no data or has errors that are not transient.

    Repeating the same request would not help.
    """

    code = Code.BAD_REQUEST


class IncompleteResponseError(RequestRejectedError):
    """The operation was executed, and some of its fields failed; a narrower operation may succeed."""


class _BusyError(Exception):
    """The API is busy, failing or unreachable, so another attempt may succeed.

    ``retry_after`` is its Retry-After in seconds, None without that header or if the header has a date.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Retry:
    """Number of attempts, and the pauses between them in seconds.

    A pause is random between half of a bound and the bound, which doubles from ``first_pause`` up to ``max_pause``.
    """

    tries: int = 12
    first_pause: float = 0.5
    max_pause: float = 20.0

    def pause(self, failures: int) -> float:
        """Return the seconds to wait after a number of failed attempts."""
        bound = min(self.max_pause, self.first_pause * 2.0 ** (failures - 1))
        return secrets.SystemRandom().uniform(bound / 2, bound)


DEFAULT_RETRY = Retry()
"""Twelve attempts, whose pauses add up to 65 to 132 s, or more if the API sends ``Retry-After``.

A restart of the API with its store takes up to a minute.
"""


class ApiClient:
    """One connection pool to the API at ``url``, for documents and events; use it as an async context manager.

    A ``url`` may end in `/graphql`. ``deadline`` is in seconds and limits each read and write of a request.
    ``transport`` replaces the network, in tests. ``hidden`` counts the values that the policy has hidden in the
    responses so far, by coordinate.
    """

    def __init__(
        self,
        url: str,
        token: str,
        retry: Retry = DEFAULT_RETRY,
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
            trust_env=not is_loopback(httpx2.URL(url).host),  # a proxy of the environment cannot reach this machine
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def execute(self, document: str, variables: Record) -> JsonObject:
        """Run one operation and return its ``data``.

        Raises UnreachableError after the last attempt, and TokenRefusedError if the token is not accepted for it.
        Raises RequestRejectedError for an invalid address, a response without data, and errors that are not transient;
        it is an IncompleteResponseError if the operation was executed.
        """
        body = await self._sent({"query": document, "variables": variables}, partial=False)
        data: JsonObject = body["data"]
        return data

    async def respond(self, document: str, variables: Record, operation: str | None) -> JsonObject:
        """Run one operation and return the body of its response, whose ``data`` may be beside ``errors``.

        A response without data raises the errors of :meth:`execute`, and so does an API that is unreachable.
        """
        request = {"query": document, "variables": variables, "operationName": operation}
        return await self._sent(request, partial=True)

    async def _sent(self, request: JsonObject, *, partial: bool) -> JsonObject:
        """Return the body of the response to a request, after further attempts while the API is busy.

        Raises the errors of :meth:`execute`.
        """
        return await self._repeated(lambda: self._operation(orjson.dumps(request), partial=partial))

    async def send_events(self, events: Sequence[Json]) -> JsonObject:
        """Send a batch of events of OpenLineage, and return the body of the response.

        Its `events` have a report of each accepted event, its `failed_events` the reason of each rejected one.

        Raises the errors of :meth:`execute`.
        """
        return await self._repeated(lambda: self._events(orjson.dumps(events)))

    async def _repeated(self, attempt: Callable[[], Awaitable[JsonObject]]) -> JsonObject:
        """Return the result of an attempt, after further ones while the API is busy; raises as :meth:`execute`."""
        failures = 0
        while True:
            try:
                return await attempt()
            except _BusyError as busy:
                failures += 1
                if failures >= self._retry.tries:
                    raise UnreachableError(
                        f"{without_credentials(self._endpoint)} was not available after {failures} attempts: {busy}. "
                        "Check that the API runs at this address, then run the same command again."
                    ) from busy
                pause = self._retry.pause(failures)
                await asyncio.sleep(max(pause, min(busy.retry_after or 0.0, _MAX_RETRY_AFTER_SECONDS)))

    async def _operation(self, content: bytes, *, partial: bool) -> JsonObject:
        found = _response_body(await self._post(self._endpoint, content), partial=partial)
        self._count_hidden(found)
        return found

    async def _events(self, content: bytes) -> JsonObject:
        response = await self._post(f"{self._endpoint.removesuffix('/graphql')}/api/v1/lineage/batch", content)
        try:
            body = orjson.loads(response.content)
        except orjson.JSONDecodeError:
            body = {}
        if isinstance(body, dict) and "failed_events" in body:
            return body
        return _response_body(response, partial=False)

    async def _post(self, url: str, content: bytes) -> httpx2.Response:
        """Return the response of the API; raises _BusyError if another attempt may succeed."""
        try:
            response = await self._http.post(url, content=content, headers={"Content-Type": "application/json"})
        except (httpx2.NetworkError, httpx2.TimeoutException, httpx2.RemoteProtocolError) as error:
            raise _BusyError(f"{type(error).__name__} {error}".strip()) from error
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            reason = without_secrets(str(error), url)
            raise RequestRejectedError(
                f"{without_credentials(url)} is not a valid address: {reason}. Write --url http://HOST:PORT."
            ) from error
        if response.status_code == _BUSY or response.status_code >= _FAILING:
            raise _BusyError(f"HTTP {response.status_code}", _seconds(response.headers.get("Retry-After")))
        return response

    def _count_hidden(self, body: JsonObject) -> None:
        authorization = (body.get("extensions") or {}).get("authorization") or {}
        for entry in authorization.get("hidden", ()):
            self.hidden[entry["coordinate"]] += entry["count"]


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() else None


def _response_body(response: httpx2.Response, *, partial: bool) -> JsonObject:
    """Return the body of a response with data; raise the error that describes any other response.

    Errors beside data are permitted if ``partial``.
    """
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        body = {}
    given = body.get("errors") if isinstance(body, dict) else None
    errors = [error for error in given if isinstance(error, dict)] if isinstance(given, list) else []
    message = "; ".join(str(error.get("message")) for error in errors) or (
        f"HTTP {response.status_code} without a GraphQL response; check the address (--url)"
    )
    data = body.get("data") if isinstance(body, dict) else None
    if partial and isinstance(data, dict):
        return dict(body)
    extensions = [found for error in errors if isinstance(found := error.get("extensions"), dict)]
    codes = {str(found.get("code")) for found in extensions}
    refused = response.status_code in {401, 403} and Code.PERSISTED_DOCUMENT_REQUIRED not in codes
    if refused or codes & {Code.UNAUTHENTICATED, Code.FORBIDDEN}:
        reason = message.rstrip(".")
        raise TokenRefusedError(
            f"The API does not accept the token for this request: {reason}. Give another token with --token."
        )
    if codes & _BUSY_CODES:
        raise _BusyError(message)
    data = body.get("data") if isinstance(body, dict) else None
    if errors and "data" in body:
        raise IncompleteResponseError(message)
    if errors or not isinstance(data, dict):
        raise RequestRejectedError(message)
    return dict(body)
