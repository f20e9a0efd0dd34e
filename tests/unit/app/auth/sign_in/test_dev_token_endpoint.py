"""The token endpoint of the development issuer: any request gets a response of RFC 6749."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from app.auth.dev_issuer import TOKEN_PATH, DevIssuer
from app.auth.sign_in.dev_grants import DevGrants
from app.auth.sign_in.dev_token_endpoint import token_endpoint
from app.settings import Settings


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "invalid_client"),
        (b"client_id=mlg-dev", "unsupported_grant_type"),
        (b"client_id=mlg-dev&grant_type=refresh_token&refresh_token=%ff%00", "invalid_grant"),
        (b"client_id=mlg-dev&grant_type=authorization_code", "invalid_grant"),
        (b"\xff", "invalid_request"),
        (b"a=1&" * 30, "invalid_request"),
    ],
)
def test_a_request_without_a_grant_is_refused(tmp_path: Path, body: bytes, error: str) -> None:
    """It is an error with the code of the standard, and no defect."""
    grants = DevGrants(DevIssuer(Settings.from_env({"MLG_DATA_DIR": str(tmp_path)})), "http://127.0.0.1:8000/")
    client = TestClient(Starlette(routes=[token_endpoint(grants, Request.body)]))
    response = client.post(TOKEN_PATH, content=body)
    assert (response.status_code, response.json()) == (400, {"error": error})
    assert response.headers["cache-control"] == "no-store"
