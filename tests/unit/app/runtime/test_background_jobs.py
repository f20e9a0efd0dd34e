"""Background jobs: each is started, they stop between two batches, and none outlives the process."""

import asyncio
from collections.abc import Iterator
from importlib import import_module
from inspect import getmembers, isabstract, isclass
from pkgutil import iter_modules

import pytest
from support.stores.writers import person, shipped_policy

from app.graph import jobs as package
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs.expiry_job import ExpiryJob
from app.graph.jobs.owner_job import OwnerJob
from app.graph.records.clock import epoch_milliseconds
from app.graph.writing.writer import PolicedWriter
from app.runtime import background_jobs as background_jobs_module
from app.runtime.background_jobs import JOB_BATCH_ITEMS, background_jobs, jobs_of
from graphql_schema.ports.outcomes import WriteOutcome

DAY_MS = 24 * 3_600_000
CLIENT = GremlinClient("http://127.0.0.1:1")


async def others() -> set["asyncio.Task[object]"]:
    """Return all tasks but the current one."""
    await asyncio.sleep(0)
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


def declared() -> Iterator[type]:
    """Yield the classes of `app/graph/jobs` that can run."""
    for each in iter_modules(package.__path__):
        module = import_module(f"{package.__name__}.{each.name}")
        for _, found in getmembers(module, isclass):
            if found.__module__ == module.__name__ and hasattr(found, "run") and not isabstract(found):
                yield found


async def test_every_job_is_started() -> None:
    """Each class of `app/graph/jobs` with a method `run` is among the jobs of the process."""
    started = {type(job) for job in jobs_of(CLIENT, WriteCoordinator())}
    missing = [f"{job.__name__} of {job.__module__}" for job in declared() if job not in started]
    assert missing == [], f"Nothing starts {', '.join(missing)}: add it to jobs_of in app/runtime/background_jobs.py."


async def test_nothing_expires_by_a_clock_that_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that runs ahead for a moment would delete the receipts and the ingestions of the last month."""
    now = epoch_milliseconds()
    monkeypatch.setattr(background_jobs_module, "epoch_milliseconds", lambda: now)
    expiries = [job for job in jobs_of(CLIENT, WriteCoordinator()) if isinstance(job, ExpiryJob)]
    assert len(expiries) == 2
    monkeypatch.setattr(background_jobs_module, "epoch_milliseconds", lambda: now + 400 * DAY_MS)
    assert all(job._clock() < now + DAY_MS for job in expiries)  # noqa: SLF001 - what the job is given


async def test_jobs_stop_when_no_batch_is_in_flight() -> None:
    """The exit waits for the lock that a job holds during a batch; then no task of a job is left."""
    before, coordinator = await others(), WriteCoordinator()
    jobs = background_jobs(CLIENT, coordinator)
    await jobs.__aenter__()
    running = await others() - before
    assert len(running) == len(jobs_of(CLIENT, coordinator))
    async with coordinator.lock:
        stopping = asyncio.create_task(jobs.__aexit__(None, None, None))
        assert await others() >= running
        assert not any(task.done() for task in (stopping, *running))
    await stopping
    assert all(task.cancelled() for task in running)


async def test_a_job_writes_few_items_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the few that it could write, it read 250 versions of 56 KB: others waited 0.8 s for the lock."""
    coordinator, sizes = WriteCoordinator(access=shipped_policy().access), list[tuple[int, bool]]()

    async def noted(writer: PolicedWriter, _items: object, **_: object) -> list[WriteOutcome]:
        sizes.append((writer.batch_size, writer.of_job))
        return []

    monkeypatch.setattr(PolicedWriter, "write", noted)
    (job,) = (each for each in jobs_of(CLIENT, coordinator) if isinstance(each, OwnerJob))
    await job._write_as(person("ada"), [])  # noqa: SLF001 - what the job is given
    assert sizes == [(JOB_BATCH_ITEMS, True)]
