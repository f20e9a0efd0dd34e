"""The caller of a WebSocket: authenticated again each time, and refused when the token has expired."""

import time
from typing import Any

import pytest
from starlette.websockets import WebSocket

from app.http.websocket.socket_session import SocketSession, seconds_left
from policies.errors import Code, CodedError
from policies.principal import Principal, PrincipalKind

ADA = Principal("ada", PrincipalKind.PERSON, "acme")


def session(expires_at: int | None, headers: list[str], **params: object) -> SocketSession:
    """Return a session whose token is valid until an instant; ``headers`` gets the headers that are validated."""

    async def authenticate(header: str) -> Principal:
        headers.append(header)
        return Principal("ada", PrincipalKind.PERSON, "acme", expires_at=expires_at)

    scope: Any = {"type": "websocket", "headers": [], "state": {"request_id": "r1"}, "path": "/"}
    made = SocketSession(WebSocket(scope, None, None), authenticate)  # type: ignore[arg-type]
    made.connection_params = params
    return made


async def test_the_token_is_validated_at_every_use() -> None:
    """The name of the payload's member has any case, and a revoked token ends the connection at the next use."""
    headers: list[str] = []
    made = session(int(time.time()) + 60, headers, AUTHORIZATION="Bearer a")
    assert (await made.principal()).subject == "ada"
    await made.principal()
    assert headers == ["Bearer a", "Bearer a"]


async def test_a_payload_without_a_token_is_refused() -> None:
    """The message shows the payload to send."""
    with pytest.raises(CodedError, match=r"connection_init has no token") as error:
        await session(None, [], token="x").principal()  # noqa: S106 - not a password
    assert error.value.code is Code.UNAUTHENTICATED


async def test_several_tokens_are_one_invalid_header() -> None:
    """Two members could name different callers, so neither is chosen."""
    headers: list[str] = []
    await session(None, headers, Authorization="Bearer a", authorization="Bearer b").principal()
    assert headers == ["Bearer a, Bearer b"]


async def test_only_what_counts_of_a_payload_is_kept() -> None:
    """The token is validated before each event, and a payload of thousands of members would be searched each time."""
    made = session(None, [], Authorization="Bearer a", **{"X-CSRF-Token": "b"}, **dict.fromkeys("xyz", "c"))
    assert made.connection_params == {"authorization": ["Bearer a"], "x-csrf-token": ["b"]}


async def test_an_expired_token_is_refused_without_leeway() -> None:
    """A connection would outlive its token by the difference of the clocks."""
    with pytest.raises(CodedError, match=r"has expired\. Connect again with a new token") as error:
        await session(int(time.time()), [], Authorization="Bearer a").principal()
    assert error.value.code is Code.UNAUTHENTICATED


def test_a_token_without_expiry_never_ends() -> None:
    """There is no time left to count."""
    assert seconds_left(ADA) == float("inf")
