"""Requests to receivers: where they go, and what of a response counts."""

import socket
from typing import Any

import pytest
from support.servers.webhook_inbox import Inbox, receiving

from app.webhooks import receiver
from app.webhooks.host_resolver import HostResolver
from app.webhooks.receiver import AddressRefusedError, DeliveryFailedError, Receiver
from app.webhooks.receiver_hosts import HostRule


async def attempt(url: str, rule: HostRule) -> DeliveryFailedError | None:
    """Send one request; return its failure, None if it was accepted."""
    async with Receiver(url, rule, HostResolver()) as there:
        try:
            await there.send({"webhook-id": "msg_1"}, b"{}")
        except DeliveryFailedError as error:
            return error
    return None


async def answered(inbox: Inbox) -> DeliveryFailedError | None:
    """Send one request to the receiver of a test."""
    return await attempt(inbox.url, HostRule.parse(inbox.url))


async def test_a_status_of_success_is_a_delivery() -> None:
    """Body and headers arrive, and 204 is a success."""
    async with receiving() as inbox:
        assert await answered(inbox) is None
        ((headers, body),) = inbox.requests
    assert (headers["webhook-id"], body) == ("msg_1", b"{}")


@pytest.mark.parametrize(
    ("status", "wish", "wait", "gone"),
    [
        (500, "", None, False),
        (429, "7", 7.0, False),
        (503, "Fri, 27 Nov 2026 12:00:00 GMT", None, False),
        (503, "-5", None, False),
        (503, "9" * 30, None, False),
        (410, "", None, True),
    ],
)
async def test_other_statuses_are_failures(status: int, wish: str, wait: float | None, gone: bool) -> None:  # noqa: FBT001
    """The failure has the status, the seconds that the receiver wants to wait, and whether it ends the webhook."""
    async with receiving() as inbox:
        inbox.answers.append(status)
        inbox.headers = {"Retry-After": wish}
        failure = await answered(inbox)
    assert failure is not None
    assert (failure.reason, failure.retry_after, failure.gone) == (f"HTTP {status}", wait, gone)


async def test_a_redirect_is_not_followed() -> None:
    """A receiver that redirects to another address gets a failure, and the other address gets nothing."""
    async with receiving() as inbox, receiving() as other:
        inbox.answers.append(307)
        inbox.headers = {"Location": other.url}
        failure = await answered(inbox)
        assert other.requests == []
    assert failure is not None
    assert failure.reason == "HTTP 307"


async def test_a_name_of_a_private_address_is_not_connected_to() -> None:
    """A host of the setting that resolves to this machine is refused before a connection is made."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        port = server.getsockname()[1]
        for host in ("localhost", "127.0.0.1"):
            failure = await attempt(f"https://{host}:{port}/", HostRule.parse(f"{host}:{port}"))
            assert failure is not None
            assert failure.reason == "ADDRESS_REFUSED", host
        with pytest.raises(BlockingIOError):
            server.accept()


async def test_a_pattern_discloses_no_name_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that the owner chose fails alike, whether it has a private address or none; an address may be refused."""

    async def resolve(_self: object, host: str, *_: object, **_options: object) -> list[dict[str, Any]]:
        if host == "absent":
            raise OSError("No address associated with hostname")
        return [{"hostname": host, "host": "10.0.0.1", "port": 443, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    monkeypatch.setattr(HostResolver, "resolve", resolve)
    reasons = {}
    for host, pattern in (("vault", "*"), ("absent", "*"), ("vault", "va*"), ("vault", "vault"), ("10.0.0.1", "*")):
        failure = await attempt(f"https://{host}/", HostRule.parse(pattern))
        assert failure is not None
        reasons[host, pattern] = failure.reason
    disclosing = {("vault", "vault"), ("10.0.0.1", "*")}
    assert reasons == {key: "ADDRESS_REFUSED" if key in disclosing else "NO_CONNECTION" for key in reasons}


def test_each_address_is_examined_when_its_socket_is_made() -> None:
    """A name that resolves to a public and then to a private address is refused with the private one."""
    there = Receiver("https://hooks.example.com/", HostRule.parse("hooks.example.com"), HostResolver())
    tcp = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    there.socket_for((*tcp, ("93.184.215.14", 443))).close()
    with pytest.raises(AddressRefusedError):
        there.socket_for((*tcp, ("169.254.169.254", 443)))


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment gets no request."""
    async with receiving() as inbox, receiving() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert await answered(inbox) is None
        assert proxy.requests == []


async def test_a_silent_receiver_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that does not answer within the time is a failure."""
    monkeypatch.setattr(receiver, "SECONDS", 0.05)
    async with receiving() as inbox:
        inbox.open.clear()
        failure = await answered(inbox)
    assert failure is not None
    assert failure.reason == "TIMEOUT"


async def test_a_long_response_is_not_read() -> None:
    """Of a response of 64 MiB the status counts, and the next request uses another connection."""
    async with receiving() as inbox:
        inbox.answers.extend([200, 200])
        inbox.response = b"x" * (64 << 20)
        async with Receiver(inbox.url, HostRule.parse(inbox.url), HostResolver()) as there:
            await there.send({}, b"{}")
            await there.send({}, b"{}")
        assert len(inbox.requests) == 2


async def test_a_closed_port_and_another_protocol_are_failures() -> None:
    """No connection, and TLS at a port without it, have reasons of their own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    failure = await attempt(f"http://127.0.0.1:{port}", HostRule.parse(f"http://127.0.0.1:{port}"))
    assert failure is not None
    assert failure.reason == "NO_CONNECTION"
    async with receiving() as inbox:
        url = inbox.url.replace("http", "https")
        failure = await attempt(url, HostRule.parse(url))
    assert failure is not None
    assert failure.reason == "TLS"
