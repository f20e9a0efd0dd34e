"""Interim responses of a receiver: a few are skipped, and a delivery with more of them fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from app.webhooks.bounded_socket import MAX_PART
from app.webhooks.host_resolver import HostResolver
from app.webhooks.interim_responses import MAX_INTERIM
from app.webhooks.receiver import DeliveryFailedError, Receiver
from app.webhooks.receiver_hosts import HostRule

INTERIM = (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"


@asynccontextmanager
async def responding(response: bytes) -> AsyncIterator[tuple[str, list[int]]]:
    """Run a receiver that sends a text after each request; yield its URL, and the requests of each connection."""
    requests: list[int] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here = len(requests)
        requests.append(0)
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n{}")
                requests[here] += 1
                writer.write(response)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(respond, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests


@pytest.mark.parametrize("interim", INTERIM, ids=["100", "103"])
async def test_a_few_interim_responses_are_skipped(interim: bytes) -> None:
    """Each delivery may have as many as the maximum, over one connection."""
    async with responding(interim * MAX_INTERIM + NO_CONTENT) as (url, requests):
        async with Receiver(url, HostRule.parse(url), HostResolver()) as there:
            for _ in range(3):
                await there.send({}, b"{}")
        assert requests == [3]


@pytest.mark.parametrize("interim", INTERIM, ids=["100", "103"])
@pytest.mark.parametrize("count", [MAX_INTERIM + 1, 700])
async def test_many_interim_responses_fail_the_delivery(interim: bytes, count: int, received_parts: list[int]) -> None:
    """One more ends the delivery and its connection, and the others are not read."""
    async with responding(interim * count + NO_CONTENT) as (url, requests):
        async with Receiver(url, HostRule.parse(url), HostResolver()) as there:
            for _ in range(2):
                with pytest.raises(DeliveryFailedError) as failure:
                    await there.send({}, b"{}")
                assert failure.value.reason == "TOO_LONG"
        assert requests == [1, 1]
    assert sum(received_parts) <= 2 * 4 * MAX_PART
