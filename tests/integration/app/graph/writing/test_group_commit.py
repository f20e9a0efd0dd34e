"""Group commit on a real JanusGraph: calls at the same time have the results of the same calls one by one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from random import Random
from typing import Any

import orjson
import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.stores.writers import NOW, Stored, Writers, asset, link, person, shipped_stops, stored, urn

from app.graph.commits.turns import long_writers
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_statements import WRITE
from app.graph.driver.errors import StoreFailedError
from app.graph.jobs.sensitivity_job import SensitivityJob
from app.graph.jobs.tag_job import TagJob
from app.graph.writing.unit import item_size
from graphql_schema.ports.commands import (
    Command,
    DeleteCommand,
    IdempotencyKey,
    LinkCommand,
    RegisterCommand,
    RestoreCommand,
    UnlinkCommand,
)
from graphql_schema.ports.outcomes import WriteOutcome
from policies.principal import Principal

TEAMS = {"ranking": {"team ranking": ["TECHNICAL"]}, "ads": {"team ads": ["TECHNICAL"]}}
DATA = [f"dataset d{number}" for number in range(4)]
VERSIONS = ["model-version m@1", "model-version m@2", "dataset-version d0@1"]
LEVELS = ["PUBLIC", "INTERNAL", "CONFIDENTIAL", "RESTRICTED"]
BAD_RUN = asset("run broken", {"state": "START", "startedAt": "soon"}, workflow=["workflow only-there"])


@dataclass(frozen=True)
class Call:
    """A call of one caller."""

    who: Principal
    items: Sequence[Command]
    dry_run: bool = False
    atomic: bool = False

    async def send(self, writers: Writers, tenant: str) -> list[WriteOutcome]:
        """Write the items in a tenant."""
        writer = writers.of(replace(self.who, tenant=tenant))
        return await writer.write(self.items, dry_run=self.dry_run, atomic=self.atomic)


class Calls:
    """Random calls about few assets: valid and rejected items, atomic calls, dry runs and repeated keys."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._callers = [
            person("root", roles="admin auditor"),
            person("ada", "team ranking", roles="engineer"),
            person("bo", "team ads", roles="engineer"),
        ]

    def call(self) -> Call:
        """Return the next call."""
        pick = self._random.random
        items = [self._item() for _ in range(self._random.choice((1, 1, 1, 2, 4)))]
        return Call(self._random.choice(self._callers), items, dry_run=pick() < 0.15, atomic=pick() < 0.3)

    def _item(self) -> Command:
        kinds = (self._asset, self._asset, self._asset, self._link, self._link, self._unlink, self._deletion)
        return self._random.choice(kinds)()

    def _asset(self) -> RegisterCommand:
        pick, text = self._random.random, self._random.choice([*DATA, *VERSIONS])
        values: dict[str, Any] = {"description": self._random.choice("xyz")} if pick() < 0.6 else {}
        if pick() < 0.5:
            values["sensitivity"] = self._random.choice(LEVELS)
        if pick() < 0.2:
            values["visibility"] = self._random.choice(("TEAM", "ORG"))
        field = "trainedOn" if text.startswith("model") else "derivedFrom"
        fields: dict[str, Any] = {field: self._random.sample(DATA, 2)} if pick() < 0.5 else {}
        if pick() < 0.3:
            fields["owners"] = self._random.choice([*TEAMS.values()])
        if pick() < 0.2:
            fields["tags"] = ["tag gold"]
        key = IdempotencyKey(self._random.choice("kl"), f"{text}") if pick() < 0.15 else None
        expected = self._random.choice((1, 2, 3)) if pick() < 0.15 else None
        return replace(asset(text, values, **fields), key=key, expected_revision=expected)

    def _link(self) -> LinkCommand:
        source, target = self._random.sample([*DATA, "feature f"], 2)
        return link("DERIVES", source, target, declassified=self._random.choice((None, None, None, True)))

    def _unlink(self) -> UnlinkCommand:
        source, target = self._random.sample(DATA, 2)
        return UnlinkCommand("DERIVES", urn(source), urn(target))

    def _deletion(self) -> Command:
        text = self._random.choice([*DATA, *VERSIONS])
        return self._random.choice((DeleteCommand(urn(text), despite_others=True), RestoreCommand(urn(text))))


def writers_over(writers: Writers) -> Writers:
    """Return writers of a process of its own."""
    return replace(writers, coordinator=WriteCoordinator(shipped_stops()))


async def worked_off(writers: Writers) -> None:
    """Run the jobs until the outbox has nothing that is due."""
    coordinator = writers.coordinator
    jobs = [
        SensitivityJob(
            writers.client, coordinator.lock, coordinator.outbox, coordinator.propagation_stops, lambda: NOW
        ),
        TagJob(writers.client, coordinator, lambda: NOW),
    ]
    for job in jobs:
        while await job.step():
            pass


def comparable(there: Stored) -> Any:
    """Return what is stored, without the tenant and the ids of changes."""
    natives = {urn: {**values, "tenant": "", "record": ""} for urn, values in there.natives.items()}
    records = {urn: {**record, "tenant": ""} for urn, record in there.records.items()}
    edges = {key: {**values, "record": ""} for key, values in there.edges}
    dropped = {"id", "tenant", "subjects"}
    changes = [{key: value for key, value in change.items() if key not in dropped} for change in there.changes]
    for change in changes:
        change["fields"] = sorted(change["fields"], key=orjson.dumps)  # edges are in the order of vertex ids
    return natives, records, edges, there.edge_records, sorted(orjson.dumps(change) for change in changes)


@pytest.mark.parametrize("seed", range(12))
async def test_concurrent_calls_are_as_the_same_calls_one_by_one(
    module_graph: StoreGraph, module_writers: Writers, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcomes, errors, records, edges and audit of calls that share transactions are those of separate ones."""
    monkeypatch.setattr(item_size, "REACHING_EDGES", 1)  # so that all calls of a round share one
    monkeypatch.setattr(long_writers, "LONG_SECONDS", inf)  # a slow machine lets no caller wait,
    monkeypatch.setattr(long_writers, "MAX_WAIT_SECONDS", inf)  # which would change the order of the calls
    calls, requests = Calls(seed), ObservedRequests()
    one, many = f"one-by-one{seed}", f"concurrent{seed}"
    apart, together = writers_over(module_writers), writers_over(module_writers)
    for _ in range(3):
        batch = [calls.call() for _ in range(8)]
        expected = [await call.send(apart, one) for call in batch]
        module_writers.client.observers.append(requests)
        found = await asyncio.gather(*(call.send(together, many) for call in batch))
        module_writers.client.observers.remove(requests)
        assert found == expected
        await worked_off(apart)
        await worked_off(together)
        for mine, theirs in zip(
            comparable(await stored(module_graph, many)), comparable(await stored(module_graph, one)), strict=True
        ):
            assert mine == theirs
    assert requests.texts[WRITE.text] <= 3  # one for each round


async def test_a_refused_value_fails_only_its_call(graph: StoreGraph, writers: Writers) -> None:
    """Beside a call that the store refuses, seven others are written; an atomic one leaves nothing of itself."""
    root = person("root", roles="admin")
    good = [Call(root, [asset(f"dataset d{number}", derivedFrom=["dataset up"])]) for number in range(6)]
    calls = [*good[:3], Call(root, [asset("dataset with"), BAD_RUN], atomic=True), Call(root, [BAD_RUN]), *good[3:]]
    found = await asyncio.gather(*(call.send(writers, "default") for call in calls), return_exceptions=True)
    assert isinstance(found[3], StoreFailedError)
    names = [[one.outcome.name for one in each] for each in found if isinstance(each, list)]
    assert names == [["CREATED"]] * 3 + [["INVALID"]] + [["CREATED"]] * 3
    assert set((await stored(graph)).records) == {
        urn("dataset up"),
        *(urn(f"dataset d{number}") for number in range(6)),
    }


async def test_eight_calls_are_one_transaction(writers: Writers) -> None:
    """Concurrent calls of several callers need one read of the state and one write."""
    requests = ObservedRequests()
    writers.client.observers.append(requests)
    callers = [person(f"p{number}", roles="admin") for number in range(8)]
    calls = [Call(who, [asset(f"dataset {who.subject}", derivedFrom=["dataset up"])]) for who in callers]
    await asyncio.gather(*(call.send(writers, "default") for call in calls))
    assert sorted(requests.texts.values()) == [1, 1, 1]
