"""The report of an import: counts, failures in words, and the summary."""

import io
import json

import pytest
from rich.console import Console

from app.ingest.load.batches import ItemResult
from app.ingest.load.load_report import ItemProgress, LoadReport, print_coverage, print_summary, run_load
from graphql_schema.ports.record import JsonObject
from policies.errors import CodedError


@pytest.fixture
def report() -> LoadReport:
    """Return a report whose console writes to memory."""
    return LoadReport(Console(file=io.StringIO(), width=200))


def printed(report: LoadReport) -> list[str]:
    """Return the lines that a report printed."""
    assert isinstance(report.console.file, io.StringIO)
    return report.console.file.getvalue().splitlines()


def test_outcomes_are_counted(report: LoadReport) -> None:
    """A result is stored, done, or failed; the number of results is returned for the progress bar."""
    results = [
        ItemResult("x", outcome) for outcome in ("CREATED", "CREATED", "UPDATED", "UNCHANGED", "DONE", "INVALID")
    ]
    assert (report.add(results), report.add([])) == (6, 0)
    assert report.summary() == {"created": 2, "updated": 1, "unchanged": 1, "failed": 1, "skipped": 0}


def test_an_importer_adds_its_own_counts_to_the_summary(report: LoadReport) -> None:
    """Counts of another kind come after those of all importers."""
    assert report.summary(skipped={"tags": 3}, mapped=7) == {
        "created": 0,
        "updated": 0,
        "unchanged": 0,
        "failed": 0,
        "skipped": {"tags": 3},
        "mapped": 7,
    }


def test_a_failure_is_printed_with_its_place_and_its_reasons(report: LoadReport) -> None:
    """Text in square brackets is no markup, so it is printed as it is."""
    report.add([ItemResult("a.jsonl:2", "DENIED", ("DENIED: [red]no[/red]", "INVALID: x"))])
    assert printed(report) == ["a.jsonl:2: DENIED: DENIED: [red]no[/red]; INVALID: x"]


def test_the_first_50_failures_are_printed(report: LoadReport) -> None:
    """Further failures are announced once and counted."""
    report.add(ItemResult(str(number), "INVALID", ("x",)) for number in range(53))
    lines = printed(report)
    assert (len(lines), lines[49]) == (51, "49: INVALID: x")
    assert "counted only" in lines[50]
    assert report.failed == 53


def test_a_summary_is_one_line(capsys: pytest.CaptureFixture[str], report: LoadReport) -> None:
    """As JSON for programs, or in words; it is the last line of standard output."""
    report.add([ItemResult("x", "CREATED"), ItemResult("x", "INVALID")])
    print_summary(report.summary(mapped=7), as_json=True)
    print_summary(report.summary(mapped=7), as_json=False)
    as_json, in_words = capsys.readouterr().out.splitlines()
    assert json.loads(as_json) == report.summary(mapped=7)
    assert in_words == "1 created, 0 updated, 0 unchanged, 1 failed"


def test_coverage_is_a_table_with_totals(capsys: pytest.CaptureFixture[str]) -> None:
    """One row for each entity type and aspect, in order, whether it was mapped or skipped."""
    print_coverage({"dataset/schemaMetadata": 5}, {"dataset/status": 2, "chart/chartInfo": 1})
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    cells = [[cell for cell in row if cell.isalnum()] for row in rows]
    assert [row for row in cells if row] == [
        ["entity", "type", "aspect", "mapped", "skipped"],
        ["chart", "chartInfo", "1"],
        ["dataset", "schemaMetadata", "5"],
        ["dataset", "status", "2"],
        ["total", "5", "3"],
    ]


def test_names_of_a_file_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """A closing tag would end the command with an error."""
    print_coverage({"dataset/[/x]\x1b[2J": 1}, {})
    assert "[/x]\\x1b[2J" in capsys.readouterr().out


def test_the_error_of_a_load_has_no_escape_sequence(capsys: pytest.CaptureFixture[str]) -> None:
    """A server chose its text; the line on standard error shows the escapes, and no markup."""

    async def load(_: LoadReport) -> JsonObject:
        raise CodedError("[/x]\x1b]0;x\x07\x9b2J")

    assert run_load(load, as_json=False) == 1
    assert r"[/x]\x1b]0;x\x07\x9b2J" in capsys.readouterr().err


def test_progress_is_shown_on_a_terminal_only() -> None:
    """A log file contains no progress bar."""
    for terminal in (True, False):
        console = Console(file=io.StringIO(), force_terminal=terminal, width=80)
        with ItemProgress(console, total=10) as progress:
            progress.advance(4)
        assert isinstance(console.file, io.StringIO)
        assert ("4/10" in console.file.getvalue()) is terminal
