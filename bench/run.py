"""What the parts of a run share."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.progress import Progress

from bench.options import Options
from bench.results import Figures, Key, Results


@dataclass(frozen=True, slots=True)
class Run:
    """The options and the results of a run, and its progress bars."""

    options: Options
    results: Results
    progress: Progress

    def add(self, key: Key, figures: Mapping[str, Figures]) -> None:
        """Add the figures of the sides at a place, and print a line about them."""
        for side, each in figures.items():
            self.results.add(key, side, each)
        place = f"{key.estate} {key.question} {key.caller} c={key.connections}{' cold' if key.cold else ''}"
        shown = (f"{side} {_milliseconds(each.get('cpu'))}" for side, each in figures.items())
        self.progress.console.print(f"{place}: {', '.join(shown)}", highlight=False)


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g} ms"
