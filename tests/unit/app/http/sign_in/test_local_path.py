"""Local paths: no address of another server is accepted, in any form that browsers read as one."""

import pytest

from app.http.sign_in.local_path import MAX_LENGTH, local_path
from policies.errors import InvalidError

FOREIGN = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/ /evil.example",
    "/%0d\r\nLocation: https://evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    "?x",
    "#x",
    "/é",
    "/x\\y",
    "/x\x00",
    "/" + "x" * MAX_LENGTH,
]


@pytest.mark.parametrize("text", FOREIGN)
def test_another_server_is_refused(text: str) -> None:
    """None of the texts is accepted; the error quotes nothing."""
    with pytest.raises(InvalidError, match="`return` is not a path of this server") as refused:
        local_path(text, "/")
    assert "evil" not in refused.value.message


@pytest.mark.parametrize("text", ["/sign-in", "/sign-in?return=/sign-in", "/sign-in/callback?code=x", "/sign-out"])
def test_a_path_of_the_sign_in_is_refused(text: str) -> None:
    """It would lead a browser in a circle."""
    with pytest.raises(InvalidError):
        local_path(text, "/")


@pytest.mark.parametrize("text", ["/", "/graphiql", "/a/b?c=d&e=%2F%2Fevil.example#f", "/x//y", "/~a[1]!@:"])
def test_a_path_is_returned(text: str) -> None:
    """A path of this server is kept with its query and fragment; without one there is a default."""
    assert local_path(text, "/start") == text
    assert local_path(None, "/start") == local_path("", "/start") == "/start"
