"""Texts of others for a terminal: neither markup nor control characters."""

import io
import json
import re
import sys

import pytest
from rich.console import Console

from app.cli.exit_codes import print_remark
from app.ingest.load.terminal_text import stdout_json, stdout_text, terminal_text

CONTROLS = "\x1b]52;c;eA==\x07\x9b2J\u202e\r"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe [bold]x[/bold] [/y]", "Größe [bold]x[/bold] [/y]"),
        ("\x1b[2J\r\n\x07", r"\x1b[2J\r\n\x07"),
        ("a\u202egpj.exe", r"a\u202egpj.exe"),
        ("##[set-output name=gate]open ##[error]", "## [set-output name=gate]open ## [error]"),
        (
            "x ##vso[task.setvariable variable=PATH]/tmp ##VSO[x] ##teamcity[setParameter]",
            "x ##vso [task.setvariable variable=PATH]/tmp ##VSO [x] ##teamcity [setParameter]",
        ),
        (" ::stop-commands::x, a::b, #[x] ## [x]", " : :stop-commands::x, a::b, #[x] ## [x]"),
    ],
)
def test_a_text_is_printed_as_it_is(text: str, shown: str) -> None:
    """Brackets and letters remain; what a terminal or the log of a job would obey is written out or divided."""
    console = Console(file=io.StringIO(), width=80)
    console.print(terminal_text(text))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == f"{shown}\n"


def test_no_line_of_a_remark_is_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """A server, or the author of a file, chooses lines that the log of a job would execute."""
    print_remark("one\n::add-mask::x\n  ::error::y ##[warning]z\n::")
    assert capsys.readouterr().err == "one\n  : :add-mask::x\n    : :error::y ## [warning]z\n  : :\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_stdout_gets_no_control_character_if_it_is_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """A file or a pipe gets each character; a terminal gets the same lines, and JSON with the same value."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    lines, found = stdout_text(f"a\r\n{CONTROLS}ü\r\n").decode(), stdout_json({"name": CONTROLS}, 0)
    assert json.loads(found) == {"name": CONTROLS}
    if terminal:
        assert lines == "a\n" + r"\x1b]52;c;eA==\x07\x9b2J\u202e\r" + "ü\n"
        assert found.decode().isprintable()
    else:
        assert lines == f"a\r\n{CONTROLS}ü\r\n"
        assert "\x9b" in found.decode()


def test_json_has_no_command_of_a_job() -> None:
    """Azure, TeamCity and GitHub find some commands anywhere in a line; the value of the JSON stays the same."""
    value = {"name": "##vso[task.setvariable]x ##[warning] ##TeamCity[x] ## Title ###[ ##"}
    found = stdout_json(value)
    assert json.loads(found) == value
    assert not re.search(r"##(vso|teamcity)?\[", found.decode(), re.IGNORECASE)
    assert b"## Title" in found
