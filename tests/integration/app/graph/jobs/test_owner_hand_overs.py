"""Children of a parent that several callers hand over follow it to the end, by the rights of each of these callers."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Writers, asset, person, set_owners, stored, urn

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.jobs import owner_job
from app.graph.jobs.owner_job import OwnerJob
from app.graph.writing import inheriting_children
from graphql_schema.ports.commands import Command
from graphql_schema.ports.outcomes import WriteOutcome
from policies.principal import Principal

ROOT = person("root", roles="admin")
XA = person("xa", "team a", "team b", roles="engineer")
XB = person("xb", "team b", "team c", roles="engineer")
BOTH = ["team a", "team c"]
OF_A = {"team a": ["TECHNICAL"]}
VERSIONS = [f"model-version m@{number}" for number in range(5)]


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a transaction change two children, and a step of the job two."""
    monkeypatch.setattr(inheriting_children, "MAX_CHILDREN", 2)
    monkeypatch.setattr(owner_job, "BATCH", 2)


async def write(writers: Writers, *items: Command, who: Principal = ROOT) -> None:
    """Write the items, all of which are stored."""
    done = await writers.of(who).write(items, dry_run=False, atomic=False)
    assert all(one.stored for one in done), done


async def load(writers: Writers, *more: Command) -> None:
    """Store a model of a team with versions, and further items."""
    await write(writers, asset("model m", owners=OF_A), *map(asset, VERSIONS), *more)


@dataclass
class Process:
    """A job beside some writers. ``before`` has what is called before a write of the job, by its number."""

    writers: Writers
    before: dict[int, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def job(self) -> OwnerJob:
        """Return the job."""
        writers = self.writers
        return OwnerJob(writers.client, writers.coordinator, self.write_as, writers.policy.access, lambda: NOW)

    async def write_as(self, who: Principal, items: Sequence[Command]) -> list[WriteOutcome]:
        """Write items of the job."""
        number = next(self.numbers)
        if number in self.before:
            await self.before[number]()
        writer = self.writers.of(who)
        writer.of_job = True
        return await writer.write(items, dry_run=False, atomic=False)

    async def finish(self, job: OwnerJob | None = None) -> None:
        """Take steps of the job until nothing is left."""
        job = job or self.job()
        while await job.step():
            pass
        assert self.writers.coordinator.outbox.entries == []


async def teams(graph: StoreGraph, *texts: str) -> list[str]:
    """Return the names of the stored owner teams of the assets."""
    records = (await stored(graph)).records
    return [str(records[urn(text)]["ownerTeam"]).rpartition("/")[2] for text in texts]


async def restarted(writers: Writers) -> Writers:
    """Return the writers of another process, which has loaded the entries."""
    other = replace(writers, coordinator=WriteCoordinator(writers.coordinator.propagation_stops))
    await other.coordinator.outbox.load(writers.client)
    return other


@pytest.mark.parametrize("steps", [0, 2, 4])
async def test_children_follow_two_callers(graph: StoreGraph, writers: Writers, steps: int) -> None:
    """Neither may give a version of the first team to the third one; together they may, however far the job is.

    The history of each version has the caller who gave the model its last owner.
    """
    await load(writers)
    await write(writers, set_owners("model m", "team b"), who=XA)
    job = Process(writers).job()
    for _ in range(steps):
        await job.step()
    await write(writers, set_owners("model m", "team c"), who=XB)
    await Process(writers).finish(job)
    assert await teams(graph, *VERSIONS) == ["c"] * 5
    found = await stored(graph)
    assert {found.history(urn(each))[-1]["actor"] for each in VERSIONS} == {"xb"}


async def test_one_caller_with_two_tokens(graph: StoreGraph, writers: Writers) -> None:
    """The rights of each hand-over are those of its token, also in a round with entries of another one."""
    await load(writers, asset("model n", owners={"team b": ["TECHNICAL"]}))
    await write(writers, *(asset(f"model-version n@{number}") for number in range(5)))
    await write(writers, set_owners("model m", "team b"), who=XA)
    await write(writers, set_owners("model n", "team c"), who=replace(XB, subject="xa"))
    await Process(writers).finish()
    assert await teams(graph, VERSIONS[0], VERSIONS[4], "model-version n@0", "model-version n@4") == [
        "b",
        "b",
        "c",
        "c",
    ]


async def test_after_a_crash_the_hand_overs_are_known(graph: StoreGraph, writers: Writers) -> None:
    """The entries have what the rights are decided by."""
    await load(writers)
    await write(writers, set_owners("model m", "team b"), who=XA)
    await Process(writers).job().step()
    await write(writers, set_owners("model m", "team c"), who=XB)
    await Process(await restarted(writers)).finish()
    assert await teams(graph, *VERSIONS) == ["c"] * 5


async def test_the_entry_of_an_older_release_lets_its_caller_decide(graph: StoreGraph, writers: Writers) -> None:
    """It does not name the owner that was given, so its caller needs the right on the present one: root has it."""
    await load(writers)
    await write(writers, set_owners("model m", "team b"))
    (entry,) = writers.coordinator.outbox.entries
    entry.given = {}
    await write(writers, set_owners("model m", "team c"), who=XB)
    await Process(writers).finish()
    assert await teams(graph, *VERSIONS) == ["c"] * 5


@pytest.mark.parametrize("number", [0, 2])
async def test_a_hand_over_during_a_step_counts(graph: StoreGraph, writers: Writers, number: int) -> None:
    """The items of a step were made before it and are planned after it: those that are DENIED are written again.

    Otherwise the first entry would be gone, and its rights with it, after the last step for it.
    """
    await load(writers)
    await write(writers, set_owners("model m", "team b"), who=XA)

    async def hand_over() -> None:
        await write(writers, set_owners("model m", "team c"), who=XB)

    await Process(writers, {number: hand_over}).finish()
    assert await teams(graph, *VERSIONS) == ["c"] * 5


async def test_what_a_caller_may_not_change_stays(graph: StoreGraph, writers: Writers) -> None:
    """A version that got an owner of its own meanwhile keeps it. So does one that the first caller may not update.

    The second caller may hand the model over, and gets no version of another team by that of the first.
    """
    await load(writers)
    owned = asset(VERSIONS[1], owners={"team d": ["TECHNICAL"]})
    watcher = replace(XA, scopes=XA.scopes - {"graph:write"})
    await write(writers, set_owners("model m", "team b"), who=XA)
    (entry,) = writers.coordinator.outbox.entries
    entry.raised_by = watcher
    await write(writers, set_owners("model m", "team c"), who=XB)
    await write(writers, owned)
    await Process(writers).finish()
    assert await teams(graph, *VERSIONS) == ["a", "d", "a", "a", "a"]


ITEMS: dict[str, dict[str, Any]] = {
    "value": {"values": {"description": "new"}},
    "tags": {"tags": ["tag pii"]},
    "same owners": {"values": {"description": "new"}, "owners": {}},
}
"""Changes of a version that concern neither its owners nor its parent."""


@pytest.mark.parametrize("name", ITEMS)
async def test_who_owns_a_child_that_stays_may_change_it(graph: StoreGraph, writers: Writers, name: str) -> None:
    """Until a caller may change it before and after, a version that has not followed its model belongs to its team.

    Engineers of the owner of the model may not change it; one of both teams does, and so lets it follow.
    """
    await load(writers, asset("tag pii"))
    await write(writers, set_owners("model m", "team c"))
    before, after, both = (person("eng", *owners, roles="engineer") for owners in (["team a"], ["team c"], BOTH))
    item = asset(VERSIONS[0], **ITEMS[name])
    (denied,) = await writers.of(after).write([item], dry_run=False, atomic=False)
    assert [error.code.name for error in denied.errors] == ["DENIED"]
    await write(writers, item, who=before)
    assert await teams(graph, VERSIONS[0]) == ["a"]
    await write(writers, asset(VERSIONS[0], {"framework": "onnx"}), who=both)
    assert await teams(graph, VERSIONS[0]) == ["c"]
