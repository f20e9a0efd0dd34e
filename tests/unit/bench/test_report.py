"""The report of the bench: the ratios, the comparisons of places, and the plot."""

import xml.etree.ElementTree as ET

from bench.plot import svg
from bench.report import markdown, number, ratios
from bench.results import Figures, Key, Results


def figures(cpu: float, **more: float) -> Figures:
    """Return the figures of a row, all CPU in the API."""
    return {"requests": 10, "p50": cpu, "p99": 2 * cpu, "rps": 100.0, "api": cpu, "jvm": 0.0, "cpu": cpu, **more}


def results() -> Results:
    """Return the results of one query at two numbers of connections and two sizes, and of the light client."""
    found = Results({"product": "abc", "former": "def"}, "2026-11-26 12:00:00")
    for estate, times in (("2k", 1.0), ("20k", 1.1)):
        for connections in (8, 32):
            key = Key(estate, "small_impact", "ada", connections)
            for side, cpu in (("product", 2.0), ("former", 24.0), ("floor", 0.5)):
                found.add(key, side, figures(cpu * times))
        found.add(Key(estate, "small_impact_in_turn", "ada", 8), "product", figures(3.0 * times))
    found.add(Key("2k", "small_impact", "ada", 8, cold=True), "product", figures(10.0))
    found.add(Key("2k", "small_impact", "ada", 8, cold=True), "former", figures(30.0))
    found.add(Key("2k", "typename", "ada", 1), "product", figures(0.6))
    found.add(Key("2k", "health_live", "ada", 1), "product", figures(0.2))
    found.add(Key("2k", "light_alone", "ada", 1), "product", figures(1.0))
    found.add(Key("2k", "light_beside_hub", "ada", 1), "product", figures(1.0, p50=2.5))
    return found


def test_ratios_are_computed_at_each_place() -> None:
    """A row has the CPU of both sides, how many times less the product uses, its distance to the floor, and cold."""
    _, rows = ratios(results())
    assert rows[0] == ["2k", "small_impact", "ada", "8", "24", "2", "12", "-", "0.5", "4", "30", "10", "3"]
    assert rows[1][9:] == ["4", "-", "-", "-"]


def test_places_are_compared() -> None:
    """The report compares sizes, numbers of connections, the probe and the light client, each in its own line."""
    lines = markdown(results()).splitlines()
    more = "product: 1 times the requests a second of 8 connections; p99 is 2 times p50"
    grown = "20k, product: 1.1 times the CPU of the same neighbourhood at 2k"
    assert [line.removeprefix("- ") for line in lines if line.startswith("- ") and "product" in line] == [
        f"`small_impact` as ada, c = 32, 2k, {more}",
        f"`small_impact` as ada, c = 32, 20k, {more}",
        "`typename` as ada, c = 1, 2k, product: 3 times the CPU of `/health/live`",
        "`light_beside_hub` as ada, c = 1, 2k, product: p50 is 2.5 times that of the light client alone",
        f"`small_impact_in_turn` as ada, c = 8, {grown}",
    ]


def test_figures_are_short() -> None:
    """Numbers have three digits, large ones none after the point, and absent ones a dash."""
    assert [number(value) for value in (None, 0.0012345, 1.234, 12.34, 123.4, 12_345, 7)] == [
        "-", "0.00123", "1.23", "12.3", "123", "12,345", "7"
    ]  # fmt: skip


def test_the_plot_has_a_bar_for_each_side() -> None:
    """The plot is well-formed SVG with one bar for each side that used CPU, longer for more."""
    root = ET.fromstring(svg(results(), "20k"))  # noqa: S314 - a text of the bench itself
    bars = [each for each in root.iter("{http://www.w3.org/2000/svg}rect") if each.get("height") == "10"]
    widths = [float(each.get("width", "0")) for each in bars]
    assert len(widths) == 4
    assert widths[:3] == sorted(widths[:3], reverse=True)
