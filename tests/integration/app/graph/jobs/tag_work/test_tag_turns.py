"""Callers with work for the tag job on the real store: who waits for whom, and that the tags are right afterwards."""

from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from support.oracles.propagated_tags import assigned, shown
from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Writers, asset, link, person, stored, urn

from app.graph.jobs import tag_job
from app.graph.jobs.tag_job import TagJob
from app.graph.jobs.tag_work import tag_turns
from graphql_schema.catalog.relations import TAGGED
from graphql_schema.ports.commands import Command, DeclaredEdges, RegisterCommand, UnlinkCommand
from policies.principal import Principal

TAGS = [f"tag t{number}" for number in range(4)]
CHAIN = [f"dataset c{number}" for number in range(8)]
ROOT, REX, HANA = (person(name, roles="admin") for name in ("root", "rex", "hana"))


async def write(writers: Writers, caller: Principal, *items: Command) -> None:
    """Write items as a caller."""
    outcomes = await writers.of(caller, now=NOW).write(items, dry_run=False, atomic=False)
    assert {each.outcome.name for each in outcomes} <= {"CREATED", "UPDATED"}


async def begin(writers: Writers) -> TagJob:
    """Write tags that propagate, the chain, and the asset of another caller; return an idle job."""
    await write(writers, ROOT, *(asset(tag, {"propagates": True}) for tag in TAGS))
    await write(writers, REX, *(link("DERIVES", *pair) for pair in pairwise(CHAIN)))
    await write(writers, HANA, link("DERIVES", "dataset own", "dataset next"))
    job = TagJob(writers.client, writers.coordinator, lambda: NOW)
    await work(job)
    return job


async def work(job: TagJob) -> None:
    """Let a job work until its outbox is empty."""
    while await job.step():
        pass


async def carries(graph: StoreGraph, name: str, tag: str) -> bool:
    """Return whether an asset has a tag."""
    return urn(tag) in (await stored(graph)).records[urn(name)]["index"]["tags"]


async def steps_until(job: TagJob, is_done: Callable[[], Awaitable[bool]]) -> int:
    """Return the number of steps of the job until a condition is true."""
    for steps in range(1, 100):
        assert await job.step()
        if await is_done():
            return steps
    pytest.fail("the job does not get there")


async def check(graph: StoreGraph) -> None:
    """Assert that the tags equal the oracle."""
    there = await stored(graph)
    assert shown(there, NOW) == assigned(there, NOW)


@pytest.mark.parametrize("tag", ["tag t0", "tag t3"])
async def test_the_tags_on_the_chain_of_one_caller_delay_no_other_caller(
    graph: StoreGraph, writers: Writers, tag: str
) -> None:
    """A tag of another caller arrives after a few steps, while four tags have to follow a chain of eight assets.

    Alone, it needs four steps, and every second one is its turn, or that of the worklist that has the turn of the tag.
    """
    job = await begin(writers)
    await write(writers, REX, asset(CHAIN[0], tags=TAGS))
    for _ in TAGS:
        await job.step()
    await write(writers, HANA, asset("dataset own", tags=[tag]))
    steps = await steps_until(job, lambda: carries(graph, "dataset next", tag))
    assert steps <= 10
    assert not await carries(graph, CHAIN[-1], TAGS[0])
    await work(job)
    assert await carries(graph, CHAIN[-1], TAGS[0])
    await check(graph)


@pytest.mark.parametrize("crash", [False, True])
async def test_a_removal_along_a_chain_delays_no_other_caller(
    graph: StoreGraph,
    writers: Writers,
    monkeypatch: pytest.MonkeyPatch,
    crash: bool,  # noqa: FBT001 - a case
) -> None:
    """The turn of a removal ends before the tag has left the chain, and each tag is right when both are done.

    The other caller also gives the middle of the chain another source, which the removal must find. It is so if the
    process ends in between.
    """
    monkeypatch.setattr(tag_turns, "MIN_BATCHES", 2)
    monkeypatch.setattr(tag_job, "BATCH", 1)
    job = await begin(writers)
    await write(writers, REX, asset(CHAIN[0], tags=TAGS))
    await work(job)
    await write(writers, REX, asset(CHAIN[0], tags=[]))
    for _ in TAGS:
        await job.step()
    await write(writers, HANA, asset("dataset own", tags=TAGS[:1]), link("DERIVES", "dataset own", CHAIN[4]))
    await steps_until(job, lambda: carries(graph, "dataset next", TAGS[0]))
    assert await carries(graph, CHAIN[1], TAGS[0])
    if crash:
        await writers.coordinator.outbox.load(writers.client)
        job = TagJob(writers.client, writers.coordinator, lambda: NOW)
    await work(job)
    assert [await carries(graph, name, TAGS[0]) for name in (CHAIN[3], CHAIN[4], CHAIN[7])] == [False, True, True]
    await check(graph)


async def test_changes_of_several_callers_of_one_tag_end_alike(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One caller sets the tag, another one blocks it, and a third one ends an edge, step by step: the oracle agrees."""
    monkeypatch.setattr(tag_turns, "MIN_BATCHES", 1)
    monkeypatch.setattr(tag_job, "BATCH", 1)
    job = await begin(writers)
    blocked = DeclaredEdges(TAGGED.out(), "Dataset.tags", {urn(TAGS[0]): {"mode": "BLOCKED"}}, adds=True)
    await write(writers, REX, asset(CHAIN[0], tags=TAGS))
    items: list[tuple[Principal, Command]] = [
        (HANA, RegisterCommand(urn(CHAIN[5]), {}, (blocked,))),
        (ROOT, UnlinkCommand("DERIVES", urn(CHAIN[2]), urn(CHAIN[3]))),
        (HANA, asset("dataset own", tags=TAGS)),
        (ROOT, link("DERIVES", "dataset next", CHAIN[2])),
        (REX, asset(CHAIN[0], tags=TAGS[:1])),
    ]
    for turn, (caller, item) in enumerate(items):
        for _ in range(3 + 4 * turn):
            await job.step()
        await write(writers, caller, item)
    await work(job)
    await check(graph)
    assert [entry for entry in writers.coordinator.outbox.entries if entry.tag is not None] == []
