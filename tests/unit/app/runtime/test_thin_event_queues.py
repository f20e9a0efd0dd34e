"""The queues of thin events as metrics: by source up to a number of sources, and in the process that leads alone."""

from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from app.graph.admin.thin_event_counts import MAX_READ, WaitingEvents
from app.runtime.thin_event_queues import MAX_SOURCES, Ranking, SourceCounts, ThinEventQueues
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


async def test_the_sources_with_the_most_events_are_labels() -> None:
    """All further ones are one label together, with the age of their oldest event."""
    rows: dict[str, tuple[int, int, int | None]]
    rows = {f"s{at:03}": (MAX_SOURCES + 5 - at, 1, NOW - 1_000 * at) for at in range(MAX_SOURCES + 3)}
    queues = ThinEventQueues(Client({**rows, "dead": (0, 1, None)}), lambda: NOW)  # type: ignore[arg-type]  # a client of the test
    await queues.sample()
    measured = values(queues)
    assert measured["pending"].keys() == {*(f"s{at:03}" for at in range(MAX_SOURCES)), "(other)"}
    others = [measured[name]["(other)"] for name in ("pending", "dead", "oldest_seconds")]
    assert others == [5 + 4 + 3, 4, MAX_SOURCES + 2]


def test_of_100_000_sources_only_those_that_are_labels_are_kept() -> None:
    """Their number is up to callers: all were kept for good, and sorted at once. The sums are those of all the others.

    They are correct after each turn, also when the numbers have changed: compared with a sort of all sources.
    """
    random, counts = Random(1), SourceCounts()
    names = [f"s{number:06}" for number in range(100_000)]
    for _ in range(2):
        rows = {name: WaitingEvents(random.randrange(1_000_000), 1, random.randrange(NOW)) for name in names}
        for begin in range(0, len(names), MAX_READ):
            part = names[begin : begin + MAX_READ]
            counts = counts.with_part({name: rows[name] for name in part}, part[-1])
            assert max(len(counts.former.named), len(counts.present.named)) <= MAX_SOURCES
        counts = counts.with_part({}, "")
        order = sorted(names, key=lambda name: (-rows[name].pending, name))
        others = [rows[name] for name in order[MAX_SOURCES:]]
        oldest = min(each.oldest_at for each in others if each.oldest_at is not None)
        assert counts.by_label() == {
            **{name: rows[name] for name in order[:MAX_SOURCES]},
            "(other)": WaitingEvents(sum(each.pending for each in others), len(others), oldest),
        }


def test_a_source_that_is_no_label_any_more_counts_with_the_others() -> None:
    """It does so at once, whether the present turn has read it or not, and once: its own turn replaces its number."""
    small = {f"a{number:02}": WaitingEvents(2) for number in range(MAX_SOURCES - 1)}
    counts = SourceCounts().with_part({**small, "z": WaitingEvents(1)}, "")
    others = []
    for part in ({**small, "b": WaitingEvents(9)}, {"y": WaitingEvents(8)}, {"z": WaitingEvents(1)}):
        counts = counts.with_part(part, "" if "z" in part else max(part))
        others.append(counts.by_label()["(other)"].pending)
    assert others == [1, 2, 3]  # `z`, then the last of `small` in the present turn, then both
    assert {"b", "y"} < counts.by_label().keys()


@pytest.mark.parametrize(("leads", "sources"), [(True, {"prod"}), (False, set())])
async def test_only_the_process_that_leads_has_series(leads: bool, sources: set[str]) -> None:  # noqa: FBT001 - a value of the table
    """Otherwise each process would report the same events."""
    client = Client({"prod": (3, 0, NOW)})
    client.write_order = Order(leads)
    queues = ThinEventQueues(client, lambda: NOW, SourceCounts(Ranking({"before": WaitingEvents(1)})))  # type: ignore[arg-type]  # a client of the test
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
    client.rows[names[0]] = client.rows[names[-1]] = (2, 0, NOW)
    queues = ThinEventQueues(client, clock=lambda: NOW)  # type: ignore[arg-type]  # a client of the test
    for sources in (MAX_READ, 2 * MAX_READ):
        await queues.sample()
        assert values(queues)["pending"]["(other)"] == sources - MAX_SOURCES
    assert client.requests == 2 * MAX_READ
    client.rows = {names[0]: (5, 0, NOW), names[7]: (6, 0, NOW), names[-1]: (7, 0, NOW)}
    await queues.sample()  # there is nothing after the last source
    assert [values(queues)["pending"][name] for name in (names[0], names[-1])] == [2, 2]
    await queues.sample()
    assert values(queues)["pending"] == {names[0]: 5, names[7]: 6, names[-1]: 7}
    client.rows = {}
    await queues.sample()
    assert values(queues)["pending"] == {}
