"""The transport of the generated client: sends operations with a token, and repeats them while that is safe."""

import asyncio
import random
import re
from collections.abc import Mapping
from typing import Any, Self

import httpx2
from pydantic_core import to_jsonable_python

from .base_model import UNSET

BUSY = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may succeed."""
MAX_PAUSE = 20.0
"""Seconds of the longest pause between two attempts, unless the server names a longer one."""
MAX_REQUESTED_PAUSE = 60.0
"""Seconds of the longest pause that a server can name by `Retry-After`."""
TEXTS = re.compile(r'"""(?:\\"""|[\s\S])*?"""|"(?:\\.|[^"\\\r\n])*"|#[^\r\n]*')
"""Strings and comments of a document."""


class ApiError(Exception):
    """A refused request: `code` is one of the stable codes of docs/http.md, `request_id` the id in the server's log.

    `errors` has all errors of the response, `data` its partial data or None.
    """

    def __init__(self, status: int, errors: list[dict[str, Any]], data: dict[str, Any] | None = None) -> None:
        first: dict[str, Any] = errors[0] if errors else {}
        extensions: dict[str, Any] = first.get("extensions", {})
        super().__init__(first.get("message", f"The response has status {status} and no errors."))
        self.status = status
        self.errors = errors
        self.data = data
        self.code: str = extensions.get("code", "INTERNAL")
        self.request_id: str | None = extensions.get("requestId")

    @property
    def unknown_outcome(self) -> bool:
        """Whether a write of the request may have been stored."""
        return any(error.get("extensions", {}).get("unknownOutcome") is True for error in self.errors)


class UnreachableError(Exception):
    """No attempt got a response; a mutation without an idempotency key is not repeated, and may have been stored."""


class GraphClient:
    """Sends the operations of one caller; use it as an async context manager.

    `url` is the address of the server with `/graphql`. `token` is an access token, or `headers` has other credentials.
    After a busy or lost response a query is sent again, up to `tries` times in all. The pause is that of `Retry-After`,
    at most 60 seconds, else a random one that doubles. A mutation is sent again if its input has an `idempotencyKey`:
    the server then returns the outcome of the first attempt. Without a key it is sent again only if the server stored
    nothing.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        headers: Mapping[str, str] | None = None,
        http_client: httpx2.AsyncClient | None = None,
        tries: int = 6,
    ) -> None:
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        self._url = url
        self._headers = {"Accept": "application/graphql-response+json", **authorization, **(headers or {})}
        self._http = http_client or httpx2.AsyncClient(timeout=httpx2.Timeout(90, connect=10))
        self._tries = tries

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def execute(
        self, query: str, operation_name: str | None = None, variables: dict[str, Any] | None = None, **_: object
    ) -> httpx2.Response:
        """Return the last response to an operation; raises UnreachableError if there is none."""
        given = {name: value for name, value in (variables or {}).items() if value is not UNSET}
        body = {"query": query, "operationName": operation_name, "variables": _plain(given)}
        repeatable = not _is_mutation(query) or _has_key(body["variables"])
        for attempt in range(1, self._tries + 1):
            is_last = attempt == self._tries
            try:
                response = await self._http.post(self._url, json=body, headers=self._headers)
            except httpx2.TransportError as error:
                if is_last or not repeatable:
                    raise UnreachableError(f"{self._url} did not respond: {type(error).__name__}.") from error
                await asyncio.sleep(_pause(attempt))
                continue
            if is_last or response.status_code not in BUSY or not (repeatable or _was_not_stored(response)):
                return response
            await asyncio.sleep(_requested_pause(response) or _pause(attempt))
        raise AssertionError("a try returns or raises")

    def get_data(self, response: httpx2.Response) -> dict[str, Any]:
        """Return the data of a response; raises ApiError if it has errors, or no data."""
        content = _content(response)
        errors, data = content.get("errors") or [], content.get("data")
        if errors or data is None:
            raise ApiError(response.status_code, errors, data)
        return dict(data)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Return variables as JSON values; a field of an input that was not set is left out."""
    return {
        name: value.model_dump(mode="json", by_alias=True, exclude_unset=True)
        if hasattr(value, "model_dump")
        else to_jsonable_python(value, by_alias=True)
        for name, value in values.items()
    }


def _is_mutation(text: str) -> bool:
    """Return whether a document may have a mutation; the word in a name of a query only prevents its repetition."""
    return re.search(r"\bmutation\b", TEXTS.sub(" ", text)) is not None


def _has_key(variables: object) -> bool:
    return isinstance(variables, dict) and any(
        isinstance(value, dict) and bool(value.get("idempotencyKey")) for value in variables.values()
    )


def _content(response: httpx2.Response) -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _was_not_stored(response: httpx2.Response) -> bool:
    """Return whether the server itself says that it stored nothing; a proxy says nothing of that."""
    errors = _content(response).get("errors") or []
    return bool(errors) and not ApiError(response.status_code, errors).unknown_outcome


def _requested_pause(response: httpx2.Response) -> float | None:
    value = response.headers.get("Retry-After", "")
    return min(float(value), MAX_REQUESTED_PAUSE) if value.isdecimal() else None


def _pause(failures: int) -> float:
    bound = min(MAX_PAUSE, 0.5 * 2.0 ** (failures - 1))
    return random.uniform(bound / 2, bound)  # noqa: S311 - a pause, and no secret
