"""Runs the bench: ``make bench``, or ``make bench QUESTIONS=nested_list C=1 ESTATE=2k``."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from os import getloadavg
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table

from app.settings import Settings
from bench.estate import Estate, estate_of
from bench.fairness import measure_fairness
from bench.measure import Client, WrongAnswerError, session
from bench.neighbourhoods import QUESTION, measure_neighbourhoods
from bench.options import FAIRNESS, SIZES, InvalidOptionError, Options
from bench.plot import svg
from bench.reads import Reads, asked
from bench.report import markdown, ratios
from bench.results import Key, Results
from bench.run import Run
from bench.servers import ServerFailedError, Side, serving
from bench.stores import Load, LoadedStore, kept_store, loaded_store
from bench.trees import ROOT, former_tree, this_tree
from bench.writes import measure_registrations

FRESH_LOAD = 20_000
"""The largest estate that is loaded anew to measure the load; for a larger one the figure of its first load is used."""

PRINTED = {"former": 0, "product": 1, "x": 2, "floor": 4, "API/floor": 5, "cold x": 8}
"""Columns of the ratios that are printed, by their place after that of the row; the report has all."""

STOCK = ("MLG_VECTORED", "0")
"""The setting with which graphql-core executes the queries of the product."""


@dataclass(frozen=True)
class Bench:
    """The measurements of a run on its sides, with the cache of loaded estates."""

    run: Run
    sides: tuple[Side, ...]
    cache: Path

    async def measure(self) -> None:
        """Measure every estate."""
        for name in self.run.options.estates:
            await self._estate(name, estate_of(SIZES[name]))
        product = next((side for side in self.sides if side.name == "product"), None)
        if product and QUESTION in self.run.options.questions and len(self.run.options.estates) > 1:
            await self._neighbourhoods(product)

    async def _neighbourhoods(self, side: Side) -> None:
        """Measure one side over all estates in turn; their data were kept when each estate was measured."""
        with ExitStack() as stack:
            estates = {}
            for name in self.run.options.estates:
                estate = estate_of(SIZES[name])
                kept = kept_store(side, estate, self.cache) or await self._store(name, side, estate)
                estates[name] = estate, stack.enter_context(kept.copy())
            await measure_neighbourhoods(side, estates, self.run)

    async def _estate(self, name: str, estate: Estate) -> None:
        async with AsyncExitStack() as stack:
            folders: dict[Side, Path] = {}
            for side in self.sides:
                kept = await self._store(name, side, estate)
                folders[side] = stack.enter_context(kept.copy())
            reads = Reads(name, self.run, asked(self.run.options, estate))
            if reads.queries or {FAIRNESS, "register"} & {*self.run.options.questions}:
                await self._warm(name, estate, reads, folders)
            if reads.queries and self.run.options.cold:
                await reads.cold(folders)

    async def _store(self, name: str, side: Side, estate: Estate) -> LoadedStore:
        """Return the loaded estate of a side; its load is measured if that is chosen, except on the stock path."""
        measured = "bulk_load" in self.run.options.questions and side.name != "stock"
        kept = kept_store(side, estate, self.cache)
        if kept is None or (measured and estate.size <= FRESH_LOAD):
            kept = await loaded_store(side, estate, self.cache, self.run.progress)
        if measured:
            self.run.add(Key(name, "bulk_load", "root", 3), {side.name: _figures(kept.load)})
        return kept

    async def _warm(self, name: str, estate: Estate, reads: Reads, folders: Mapping[Side, Path]) -> None:
        """Run all sides at once, and measure them in turn; the writes come last."""
        async with AsyncExitStack() as stack:
            http = await stack.enter_async_context(session())
            clients = []
            for side, folder in [*folders.items()]:
                clients.append(Client(await stack.enter_async_context(serving(side, folder)), http))
            await reads.warm(clients)
            if FAIRNESS in self.run.options.questions:
                await measure_fairness(estate, name, clients, self.run)
            if "register" in self.run.options.questions:
                writing = [client for client in clients if client.server.side.name != "stock"]
                await measure_registrations(name, writing, self.run)


def _figures(load: Load) -> dict[str, float | int | None]:
    """Return the figures of a load, for each item; its seconds are those of the whole load."""
    api, jvm = load.api / load.items * 1e3, load.jvm / load.items * 1e3
    rate = load.items / load.seconds
    return {"requests": load.items, "p50": load.seconds * 1e3, "rps": rate, "api": api, "jvm": jvm, "cpu": api + jvm}


def sides_of(options: Options, cache: Path) -> tuple[list[Side], list[str]]:
    """Return the sides of a run, and a line about each that is left out."""
    tree, sides, remarks = this_tree(), [], []
    if "product" in options.sides:
        sides.append(Side("product", tree))
    if "former" in options.sides:
        former = former_tree(options.base, cache)
        if former:
            sides.append(Side("former", former))
        else:
            remarks.append(f"`former` is left out: this clone has no commit {options.base}; choose one with BASE.")
    if "stock" in options.sides:
        sides.append(Side("stock", tree, (STOCK,)))
    return sides, remarks


def print_ratios(console: Console, results: Results) -> None:
    """Print the milliseconds of CPU of a request, and the ratios."""
    _, rows = ratios(results)
    shown = Table(Column("query", no_wrap=True), *(Column(name, justify="right") for name in PRINTED))
    for row in rows:
        estate, query, caller, connections, *found = row
        shown.add_row(f"{estate} {query} {caller} c={connections}", *(found[at] for at in PRINTED.values()))
    console.print(shown)


def write_report(results: Results) -> Path:
    """Write the report, the figures and a plot of each estate; return the folder."""
    results.load_after = getloadavg()
    folder = ROOT / "bench" / "results" / results.started.replace(":", "").replace(" ", "-")
    folder.mkdir(parents=True)
    (folder / "report").with_suffix(".md").write_text(markdown(results))
    results.write_json(folder / "results.json")
    for estate in dict.fromkeys(row.key.estate for row in results.rows):
        (folder / f"cpu-{estate}.svg").write_text(svg(results, estate))
    return folder


def _stop_servers_when_ended() -> None:
    """Treat SIGTERM as SIGINT, also in the background: the run is cancelled, and its servers end with it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


def main() -> None:
    """Run the bench, print the ratios, and write the report."""
    console = Console()
    try:
        options = Options.from_env()
    except InvalidOptionError as error:
        sys.exit(str(error))
    cache = Settings.from_env().cache_dir / "bench"
    sides, remarks = sides_of(options, cache)
    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    results = Results({side.name: side.tree.commit for side in sides}, started, remarks=remarks)
    for remark in remarks:
        console.print(remark)
    _stop_servers_when_ended()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        try:
            asyncio.run(Bench(Run(options, results, progress), tuple(sides), cache).measure())
        except* (WrongAnswerError, ServerFailedError) as errors:
            sys.exit("\n".join(str(each) for each in errors.exceptions))
        except* KeyboardInterrupt:
            remarks.append("The run was ended before all was measured.")
    if results.rows:
        print_ratios(console, results)
        console.print(f"Written to {write_report(results).relative_to(ROOT)}")


if __name__ == "__main__":
    main()
