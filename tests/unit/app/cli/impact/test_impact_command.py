"""`mlg impact` at the command line; tests/journeys/test_changed_files.py runs it against a server."""

import pytest
from typer.testing import CliRunner

from app.cli.command_line import commands
from app.cli.impact.change_impact import ChangeImpact, FailOn
from app.cli.impact.impact_command import exit_code


def found(total: int, services: int, state: str) -> ChangeImpact:
    """Return an impact with these counts."""
    counts = [{"kind": "SERVICE", "count": services}]
    completeness = {"state": state, "reason": "POLICY"}
    return ChangeImpact(1, (), {"total": total, "countsByKind": counts, "completeness": completeness})


@pytest.mark.parametrize(
    ("total", "services", "state", "codes"),
    [
        (0, 0, "COMPLETE", "0 0 0"),
        (4, 0, "COMPLETE", "0 0 1"),
        (4, 1, "COMPLETE", "0 1 1"),
        (0, 0, "PARTIAL", "0 2 2"),
        (4, 0, "TRUNCATED", "0 2 1"),
        (4, 1, "TRUNCATED", "0 1 1"),
    ],
)
def test_something_reached_outweighs_an_incomplete_result(total: int, services: int, state: str, codes: str) -> None:
    """1 if it is reached, else 2 if there may be more, else 0; with `nothing` always 0."""
    impact = found(total, services, state)
    assert [exit_code(impact, each) for each in FailOn] == [*map(int, codes.split())]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 3, "no file is given"),
        (["--changed", "a", "--url", "ftp://x"], 3, "not a valid address"),
        (["--changed", "a", "--fail-on", "x"], 2, "--fail-on"),
    ],
)
def test_a_wrong_call_is_no_result(words: list[str], code: int, message: str) -> None:
    """Nothing is printed on standard output, and the exit code is that of no complete result."""
    result = CliRunner().invoke(commands, ["impact", *words, "--token", "t"], env={"COLUMNS": "200"})
    assert (result.exit_code, result.stdout, message in result.stderr) == (code, "", True)
