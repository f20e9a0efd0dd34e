"""What the parts of a run share."""

from dataclasses import dataclass

from rich.progress import Progress

from bench.options import Options
from bench.results import Results


@dataclass(frozen=True, slots=True)
class Run:
    """The options and the results of a run, and its progress bars."""

    options: Options
    results: Results
    progress: Progress
