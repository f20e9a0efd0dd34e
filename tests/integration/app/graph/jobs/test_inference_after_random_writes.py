"""Random writes on random estates: when the job is idle, inferred edges are those of the rules at any instant."""

from dataclasses import dataclass, field
from itertools import count, cycle
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.oracles.inferred_edges import first_chains, followed, instants, kept
from support.stores.janusgraph import StoreGraph
from support.stores.overtaken_job import FAILURES, OvertakenJob
from support.stores.writers import NOW, Stored, Writers, asset, link, person, shipped_policy, shipped_stops, stored, urn

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver import edge_pages
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs import chain_reads, inference_chains
from app.graph.jobs import inference_job as job_module
from app.graph.jobs.inference_job import InferenceJob, schedule_full_derivation
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.catalog.relations import RELATIONS
from graphql_schema.catalog.urn import parse_urn
from graphql_schema.ports.commands import Command, DeleteCommand, RestoreCommand, UnlinkCommand

NAMES = [
    *("dataset a", "dataset-version a@1", "feature f", "feature g", "run r", "run s", "evaluation e"),
    *("model-version m@1", "model-version m@2", "deployment d", "deployment p", "experiment-cell c"),
]
KIND = {name: parse_urn(urn(name)).kind for name in NAMES}
HOPS = {hop.relation.name for rule in RULES for hop in rule.chain}
MIDDLES = [name for name in NAMES if KIND[name] in {"Run", "Deployment"}]
LINKS = [
    (relation, source, target)
    for relation in sorted({*HOPS, *(rule.relation.name for rule in RULES)})
    for source in NAMES
    for target in NAMES
    if RELATIONS[relation].allows(KIND[source], KIND[target])
]
CHAINS = [edge for edge in LINKS if edge[0] in HOPS and {*edge} & {*MIDDLES}]
TENANTS = count()

edges = st.one_of(st.sampled_from(CHAINS), st.sampled_from(CHAINS), st.sampled_from(LINKS))


def linking(edge: tuple[str, str, str], span: tuple[int, int | None] | None, sure: float | None) -> Command:
    """Return a link that is valid for an interval, or is inferred by its declarer."""
    details: dict[str, Any] = {}
    if span is not None:
        details = {"validFrom": NOW + span[0], "validTo": None if span[1] is None else NOW + span[1]}
    if sure is not None:
        details |= {"origin": "INFERRED", "confidence": sure}
    return link(*edge, **details)


spans = st.sampled_from([None, None, None, (-10, 5), (-30, None), (4, 20)])
items: st.SearchStrategy[Command] = st.one_of(
    st.builds(linking, edges, spans, st.sampled_from([None, None, 0.25])),
    st.builds(linking, edges, st.none(), st.none()),
    st.builds(
        lambda edge, end: UnlinkCommand(edge[0], urn(edge[1]), urn(edge[2]), end and NOW + end),
        edges,
        st.sampled_from([None, None, 9, 30]),
    ),
    st.builds(
        lambda run, inputs, outputs: asset(run, {"state": "COMPLETE"}, inputs=inputs, outputs=outputs),
        st.sampled_from(["run r", "run s"]),
        st.lists(st.sampled_from(["feature f", "dataset a", "model-version m@1"]), unique=True),
        st.lists(st.sampled_from(["model-version m@2", "evaluation e"]), unique=True),
    ),
    st.builds(lambda name: DeleteCommand(urn(name)), st.sampled_from([*NAMES, *MIDDLES])),
    st.builds(lambda name: RestoreCommand(urn(name)), st.sampled_from([*NAMES, *MIDDLES])),
)
batches = st.lists(
    st.tuples(st.lists(items, min_size=1, max_size=5), st.sampled_from([0, 1, 2, 99]), st.sampled_from([0, 0, 7])),
    min_size=4,
    max_size=9,
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

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start a process, which reads its state from the store alone."""
        self.writers = Writers(self.client, shipped_policy(), WriteCoordinator(shipped_stops(), inference_rules=RULES))
        job = InferenceJob(self.client, self.writers.coordinator, lambda: self.now)
        self.job = OvertakenJob(job, cycle(self.losses), cycle(self.failures))

    async def restart(self, *, anew: bool = False) -> None:
        """Replace the process by another one after a crash; ``anew`` makes it examine the whole store."""
        self.start()
        await self.writers.coordinator.outbox.load(self.client)
        await self.writers.coordinator.commit_log.load(self.client)
        if anew:
            await self.graph.run("g.V(x).drop()", x=vertex_id("pending", "enrichment"))
        await schedule_full_derivation(self.client, self.writers.coordinator)

    async def write(self, batch: list[Command], name: str) -> None:
        """Write items as a caller of a name, who has every right."""
        caller = person(name, roles="admin auditor approver", tenant=self.tenant)
        await self.writers.of(caller, now=self.now).write(batch, dry_run=False, atomic=False)

    async def check(self) -> Stored:
        """Assert that an idle job leaves, at each instant, the edges of the definition."""
        there = await stored(self.graph, self.tenant)
        records, edges = there.records, there.edge_records
        names = {vertex_id(self.tenant, urn): urn for urn in records}
        limits = inference_chains.MAX_SOURCES, inference_chains.MAX_MIDDLES
        among = first_chains(records, edges, names, inference_chains.MAX_CHAINS, limits)
        for at in instants(records, edges, self.now):
            assert kept(edges, at, names) == followed(records, edges, at, among), at
        for (label, _, _), values in there.edges:
            if label.startswith("INFERRED_"):
                assert values["validFrom"] <= values["validTo"]
        return there


@pytest.mark.timeout(600)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(
    batches=batches,
    most=st.sampled_from([(1, 1), (1, 20), (50, 1)]),
    limits=st.sampled_from([(500, 100), (1, 100), (500, 1), (1, 1)]),
    losses=losses,
    failures=st.sampled_from([("",), FAILURES]),
    crash=st.booleans(),
)
async def test_inferred_edges_equal_the_oracle(  # noqa: PLR0913, PLR0917 - drawn by hypothesis
    module_graph: StoreGraph,
    monkeypatch: pytest.MonkeyPatch,
    batches: list[tuple[list[Command], int, int]],
    most: tuple[int, int],
    limits: tuple[int, int],
    losses: list[bool],
    failures: tuple[str, ...],
    crash: bool,  # noqa: FBT001 - a case
) -> None:
    """Inferred edges equal the oracle after random links, deletions and restorations of two callers.

    So they do after crashes of the job, after turns that it loses, and after transactions that fail. An edge may keep
    one chain alone, a step may read one edge alone, beside writers, and few sources and middles may have chains. A
    second run changes nothing.
    """
    monkeypatch.setattr(job_module, "BATCH", most[0])
    for name in ("MAX_EDGES", "AT_ONCE", "MAX_EXAMINED"):
        monkeypatch.setattr(chain_reads, name, most[0])
    monkeypatch.setattr(job_module, "MAX_REQUESTS", most[0])
    monkeypatch.setattr(edge_pages, "PAGE", most[0])
    monkeypatch.setattr(inference_chains, "MAX_CHAINS", most[1])
    for name, limit in zip(("MAX_SOURCES", "MAX_MIDDLES"), limits, strict=True):
        monkeypatch.setattr(inference_chains, name, limit)
    async with GremlinClient(module_graph.url, source=module_graph.source) as client:
        twin = Twin(module_graph, client, losses, failures)
        await twin.restart()
        for number, (batch, steps, pause) in enumerate(batches):
            await twin.write(batch, ("root", "anna")[number % 2])
            for _ in range(steps):
                await twin.job.step()
            if crash and steps:
                await twin.restart()
            if steps > 10:
                await twin.job.finish()
                await twin.check()
            twin.now += pause
        twin.now += 100
        await twin.job.finish()
        there = await twin.check()
        assert [entry for entry in twin.writers.coordinator.outbox.entries if entry.inference] == []
        await twin.restart(anew=True)
        await twin.job.finish()
        assert (await stored(module_graph, twin.tenant)).edges == there.edges
