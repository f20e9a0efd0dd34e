"""The queues of thin events as metrics: by source up to a number of sources, and in the process that leads alone."""

from dataclasses import dataclass
from typing import Any

import pytest

from app.graph.admin.thin_event_counts import MAX_READ, WaitingEvents
from app.runtime.thin_event_queues import MAX_SOURCES, ThinEventQueues
from app.telemetry.metrics import Metrics
from policies.errors import Code, CodedError

NOW = 1_795_600_000_000


@dataclass
class Order:
    """Who leads."""

    leads: bool = True


class Client:
    """A store with the pending and dead events, and the oldest arrival, of sources by name.

    ``write_order`` is that of a client, and ``error`` is raised by each request.
    """

    def __init__(self, rows: dict[str, tuple[int, int, int | None]]) -> None:
        self.rows = rows
        self.write_order: Order | None = None
        self.error: CodedError | None = None
        self.requests = 0

    async def submit(self, _: object, bindings: dict[str, Any]) -> list[Any]:
        """Return the name and the numbers of the next source."""
        self.requests += 1
        if self.error is not None:
            raise self.error
        name = min((each for each in self.rows if each > bindings["after"]), default=None)
        return [] if name is None else [name, *self.rows[name]]


def values(queues: ThinEventQueues) -> dict[str, dict[str, float]]:
    """Return the values of each metric by source."""
    metrics = Metrics()
    metrics.watch(queues.metrics)
    families = [each for each in metrics.registry.collect() if each.name.startswith("mlg_thin_events")]
    return {
        family.name.removeprefix("mlg_thin_events_"): {each.labels["source"]: each.value for each in family.samples}
        for family in families
    }


async def test_each_source_has_what_waits_and_what_is_dead() -> None:
    """The age counts from the arrival of the oldest pending event; a source with dead events alone has none."""
    client = Client({"prod": (3, 1, NOW - 90_000), "old": (0, 2, None)})
    queues = ThinEventQueues(client, clock=lambda: NOW)  # type: ignore[arg-type]  # a client of the test
    assert values(queues) == {"pending": {}, "dead": {}, "oldest_seconds": {}}
    await queues.sample()
    assert values(queues) == {
        "pending": {"old": 0, "prod": 3},
        "dead": {"old": 2, "prod": 1},
        "oldest_seconds": {"old": 0, "prod": 90},
    }


def test_the_sources_with_the_most_events_are_labels() -> None:
    """All further ones are one label together, with the age of their oldest event."""
    found = {f"s{at:03}": WaitingEvents(MAX_SOURCES + 5 - at, 1, NOW - 1_000 * at) for at in range(MAX_SOURCES + 3)}
    found["dead"] = WaitingEvents(0, 1)
    queues = ThinEventQueues(None, lambda: NOW, found)  # type: ignore[arg-type]  # nothing is sampled
    measured = values(queues)
    assert measured["pending"].keys() == {*(f"s{at:03}" for at in range(MAX_SOURCES)), "(other)"}
    others = [measured[name]["(other)"] for name in ("pending", "dead", "oldest_seconds")]
    assert others == [5 + 4 + 3, 4, MAX_SOURCES + 2]


@pytest.mark.parametrize(("leads", "sources"), [(True, {"prod"}), (False, set())])
async def test_only_the_process_that_leads_has_series(leads: bool, sources: set[str]) -> None:  # noqa: FBT001 - a value of the table
    """Otherwise each process would report the same events."""
    client = Client({"prod": (3, 0, NOW)})
    client.write_order = Order(leads)
    queues = ThinEventQueues(client, lambda: NOW, {"before": WaitingEvents(1)})  # type: ignore[arg-type]  # a client of the test
    await queues.sample()
    assert values(queues)["pending"].keys() == sources


async def test_a_store_that_fails_leaves_the_last_sample() -> None:
    """The age of the oldest event grows on, so that an alert fires."""
    client = Client({"prod": (3, 0, NOW - 1_000)})
    clock = [NOW]
    queues = ThinEventQueues(client, clock=lambda: clock[0])  # type: ignore[arg-type]  # a client of the test
    await queues.sample()
    client.error, clock[0] = CodedError("away", Code.STORE_UNAVAILABLE), NOW + 60_000
    await queues.sample()
    assert values(queues)["oldest_seconds"] == {"prod": 61}


async def test_a_sample_reads_some_of_many_sources() -> None:
    """Thousands of sources keep no slot of the store: they take turns, and the numbers of the others remain.

    What has no event any more is gone after its turn, and so is a last turn without any source.
    """
    names = [f"s{number:04}" for number in range(2 * MAX_READ)]
    client = Client(dict.fromkeys(names, (1, 0, NOW)))
    queues = ThinEventQueues(client, clock=lambda: NOW)  # type: ignore[arg-type]  # a client of the test
    for sources in (MAX_READ, 2 * MAX_READ):
        await queues.sample()
        assert [*queues.found] == names[:sources]
    assert client.requests == 2 * MAX_READ
    client.rows = {names[0]: (5, 0, NOW), names[7]: (6, 0, NOW), names[-1]: (7, 0, NOW)}
    await queues.sample()  # there is nothing after the last source
    assert [queues.found[name].pending for name in (names[0], names[-1])] == [1, 1]
    await queues.sample()
    assert {name: each.pending for name, each in queues.found.items()} == {names[0]: 5, names[7]: 6, names[-1]: 7}
    client.rows = {}
    await queues.sample()
    assert queues.found == {}
