"""The children of a parent with many of them inherit its owner team by a job, as they would in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from support.servers.in_process import Api, api
from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Stored, Writers, asset, person, set_owners, stored, urn
from support.waiting import until

from app.graph.commits import outbox
from app.graph.commits.entries import backlogs
from app.graph.commits.state_read import read_records
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.errors import StoreFailedError, StoreUnavailableError
from app.graph.jobs import owner_job
from app.graph.jobs.owner_job import OwnerJob
from app.graph.records.vertex_id import vertex_id
from app.graph.writing import inheriting_children
from app.graph.writing.rules import result_rights
from graphql_schema.ports.commands import Command
from graphql_schema.ports.outcomes import WriteOutcome
from policies.principal import Principal

__all__ = ["api"]

ROOT = person("root", roles="admin")
BO = replace(person("bo", "team ranking", roles="engineer"), user=urn("user bo"))
OURS, DATA = {"team ranking": ["TECHNICAL"]}, {"team data": ["TECHNICAL"]}
VERSIONS = [f"model-version m@{number}" for number in range(9)]
OWN = "model-version m@own"


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a transaction change two children, and a step of the job two."""
    monkeypatch.setattr(inheriting_children, "MAX_CHILDREN", 2)
    monkeypatch.setattr(owner_job, "BATCH", 2)


async def write(writers: Writers, *items: Command, who: Principal = ROOT, dry_run: bool = False) -> list[str]:
    """Write the items and name their outcomes."""
    done = await writers.of(who).write(items, dry_run=dry_run, atomic=False)
    return [one.outcome.name for one in done]


async def load(writers: Writers) -> None:
    """Store a model with its versions, one of which has an owner of its own."""
    items = [asset("model m", owners=OURS), *map(asset, VERSIONS), asset(OWN, owners=DATA)]
    assert {*await write(writers, *items)} == {"CREATED"}


def job_of(writers: Writers, failures: Iterable[bool] = ()) -> OwnerJob:
    """Return the job beside these writers. ``failures`` has for each of its first writes whether it fails."""
    fails = iter(failures)

    async def write_as(who: Principal, items: Sequence[Command]) -> list[WriteOutcome]:
        if next(fails, False):
            raise StoreFailedError("no response")
        writer = writers.of(who)
        writer.of_job = True
        return await writer.write(items, dry_run=False, atomic=False)

    return OwnerJob(writers.client, writers.coordinator, write_as, writers.policy.access, lambda: NOW)


async def finish(job: OwnerJob) -> None:
    """Take steps of a job until nothing is left."""
    while await job.step():
        pass


def team(found: Stored, text: str) -> str:
    """Return the owner team that is stored."""
    return str(found.records[urn(text)]["ownerTeam"])


def expected(found: Stored) -> dict[str, str]:
    """Return the owner team of each child by the present owners: the first team of its own, or that of its parent."""
    parents = {source: target for relation, source, target in found.edge_records if relation == "VERSION_OF"}
    parents |= {target: source for relation, source, target in found.edge_records if relation == "CONTAINS"}
    records = found.records
    own = {child: [each for each, _ in records[child]["index"]["owners"] if "/team/" in each] for child in parents}
    return {child: (own[child] or [records[parent]["ownerTeam"]])[0] for child, parent in parents.items()}


def stored_owners(found: Stored) -> dict[str, str]:
    """Return the owner team of each child as it is stored."""
    return {child: str(found.records[child]["ownerTeam"]) for child in expected(found)}


def moves(found: Stored, text: str) -> list[tuple[Any, ...]]:
    """Return the changes of the owner team of an asset after its registration."""
    return [
        (change["action"], change["actor"], entry["before"], entry["after"])
        for change in found.history(urn(text))
        for entry in change["fields"]
        if entry["field"] == "ownerTeam" and change["action"] != "REGISTERED"
    ]


async def test_all_children_get_the_owner_of_their_parent(graph: StoreGraph, writers: Writers) -> None:
    """They follow step by step, with an entry in the audit each, and one with an owner of its own keeps it.

    Others write meanwhile: a new version, a value of one that waits, and another owner of one that waits.
    """
    await load(writers)
    before = await stored(graph)
    assert await write(writers, set_owners("model m", "team ads")) == ["UPDATED"]
    found = await stored(graph)
    assert (team(found, "model m"), stored_owners(found)) == (urn("team ads"), stored_owners(before))
    job = job_of(writers)
    assert await job.step()
    assert 1 <= list(stored_owners(await stored(graph)).values()).count(urn("team ads")) <= 2
    others = [asset("model-version m@new"), asset(VERSIONS[3], {"description": "new"}), asset(VERSIONS[4], owners=DATA)]
    assert await write(writers, *others) == ["CREATED", "UPDATED", "UPDATED"]
    await finish(job)
    found = await stored(graph)
    assert stored_owners(found) == expected(found)
    assert (team(found, OWN), team(found, VERSIONS[4])) == (urn("team data"), urn("team data"))
    assert found.records[urn(VERSIONS[3])]["description"] == "new"
    moved = [("UPDATED", "root", urn("team ranking"), urn("team ads"))]
    assert [moves(found, each) for each in VERSIONS if each != VERSIONS[4]] == [moved] * 8
    was = before.records[urn(VERSIONS[0])]
    assert found.records[urn(VERSIONS[0])] == {**was, "ownerTeam": urn("team ads"), "revision": was["revision"] + 1}
    assert moves(found, OWN) == []
    assert writers.coordinator.outbox.entries == []


async def test_features_of_a_set_follow_it(graph: StoreGraph, writers: Writers) -> None:
    """The hop to features goes the other direction than that to versions."""
    features = [f"feature f{number}" for number in range(5)]
    await write(writers, *map(asset, features), asset("feature-set s", owners=OURS, features=features))
    assert await write(writers, set_owners("feature-set s", "team ads")) == ["UPDATED"]
    await finish(job_of(writers))
    found = await stored(graph)
    assert {*stored_owners(found).values()} == {urn("team ads")}


async def test_after_a_crash_the_job_begins_again(graph: StoreGraph, writers: Writers) -> None:
    """Another process loads the entry; children that have the owner already do not change twice."""
    await load(writers)
    await write(writers, set_owners("model m", "team ads"))
    job = job_of(writers)
    for _ in range(3):
        await job.step()
    restarted = replace(writers, coordinator=WriteCoordinator(writers.coordinator.propagation_stops))
    await restarted.coordinator.outbox.load(writers.client)
    await finish(job_of(restarted))
    found = await stored(graph)
    assert stored_owners(found) == expected(found)
    assert [len(moves(found, each)) for each in VERSIONS] == [1] * len(VERSIONS)
    assert restarted.coordinator.outbox.entries == []


async def test_a_step_that_fails_is_repeated(graph: StoreGraph, writers: Writers) -> None:
    """What the writer did not confirm is written again, so that no child is left out."""
    await load(writers)
    await write(writers, set_owners("model m", "team ads"))
    job = job_of(writers, [False, True, True])
    await job.step()
    for _ in range(2):
        with pytest.raises(StoreFailedError):
            await job.step()
    await finish(job)
    found = await stored(graph)
    assert stored_owners(found) == expected(found)


@pytest.mark.parametrize("steps", [0, 2])
async def test_a_change_and_its_undoing_end_as_before(graph: StoreGraph, writers: Writers, steps: int) -> None:
    """The present owner of the parent decides, however far the job is with the former one."""
    await load(writers)
    before, job = await stored(graph), job_of(writers)
    await write(writers, set_owners("model m", "team ads"))
    for _ in range(steps):
        await job.step()
    await write(writers, set_owners("model m", "team ranking"))
    await finish(job)
    found = await stored(graph)
    assert stored_owners(found) == expected(found) == stored_owners(before)
    assert writers.coordinator.outbox.entries == []


async def test_many_changes_are_worked_off_together(graph: StoreGraph, writers: Writers) -> None:
    """A caller who changes the owner again and again leaves the work of one or two changes."""
    await load(writers)
    for name in ("ads", "data", "ranking", "ads"):
        await write(writers, set_owners("model m", f"team {name}"))
    await finish(job_of(writers))
    found = await stored(graph)
    assert [moves(found, each) for each in VERSIONS] == [
        [("UPDATED", "root", urn("team ranking"), urn("team ads"))]
    ] * len(VERSIONS)


async def test_a_dry_run_leaves_nothing(graph: StoreGraph, writers: Writers) -> None:
    """No entry waits in the process or in the store, and nothing has changed."""
    await load(writers)
    before = await stored(graph)
    assert await write(writers, set_owners("model m", "team ads"), dry_run=True) == ["UPDATED"]
    assert (writers.coordinator.outbox.entries, (await stored(graph)).records) == ([], before.records)
    assert not await job_of(writers).step()


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_child_of_another_user_stays(graph: StoreGraph, writers: Writers, *, dry_run: bool) -> None:
    """Bo gives his model to his team, unless it has a version of zoe, which he may not change; an administrator may.

    The versions are as many as the job changes, and the decision is that about few, dry or not.
    """
    mine, hers = {"user bo": ["TECHNICAL"]}, {"user zoe": ["TECHNICAL"]}
    items = [asset("model m", owners=mine), *map(asset, VERSIONS[:4]), asset("model-version m@zoe", owners=hers)]
    assert {*await write(writers, *items[:-1])} == {"CREATED"}
    handed = set_owners("model m", "team ranking")
    assert await write(writers, handed, who=BO, dry_run=True) == ["UPDATED"]
    assert await write(writers, items[-1]) == ["CREATED"]
    before = await stored(graph)
    assert await write(writers, handed, who=BO, dry_run=dry_run) == ["DENIED"]
    assert (writers.coordinator.outbox.entries, (await stored(graph)).records) == ([], before.records)
    assert await write(writers, handed) == ["UPDATED"]
    await finish(job_of(writers))
    found = await stored(graph)
    assert {*stored_owners(found).values()} == {urn("team ranking")}
    assert writers.coordinator.outbox.entries == []


@pytest.mark.parametrize("theirs", [True, False])
async def test_a_placeholder_of_many_is_not_taken(graph: StoreGraph, writers: Writers, *, theirs: bool) -> None:
    """Further unowned versions give no caller the model above the version of another user; without that they do."""
    items = [*map(asset, VERSIONS[:4]), *([asset(OWN, owners={"user zoe": ["TECHNICAL"]})] if theirs else [])]
    assert {*await write(writers, *items)} == {"CREATED"}
    taken = ["DENIED"] if theirs else ["CREATED"]
    assert await write(writers, asset("model m", owners=OURS), who=BO) == taken
    await finish(job_of(writers))
    assert team(await stored(graph), VERSIONS[0]) == ("" if theirs else urn("team ranking"))


async def test_many_versions_that_differ_are_not_given(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right to give each of them is decided under the write lock: 16,000 of 1,000 owners take four seconds."""
    monkeypatch.setattr(result_rights, "MAX_DIFFERENT", 4)
    users = [{f"user u{number}": ["TECHNICAL"]} for number in range(4)]
    await write(writers, *(asset(each, owners=of) for each, of in zip(VERSIONS[:4], users, strict=True)))
    await write(writers, *map(asset, VERSIONS[4:]))
    assert await write(writers, asset("model m", owners=OURS)) == ["CONFLICT"]
    assert await write(writers, set_owners(VERSIONS[0], "user u1")) == ["UPDATED"]
    assert await write(writers, asset("model m", owners=OURS)) == ["CREATED"]
    assert team(await stored(graph), VERSIONS[0]) == urn("user u1")


async def test_a_feature_of_another_set_does_not_count(graph: StoreGraph, writers: Writers) -> None:
    """A set lists the feature of a user, whose owners come from another set: bo may give the first one to his team."""
    features = [f"feature f{number}" for number in range(4)]
    zoe = {"user zoe": ["TECHNICAL"]}
    await write(writers, *map(asset, features), asset("feature zoe"))
    assert await write(writers, asset("feature-set s"), who=BO) == ["CREATED"]
    assert await write(writers, asset("feature-set s", features=[*features, "feature zoe"])) == ["UPDATED"]
    assert await write(writers, asset("feature-set a", owners=zoe, features=["feature zoe"])) == ["CREATED"]
    found = await stored(graph)
    assert found.records[urn("feature zoe")]["index"]["whole"] == urn("feature-set a")
    assert await write(writers, set_owners("feature-set s", "team ranking"), who=BO) == ["UPDATED"]
    await finish(job_of(writers))
    found = await stored(graph)
    assert [team(found, each) for each in features] == [urn("team ranking")] * 4
    assert team(found, "feature zoe") == urn("user zoe")


async def test_the_job_does_not_wait_for_itself(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its items are those of a caller who must wait for the jobs."""
    await load(writers)
    await write(writers, set_owners("model m", "team ads"))
    monkeypatch.setattr(backlogs, "MAX_BACKLOG", 1)
    monkeypatch.setattr(outbox, "BACKLOG_SECONDS", 0)
    with pytest.raises(StoreUnavailableError):
        await write(writers, asset("dataset d"))
    await finish(job_of(writers))
    found = await stored(graph)
    assert stored_owners(found) == expected(found)


async def test_a_process_runs_the_job(api: Api) -> None:
    """It writes with the policy of the installation and the rights of the caller."""
    writers = Writers(api.client, api.process.policy, api.coordinator)
    await load(writers)
    assert await write(writers, set_owners("model m", "team ads")) == ["UPDATED"]
    last = vertex_id("default", urn(VERSIONS[-1]))

    async def has_followed() -> bool:
        return bool((await read_records(api.client, [last]))[last]["ownerTeam"] == urn("team ads"))

    await until(has_followed)
    await until(lambda: api.coordinator.outbox.entries == [])
