"""Which origins are allowed, by the settings; tests/security/test_browser_pages.py covers the application."""

import pytest

from app.http.allowed_origins import LOCAL_PORTS, allowed_origins, has_name
from app.settings import Settings

PRODUCTION = {"MLG_ENV": "production"}


def test_development_allows_the_usual_local_ports() -> None:
    """Without a setting, `dev` allows pages of local development servers and of its own port, and none elsewhere."""
    origins = allowed_origins(Settings.from_env({"MLG_PORT": "8123"}))
    assert {"http://localhost:5173", "http://127.0.0.1:3000", "http://localhost:8123"} <= set(origins)
    assert len(origins) == 2 * (len(LOCAL_PORTS) + 1)
    assert all(origin.startswith(("http://localhost:", "http://127.0.0.1:")) for origin in origins)


def test_a_setting_replaces_them() -> None:
    """The setting is the whole list, in `dev` as in production."""
    given = {"MLG_ALLOWED_ORIGINS": " https://a.example , http://b.example:8080,"}
    for env in ({}, PRODUCTION):
        assert allowed_origins(Settings.from_env({**env, **given})) == ("https://a.example", "http://b.example:8080")


def test_production_allows_none_without_a_setting() -> None:
    """Production has no list of its own."""
    assert allowed_origins(Settings.from_env(PRODUCTION)) == ()


@pytest.mark.parametrize(
    ("origin", "named"),
    [
        ("http://evil.test", True),
        ("http://localhost.evil.test:8000", True),
        ("https://[", True),
        ("null", True),
        ("http://localhost:3000", False),
        ("http://127.0.0.1:8000", False),
        ("http://[::1]:8000", False),
    ],
)
def test_a_name_is_no_address(origin: str, *, named: bool) -> None:
    """An owner of a name can let it lead to this server, and no page chooses an address."""
    assert has_name(origin) is named
