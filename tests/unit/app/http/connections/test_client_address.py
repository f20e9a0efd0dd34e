"""The address by which a client is counted."""

from ipaddress import ip_network

import pytest

from app.http.connections.client_address import counted_address

PROXIES = (ip_network("10.1.0.0/16"), ip_network("2001:db8:9::/48"))


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("2001:db8:0:1::", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::1", "2001:db8:0:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("10.1.2.3", None),
        ("::ffff:10.1.2.3", None),
        ("2001:db8:9:1::1", None),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_a_client_is_counted_by_what_it_cannot_choose(address: str, counted: str | None) -> None:
    """IPv4 counts in both forms, IPv6 by its network, a proxy not at all, and another text by itself."""
    assert counted_address(address, PROXIES) == counted
