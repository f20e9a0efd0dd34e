"""`mlg export` at the command line; tests/journeys/test_round_trip.py covers its items."""

from collections.abc import AsyncIterator

import pytest
from typer.testing import CliRunner

from app.cli import export_command
from app.cli.command_line import commands
from app.ingest.export.export_items import UnreadItem


def test_an_unknown_kind_is_refused() -> None:
    """`--kind` takes the values of `AssetKind` only, and is checked before any request."""
    given = ["--kind", "MODEL", "--kind", "MODLE", "--kind", "TEAM"]
    result = CliRunner().invoke(commands, ["export", "--url", "http://127.0.0.1:9", "--token", "t", *given])
    assert result.exit_code == 2
    assert "unknown kind: MODLE, TEAM" in result.stderr


@pytest.mark.parametrize("unread", [0, 2])
def test_what_cannot_be_read_is_named_and_fails(monkeypatch: pytest.MonkeyPatch, unread: int) -> None:
    """The items are on stdout; what cannot be read is on stderr with its id and reason, and the exit code is 1."""

    async def items(*_: object) -> AsyncIterator[object]:
        yield {"tag": {"id": "t"}}
        for number in range(unread):
            yield UnreadItem(f"mlg://model/test/default/{number}", "A value is broken.")
        yield {"team": {"id": "u"}}

    async def count(*_: object) -> None:
        """Return no number, as for more assets than are counted."""

    monkeypatch.setattr(export_command, "export_items", items)
    monkeypatch.setattr(export_command, "_count", count)
    result = CliRunner().invoke(commands, ["export", "--url", "http://127.0.0.1:9", "--token", "t"])
    assert result.stdout.splitlines() == ['{"tag":{"id":"t"}}', '{"team":{"id":"u"}}']
    assert result.exit_code == (1 if unread else 0)
    for number in range(unread):
        assert f"mlg://model/test/default/{number}: A value is broken." in result.stderr
    assert ("incomplete" in result.stderr) == bool(unread)
