"""Errors of commands: an exit code, and a message without characters that a terminal would obey."""

import pytest

from app.cli import command_line
from app.cli.exit_codes import FAILURE, MISUSE, failure, misuse, print_remark
from policies.errors import CodedError, InvalidError

TEXT = "the server responds \x1b[2J\x07\x9b1m"
SHOWN = r"mlg: the server responds \x1b[2J\x07\x9b1m"


def test_an_error_is_printed_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """The text of a server in an error cannot move the cursor, set the title or fill the clipboard."""
    assert failure(CodedError(TEXT)).exit_code == FAILURE
    assert misuse(InvalidError(TEXT)).exit_code == MISUSE
    assert capsys.readouterr().err.splitlines() == [SHOWN, SHOWN]


def test_the_error_of_a_command_is_printed_without_control_characters(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error that a command does not expect itself ends it with exit code 1."""

    def command() -> None:
        raise CodedError(TEXT)

    monkeypatch.setattr(command_line, "commands", command)
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert (ended.value.code, capsys.readouterr().err.splitlines()) == (FAILURE, [SHOWN])


def test_later_lines_are_indented(capsys: pytest.CaptureFixture[str]) -> None:
    """A line that a server chose does not look like one of the program."""
    print_remark("mlg: npm failed:\nmlg: all is well")
    assert capsys.readouterr().err == "mlg: npm failed:\n  mlg: all is well\n"
