"""What a client reports to the watches of its writes, by the responses of the store; without a store."""

from contextlib import suppress
from typing import Any

import aiohttp
import orjson
import pytest

from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.driver.transport import Exchange
from app.graph.records.touched import NOTHING, Touched
from app.store.store_endpoint import StoreEndpoint
from policies.errors import CodedError

URL = "http://127.0.0.1:1/gremlin"
OVERLOADED = (429, b"")


def failed(*classes: str) -> tuple[int, bytes]:
    """Return the response of a store that failed with exceptions of these classes."""
    return 500, orjson.dumps({"message": "", "exceptions": [*classes]})


class Ends:
    """A watch of writes that records whether their ends were certain."""

    def __init__(self) -> None:
        self.certain: list[bool] = []

    def begun(self, touched: Touched) -> None:
        """Do nothing."""

    def ended(self, touched: Touched, *, certain: bool) -> None:
        """Record an end."""
        assert touched is NOTHING
        self.certain.append(certain)


async def certain_ends(monkeypatch: pytest.MonkeyPatch, *responses: Any) -> list[bool]:
    """Return whether the end of a write was certain that one server after the other had these responses to."""
    client: Any = GremlinClient([StoreEndpoint.parse(URL)] * len(responses))
    left, ends = [*responses], Ends()
    client.write_watches.append(ends)

    async def post(_session: object, _server: object, exchange: Exchange) -> tuple[int, bytes]:
        exchange.attempts += 1
        response: tuple[int, bytes] | Exception = left.pop(0)
        if isinstance(response, Exception):
            raise response
        return response

    client.transport.session = None
    monkeypatch.setattr(client.transport, "post", post)
    with suppress(CodedError):
        await client.submit(PreparedStatement("write"), {}, writes=NOTHING)
    assert not left
    return ends.certain


@pytest.mark.parametrize(
    ("response", "certain"),
    [
        ((200, b'{"result": {"data": [1]}}'), True),
        (failed("PermanentLockingException"), True),
        (failed("IllegalArgumentException"), True),
        (failed("DiskLimitException"), True),
        (OVERLOADED, True),
        (failed("TemporaryBackendException", "WriteTimeoutException"), False),
        (failed("TimeoutException"), False),
        (failed("IOException"), False),
        (failed("an.unknown.Error"), False),
        ((200, b"[]"), False),
        ((502, b"<html>Bad Gateway</html>"), False),
        (aiohttp.ClientPayloadError(), False),
    ],
)
async def test_a_write_ends_for_certain_only_by_a_response_about_its_outcome(
    monkeypatch: pytest.MonkeyPatch, response: Any, *, certain: bool
) -> None:
    """A storage that timed out may apply a write later, so that readers may not keep what they read meanwhile."""
    assert await certain_ends(monkeypatch, response) == [certain]


async def test_a_refusal_by_one_server_is_none_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that one server refused is sent to another one, whose response may be lost."""
    assert await certain_ends(monkeypatch, OVERLOADED, aiohttp.ClientPayloadError()) == [False]
