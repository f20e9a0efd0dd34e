"""`mlg import` at the command line; tests/unit/app/ingest covers what it reads and sends."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import data_commands
from app.cli.command_line import commands
from app.ingest.load.batches import ImportItem
from app.ingest.load.source_load import SourceContent

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


DBT = Path(__file__).parents[3] / "data/dbt/shop/target"


def test_artifacts_without_a_namespace_are_refused() -> None:
    """The message has the form of a namespace for the adapter, and nothing is sent."""
    result = CliRunner().invoke(commands, ["import", "dbt", str(DBT), "--token", "t"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "give --namespace duckdb://PATH" in result.stderr


def test_the_options_of_dbt_reach_the_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """Owners are left out on request, the patterns of namespaces are applied, and nothing ends by default."""
    calls: list[tuple[SourceContent, bool]] = []

    def load_source(_target: object, content: SourceContent, *, end: bool, as_json: bool) -> int:
        assert as_json
        calls.append((content, end))
        return 0

    monkeypatch.setattr(data_commands, "load_source", load_source)
    words = ["import", "dbt", str(DBT), "--token", "t", "--json", "--namespace", "duckdb://shop.duckdb"]
    more = ["--no-owners", "--end", "--namespaces", "duckdb://* => pg://*"]
    codes = [CliRunner().invoke(commands, [*words, *each]).exit_code for each in ([], more)]
    (first, first_end), (second, second_end) = calls
    assert (codes, first_end, second_end) == ([0, 0], False, True)
    assert (len(first.owners), len(second.owners)) == (4, 0)
    assert first.subjects["shop.main_raw.orders"].startswith("mlg://dataset/duckdb/")
    assert second.subjects["shop.main_raw.orders"].startswith("mlg://dataset/pg/")


def test_a_registry_that_is_no_dump_is_refused(tmp_path: Path) -> None:
    """The message has the command that writes one, and nothing is sent."""
    (tmp_path / "registry.db").write_bytes(b"\x0a\x04shop")
    result = CliRunner().invoke(commands, ["import", "feast", str(tmp_path / "registry.db"), "--token", "t"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "feast registry-dump > registry.json" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["ftp://host/x"], 1, "'ftp://host/x' is no URI of a registry"),
        (["http://127.0.0.1:9", "--retire"], 2, "--retire needs --state FILE"),
    ],
)
def test_an_import_of_a_registry_names_what_is_wrong(arguments: list[str], code: int, message: str) -> None:
    """A wrong URI is an error, and a missing option a misuse; both are one line on stderr."""
    result = CliRunner().invoke(commands, ["import", "mlflow", *arguments, "--token", "t"])
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr
