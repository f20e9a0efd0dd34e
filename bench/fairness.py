"""Measures a light client alone, and beside another caller that sends hub walks one after the other."""

import asyncio
from collections.abc import Sequence

from bench.estate import Estate
from bench.measure import Client, Sample
from bench.options import FAIRNESS
from bench.questions import LIGHT, QUESTIONS
from bench.reads import Asked
from bench.results import Key
from bench.run import Run

LIGHT_ALONE = "light_alone"
"""The name of the light client alone in the results."""

LIGHT_CALLER, HUB_CALLER = "ada", "cy"


async def measure_fairness(estate: Estate, name: str, clients: Sequence[Client], run: Run) -> None:
    """Measure the light client with the sides in turn; the figures are those of the light client only."""
    light = Asked.of(LIGHT, LIGHT_CALLER, estate)
    hub = Asked.of(QUESTIONS["hub_impact"], HUB_CALLER, estate)
    totals = {beside: {client.server.side.name: Sample() for client in clients} for beside in (False, True)}
    task = run.progress.add_task("light client", total=run.options.slices * len(clients))
    for _ in range(run.options.slices):
        for client in clients:
            for beside, of_sides in totals.items():
                found = await _slice(client, light, hub if beside else None, run.options.seconds)
                of_sides[client.server.side.name].add(found)
            run.progress.advance(task)
    run.progress.remove_task(task)
    alone, beside_hub = ({side: each.figures() for side, each in of.items()} for of in totals.values())
    without_cpu = {"api": None, "jvm": None, "cpu": None}  # it is mostly that of the hub walks
    run.add(Key(name, LIGHT_ALONE, LIGHT_CALLER, 1), alone)
    run.add(Key(name, FAIRNESS, LIGHT_CALLER, 1), {side: each | without_cpu for side, each in beside_hub.items()})


async def _slice(client: Client, light: Asked, hub: Asked | None, seconds: float) -> Sample:
    """Return the sample of the light client; with ``hub`` it begins when the first hub walk has ended."""
    request, walked, done = light.request(client.server), asyncio.Event(), asyncio.Event()

    async def walk(given: Asked) -> None:
        while not done.is_set():
            given.answer.check(*await client.send(given.request(client.server)))
            walked.set()

    async with asyncio.TaskGroup() as tasks:
        if hub:
            tasks.create_task(walk(hub))
            await walked.wait()
        found = await client.slice(lambda: request, light.answer, 1, seconds)
        done.set()
    return found
