"""The report of a soak: figures of equal parts of its time, the memory, and a plot of both."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from bench.soak.mixed_load import Observation

PARTS: Final = 10
"""Parts of the time of a soak, each of which has figures of its own."""

WIDTH, HEIGHT, LEFT, TOP = 640, 130, 60, 34
"""Pixels of a panel of the plot, and around it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a soak: its end in minutes, requests, and milliseconds at p50 and p99 of reads and of writes."""

    until: float
    requests: int
    reads: tuple[float, float]
    writes: tuple[float, float]


def parts_of(observed: Sequence[Observation], seconds: float) -> list[Part]:
    """Return the figures of equal parts of a soak; errors count as requests."""
    length = seconds / PARTS
    found = []
    for number in range(PARTS):
        here = [each for each in observed if number * length <= each.due < (number + 1) * length]
        times = {write: sorted(each.milliseconds for each in here if each.is_write is write) for write in (False, True)}
        found.append(Part((number + 1) * length / 60, len(here), _middle(times[False]), _middle(times[True])))
    return found


def growth(megabytes: Sequence[float]) -> float:
    """Return the memory of the last fifth as a multiple of that of the second fifth; the first one is the warm-up."""
    fifth = max(1, len(megabytes) // 5)
    return statistics.mean(megabytes[-fifth:]) / (statistics.mean(megabytes[fifth : 2 * fifth] or megabytes) or 1.0)


def svg(title: str, parts: Sequence[Part], memory: Mapping[str, Sequence[float]]) -> str:
    """Return a plot with two panels over the minutes: milliseconds of reads and writes, and megabytes."""
    times = {
        "read p50": [part.reads[0] for part in parts],
        "read p99": [part.reads[1] for part in parts],
        "write p50": [part.writes[0] for part in parts],
        "write p99": [part.writes[1] for part in parts],
    }
    minutes = parts[-1].until
    panels = [*_panel("ms", times, 0, minutes), *_panel("MB", memory, 1, minutes)]
    size = f'width="{LEFT + WIDTH + 110}" height="{2 * (HEIGHT + TOP) + 30}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="11" {size}>'
    return "\n".join([head, f"<title>{escape(title)}</title>", *panels, "</svg>", ""])


def _middle(ordered: Sequence[float]) -> tuple[float, float]:
    """Return p50 and p99 of ordered values, zeros without any."""
    if not ordered:
        return 0.0, 0.0
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]


_COLOURS: Final = ("#8fb8de", "#1f5fa8", "#f0b48a", "#e07b39")


def _panel(unit: str, lines: Mapping[str, Sequence[float]], place: int, minutes: float) -> Iterator[str]:
    """Yield a panel: its frame, and a line with its name for each series of values at equal distances."""
    top = TOP + place * (HEIGHT + TOP)
    high = max((value for values in lines.values() for value in values), default=1.0) or 1.0
    yield f'<rect x="{LEFT}" y="{top}" width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#b0b7bf"/>'
    yield f'<text x="{LEFT - 6}" y="{top + 10}" text-anchor="end">{high:.0f} {unit}</text>'
    yield f'<text x="{LEFT - 6}" y="{top + HEIGHT}" text-anchor="end">0</text>'
    yield f'<text x="{LEFT + WIDTH}" y="{top + HEIGHT + 14}" text-anchor="end">{minutes:.0f} min</text>'
    for (name, values), colour in zip(lines.items(), _COLOURS, strict=False):
        step = WIDTH / max(1, len(values) - 1)
        points = " ".join(f"{LEFT + at * step:.1f},{top + HEIGHT * (1 - v / high):.1f}" for at, v in enumerate(values))
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        end = top + HEIGHT * (1 - values[-1] / high)
        yield f'<text x="{LEFT + WIDTH + 5}" y="{end + 4:.1f}" fill="{colour}">{escape(name)}</text>'
