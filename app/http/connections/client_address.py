"""The address by which a client is counted, so that one client is not many by its many addresses."""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

from app.settings import Network


def counted_address(address: str, proxies: Iterable[Network]) -> str | None:
    """Return the text under which the clients at an address are counted; None for one of the trusted ``proxies``.

    An IPv4 address counts by itself, also if it is written as IPv6. Of an IPv6 address the first 64 bits count, because
    a client may choose the others (RFC 4291). What is no address counts by its text.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return address
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    client = mapped or found
    if any(client in network for network in proxies):
        return None
    return f"{IPv6Address(int(client) >> 64 << 64)}/64" if isinstance(client, IPv6Address) else str(client)
