"""Random writes on random estates: when the job is idle, tags and their sources equal the oracle."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.oracles.propagated_tags import assigned, shown
from support.stores.janusgraph import StoreGraph
from support.stores.overtaken_job import FAILURES, OvertakenJob
from support.stores.writers import (
    NOW,
    Writers,
    asset,
    link,
    person,
    shipped_policy,
    shipped_stops,
    stored,
    urn,
    write_at_once,
)

from app.graph.commits import outbox_worker
from app.graph.commits.outbox import Outbox
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver import edge_pages
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs import tag_job as job_module
from app.graph.jobs.tag_job import TagJob
from app.graph.jobs.tag_work import tag_turns
from app.graph.propagation import tags_around
from graphql_schema.catalog.relations import RELATIONS, TAGGED
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.commands import (
    Command,
    DeclaredEdges,
    DeleteCommand,
    RegisterCommand,
    RestoreCommand,
    UnlinkCommand,
)

NAMES = [
    *("dataset a", "dataset b", "dataset c", "dataset-version a@1", "dataset-version a@2", "dataset-version b@1"),
    *("feature-set s", "feature f", "feature g", "model m", "model-version m@1", "run r", "report p", "service v"),
]
TAGS = ["tag pii", "tag gold"]
KIND = {name: parse_urn(urn(name)).kind for name in NAMES}
RINGS = [
    ("DERIVES", "dataset a", "dataset b"),
    ("DERIVES", "dataset b", "dataset c"),
    ("DERIVES", "dataset c", "dataset a"),
]
LINKS = [
    (relation.name, source, target)
    for relation in RELATIONS.values()
    if relation.carries or relation.name == "CONTAINS"
    for source in NAMES
    for target in NAMES
    if relation.allows(KIND[source], KIND[target])
]
TENANTS = count()


def tagging(name: str, mode: str | None, tag: str) -> RegisterCommand:
    """Return the command of `setTags`: set a tag, block it, or remove the declaration."""
    stated = {} if mode is None else {urn(tag): {"mode": mode}}
    field_ = DeclaredEdges(TAGGED.out(), f"{KIND[name]}.tags", stated, adds=True, removes=() if stated else (urn(tag),))
    return asset_with(name, field_)


def asset_with(name: str, *edges: DeclaredEdges) -> RegisterCommand:
    """Return an asset with the edges of some fields."""
    return RegisterCommand(urn(name), {}, edges)


names, tags = st.sampled_from(NAMES), st.sampled_from(TAGS)
ends = st.sampled_from([None, None, None, 5, 20])
edges = st.one_of(st.sampled_from(RINGS), st.sampled_from(LINKS))
near = st.sampled_from(["dataset a", "dataset b", "dataset c", "dataset-version a@1"])


def linking(edge: tuple[str, str, str], end: int | None, declassified: bool | None) -> Command:  # noqa: FBT001 - a case
    """Return a link that may end later, or be declassified."""
    details: dict[str, Any] = {} if end is None else {"validFrom": NOW - 10, "validTo": NOW + end}
    if declassified is not None and RELATIONS[edge[0]].carries:
        details["declassified"] = declassified
    return link(*edge, **details)


items: st.SearchStrategy[Command] = st.one_of(
    st.builds(linking, edges, ends, st.sampled_from([None, None, None, True, False])),
    st.builds(linking, edges, st.none(), st.none()),
    st.builds(lambda edge: UnlinkCommand(edge[0], urn(edge[1]), urn(edge[2])), edges),
    st.builds(tagging, near, st.sampled_from(["DIRECT", "BLOCKED", None, None]), st.just(TAGS[0])),
    st.builds(tagging, names, st.sampled_from(["DIRECT", "DIRECT", "BLOCKED", None]), tags),
    st.builds(lambda name, listed: asset(name, tags=listed), names, st.lists(tags, unique=True)),
    st.builds(lambda name: DeleteCommand(urn(name)), names),
    st.builds(lambda name: RestoreCommand(urn(name)), names),
    st.builds(lambda tag, on: asset(tag, {"propagates": on}), tags, st.sampled_from([True, True, False])),
)
batches = st.lists(
    st.tuples(st.lists(items, min_size=1, max_size=4), st.sampled_from([0, 1, 3, 99, 99]), st.sampled_from([0, 0, 7])),
    min_size=4,
    max_size=14,
)

losses = st.lists(st.booleans(), min_size=1, max_size=4).filter(lambda found: not all(found))


@dataclass
class Twin:
    """A tenant of its own, with a clock set by the test."""

    graph: StoreGraph
    client: GremlinClient
    losses: list[bool]
    failures: tuple[str, ...]
    tenant: str = field(default_factory=lambda: f"t{next(TENANTS)}")
    now: int = NOW
    calls: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start a process, which reads its state from the store alone."""
        self.writers = Writers(self.client, shipped_policy(), WriteCoordinator(shipped_stops(), outbox=Outbox()))
        job = TagJob(self.client, self.writers.coordinator, lambda: self.now)
        self.job = OvertakenJob(job, cycle(self.losses), cycle(self.failures))

    async def restart(self) -> None:
        """Replace the process by another one after a crash."""
        self.start()
        await self.writers.coordinator.outbox.load(self.client)
        await self.writers.coordinator.commit_log.load(self.client)

    async def write(self, batch: list[Command]) -> None:
        """Write items as one of three callers who have every right.

        Write an odd number in one call, and an even one in calls at once.
        """
        name = f"root-{next(self.calls) % 3}"
        writer = self.writers.of(person(name, roles="admin auditor approver", tenant=self.tenant), now=self.now)
        if len(batch) % 2:
            await writer.write(batch, dry_run=False, atomic=False)
        else:
            await write_at_once(writer, batch)

    async def check(self) -> None:
        """Assert that an idle job leaves the edges and index of the definition."""
        there = await stored(self.graph, self.tenant)
        wanted = assigned(there, self.now)
        assert shown(there, self.now) == wanted
        index: dict[str, list[str]] = {key: [] for key in there.records}
        for (asset_urn, tag), (mode, _) in sorted(wanted.items()):
            if mode != "BLOCKED":
                index[asset_urn].append(tag)
        assert {key: sorted(record["index"]["tags"]) for key, record in there.records.items()} == index
        assert {key: sorted(values["tags"]) for key, values in there.natives.items()} == {
            key: found or [""] for key, found in index.items()
        }


@pytest.mark.timeout(600)
@pytest.mark.parametrize("size", [250, 2])
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(batches=batches, losses=losses, failures=st.sampled_from([("",), FAILURES]), crash=st.booleans())
async def test_tags_equal_the_oracle(  # noqa: PLR0913, PLR0917 - drawn by hypothesis
    module_graph: StoreGraph,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    batches: list[tuple[list[Command], int, int]],
    losses: list[bool],
    failures: tuple[str, ...],
    crash: bool,  # noqa: FBT001 - a case
) -> None:
    """Tags equal the oracle after random declarations, blocks, ended edges and deletions.

    So they do after crashes of the job, after turns that it loses, and after transactions that fail. Several callers
    write, and each has turns of one step. With small batches, a step of the job reads one edge of its batch, and one
    vertex around it, so that writes come before the next ones. With ``crash``, a transaction has one asset alone.
    """
    monkeypatch.setattr(job_module, "BATCH", size)
    monkeypatch.setattr(tag_turns, "MIN_BATCHES", 1)
    monkeypatch.setattr(outbox_worker, "MAX_CHARACTERS", 1 if crash else 10**6)
    if size == 2:
        monkeypatch.setattr(edge_pages, "PAGE", 1)
        for name in ("AT_ONCE", "MAX_AROUND"):
            monkeypatch.setattr(job_module, name, 1)
        monkeypatch.setattr(tags_around, "AT_ONCE", 1)
    async with GremlinClient(module_graph.url, source=module_graph.source) as client:
        twin = Twin(module_graph, client, losses, failures)
        await twin.write([asset(tag, {"propagates": True}) for tag in TAGS])
        await twin.write([link(*edge) for edge in RINGS])
        for batch, steps, pause in batches:
            await twin.write(batch)
            for _ in range(steps):
                await twin.job.step()
            if crash and steps:
                await twin.restart()
            if steps > 10:
                while await twin.job.step():
                    pass
                await twin.check()
            twin.now += pause
        twin.now += 100
        while await twin.job.step():
            pass
        await twin.check()
        assert [entry for entry in twin.writers.coordinator.outbox.entries if entry.tag is not None] == []
