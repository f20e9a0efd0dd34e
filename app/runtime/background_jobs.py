"""Background jobs: the tasks that work beside the requests of a process."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol

from app.graph.admin.index_watch import IndexWatch
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs.inference_job import InferenceJob
from app.graph.jobs.ingestion_expiry import IngestionExpiry
from app.graph.jobs.owner_job import OwnerJob
from app.graph.jobs.receipt_expiry import ReceiptExpiry
from app.graph.jobs.sensitivity_job import SensitivityJob
from app.graph.jobs.tag_job import TagJob
from app.graph.records.clock import PatientClock, epoch_milliseconds
from app.graph.writing.writer import PolicedWriter
from graphql_schema.ports.commands import Command
from graphql_schema.ports.outcomes import WriteOutcome
from policies.principal import Principal

JOB_BATCH_ITEMS: Final = 50
"""Number of items that a job writes in one transaction for a caller; each may read 64 KiB under the write lock."""


class Job(Protocol):
    """A job that works beside the requests."""

    async def run(self) -> None:
        """Work until cancelled."""


def jobs_of(client: GremlinClient, coordinator: WriteCoordinator) -> tuple[Job, ...]:
    """Return every job of `app/graph/jobs`, not started yet."""
    clock = PatientClock(lambda: coordinator.commit_log.present(epoch_milliseconds()))

    async def write_as(who: Principal, items: Sequence[Command]) -> list[WriteOutcome]:
        writer = PolicedWriter(client, coordinator, coordinator.access(who))
        writer.of_job, writer.batch_size = True, JOB_BATCH_ITEMS
        return await writer.write(items, dry_run=False, atomic=False)

    return (
        SensitivityJob(client, coordinator.job_lock(client), coordinator.outbox, coordinator.propagation_stops, clock),
        TagJob(client, coordinator, clock),
        InferenceJob(client, coordinator, clock),
        OwnerJob(client, coordinator, write_as, coordinator.access, clock),
        ReceiptExpiry(client, coordinator.job_lock(client), clock),
        IngestionExpiry(client, coordinator.job_lock(client), clock),
    )


@asynccontextmanager
async def background_jobs(client: GremlinClient, coordinator: WriteCoordinator) -> AsyncIterator[None]:
    """Run all jobs and, if there is a write log, the watches of the write log and of the index.

    All are stopped at exit, after the current batch; then another process may lead.
    """
    tasks = [asyncio.create_task(job.run()) for job in jobs_of(client, coordinator)]
    order = client.write_order
    if order is not None:
        tasks.append(asyncio.create_task(order.watch()))
        tasks.append(asyncio.create_task(IndexWatch(client, order, coordinator.index_state).run()))
    try:
        yield
    finally:
        async with coordinator.lock:  # a job holds the lock during a batch: cancelled here, no request is in flight
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        if order is not None:
            await order.resign()
