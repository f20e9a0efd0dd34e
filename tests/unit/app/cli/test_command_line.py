"""The command line: its table is complete, and a command imports only the modules that it needs."""

import subprocess
import sys
import tomllib

import pytest
from support.source_tree import ROOT
from typer.testing import CliRunner

from app.cli.command_line import Commands, commands
from app.cli.lazy_commands import DeferredCommand


@pytest.mark.parametrize("name", Commands.table)
def test_every_entry_of_the_table_is_a_command(name: str) -> None:
    """Each entry of the table resolves to a command with its name and its help line."""
    target, line = Commands.table[name]
    command = DeferredCommand(name, target, line).resolve()
    assert command.name == name
    assert command.help.splitlines()[0] == line


def test_help_lists_every_command() -> None:
    """`mlg --help` prints every command with its help line."""
    shown = CliRunner().invoke(commands, ["--help"], env={"COLUMNS": "160", "TERMINAL_WIDTH": "160"}).stdout
    for name, (_, line) in Commands.table.items():
        assert any(name in row and line in row for row in shown.splitlines()), name


@pytest.mark.parametrize(
    "module",
    [
        "app.cli.command_line",
        "app.cli.token_command",
        "app.cli.data_commands",
        "app.cli.query_command",
        "app.cli.impact.impact_command",
        "app.cli.page_commands",
    ],
)
def test_small_commands_do_not_load_the_server(module: str) -> None:
    """Neither the table nor a client command imports the schema, the driver or the store."""
    heavy = {"strawberry", "aiohttp", "gremlin_python", "jgo"}
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout  # noqa: S603 - our own code
    assert heavy.isdisjoint(loaded.split())


def test_a_subcommand_runs_through_the_table() -> None:
    """A command of a deferred group runs: `mlg schema print` prints the SDL."""
    result = CliRunner().invoke(commands, ["schema", "print"])
    assert result.exit_code == 0
    assert "type Query" in result.stdout


def test_the_version_is_that_of_the_package() -> None:
    """`mlg --version` prints the version of pyproject.toml and runs no command."""
    result = CliRunner().invoke(commands, ["--version"])
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert (result.exit_code, result.stdout) == (0, f"mlg {declared}\n")
