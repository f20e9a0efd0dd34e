"""Counts and prints the outcomes of items: progress and failures on stderr, coverage and summary on stdout."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from app.ingest.load.batches import DONE, ItemResult
from app.ingest.load.terminal_text import stdout_json, terminal_text
from graphql_schema.ports.record import Json, JsonObject
from policies.errors import CodedError

_MAX_PRINTED_FAILURES = 50
_COUNTED = ("CREATED", "UPDATED", "UNCHANGED")
_SUCCESSFUL = {*_COUNTED, DONE}


@dataclass(slots=True)
class LoadReport:
    """The outcomes of one import so far; the first 50 failures are printed when they occur, the others only counted."""

    console: Console
    counts: Counter[str] = field(default_factory=Counter)
    failed: int = 0

    def add(self, results: Iterable[ItemResult]) -> int:
        """Count the results, successes by outcome and failures together; return the number of results."""
        number = 0
        for number, result in enumerate(results, start=1):  # noqa: B007 - the last number is returned
            if result.outcome in _SUCCESSFUL:
                self.counts[result.outcome.lower()] += 1
            else:
                self._fail(result)
        return number

    def _fail(self, result: ItemResult) -> None:
        self.failed += 1
        if self.failed <= _MAX_PRINTED_FAILURES:
            reasons = "; ".join(result.reasons)
            self.console.print(terminal_text(f"{result.location}: {result.outcome}: {reasons}"), soft_wrap=True)
        elif self.failed == _MAX_PRINTED_FAILURES + 1:
            self.console.print("… further failures are counted only.")

    def summary(self, skipped: object = 0, **extra: Json) -> JsonObject:
        """Return the summary as JSON: numbers of created, updated, unchanged and failed, and values of the importer.

        ``skipped`` counts what the importer left out, by name; 0 for an importer that gives no such counts.
        """
        return {name.lower(): self.counts[name.lower()] for name in _COUNTED} | {
            "failed": self.failed,
            "skipped": skipped,
            **extra,
        }


Load = Callable[[LoadReport], Coroutine[None, None, Mapping[str, Json]]]
"""Loads a source into a running API, and adds each outcome to the report; returns other values for the summary."""


def run_load(load: Load, *, as_json: bool, **extra: Json) -> int:
    """Run a load with a new report; print the summary as the last line of stdout; return the exit code.

    ``extra`` are values of the importer for the summary, such as ``skipped``. Exit code 0 means that nothing failed,
    else the code is 1. A CodedError or OSError ends the load, is printed on stderr, and is in the summary.
    """
    report = LoadReport(Console(stderr=True))
    try:
        extra |= asyncio.run(load(report))
    except (CodedError, OSError) as error:
        report.console.print(terminal_text(str(error)), style="red", soft_wrap=True)
        extra["error"] = str(error)
    print_summary(report.summary(**extra), as_json=as_json)
    return 1 if report.failed or "error" in extra else 0


class ItemProgress:
    """A progress bar over items whose number may be unknown; prints nothing unless the console is a terminal."""

    def __init__(self, console: Console, total: int | None, action: str = "registering") -> None:
        columns = (TextColumn(action), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task: TaskID = self._bar.add_task("items", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, items: int) -> None:
        """Advance the bar by a number of items."""
        self._bar.advance(self._task, items)


def print_coverage(mapped: dict[str, int], skipped: dict[str, int]) -> None:
    """Print a table of mapped and skipped aspects, by entity type and aspect."""
    table = Table("entity type", "aspect", Column("mapped", justify="right"), Column("skipped", justify="right"))
    for name in sorted(mapped.keys() | skipped.keys()):
        table.add_row(*map(terminal_text, name.split("/", 1)), str(mapped.get(name, "")), str(skipped.get(name, "")))
    table.add_section()
    table.add_row("total", "", str(sum(mapped.values())), str(sum(skipped.values())))
    Console().print(table)


def print_summary(summary: JsonObject, *, as_json: bool) -> None:
    """Print the summary as the last line of stdout: one JSON object, or the counts as text."""
    if as_json:
        print(stdout_json(summary).decode())  # noqa: T201 - the output of the command
        return
    words = (f"{summary[name]} {name}" for name in ("created", "updated", "unchanged", "failed"))
    print(", ".join(words))  # noqa: T201 - the output of the command
