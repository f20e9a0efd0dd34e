"""The limits of connections: bounded by descriptors, and no address may have more than half of all."""

import pytest

from app.http.connections.connection_limits import ConnectionLimits, admissible
from app.settings import Settings
from policies.errors import ConfigurationError


@pytest.mark.parametrize(
    ("wanted", "descriptors", "admitted"),
    [(800, 1024, 800), (800, 512, 352), (800, 256, 96), (800, 60, 20), (10, 1024, 10), (5_000, None, 5_000)],
)
def test_descriptors_bound_the_connections(wanted: int, descriptors: int | None, admitted: int) -> None:
    """Some descriptors remain for everything else: 160, or two thirds if there are few."""
    assert admissible(wanted, descriptors) == admitted


def test_one_address_has_at_most_half() -> None:
    """The maximum per address is lowered to half of all, and is never zero."""
    few = Settings.from_env({"MLG_MAX_CONNECTIONS": "10", "MLG_MAX_CONNECTIONS_PER_ADDRESS": "9"})
    assert ConnectionLimits.of(few).per_address == 5
    assert ConnectionLimits.of(Settings.from_env({"MLG_MAX_CONNECTIONS": "1"})).per_address == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"MLG_MAX_CONNECTIONS": "0"},
        {"MLG_REQUEST_SECONDS": "nan"},
        {"MLG_READER_SECONDS": "-1"},
        {"MLG_IDLE_SECONDS": "0"},
        {"MLG_TRUSTED_PROXIES": "proxy.example"},
    ],
)
def test_a_limit_that_limits_nothing_is_refused(wrong: dict[str, str]) -> None:
    """Limits of zero, negative limits, and names in place of addresses stop the start with the name of the setting."""
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Settings.from_env(wrong)
