"""Which addresses may receive webhooks."""

import pytest

from app.webhooks.receiver_hosts import HostRule, ReceiverHosts, is_public
from policies.errors import ConfigurationError

HOSTS = ReceiverHosts.parse(
    (
        "hooks.example.com",
        "*.example.org",
        "deep.example.com:8443",
        "http://127.0.0.1:9000",
        "https://inside.example.com",
    )
)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/in?x=1",
        "https://HOOKS.example.com:443/",
        "https://a.example.org/",
        "https://a.b.example.org",
        "https://deep.example.com:8443/",
        "http://127.0.0.1:9000/hook",
        "https://inside.example.com/",
    ],
)
def test_addresses_of_the_setting_are_allowed(url: str) -> None:
    """Hosts are allowed by HTTPS at their port, patterns for each name below, and origins as they are."""
    assert HOSTS.rule_for(url) is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://hooks.example.com:8443/",
        "https://deep.example.com/",
        "https://example.org/",
        "https://example.org.evil.example/",
        "https://hooks.example.com.evil.example/",
        "https://evil.example/hooks.example.com",
        "https://hooks.example.com@evil.example/",
        "https://user:word@hooks.example.com/",
        "https://evil.example\\@hooks.example.com/",
        "https://evil.example#.example.org",
        "https://evil.example%2f.example.org/",
        "https://evil.example/.example.org",
        "https://evil.example?.example.org",
        "http://127.0.0.1:9001/",
        "https://127.0.0.1:9000/",
        "http://inside.example.com/",
        "https://hooks.example.com/\n",
        "https://hooks.exámple.com/",
        "https:///hooks.example.com",
        "https://hooks.example.com:99999/",
        "https://[::1",
        "file:///etc/passwd",
        "gopher://hooks.example.com/",
        "hooks.example.com",
        "",
        "https://hooks.example.com/" + "x" * 2_000,
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    """Other hosts, ports and schemes, credentials, and URLs that two parsers may read differently are refused."""
    assert HOSTS.rule_for(url) is None


def test_nothing_is_allowed_without_entries() -> None:
    """Without the setting no address may receive; with `*` any host may, by HTTPS."""
    assert ReceiverHosts().rule_for("https://hooks.example.com/") is None
    assert ReceiverHosts.parse(("*",)).rule_for("https://anything.example.com/") == HostRule("*", 443)
    assert ReceiverHosts.parse(("*",)).rule_for("http://anything.example.com/") is None


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("::ffff:93.184.215.14", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - nothing listens
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("::7f00:1", False),
        ("fec0::1", False),
        ("2002:7f00:1::", False),
        ("2001:0:7f00:1::", False),
        ("not an address", False),
    ],
)
def test_only_public_addresses_of_a_host_are_connected_to(address: str, public: bool) -> None:  # noqa: FBT001 - a table
    """A host may resolve to public addresses only, in whatever form; an origin is connected to as it is."""
    assert is_public(address) is public
    assert HostRule.parse("hooks.example.com").may_connect(address) is public
    assert HostRule.parse("https://inside.example.com").may_connect(address)


@pytest.mark.parametrize(
    "text", ["https://*.example.com", "ftp://example.com", "example.com/path", "a b", "http://", "@"]
)
def test_invalid_entries_stop_the_start(text: str) -> None:
    """An entry that is neither a host nor an origin is an error that shows it."""
    with pytest.raises(ConfigurationError, match="MLG_WEBHOOK_HOSTS"):
        ReceiverHosts.parse((text,))
