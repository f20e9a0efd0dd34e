"""The rows of a run, and the conditions under which they were measured."""

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

Figures = Mapping[str, float | int | None]
"""Figures by name, as :meth:`bench.measure.Sample.figures` returns them."""


@dataclass(frozen=True, slots=True)
class Key:
    """The place of a row: estate, query, caller, connections, and whether the API had just been started."""

    estate: str
    question: str
    caller: str
    connections: int
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one side at one place."""

    key: Key
    side: str
    figures: Figures


@dataclass
class Results:
    """All rows, the commits of the sides, and the load of the machine before and after."""

    commits: dict[str, str]
    started: str
    load_before: tuple[float, float, float] = field(default_factory=os.getloadavg)
    load_after: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rows: list[Row] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, key: Key, side: str, figures: Figures) -> None:
        """Add a row, unless nothing was measured."""
        if figures:
            self.rows.append(Row(key, side, figures))

    def at(self, key: Key) -> dict[str, Figures]:
        """Return the figures at a place by side."""
        return {row.side: row.figures for row in self.rows if row.key == key}

    def places(self, *, cold: bool = False) -> list[Key]:
        """Return the places of the rows, in the order in which they were measured."""
        return [*dict.fromkeys(row.key for row in self.rows if row.key.cold is cold)]

    @property
    def machine(self) -> str:
        """A line about the machine and its load."""
        before, after = (" ".join(f"{each:.1f}" for each in load) for load in (self.load_before, self.load_after))
        return f"{os.cpu_count()} cores, Python {platform.python_version()}; load before: {before}, after: {after}"

    def write_json(self, file: Path) -> None:
        """Write everything as JSON."""
        file.write_text(json.dumps({**asdict(self), "machine": self.machine}, indent=1))
