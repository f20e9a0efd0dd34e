"""The endpoint of a store: credentials leave the URL and every representation, and production names its store."""

import gc
import re

import pytest
from typer.testing import CliRunner

from app.cli.command_line import commands
from app.runtime.process import open_store
from app.settings import Settings
from app.store.store_endpoint import StoreEndpoint, external_endpoints, server_endpoints
from policies.errors import ConfigurationError

URL = "http://janusgraph:8182/gremlin"
BASIC = "Basic bWxnOnMzY3JldC1QYTU1"
"""The header of user `mlg` with password `s3cret-Pa55`, made with another program."""
PRODUCTION = {
    "MLG_ENV": "production",
    "MLG_ISSUERS": '[{"issuer": "https://issuer.example"}]',
    "MLG_SECRET": "x" * 32,
}


@pytest.mark.parametrize(
    "env",
    [
        {"MLG_STORE_URL": URL, "MLG_STORE_USER": "mlg", "MLG_STORE_PASSWORD": "s3cret-Pa55"},
        {"MLG_STORE_URL": "http://mlg:s3cret-Pa55@janusgraph:8182/gremlin"},
        {"MLG_STORE_URL": "http://mlg:s3cret%2DPa55@janusgraph:8182/gremlin"},
    ],
    ids=["settings", "user-info", "encoded"],
)
def test_credentials_are_sent_and_not_shown(env: dict[str, str]) -> None:
    """Both forms give the same header; URL and representations, also of the settings, do not contain the password."""
    settings = Settings.from_env(env)
    (endpoint,) = external_endpoints(settings)
    assert (endpoint.url, endpoint.headers) == (URL, {"Authorization": BASIC})
    assert not [shown for shown in (repr(endpoint), str(endpoint), repr(settings)) if re.search("s3cret", shown)]


def test_a_store_without_credentials_gets_no_header() -> None:
    """Without credentials no header is sent, and without a URL there is no external store."""
    assert StoreEndpoint.parse(URL).headers == {}
    assert external_endpoints(Settings.from_env({})) == ()


@pytest.mark.parametrize(
    ("url", "user", "password", "advice"),
    [
        ("janusgraph:8182", "", "", "is no HTTP URL"),
        ("ws://mlg:s3cret@janusgraph:8182/gremlin", "", "", "is no HTTP URL"),
        ("http://mlg:s3cret@janusgraph:port/gremlin", "", "", "is no HTTP URL"),
        ("http://mlg:s3cret@[janusgraph/gremlin", "", "", "is no HTTP URL"),
        ("http:///gremlin", "", "", "is no HTTP URL"),
        ("http://mlg@janusgraph/gremlin", "", "", "are incomplete"),
        (URL, "mlg", "", "are incomplete"),
        (URL, "", "s3cret", "are incomplete"),
        (URL, "m:lg", "s3cret", "without a colon"),
        ("http://mlg:s3cret@janusgraph/gremlin", "mlg", "s3cret", "are given twice"),
    ],
)
def test_a_wrong_endpoint_is_refused(url: str, user: str, password: str, advice: str) -> None:
    """A URL that is none, and half or double credentials, are refused with advice and without the password."""
    with pytest.raises(ConfigurationError, match=advice) as refused:
        StoreEndpoint.parse(url, user, password)
    assert "s3cret" not in refused.value.message


def test_serve_refuses_the_embedded_store_in_production(recwarn: pytest.WarningsRecorder) -> None:
    """In production `mlg serve` without MLG_STORE_URL ends at once, names both settings that help, closes its port."""
    result = CliRunner().invoke(commands, ["serve"], env=PRODUCTION)
    assert result.exit_code == 1
    assert isinstance(result.exception, ConfigurationError)
    assert "set MLG_STORE_URL" in result.exception.message
    assert "MLG_ALLOW_EMBEDDED_STORE=1" in result.exception.message
    del result
    gc.collect()
    assert [each for each in recwarn if "Listener" in str(each.message)] == []


async def test_a_server_without_the_command_refuses_it_too() -> None:
    """`uvicorn app.main:app`, which opens the store at its start, is refused for the same reason."""
    with pytest.raises(ConfigurationError, match="MLG_ALLOW_EMBEDDED_STORE=1"):
        async with open_store(Settings.from_env(PRODUCTION)):
            pass


@pytest.mark.parametrize("env", [{**PRODUCTION, "MLG_ALLOW_EMBEDDED_STORE": "1"}, {"MLG_ENV": "dev"}])
def test_the_embedded_store_is_allowed_where_chosen(env: dict[str, str]) -> None:
    """In development, and in production if it is permitted, the embedded store is used."""
    assert server_endpoints(Settings.from_env(env)) == ()


def test_production_uses_the_external_store() -> None:
    """In production an external store needs no permission."""
    assert server_endpoints(Settings.from_env({**PRODUCTION, "MLG_STORE_URL": URL})) == (StoreEndpoint(URL),)


def test_several_servers_have_own_or_equal_credentials() -> None:
    """Each URL of the list is an endpoint; credentials are those of the settings for all, or those in each URL."""
    urls = "http://a:8182/gremlin, https://b/gremlin"
    for_all = {"MLG_STORE_URL": urls, "MLG_STORE_USER": "mlg", "MLG_STORE_PASSWORD": "s3cret-Pa55"}
    assert [(each.url, each.authorization) for each in external_endpoints(Settings.from_env(for_all))] == [
        ("http://a:8182/gremlin", BASIC),
        ("https://b/gremlin", BASIC),
    ]
    own = {"MLG_STORE_URL": "http://mlg:s3cret-Pa55@a:8182/gremlin,http://b:8182/gremlin"}
    assert [each.authorization for each in external_endpoints(Settings.from_env(own))] == [BASIC, ""]


@pytest.mark.parametrize(
    ("urls", "advice"),
    [
        (f"{URL},{URL}", "lists http://janusgraph:8182/gremlin twice"),
        (f"http://mlg:s3cret@janusgraph:8182/gremlin,{URL}", "lists http://janusgraph:8182/gremlin twice"),
        (f"{URL},", "is no HTTP URL"),
        (",", "is no HTTP URL"),
        ("http://mlg:s3,cret@janusgraph:8182/gremlin", "A comma in a password is %2C"),
    ],
)
def test_a_wrong_list_is_refused(urls: str, advice: str) -> None:
    """A server that is listed twice, an empty part and an unencoded comma are refused, without the password."""
    with pytest.raises(ConfigurationError, match=advice) as refused:
        external_endpoints(Settings.from_env({"MLG_STORE_URL": urls}))
    assert "s3" not in refused.value.message
