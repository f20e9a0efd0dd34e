"""Background jobs stop between two batches, and none outlives the process."""

import asyncio

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient
from app.runtime.background_jobs import background_jobs


async def others() -> set["asyncio.Task[object]"]:
    """Return all tasks but the current one."""
    await asyncio.sleep(0)
    return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}


async def test_jobs_stop_when_no_batch_is_in_flight() -> None:
    """The exit waits for the lock that a job holds during a batch; then no task of a job is left."""
    before, coordinator = await others(), WriteCoordinator()
    jobs = background_jobs(GremlinClient("http://127.0.0.1:1"), coordinator)
    await jobs.__aenter__()
    running = await others() - before
    assert len(running) == 5
    async with coordinator.lock:
        stopping = asyncio.create_task(jobs.__aexit__(None, None, None))
        assert await others() >= running
        assert not any(task.done() for task in (stopping, *running))
    await stopping
    assert all(task.cancelled() for task in running)
