"""The plot of a run as SVG: CPU of a request by query and side, on a logarithmic scale."""

import math
from collections.abc import Iterator
from html import escape
from typing import Final

from bench.results import Key, Results

COLOURS: Final = {"former": "#b0b7bf", "stock": "#8fb8de", "product": "#1f5fa8", "floor": "#e07b39"}
"""Colours of the sides, in the order of their bars."""

LEFT, WIDTH, BAR, GAP = 190, 620, 11, 12
"""Pixels left of the bars, of the widest bar, of the height of a bar, and between queries."""


def svg(results: Results, estate: str) -> str:
    """Return the plot of an estate: a bar for each side at the place of each query that was measured first."""
    keys = _first_places(results, estate)
    values = [value for key in keys for _, value in _bars(results, key)]
    low, high = min(values, default=0.1) / 2, max(values, default=1.0)
    scale = WIDTH / math.log10(high / low)
    parts, top = [*_legend()], 40
    for key in keys:
        bars = [*_bars(results, key)]
        middle = top + BAR * len(bars) / 2 + 4
        parts.append(f'<text x="{LEFT - 8}" y="{middle:.0f}" text-anchor="end">{escape(key.question)}</text>')
        for side, value in bars:
            length = max(1.0, math.log10(value / low) * scale)
            parts.append(f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR - 1}" fill="{COLOURS[side]}"/>')
            parts.append(f'<text x="{LEFT + length + 4:.1f}" y="{top + BAR - 2}" font-size="9">{value:.3g} ms</text>')
            top += BAR
        top += GAP
    title = f"<title>Milliseconds of CPU of a request, API and JVM, estate {escape(estate)}</title>"
    head = 'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="12"'
    size = f'width="{LEFT + WIDTH + 80}" height="{top + GAP}"'
    body = "\n".join(parts)
    return f"<svg {head} {size}>{title}\n{body}\n</svg>\n"


def _first_places(results: Results, estate: str) -> list[Key]:
    """Return one place of each query of an estate, the first that was measured."""
    found: dict[str, Key] = {}
    for key in results.places():
        if key.estate == estate:
            found.setdefault(key.question, key)
    return [*found.values()]


def _bars(results: Results, key: Key) -> Iterator[tuple[str, float]]:
    """Yield the sides of a place with their CPU, in the order of the colours; without those that used none."""
    found = results.at(key)
    for side in COLOURS:
        value = found.get(side, {}).get("cpu")
        if value:
            yield side, value


def _legend() -> Iterator[str]:
    for at, (side, colour) in enumerate(COLOURS.items()):
        left = LEFT + at * 110
        yield f'<rect x="{left}" y="12" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{left + 17}" y="22">{side}</text>'
