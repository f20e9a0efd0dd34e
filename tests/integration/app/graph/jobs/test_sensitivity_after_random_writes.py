"""Random writes on random estates: sensitivity is never too low after a write, and exact when the job is idle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import Any

import pytest
from support.oracles.effective_sensitivity import CARRYING, LEVELS, effective
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
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver import edge_pages
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs import sensitivity_job as job_module
from app.graph.jobs.sensitivity_job import SensitivityJob
from app.graph.jobs.sensitivity_work import known_sources, recompute
from app.graph.jobs.sensitivity_work.read_budget import ReadBudget
from app.graph.propagation import stored_flows
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.effects import raise_sensitivity as spreading
from graphql_schema.catalog.relations import RELATIONS
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.commands import Command, LinkCommand, RegisterCommand

NAMES = {
    "dataset": ["a", "b", "c"],
    "dataset-version": ["a@1", "a@2", "b@1"],
    "feature-set": ["s", "t"],
    "feature": ["f", "g", "h"],
    "model": ["m", "n"],
    "model-version": ["m@1", "m@2", "n@1"],
    "workflow": ["w"],
    "run": ["r", "q"],
    "evaluation": ["e"],
    "service": ["v"],
    "report": ["p", "o"],
}
ALL = [f"{slug} {name}" for slug, names in NAMES.items() for name in names]
FIELDS = {
    "dataset": {"derivedFrom": ["dataset", "dataset-version"], "producedBy": ["run"]},
    "dataset-version": {"derivedFrom": ["dataset", "dataset-version"], "producedBy": ["run"]},
    "feature-set": {"features": ["feature"]},
    "feature": {"featureSet": ["feature-set"], "derivedFrom": ["dataset"]},
    "model-version": {"trainedOn": ["dataset", "dataset-version"], "usedFeatures": ["feature", "feature-set"]},
    "run": {"inputs": ["dataset", "feature"], "outputs": ["dataset", "dataset-version", "model-version"]},
}
KIND = {slug: parse_urn(asset(f"{slug} {names[0]}").urn).kind for slug, names in NAMES.items()}
LINKS = [
    (name, source, target)
    for name in [*sorted(CARRYING), "CONTAINS"]
    for source in NAMES
    for target in NAMES
    if (KIND[source], KIND[target]) in RELATIONS[name].ends
]


@dataclass
class Twin:
    """A tenant of a graph, with a clock set by the test."""

    graph: StoreGraph
    writers: Writers
    tenant: str
    random: Random
    now: int = NOW
    job: OvertakenJob = field(init=False)

    def __post_init__(self) -> None:
        coordinator = self.writers.coordinator
        job = SensitivityJob(
            self.writers.client, coordinator.lock, coordinator.outbox, coordinator.propagation_stops, lambda: self.now
        )
        self.job = OvertakenJob(job, cycle([True, False, False]), cycle(FAILURES))

    def write(self) -> RegisterCommand | LinkCommand:
        """Return a random item."""
        return self._asset() if self.random.random() < 0.45 else self._link()

    def _asset(self) -> RegisterCommand:
        slug = self.random.choice(list(NAMES))
        values = {}
        if self.random.random() < 0.7:
            values["sensitivity"] = self.random.choice([*LEVELS, None])
        fields = {
            name: self.random.sample([f"{kind} {each}" for kind in kinds for each in NAMES[kind]], k=size)
            for name, kinds in FIELDS.get(slug, {}).items()
            for size in [self.random.randrange(4) - 1]
            if size >= 0 and (name != "producedBy" or size <= 1)
            if size <= sum(len(NAMES[kind]) for kind in kinds)
        }
        return asset(f"{slug} {self.random.choice(NAMES[slug])}", values, **fields)

    def _link(self) -> LinkCommand:
        relation, source, target = self.random.choice(LINKS)
        details: dict[str, Any] = {}
        if relation in CARRYING and self.random.random() < 0.35:
            details["declassified"] = self.random.choice([True, True, False, None])
        if self.random.random() < 0.4:
            details["validFrom"] = NOW - 1_000
            details["validTo"] = self.random.choice([None, self.now - 500, self.now + 2, self.now + 20])
        ends = [f"{slug} {self.random.choice(NAMES[slug])}" for slug in (source, target)]
        return link(relation, *ends, **details)

    async def check(self, *, idle: bool) -> None:
        """Assert that no sensitivity is too low and, with an idle job, none is too high."""
        there = await stored(self.graph, self.tenant)
        wanted = effective(there, self.now)
        view = self.writers.coordinator.outbox.floors.view(self.tenant)
        observed = {
            urn: view.with_floor(vertex_id(self.tenant, urn), record)["sensitivity"]
            for urn, record in there.records.items()
        }
        open_ = {
            urn: (observed[urn], want)
            for urn, want in wanted.items()
            if LEVELS.index(observed[urn]) < LEVELS.index(want)
        }
        assert open_ == {}
        assert {urn: values["sensitivity"] for urn, values in there.natives.items()} == {
            urn: record["sensitivity"] for urn, record in there.records.items()
        }
        if idle:
            assert observed == wanted


def twin_of(graph: StoreGraph, client: GremlinClient, seed: int) -> Twin:
    """Return a fresh tenant with writers and a job of its own."""
    return Twin(graph, Writers(client, shipped_policy(), WriteCoordinator(shipped_stops())), f"t{seed}", Random(seed))


SIZES: list[tuple[str, Mapping[str, int]]] = [
    ("at once", {}),
    ("fenced", {"MAX_RAISED": 0}),
    ("sometimes fenced", {"MAX_RAISED": 2}),
    ("fenced wholly", {"MAX_RAISED": 1, "MAX_COVERED": 2}),
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("limits", [limits for _, limits in SIZES], ids=[name for name, _ in SIZES])
async def test_sensitivity_is_never_too_low_and_exact_when_idle(
    module_graph: StoreGraph, monkeypatch: pytest.MonkeyPatch, limits: Mapping[str, int], seed: int
) -> None:
    """Sensitivity equals the oracle over cycles, parents, children, declassified and ended edges.

    Items are written in one call, or in calls at the same time. Some transactions of the job lose their turn, or fail.
    Batches of the job are small, and with some seeds it sends one request for sources in each step and examines few of
    them. So writes come between the steps of a batch. With one of these a request has one record or edge. With the
    other it has no records beside the edges, and a transaction has one record.
    """
    for name, limit in limits.items():
        monkeypatch.setattr(spreading, name, limit)
    monkeypatch.setattr(job_module, "BATCH", 2)
    monkeypatch.setattr(job_module, "ReadBudget", lambda: ReadBudget(requests=40 if seed == 0 else 1))
    monkeypatch.setattr(recompute, "PART", 1)
    monkeypatch.setattr(recompute, "MAX_EXAMINED", 1_000 if seed == 0 else 4)
    if seed == 1:
        monkeypatch.setattr(stored_flows, "PART_SIZE", 1)
        monkeypatch.setattr(edge_pages, "PAGE", 1)
        monkeypatch.setattr(known_sources, "FEW", 2)
    if seed == 2:
        monkeypatch.setattr(known_sources, "MAX_VERTICES", 0)
        monkeypatch.setattr(outbox_worker, "MAX_CHARACTERS", 1)
    async with GremlinClient(module_graph.url, source=module_graph.source) as client:
        twin = twin_of(module_graph, client, seed * 10 + len(limits) * 100 + sum(limits.values()))
        caller = person("root", roles="admin auditor", tenant=twin.tenant)
        for _ in range(13):
            items = [twin.write() for _ in range(twin.random.choice((1, 1, 2, 5)))]
            writer = twin.writers.of(caller, now=twin.now)
            if twin.random.random() < 0.4:
                await writer.write(items, dry_run=False, atomic=False)
            else:
                await write_at_once(writer, items)
            await twin.check(idle=False)
            for _ in range(twin.random.choice((0, 0, 1, 3))):
                await twin.job.step()
                await twin.check(idle=False)
            twin.now += twin.random.choice((0, 1, 7))
            if twin.random.random() < 0.25:
                await twin.job.finish()
                await twin.check(idle=True)
        twin.now += 100
        while await twin.job.step():
            await twin.check(idle=False)
        await twin.check(idle=True)
        assert [entry for entry in twin.writers.coordinator.outbox.entries if entry.kind == "sensitivity"] == []


async def test_a_domain_is_no_source_of_what_it_contains(module_graph: StoreGraph) -> None:
    """A feature is contained in a domain after its sources were read, and lowered later: it is as open as declared.

    The edge is looked up, and has the label of an edge between a feature and its feature set.
    """
    async with GremlinClient(module_graph.url, source=module_graph.source) as client:
        writers = Writers(client, shipped_policy(), coordinator := WriteCoordinator(shipped_stops()))
        job = SensitivityJob(client, coordinator.lock, coordinator.outbox, coordinator.propagation_stops, lambda: NOW)
        caller = person("root", roles="admin auditor", tenant="contained")
        secret = asset("dataset d", {"sensitivity": "RESTRICTED"})
        feature = asset("feature f", {"sensitivity": "PUBLIC"}, derivedFrom=["dataset d"])
        calls: list[list[Command]] = [
            [secret, feature],
            [asset("feature f", {}, derivedFrom=[])],
            [link("CONTAINS", "domain x", "feature f")],
            [asset("feature f", {"sensitivity": "RESTRICTED"})],
            [asset("feature f", {"sensitivity": "PUBLIC"})],
        ]
        for items in calls:
            await writers.of(caller, now=NOW).write(items, dry_run=False, atomic=False)
            while await job.step():
                pass
        assert (await stored(module_graph, "contained")).records[urn("feature f")]["sensitivity"] == "PUBLIC"
