"""Made events of OpenLineage: the same for a seed, in no exact order, some twice, with the facets of usual senders."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID

Event = dict[str, Any]

JOBS: Final = 400
DATASETS: Final = 800
NAMESPACE: Final = "warehouse://main"
WINDOW: Final = 40
"""Events of so many begin a window, whose events are sent in a random order."""

REPEATED: Final = 0.02
"""Share of the events that are sent twice."""

BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_PRODUCER: Final = "https://example.com/events"
_SCHEMA: Final = "https://openlineage.io/spec/facets/1-1-1/SchemaDatasetFacet.json"
_COLUMNS: Final = [{"name": f"c{number}", "type": "BIGINT"} for number in range(8)]


def made_events(number: int, seed: int = 1) -> Iterator[Event]:
    """Yield ``number`` events of runs of a fixed set of jobs."""
    chance = random.Random(seed)
    return islice(_mixed(chance, _runs(chance, _jobs(chance))), number)


def _jobs(chance: random.Random) -> list[Event]:
    """Return the jobs with their inputs and outputs; an input of a job is an output of others, or of none."""
    return [
        {
            "namespace": f"team{number % 20}",
            "name": f"job{number}",
            "inputs": chance.sample(range(DATASETS), chance.randint(1, 4)),
            "outputs": chance.sample(range(DATASETS), chance.randint(1, 2)),
        }
        for number in range(JOBS)
    ]


def _runs(chance: random.Random, jobs: list[Event]) -> Iterator[Event]:
    """Yield the events of one run after the other: START with inputs, at times RUNNING with none, and its end."""
    number = 0
    while True:
        job, number = chance.choice(jobs), number + 1
        run = {"runId": str(UUID(int=chance.getrandbits(128), version=4))}
        begun = BEGIN + timedelta(milliseconds=400 * number)
        yield _event("START", run, {**job, "outputs": job["outputs"][:1]}, begun)
        if chance.random() < 0.2:  # noqa: PLR2004 - a share
            bare = {**job, "inputs": [], "outputs": []}
            yield _event("RUNNING", run, bare, begun + timedelta(seconds=chance.randint(1, 30)))
        ended = "FAIL" if chance.random() < 0.03 else "COMPLETE"  # noqa: PLR2004 - a share
        yield _event(ended, run, job, begun + timedelta(seconds=chance.randint(31, 600)))


def _event(kind: str, run: Event, job: Event, at: datetime) -> Event:
    return {
        "eventType": kind,
        "eventTime": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "producer": _PRODUCER,
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": run,
        "job": {
            "namespace": job["namespace"],
            "name": job["name"],
            "facets": {"jobType": {"processingType": "BATCH", "integration": "SPARK", "jobType": "JOB"}},
        },
        "inputs": [_dataset(each) for each in job["inputs"]],
        "outputs": [_dataset(each) for each in job["outputs"]],
    }


def _dataset(number: int) -> Event:
    schema = {"_producer": _PRODUCER, "_schemaURL": _SCHEMA, "fields": _COLUMNS}
    return {"namespace": NAMESPACE, "name": f"shop.t{number}", "facets": {"schema": schema}}


def _mixed(chance: random.Random, events: Iterator[Event]) -> Iterator[Event]:
    """Yield the events of each window in a random order, some of them twice."""
    while window := [*islice(events, WINDOW)]:
        window += [each for each in window if chance.random() < REPEATED]
        chance.shuffle(window)
        yield from window
