"""Measures the neighbourhood that is equal in all estates, with their servers running at once and in turn.

Figures of estates that are measured one after the other also differ by what else the machine did meanwhile.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from bench.estate import Estate
from bench.measure import Client, Sample, session
from bench.questions import QUESTIONS
from bench.reads import Asked, always, warm_up
from bench.results import Key
from bench.run import Run
from bench.servers import Side, serving

QUESTION: Final = "small_impact"

IN_TURN: Final = "small_impact_in_turn"
"""The name of the measurement in the results."""


async def measure_neighbourhoods(side: Side, estates: Mapping[str, tuple[Estate, Path]], run: Run) -> None:
    """Measure the query as the first caller, on one side; ``estates`` are by name, each with its loaded data."""
    caller = run.options.callers[0]
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(session())
        asked: dict[str, tuple[Client, Asked]] = {}
        for name, (estate, folder) in estates.items():
            client = Client(await stack.enter_async_context(serving(side, folder)), http)
            asked[name] = client, Asked.of(QUESTIONS[QUESTION], caller, estate)
            await warm_up(*asked[name])
        task = run.progress.add_task("neighbourhoods", total=len(run.options.connections) * run.options.slices)
        for connections in run.options.connections:
            totals = {name: Sample() for name in asked}
            for _ in range(run.options.slices):
                for name, (client, query) in asked.items():
                    request = query.request(client.server)
                    found = await client.slice(always(request), query.answer, connections, run.options.seconds)
                    totals[name].add(found)
                run.progress.advance(task)
            for name, total in totals.items():
                run.add(Key(name, IN_TURN, caller, connections), {side.name: total.figures()})
        run.progress.remove_task(task)
