"""Measures the intake of events of OpenLineage, and compares the graph with the events afterwards.

``make bench-events EVENTS=100000`` imports a file with `mlg import openlineage`. ``make bench-events EVENTS=30000
RATE=500`` posts them over HTTP by eight emitters at this rate; half-way the API is killed with SIGKILL and started
again, and the emitters repeat what was not acknowledged. ``BATCH`` is the maximal number of events of a request there.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import aiohttp
import orjson
from rich.console import Console

from bench.event_rates.emitters import Emitters
from bench.event_rates.expected_runs import check_graph, expected_runs
from bench.event_rates.made_events import Event, made_events
from bench.servers import Server, Side, cpu_seconds, free_port, serving
from bench.soak.memory import MemorySamples, resident_megabytes
from bench.trees import ROOT, this_tree

EMITTERS: Final = 8
SAMPLE_SECONDS: Final = 1.0
CALLER: Final = "root"

_out: Final = Console()


@dataclass
class Usage:
    """CPU seconds and the largest resident megabytes of API, JVM and client, over all servers of a run."""

    cpu: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("API", "JVM", "client"), 0.0))
    memory: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("API", "JVM", "client"), 0.0))

    async def watch(self, server: Server, client: int) -> None:
        """Take samples until cancelled, or until a process has ended; the last sample of the CPU counts."""
        before = dict(self.cpu)
        processes = {"API": server.pid, "JVM": server.jvm, "client": client}
        first = {name: cpu_seconds(pid) for name, pid in processes.items()}
        samples = MemorySamples(server.pid)
        while True:
            try:
                for name, pid in processes.items():
                    self.cpu[name] = before[name] + cpu_seconds(pid) - first[name]
            except OSError:  # a process has ended
                return
            samples.sample()
            found = {"API": samples.api[-1], "JVM": samples.jvm[-1], "client": resident_megabytes(client)}
            self.memory = {name: max(self.memory[name], value) for name, value in found.items()}
            await asyncio.sleep(SAMPLE_SECONDS)

    def print(self, events: int, seconds: float) -> None:
        """Print the rate, the CPU of an event and the memory."""
        _out.print(f"{events} events in {seconds:.1f} s: {events / seconds:.0f} events/s")
        cpu = ", ".join(f"{name} {value * 1e3 / events:.2f}" for name, value in self.cpu.items())
        _out.print(f"CPU ms an event: {cpu}")
        _out.print("largest memory MB: " + ", ".join(f"{name} {value:.0f}" for name, value in self.memory.items()))


async def import_file(events: Sequence[Event]) -> None:
    """Import a file of events by the command line."""
    with TemporaryDirectory(prefix="mlg-events-") as folder:
        file = Path(folder) / "events.jsonl"
        file.write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in events))
        _out.print(f"{len(events)} events, {file.stat().st_size / 1e6:.0f} MB, load {os.getloadavg()[0]:.1f}")
        async with serving(Side("events", this_tree()), Path(folder) / "data") as server:
            usage, begin = Usage(), time.perf_counter()
            words = ("-m", "app", "import", "openlineage", str(file), "--url", server.url, "--json")
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *words, "--token", server.tokens[CALLER]),
                cwd=ROOT,
                stdout=asyncio.subprocess.PIPE,
            )
            watching = asyncio.create_task(usage.watch(server, process.pid))
            printed, _ = await process.communicate()
            seconds = time.perf_counter() - begin
            watching.cancel()
            _out.print(json.loads(printed.splitlines()[-1]))
            usage.print(len(events), seconds)
            await _checked(server, events)


async def emit(events: Sequence[Event], rate: float, batch: int) -> None:
    """Post events at a rate, with a kill of the API half-way."""
    port = free_port()
    with TemporaryDirectory(prefix="mlg-events-") as folder:
        usage, side, data = Usage(), Side("events", this_tree()), Path(folder) / "data"
        _out.print(f"{len(events)} events at {rate:g} a second, load {os.getloadavg()[0]:.1f}")
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(serving(side, data, port=port))
            emitters = Emitters(server.url, server.tokens[CALLER], EMITTERS, batch)
            watching = asyncio.create_task(usage.watch(server, os.getpid()))
            begin = time.perf_counter()
            sending = asyncio.create_task(emitters.send(events, rate))
            await emitters.half_sent.wait()
            os.kill(server.pid, signal.SIGKILL)
            killed = time.perf_counter() - begin
            await watching
        async with serving(side, data, port=port) as server:
            back = time.perf_counter() - begin
            watching = asyncio.create_task(usage.watch(server, os.getpid()))
            await sending
            seconds = time.perf_counter() - begin
            watching.cancel()
            _out.print(f"killed at {killed:.1f} s, ready again at {back:.1f} s, repeated {dict(emitters.repeated)}")
            _out.print(f"{emitters.requests} requests")
            usage.print(len(events), seconds)
            _print_lags(emitters.lags, len(events) / rate)
            await _checked(server, events)


def _print_lags(lags: Sequence[tuple[float, float]], until: float) -> None:
    """Print the lag by tenths of the time in which events were due."""
    for part in range(10):
        of_part = sorted(lag for due, lag in lags if int(due / until * 10) == part)
        p50, p99 = (of_part[int((len(of_part) - 1) * share)] for share in (0.5, 0.99))
        _out.print(f"due at {until * part / 10:.0f} s: lag p50 {p50:.2f} s, p99 {p99:.2f} s, last {of_part[-1]:.2f} s")


async def _checked(server: Server, events: Sequence[Event]) -> None:
    """Compare the graph with the events; raises WrongGraphError."""
    runs = expected_runs(events)
    headers = {"Authorization": f"Bearer {server.tokens[CALLER]}"}
    async with aiohttp.ClientSession(headers=headers) as http:

        async def ask(query: str, variables: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
            async with http.post(f"{server.url}/graphql", json={"query": query, "variables": variables}) as response:
                body = await response.json()
            if "errors" in body:
                raise RuntimeError(str(body["errors"])[:1_000])
            return body["data"]

        await check_graph(ask, runs)
    _out.print(f"{len(runs)} runs are as the events say")


def main() -> None:
    """Run the measurement that the variables of the environment choose."""
    given = os.environ
    events = [*made_events(int(given.get("EVENTS", "100000")), int(given.get("SEED", "1")))]
    rate = float(given.get("RATE") or 0)
    asyncio.run(emit(events, rate, int(given.get("BATCH", "1"))) if rate else import_file(events))


if __name__ == "__main__":
    main()
