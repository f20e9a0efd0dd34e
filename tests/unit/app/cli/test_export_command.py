"""`mlg export` at the command line; tests/journeys/test_round_trip.py covers its items."""

from typer.testing import CliRunner

from app.cli.command_line import commands


def test_an_unknown_kind_is_refused() -> None:
    """`--kind` takes the values of `AssetKind` only, and is checked before any request."""
    given = ["--kind", "MODEL", "--kind", "MODLE", "--kind", "TEAM"]
    result = CliRunner().invoke(commands, ["export", "--url", "http://127.0.0.1:9", "--token", "t", *given])
    assert result.exit_code == 2
    assert "unknown kind: MODLE, TEAM" in result.stderr
