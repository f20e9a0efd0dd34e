"""The output of `mlg query` on a terminal: no text of the catalog is a sequence that the terminal obeys."""

import sys
from pathlib import Path

import pytest
import typer

from app.cli.query_command import query
from app.ingest.load.api_client import ApiClient
from graphql_schema.ports.record import JsonObject

NAME = "a\x1b[2J\x9b2J"


@pytest.mark.parametrize("as_csv", [True, False], ids=["csv", "json"])
@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_a_terminal_gets_no_escape_sequence(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    terminal: bool,  # noqa: FBT001 - a parameter of the test
    as_csv: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Data are escaped on a terminal and unchanged in a pipe; messages of errors are always escaped."""

    async def respond(*_: object) -> JsonObject:
        return {"data": {"a": [{"n": NAME}]}, "errors": [{"message": NAME, "path": ["a", NAME]}]}

    monkeypatch.setattr(ApiClient, "respond", respond)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    (tmp_path / "q.graphql").write_text("{ a { n } }")
    with pytest.raises(typer.Exit):
        query(str(tmp_path / "q.graphql"), "token", as_csv=as_csv)
    out, err = capsys.readouterr()
    escaped = r"a\x1b[2J\x9b2J"
    assert err == f"mlg: a.{escaped}: {escaped}\n"
    assert ("\x9b" in out) is not terminal
    assert ("\x1b" in out) is (as_csv and not terminal)
