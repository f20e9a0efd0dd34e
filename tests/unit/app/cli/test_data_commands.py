"""`mlg import` at the command line; tests/unit/app/ingest covers what it reads and sends."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import data_commands
from app.cli.command_line import commands
from app.ingest.load.batches import ImportItem

GROUP, RANKING = "mlg://team/ldap/default/g1", "mlg://team/catalog/default/ranking"


@pytest.mark.parametrize("mapped", [True, False])
def test_the_map_of_teams_is_applied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, mapped: bool) -> None:
    """With `--team-map` the items that are sent have the mapped owner, and an entry without a use is named."""
    sent: list[object] = []

    def load(_target: object, entries: Iterable[object], **_: object) -> int:
        sent.extend(entry.value for entry in entries if isinstance(entry, ImportItem))
        return 0

    monkeypatch.setattr(data_commands, "load", load)
    items, teams = tmp_path / "items.jsonl", tmp_path / "teams.toml"
    items.write_text(json.dumps({"dataset": {"id": "mlg://dataset/test/default/d", "owners": [{"owner": GROUP}]}}))
    teams.write_text(f'[teams]\n"{GROUP}" = "ranking"\n"mlg://team/ldap/default/g2" = "ads"\n')
    option = ["--team-map", str(teams)] if mapped else []
    result = CliRunner().invoke(commands, ["import", "jsonl", str(items), "--token", "t", *option])
    assert (result.exit_code, result.stdout) == (0, "")
    owner = RANKING if mapped else GROUP
    assert sent == [{"dataset": {"id": "mlg://dataset/test/default/d", "owners": [{"owner": owner}]}}]
    assert ("no item read has the team mlg://team/ldap/default/g2" in result.stderr) == mapped
