"""An asset with many more neighbours than a step of a job may read: each job reads them in steps of bounded size.

For each job and direction, the edges of one asset are more than six pages. What a step requests is counted, and so are
the edges that it visits, by the stored graph, whether or not they are in a response. A writer of another caller, who
comes during a step, writes before the next one.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, Final

import orjson
import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Stored, Writers, asset, link, person, shipped_policy, shipped_stops, stored, urn

from app.graph.commits.outbox_worker import OutboxWorker
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_statements import WRITE
from app.graph.driver import edge_pages
from app.graph.driver.edge_pages import EDGES
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs import inference_job, sensitivity_job, tag_job
from app.graph.jobs.end_search import BEYOND
from app.graph.jobs.inference_job import InferenceJob
from app.graph.jobs.sensitivity_job import SensitivityJob
from app.graph.jobs.sensitivity_work import known_sources, read_budget
from app.graph.jobs.sensitivity_work.read_budget import ReadBudget
from app.graph.jobs.tag_job import TagJob
from app.graph.propagation.flow_statement import FLOW
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.effects import raise_sensitivity
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.ports.commands import Command, UnlinkCommand

PAGE: Final = 20
MANY: Final = 130
BATCH: Final = 20
"""Vertices of a batch, and of a request for those around one."""

MAX_VERTICES: Final = 2 * BATCH
MAX_REQUESTS: Final = 8
MAX_CHARACTERS: Final = 20_000
"""The maxima of one step. The large asset has three times as many edges, whose records have 100,000 characters."""

WIDTHS: Final = {FLOW.text: 3, EDGES.text: 5, BEYOND.text: 4}
"""Values of an edge in the responses that have pages of edges."""

ROOT, OTHER = person("root", roles="admin"), person("other", roles="admin")
HUB: Final = "dataset hub"
FAR: Final = [f"dataset far{number}" for number in range(MANY)]
RESTRICTED: Final = {"sensitivity": "RESTRICTED"}
OPEN: Final = {"sensitivity": "INTERNAL"}
TAG: Final = "tag pii"

_in_job: ContextVar[bool] = ContextVar("in_job", default=False)


@dataclass(slots=True)
class Step:
    """What one step of a job requests, and gets: requests, edges and vertices in responses, and characters of these.

    ``largest`` is the maximal number of edges in one response. The step has ``visited`` that many edges at least.
    """

    requests: int = 0
    edges: int = 0
    visited: int = 0
    largest: int = 0
    vertices: int = 0
    characters: int = 0

    def add(self, statement: PreparedStatement, rows: list[Any], visited: int) -> None:
        """Count a response."""
        self.requests += 1
        self.visited += visited
        self.characters += len(orjson.dumps(rows))
        edges = 0
        if statement.text in WIDTHS:
            edges = sum(map(len, rows[0]["e"])) // WIDTHS[statement.text]
        self.edges += edges
        self.largest = max(self.largest, edges)
        records = rows[0].get("v", ()) if rows and isinstance(rows[0], Mapping) else ()
        self.vertices += len(records) // 2


@dataclass
class Steps:
    """Counts the requests of the steps of a job; ``order`` has ``step`` and ``write`` as they reach the store."""

    writers: Writers
    done: list[Step] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    degrees: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    submit: Callable[..., Any] = field(init=False)
    during: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.submit = self.writers.client.submit

    async def observed(self, statement: PreparedStatement, bindings: Mapping[str, object], **options: Any) -> list[Any]:
        """Send a request, and count it."""
        if not _in_job.get():
            self.order += ["write"] if statement is WRITE else []
            return list(await self.submit(statement, bindings, **options))
        self.order += [] if self.done[-1].requests else ["step"]
        if self.during is not None:
            self.during()
            self.during = None
            await asyncio.sleep(0)
        rows: list[Any] = await self.submit(statement, bindings, **options)
        self.done[-1].add(statement, rows, self._visited(bindings, rows))
        return rows

    def _visited(self, bindings: Mapping[str, Any], rows: list[Any]) -> int:
        """Return a number of edges that a request has visited at least, by the stored edges.

        One that leaves edges unread has visited as many as a page may have, and the others all edges of their hops.
        """
        if not (rows and isinstance(rows[0], Mapping) and "r" in rows[0]):
            return 0
        hops = bindings["hops"]
        if any(any(rest) for rest in rows[0]["r"]):
            return max(int(bindings["page"]) - sum(len(hop["xs"]) for hop in hops), 0)
        complete = [(hop["d"], label, vid, 0) for hop in hops for label in hop["ls"] for vid in hop["xs"]]
        parts = [(hop["d"], label, vid, begin) for hop in hops for vid, label, begin in hop["more"]]
        return sum(max(self.degrees[at[:3]] - at[3], 0) for at in complete + parts)

    async def work_off(self, job: OutboxWorker) -> None:
        """Let a job work until it is idle, with a writer of another caller who comes in its third step."""
        written: list[asyncio.Task[Any]] = []

        def write() -> None:
            item = asset("dataset of-others", {"description": "x"})
            call = self.writers.of(OTHER).write([item], dry_run=False, atomic=False)
            written.append(asyncio.get_running_loop().create_task(call, context=Context()))

        while True:
            self.done.append(Step())
            self.during = write if len(self.done) == 3 else None
            token = _in_job.set(True)
            try:
                if not await job.step():
                    break
            finally:
                _in_job.reset(token)
            assert len(self.done) < 1_000
        await written[0]


@dataclass(frozen=True, slots=True)
class Case:
    """A large asset: what is written first and then, and what is to be stored when the job is idle."""

    before: tuple[tuple[Command, ...], ...]
    then: tuple[Command, ...]
    expected: Callable[[Stored], Iterator[bool]]


def each_has(key: str, value: object, names: list[str]) -> Callable[[Stored], Iterator[bool]]:
    """Return whether each of the assets has a value, or carries the tags of a list."""

    def check(found: Stored) -> Iterator[bool]:
        records = (found.records[urn(name)] for name in names)
        return (record["index"]["tags"] == value if key == "tags" else record[key] == value for record in records)

    return check


def inferred(label: str, pairs: list[tuple[str, str]], found: Stored) -> Iterator[bool]:
    """Return whether the edges of an inferred label are those between pairs."""
    edges = {key[1:] for key in found.edge_records if key[0] == label}
    yield edges == {(urn(source), urn(target)) for source, target in pairs}


SPREADS = asset(TAG, {"propagates": True})
FEATURES = [f"feature f{number}" for number in range(MANY)]
VERSIONS = [f"model-version m{number}@1" for number in range(MANY)]
ENDED: Final = 11
"""Number of ended edges to, or from, each of several assets: a page has those of one, and not of two."""

CHAIN: Final = [f"dataset c{number}" for number in range(12)]
DERIVED = tuple(link("DERIVES", HUB, far) for far in FAR)


def ended(*names: str, outward: bool = False) -> tuple[tuple[Command, ...], ...]:
    """Return what links other assets to these, or these to the others, and then ends the links."""
    pairs = [(f"dataset e{number}", name) for name in names for number in range(ENDED)]
    ends = [pair[::-1] if outward else pair for pair in pairs]
    links = tuple(link("DERIVES", *each) for each in ends)
    return links, tuple(UnlinkCommand("DERIVES", urn(source), urn(target)) for source, target in ends)


CASES: Final = {
    "sensitivity, ended edges upstream": Case(
        (
            (asset(CHAIN[0], RESTRICTED), asset(HUB, RESTRICTED), link("DERIVES", HUB, CHAIN[-1])),
            tuple(link("DERIVES", *each) for each in pairwise(CHAIN)),
            *ended(*CHAIN),
        ),
        (UnlinkCommand("DERIVES", urn(HUB), urn(CHAIN[-1])),),
        each_has("sensitivity", "RESTRICTED", CHAIN),
    ),
    "tags, ended edges on both sides": Case(
        (
            (SPREADS, asset(FAR[0]), *(link("DERIVES", *each) for each in pairwise([FAR[0], *CHAIN]))),
            *(each for name in CHAIN for outward in (False, True) for each in ended(name, outward=outward)),
        ),
        (asset(FAR[0], tags=[TAG]),),
        each_has("tags", [urn(TAG)], [FAR[0], *CHAIN]),
    ),
    "inferred edges, outputs of other kinds": Case(
        ((asset("run r", {"state": "COMPLETE"}, outputs=[*FAR, *VERSIONS[:1]]),),),
        (link("INPUT_TO", FEATURES[0], "run r"),),
        partial(inferred, "INFERRED_FEEDS", [(FEATURES[0], VERSIONS[0])]),
    ),
    "sensitivity, sources": Case(
        ((asset(FAR[0], RESTRICTED), asset(HUB, derivedFrom=FAR)),),
        (UnlinkCommand("DERIVES", urn(FAR[0]), urn(HUB)),),
        each_has("sensitivity", "INTERNAL", [HUB]),
    ),
    "sensitivity, targets": Case(
        ((asset(HUB, RESTRICTED), *DERIVED),), (asset(HUB, OPEN),), each_has("sensitivity", "INTERNAL", [HUB, *FAR])
    ),
    "sensitivity, raised": Case(
        ((asset(HUB, OPEN), *DERIVED),), (asset(HUB, RESTRICTED),), each_has("sensitivity", "RESTRICTED", [HUB, *FAR])
    ),
    "tags, sources": Case(
        ((SPREADS, asset(FAR[0], tags=[TAG])),), (asset(HUB, derivedFrom=FAR),), each_has("tags", [urn(TAG)], [HUB])
    ),
    "tags, targets": Case(
        ((SPREADS, asset(HUB), *DERIVED),), (asset(HUB, tags=[TAG]),), each_has("tags", [urn(TAG)], [HUB, *FAR])
    ),
    "tags, holders": Case(
        (
            (asset(TAG, {"propagates": False}), *(asset(far, tags=[TAG]) for far in FAR)),
            (link("DERIVES", FAR[-1], HUB),),
        ),
        (asset(TAG, {"propagates": True}),),
        each_has("tags", [urn(TAG)], [HUB, *FAR]),
    ),
    "inferred edges, inputs": Case(
        (),
        (asset("run r", {"state": "COMPLETE"}, inputs=FEATURES, outputs=VERSIONS[:1]),),
        partial(inferred, "INFERRED_FEEDS", [(each, VERSIONS[0]) for each in FEATURES]),
    ),
    "inferred edges, outputs": Case(
        ((asset("run r", {"state": "COMPLETE"}, outputs=VERSIONS),),),
        (link("INPUT_TO", FEATURES[0], "run r"),),
        partial(inferred, "INFERRED_FEEDS", [(FEATURES[0], each) for each in VERSIONS]),
    ),
}


def degrees_of(found: Stored) -> Counter[tuple[str, str, int]]:
    """Return the number of edges by direction, relation and vertex id, ended ones included."""
    degrees = Counter[tuple[str, str, int]]()
    for label, source, target in found.edge_records:
        degrees["out", label, vertex_id("default", source)] += 1
        degrees["in", label, vertex_id("default", target)] += 1
    return degrees


def job_of(name: str, client: GremlinClient, coordinator: WriteCoordinator) -> OutboxWorker:
    """Return the job of a case."""
    if name.startswith("sensitivity"):
        stops = coordinator.propagation_stops
        return SensitivityJob(client, coordinator.lock, coordinator.outbox, stops, lambda: NOW)
    return (TagJob if name.startswith("tags") else InferenceJob)(client, coordinator, lambda: NOW)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a step read few edges and vertices, and a write raise few assets."""
    monkeypatch.setattr(edge_pages, "PAGE", PAGE)
    monkeypatch.setattr(raise_sensitivity, "MAX_RAISED", 3)
    monkeypatch.setattr(known_sources, "AT_ONCE", BATCH)
    monkeypatch.setattr(sensitivity_job, "ReadBudget", lambda: ReadBudget(requests=4, vertices=PAGE, parts=1))
    monkeypatch.setattr(read_budget, "MIN_REQUESTS", 2)
    monkeypatch.setattr(sensitivity_job, "BATCH", BATCH)
    for limit in ("BATCH", "AT_ONCE", "MAX_AROUND"):
        monkeypatch.setattr(tag_job, limit, BATCH)
    monkeypatch.setattr(inference_job, "MAX_REQUESTS", 2)
    monkeypatch.setattr(inference_job, "MAX_VISITED", PAGE)


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("name", CASES)
async def test_each_step_is_small_and_others_write_between_steps(
    graph: StoreGraph, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """No step has more requests, edges, vertices or characters than it may, and all neighbours count in the result."""
    case = CASES[name]
    async with GremlinClient(graph.url, source=graph.source) as client:
        coordinator = WriteCoordinator(shipped_stops(), inference_rules=RULES)
        writers = Writers(client, shipped_policy(), coordinator)
        job = job_of(name, client, coordinator)
        for items in case.before:
            await writers.of(ROOT).write(items, dry_run=False, atomic=False)
            while await job.step():
                pass
        await writers.of(ROOT).write(case.then, dry_run=False, atomic=False)
        job = job_of(name, client, coordinator)  # a new one, as the first one keeps sources
        steps = Steps(writers, degrees=degrees_of(await stored(graph)))
        monkeypatch.setattr(client, "submit", steps.observed)
        await steps.work_off(job)
        assert [entry for entry in coordinator.outbox if entry.kind == job.name] == []
    assert all(case.expected(await stored(graph)))
    assert max(step.largest for step in steps.done) <= PAGE
    assert max(step.edges for step in steps.done) <= PAGE
    assert max(step.visited for step in steps.done) <= PAGE
    assert max(step.vertices for step in steps.done) <= MAX_VERTICES
    assert max(step.requests for step in steps.done) <= MAX_REQUESTS
    assert max(step.characters for step in steps.done) <= MAX_CHARACTERS
    assert steps.order.index("write") == steps.order.index("step") + 3
