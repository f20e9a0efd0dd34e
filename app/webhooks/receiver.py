"""The receiver of a webhook: sends requests to one URL, and connects only to addresses that the server allows.

The resolver of the connection returns addresses, and the socket for one of them is made after it was examined. So a
name that resolves to another address later gains nothing. Redirects and the proxies of the environment are not used.
"""

import socket
from collections.abc import Mapping
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver

from app.webhooks.bounded_socket import Allowance, BoundedSocket
from app.webhooks.interim_responses import InterimBoundedResponse, TooManyInterimError
from app.webhooks.receiver_hosts import HostRule, is_address
from app.webhooks.receiver_tls import client_tls

SECONDS: Final = 10.0
"""Seconds of a delivery, from the connection to the response."""

CONNECT_SECONDS: Final = 3.0
"""Seconds for a connection to one address."""

MAX_RESPONSE_BYTES: Final = 4_096
"""Bytes that are read of a response, so that its connection can be used again; a longer one is closed."""

MAX_HEADER_BYTES: Final = 8_190
"""Maximal bytes of a line of the head of a response."""

_GONE: Final = 410


class DeliveryFailedError(Exception):
    """A delivery failed; ``retry_after`` are the seconds that the receiver wants to wait, None without a wish."""

    def __init__(self, reason: str, *, retry_after: float | None = None, gone: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.gone = gone


class AddressRefusedError(OSError):
    """The host resolves to an address that may not receive webhooks."""


class Receiver:
    """Sends to one URL, which ``rule`` allows; use it as an async context manager. ``resolver`` is not closed.

    If the rule leaves the name of the host to the owner of the webhook, a name with a refused address fails like an
    absent one. Owners would otherwise learn which names the network of the server has.
    """

    def __init__(self, url: str, rule: HostRule, resolver: AbstractResolver) -> None:
        self._url = url
        self._rule = rule
        self._resolver = resolver
        self._is_probe = rule.has_any_name and not is_address(urlsplit(url).hostname or "")
        self._allowance = Allowance()

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=1, use_dns_cache=False, resolver=self._resolver, socket_factory=self.socket_for, ssl=client_tls()
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=SECONDS, sock_connect=CONNECT_SECONDS),
            trust_env=False,
            response_class=InterimBoundedResponse,
            auto_decompress=False,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def send(self, headers: Mapping[str, str], body: bytes) -> None:
        """Send one request; raises DeliveryFailedError unless the response has a status of success."""
        self._allowance.renew()
        try:
            async with self._session.post(self._url, data=body, headers=headers, allow_redirects=False) as response:
                await response.content.read(MAX_RESPONSE_BYTES)
                if not response.content.at_eof():
                    response.close()
                status, wish = response.status, response.headers.get("Retry-After", "")
        except TimeoutError:
            raise DeliveryFailedError("TIMEOUT") from None
        except aiohttp.ClientSSLError:
            raise DeliveryFailedError("TLS") from None
        except aiohttp.ClientConnectorError as error:
            refused = isinstance(error.os_error, AddressRefusedError) and not self._is_probe
            raise DeliveryFailedError("ADDRESS_REFUSED" if refused else "NO_CONNECTION") from None
        except TooManyInterimError:
            raise DeliveryFailedError("TOO_LONG") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise DeliveryFailedError("NO_CONNECTION" if self._allowance.left else "TOO_LONG") from None
        if not 200 <= status < 300:  # noqa: PLR2004 - the statuses of success
            wait = float(wish) if wish.isascii() and wish.isdigit() and len(wish) < len("1000000") else None
            raise DeliveryFailedError(f"HTTP {status}", retry_after=wait, gone=status == _GONE)

    def socket_for(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """Return the socket for an address of the host; raises AddressRefusedError if it may not be connected to."""
        family, kind, protocol, _, address = info
        if not self._rule.may_connect(str(address[0])):
            raise AddressRefusedError("The address may not receive webhooks.")
        made = BoundedSocket(family, kind, protocol)
        made.allowance = self._allowance
        return made
