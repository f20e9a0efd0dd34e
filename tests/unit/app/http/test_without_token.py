"""The table of what needs no token: what of it exists in which environment, and that each row has a reason."""

from pathlib import Path

import pytest

from app.http.without_token import WITHOUT_TOKEN, OpenKind, open_routes
from app.settings import Settings

PRODUCTION = {
    ("http", "/health/live"),
    ("http", "/health/ready"),
    ("http", "/health/started"),
    ("http", "/.well-known/oauth-protected-resource"),
    ("http", "/"),
    ("http", "/explorer/{file}"),
    ("http", "/graphiql"),
    ("http", "/graphiql/{file}"),
    ("http", "/sign-in"),
    ("http", "/sign-in/callback"),
    ("http", "/session"),
    ("http", "/sign-out"),
    ("websocket", "/graphql"),
}
DEV = {
    ("http", "/.well-known/openid-configuration"),
    ("http", "/.well-known/oauth-authorization-server"),
    ("http", "/.well-known/jwks.json"),
    ("http", "/graphiql/personas"),
    ("http", "/graphiql/token"),
    ("http", "/dev-issuer/authorize"),
    ("http", "/dev-issuer/picker.js"),
    ("http", "/dev-issuer/token"),
}


@pytest.mark.parametrize(("env", "expected"), [("production", PRODUCTION), ("dev", PRODUCTION | DEV)])
def test_the_open_routes_of_an_environment(tmp_path: Path, env: str, expected: set[tuple[str, str]]) -> None:
    """Production has neither the development issuer nor the personas; middlewares and ports are no routes."""
    assert open_routes(Settings.from_env({"MLG_ENV": env, "MLG_DATA_DIR": str(tmp_path)})) == expected


def test_every_row_has_a_reason_and_occurs_once() -> None:
    """Each row ends in a sentence that gives the reason, and no place has two rows."""
    assert [each.name for each in WITHOUT_TOKEN if len(each.reason.split()) < 6 or each.reason[-1] != "."] == []
    places = [(each.kind, each.name) for each in WITHOUT_TOKEN]
    assert len(set(places)) == len(places)
    assert {each.kind for each in WITHOUT_TOKEN} == set(OpenKind)
