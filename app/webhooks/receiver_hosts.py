"""The hosts that may receive webhooks, from MLG_WEBHOOK_HOSTS, and whether an address of one may be connected to.

A host (``hooks.example.com``, ``*.example.com``, ``*``, each also with a port) allows HTTPS at a public address. An
origin (``http://127.0.0.1:9000``) allows exactly this scheme, host and port, whatever its address is.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, Self
from urllib.parse import SplitResult, urlsplit

from policies.errors import ConfigurationError

MAX_URL_LENGTH: Final = 2_000
"""Maximal number of characters of the address of a webhook."""

_HOST: Final = re.compile(r"[a-z0-9.:_*-]+", re.ASCII)
"""Characters of a host: without escapes, which two parsers may read differently."""

_PORTS: Final = {"http": 80, "https": 443}

_UNICAST: Final = IPv6Network("2000::/3")
"""The IPv6 addresses of the public internet (RFC 4291); others may be local, or contain a private IPv4 address."""


@dataclass(frozen=True, slots=True)
class HostRule:
    """One entry: a pattern of host names, a port, a scheme, and whether any address may be connected to."""

    host: str
    port: int
    scheme: str = "https"
    any_address: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return an entry of the setting; raises ConfigurationError if it is neither a host nor an origin."""
        parts = _split(text if "://" in text else f"https://{text}")
        if parts is None or parts.path or parts.query or ("://" in text and "*" in text):
            raise ConfigurationError(
                f"MLG_WEBHOOK_HOSTS has {text!r}; write a host such as hooks.example.com or *.example.com, or an "
                "origin such as http://127.0.0.1:9000."
            )
        return cls(parts.hostname or "", _port(parts), parts.scheme, any_address="://" in text)

    def allows(self, parts: SplitResult) -> bool:
        """Return whether the entry is about the origin of a URL."""
        named = fnmatchcase(parts.hostname or "", self.host) if self.has_any_name else parts.hostname == self.host
        return named and (parts.scheme, _port(parts)) == (self.scheme, self.port)

    @property
    def has_any_name(self) -> bool:
        """Whether the entry is a pattern, of which the owner of a webhook chooses a name."""
        return "*" in self.host

    def may_connect(self, address: str) -> bool:
        """Return whether the address of a host, as text, may be connected to."""
        return self.any_address or is_public(address)


@dataclass(frozen=True, slots=True)
class ReceiverHosts:
    """The entries of the setting; without one, no host may receive."""

    rules: tuple[HostRule, ...] = ()

    @classmethod
    def parse(cls, texts: tuple[str, ...]) -> Self:
        """Return the entries of the setting; raises ConfigurationError."""
        return cls(tuple(HostRule.parse(text) for text in texts))

    def rule_for(self, url: str) -> HostRule | None:
        """Return the entry that allows a URL, an origin before a host; None if the URL is invalid or not allowed."""
        parts = _split(url) if len(url) <= MAX_URL_LENGTH else None
        if parts is None:
            return None
        return max((rule for rule in self.rules if rule.allows(parts)), key=lambda rule: rule.any_address, default=None)


def is_public(address: str) -> bool:
    """Return whether an address is one of the public internet, whether it is written as IPv4 or inside of IPv6."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif found.sixtofour or found.teredo or found not in _UNICAST:
            return False
    return found.is_global and not found.is_multicast


def is_address(host: str) -> bool:
    """Return whether the host of a URL is an address, and no name."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL; None if it is none of HTTP, has credentials, a fragment, or characters to escape."""
    if not url.isascii() or not url.isprintable() or any(each in url for each in " \\#@"):
        return None
    try:
        parts = urlsplit(url)
        valid = parts.scheme in _PORTS and bool(_HOST.fullmatch(parts.hostname or "")) and parts.port != 0
    except ValueError:
        return None
    return parts if valid else None


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]
