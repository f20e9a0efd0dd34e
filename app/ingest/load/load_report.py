"""Counts what became of the items and shows it: progress and failures on stderr, the summary on stdout."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from app.ingest.load.batches import DONE, ItemResult

_SHOWN = 50
_GOOD = ("CREATED", "UPDATED", "UNCHANGED")
_FINE = {*_GOOD, DONE}


@dataclass(slots=True)
class LoadReport:
    """The running count of one import; failures are shown as they come, the first 50 in words."""

    console: Console
    counts: Counter[str] = field(default_factory=Counter)
    failed: int = 0

    def add(self, results: Iterable[ItemResult]) -> int:
        """Count these results and return how many they were."""
        number = 0
        for number, result in enumerate(results, start=1):  # noqa: B007 - the last number is the answer
            if result.outcome in _FINE:
                self.counts[result.outcome.lower()] += 1
            else:
                self._fail(result)
        return number

    def _fail(self, result: ItemResult) -> None:
        self.failed += 1
        if self.failed <= _SHOWN:
            reasons = "; ".join(result.reasons)
            self.console.print(
                f"{result.where}: {result.outcome}: {reasons}", markup=False, highlight=False, soft_wrap=True
            )
        elif self.failed == _SHOWN + 1:
            self.console.print("… further failures are counted only.")

    def summary(self, skipped: object = 0, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Give the summary as a JSON object: the counts, what was skipped, and what the importer adds."""
        return {name.lower(): self.counts[name.lower()] for name in _GOOD} | {
            "failed": self.failed,
            "skipped": skipped,
            **more,
        }


class ItemProgress:
    """A progress bar over items whose number may be unknown; silent where stderr is no terminal."""

    def __init__(self, console: Console, total: int | None) -> None:
        columns = (TextColumn("registering"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task: TaskID = self._bar.add_task("items", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, items: int) -> None:
        """So many more items were answered."""
        self._bar.advance(self._task, items)


def print_coverage(mapped: dict[str, int], skipped: dict[str, int]) -> None:
    """Write a table of what was carried over and what has no home here, by entity type and aspect."""
    table = Table("entity type", "aspect", Column("mapped", justify="right"), Column("skipped", justify="right"))
    for name in sorted(mapped.keys() | skipped.keys()):
        table.add_row(*name.split("/", 1), str(mapped.get(name, "")), str(skipped.get(name, "")))
    table.add_section()
    table.add_row("in all", "", str(sum(mapped.values())), str(sum(skipped.values())))
    Console().print(table)


def print_summary(summary: dict[str, Any], *, as_json: bool) -> None:
    """Write the summary as the last line of stdout: one JSON object, or words."""
    if as_json:
        print(orjson.dumps(summary).decode())  # noqa: T201 - the command's answer
        return
    words = (f"{summary[name]} {name}" for name in ("created", "updated", "unchanged", "failed"))
    print(", ".join(words))  # noqa: T201 - the command's answer
