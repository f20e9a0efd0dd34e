"""The port and the address of a server, for both families of addresses."""

import socket
from pathlib import Path
from typing import Any

import httpx2
import pytest

from app.cli.server_commands import welcome
from app.http.connections.listener import bound_listener
from app.settings import Settings
from policies.errors import ConfigurationError

FAMILIES = {"127.0.0.1": socket.AF_INET, "::1": socket.AF_INET6}


@pytest.mark.parametrize("host", FAMILIES)
def test_a_used_port_is_refused_and_a_free_one_is_not(host: str) -> None:
    """A port of an IPv6 address is tested as one of IPv4; it was once always refused."""
    with socket.socket(FAMILIES[host]) as used:
        used.bind((host, 0))
        used.listen()
        port = used.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"MLG_PORT={port + 1}"):
            bound_listener(host, port)
    bound_listener(host, port).close()


def test_an_unknown_host_is_refused() -> None:
    """The message names MLG_HOST, which is wrong then."""
    with pytest.raises(ConfigurationError, match="correct MLG_HOST"):
        bound_listener("256.1.1.1", 8000)


@pytest.mark.parametrize(("host", "url"), [("127.0.0.1", "http://127.0.0.1:8123"), ("::1", "http://[::1]:8123")])
def test_the_welcome_has_the_address_of_the_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str, url: str
) -> None:
    """An IPv6 address has brackets, so that the printed commands work."""
    settings = {"MLG_DATA_DIR": str(tmp_path), "MLG_HOST": host, "MLG_PORT": "8123", "MLG_DEMO": "0"}
    welcome(Settings.from_env(settings))
    assert capsys.readouterr().out.count(f"{url}/graphql ") == 2


def test_the_welcome_offers_nothing_that_the_mode_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where persisted documents are required, no request is sent, although MLG_DEMO is 1: it would end the server."""
    settings = {"MLG_DATA_DIR": str(tmp_path), "MLG_PORT": "8123", "MLG_DOCUMENT_MODE": "require"}
    welcome(Settings.from_env(settings))
    printed = capsys.readouterr().out
    assert [part in printed for part in ("/graphql ", "export TOKEN=", "MLG_DOCUMENT_MODE=require")] == [True] * 3
    assert [part in printed for part in ("/graphiql", "curl", "import datahub")] == [False] * 3


@pytest.mark.parametrize("client", ["", "web"])
def test_the_key_is_in_no_address_that_leads_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], client: str
) -> None:
    """Browsers carry what is behind `#` through redirects, so another issuer would get the key of the personas."""
    settings = {"MLG_DATA_DIR": str(tmp_path), "MLG_PORT": "8123", "MLG_DEMO": "0", "MLG_SIGN_IN_CLIENT": client}
    welcome(Settings.from_env(settings))
    printed = capsys.readouterr().out
    (address,) = (line for line in printed.splitlines() if "/sign-in" in line and line.startswith("http"))
    assert ("#key=" in address) == (client == "")
    assert "/graphiql#key=" in printed


@pytest.mark.parametrize("data", [{}, {"data": None}])
def test_a_failed_first_query_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, data: dict[str, Any]
) -> None:
    """The server goes on without the demo estate, which is not loaded into a store that may hold something."""

    def refused(*_words: object, **_named: object) -> httpx2.Response:
        return httpx2.Response(503, json={**data, "errors": [{"message": "The store is away."}]})

    monkeypatch.setattr(httpx2, "post", refused)
    welcome(Settings.from_env({"MLG_DATA_DIR": str(tmp_path), "MLG_DEMO": "1"}))
    captured = capsys.readouterr()
    assert "The store is away." in captured.err
    assert "is ready" in captured.out
