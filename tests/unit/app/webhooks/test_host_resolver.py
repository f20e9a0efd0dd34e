"""Look-ups of hosts: in threads of their own, one for a name at a time."""

import asyncio
import socket
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from support.waiting import until

from app.webhooks import receiver
from app.webhooks.host_resolver import MAX_LOOKUPS, HostResolver
from app.webhooks.receiver import DeliveryFailedError, Receiver
from app.webhooks.receiver_hosts import HostRule


class Names:
    """A system whose name servers do not answer until ``open`` is set; ``found`` are the names that were looked up."""

    def __init__(self) -> None:
        self.open = Event()
        self.found: list[str] = []

    def getaddrinfo(self, host: str, *_: object, **_options: object) -> list[Any]:
        """Look up a name."""
        self.found.append(host)
        self.open.wait()
        if host.startswith("absent"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("192.0.2.1", 443))]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    """Replace the look-ups of the system; at the end, all are answered."""
    system = Names()
    monkeypatch.setattr(socket, "getaddrinfo", system.getaddrinfo)
    yield system
    system.open.set()


async def test_silent_names_leave_the_threads_of_the_process(names: Names) -> None:
    """While more names are looked up than there are threads, functions of others run in the threads of the process."""
    resolver = HostResolver()
    hosts = [f"{number}.example.com" for number in range(2 * MAX_LOOKUPS)]
    waiting = [asyncio.create_task(resolver.resolve(host)) for host in hosts]
    await until(lambda: len(names.found) == MAX_LOOKUPS)
    async with asyncio.timeout(5):
        assert await asyncio.to_thread(lambda: "done") == "done"
    assert len(names.found) == MAX_LOOKUPS
    names.open.set()
    assert [found[0]["hostname"] for found in await asyncio.gather(*waiting)] == hosts
    await resolver.close()


async def test_a_name_is_looked_up_once_at_a_time(names: Names) -> None:
    """Those who wait for a name share a look-up, also after the first one has left, and a later one is new."""
    resolver = HostResolver()
    first, second = (asyncio.create_task(resolver.resolve("hooks.example.com", 443)) for _ in range(2))
    await until(lambda: bool(names.found))
    first.cancel()
    await asyncio.wait([first])
    third = asyncio.create_task(resolver.resolve("hooks.example.com", 443))
    await asyncio.sleep(0)
    names.open.set()
    assert [each[0]["host"] for each in await asyncio.gather(second, third)] == ["192.0.2.1"] * 2
    assert len(names.found) == 1
    await resolver.resolve("hooks.example.com", 443)
    assert len(names.found) == 2
    await resolver.close()


async def test_a_name_without_an_address_is_an_error(names: Names) -> None:
    """The error is that of the system."""
    resolver = HostResolver()
    names.open.set()
    with pytest.raises(socket.gaierror):
        await resolver.resolve("absent.example.com")
    await resolver.close()


async def test_a_delivery_waits_for_a_silent_name_as_long_as_for_a_response(
    names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of a delivery ends the wait, so that its webhook has a failure and a pause."""
    monkeypatch.setattr(receiver, "SECONDS", 0.05)
    resolver = HostResolver()
    async with Receiver("https://hooks.example.com/", HostRule.parse("hooks.example.com"), resolver) as there:
        with pytest.raises(DeliveryFailedError) as failed:
            await there.send({}, b"{}")
    assert failed.value.reason == "TIMEOUT"
    assert names.found == ["hooks.example.com"]
    await resolver.close()
