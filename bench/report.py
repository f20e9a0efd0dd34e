"""The report of a run as Markdown: ratios first, then all figures."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bench.fairness import LIGHT_ALONE
from bench.neighbourhoods import IN_TURN
from bench.options import FAIRNESS
from bench.reads import HAND
from bench.results import Figures, Key, Results

ABOUT = """Times are milliseconds of one request; CPU is that of API and JVM together, unless a column names one.
`cold` is the first request after a restart of the API over a warm store. The floor is a loop by hand over records in
memory, in the process of the bench. Every response was compared with an oracle."""

FEW = 8
"""Connections with which runs of more connections are compared."""

_LARGE = 100


def markdown(results: Results) -> str:
    """Return the whole report."""
    sides = ", ".join(f"{side}: `{commit}`" for side, commit in results.commits.items())
    parts = [
        "# Bench",
        f"{results.started}; {sides}; {results.machine}.",
        ABOUT,
        *results.remarks,
        "## Ratios",
        table(*ratios(results)),
        "\n".join(f"- {line}" for line in observations(results)),
        "## Figures",
        table(*figures(results)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


RATIOS = ("estate", "query", "caller", "c", "former CPU", "product CPU", "former / product", "stock CPU", "floor",
          "API / floor", "cold former", "cold product", "cold former / product")  # fmt: skip


def ratios(results: Results) -> tuple[Sequence[str], list[list[str]]]:
    """Return the head and the rows of the ratios: former to product, and product to floor, by place."""
    rows = []
    for key in results.places():
        warm, cold = results.at(key), results.at(replace(key, cold=True))
        former, product, stock, floor = (_of(warm, side, "cpu") for side in ("former", "product", "stock", HAND))
        cold_former, cold_product = (_of(cold, side, "cpu") for side in ("former", "product"))
        rows.append([
            *_place(key), number(former), number(product), ratio(former, product), number(stock), number(floor),
            ratio(_of(warm, "product", "api"), floor), number(cold_former), number(cold_product),
            ratio(cold_former, cold_product),
        ])  # fmt: skip
    return RATIOS, rows


def figures(results: Results) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of all figures, a row for each side."""
    names = ("requests", "p50", "p99", "rps", "api", "jvm", "store_requests", "hits", "bytes", "refused")
    head = ["estate", "query", "caller", "c", "side", "requests", "p50", "p99", "a second", "API CPU", "JVM CPU",
            "store requests", "hits", "bytes", "refused", "cold p50", "cold API CPU", "cold JVM CPU"]  # fmt: skip
    rows = []
    for key in results.places():
        cold = results.at(replace(key, cold=True))
        for side, found in results.at(key).items():
            first = [_of(cold, side, name) for name in ("p50", "api", "jvm")]
            rows.append([*_place(key), side, *(number(found.get(name)) for name in names), *map(number, first)])
    return head, rows


def observations(results: Results) -> Iterator[str]:
    """Yield the comparisons of different places: with the probe, of connections, of the light client, of sizes."""
    for key in results.places():
        for side, found in results.at(key).items():
            if side != HAND:
                yield from (f"{_named(key, side)}: {line}" for line in _compared(results, key, side, found))
    yield from _sizes(results)


def _compared(results: Results, key: Key, side: str, found: Figures) -> Iterator[str]:
    """Yield the comparisons of one row with others of its side."""
    probe, few, alone = (
        results.at(replace(key, **change)).get(side, {})
        for change in ({"question": "health_live"}, {"connections": FEW}, {"question": LIGHT_ALONE})
    )
    if key.question == "typename" and probe:
        yield f"{ratio(found['cpu'], probe['cpu'])} times the CPU of `/health/live`"
    if key.connections > FEW and few:
        yield (
            f"{ratio(found['rps'], few['rps'])} times the requests a second of {FEW} connections; "
            f"p99 is {ratio(found['p99'], found['p50'])} times p50"
        )
    if key.question == FAIRNESS:
        yield f"p50 is {ratio(found['p50'], alone.get('p50'))} times that of the light client alone"


def _sizes(results: Results) -> Iterator[str]:
    """Yield how the CPU of the same neighbourhood grows with the estate."""
    keys = [key for key in results.places() if key.question == IN_TURN]
    for key in keys:
        first = next(each for each in keys if (each.caller, each.connections) == (key.caller, key.connections))
        if key.estate != first.estate:
            grown = ratio(_of(results.at(key), "product", "cpu"), _of(results.at(first), "product", "cpu"))
            yield f"{_named(key, 'product')}: {grown} times the CPU of the same neighbourhood at {first.estate}"


def _named(key: Key, side: str) -> str:
    return f"`{key.question}` as {key.caller}, c = {key.connections}, {key.estate}, {side}"


def _place(key: Key) -> list[str]:
    return [key.estate, key.question, key.caller, str(key.connections)]


def _of(found: dict[str, Figures], side: str, name: str) -> float | None:
    return found.get(side, {}).get(name)


def ratio(value: float | None, base: float | None) -> str:
    """Return one figure divided by another as text; `-` without one of them."""
    return number(value / base) if value is not None and base else "-"


def number(value: float | None) -> str:
    """Return a figure with three digits, or as a whole number from 100 on; `-` for None."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if isinstance(value, int) or value >= _LARGE else f"{value:.3g}"
