"""What a process holds while it runs: schema, policy, store and driver, and a context for each operation."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.requests import HTTPConnection

from app.auth.authenticator import build_authenticator
from app.graph.admin.store_schema import store_schema
from app.graph.commits.commit_log import CommitFeed
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs.inference_job import InferenceJob, schedule_full_derivation
from app.graph.jobs.receipt_expiry import ReceiptExpiry
from app.graph.jobs.sensitivity_job import SensitivityJob
from app.graph.jobs.tag_job import TagJob
from app.graph.reading.access.row_policy import RowPolicy
from app.graph.reading.level.level_batcher import LevelBatcher
from app.graph.reading.lineage.walk_budget import WalkLimits
from app.graph.reading.reader import LineageSettings, PolicedReader
from app.graph.reading.team_closure import close_teams
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.read_time import ReadTime
from app.graph.writing.writer import PolicedWriter
from app.http.middleware import request_id_of
from app.http.preferences import preference
from app.runtime import gc_tuning as memory
from app.runtime.cursor_key import cursor_key
from app.settings import Settings
from app.store.embedded.embedded_store import EmbeddedStore
from app.telemetry.access_log import AccessLog, access_log_path
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.catalog.kinds import ASSETS
from graphql_schema.fields.context import Context
from graphql_schema.operation.field_guards import governed_fields
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.schema import build_schema
from policies.disclosure import load_disclosure
from policies.gates import load_gates
from policies.policy import Policy
from policies.principal import Principal
from policies.sensitivity import SHIPPED, load_stops


class Process:
    """Everything behind the routes. Built without a store; :meth:`running` opens one for as long as it lasts.

    Raises ConfigurationError when the policy does not fit the schema or a setting does not fit.
    """

    client: GremlinClient
    coordinator: WriteCoordinator

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.schema = build_schema()
        self.policy = Policy.load(None, governed_fields(self.schema.core))
        self._stops = load_stops(SHIPPED, ASSETS)
        self._gates = load_gates()
        self.disclosure = load_disclosure()
        self.clock: Callable[[], int] = epoch_milliseconds
        self.authenticator = build_authenticator(settings, self._close_teams)
        self._cursor_key = cursor_key(settings)
        self.access_log = AccessLog(access_log_path(settings), self.policy.labels)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Start or reach the store, check that it keeps what it confirms, and close everything at the end."""
        async with AsyncExitStack() as stack:
            self.coordinator = WriteCoordinator(
                self._stops, self._gates, inference_rules=RULES if self.settings.enrichment else ()
            )
            await stack.enter_async_context(self.authenticator)
            self.client = await stack.enter_async_context(await self.reach_store(stack))
            await self.client.self_check()
            await self.coordinator.outbox.load(self.client)
            await self.coordinator.commit_log.load(self.client)
            await schedule_full_derivation(self.client, self.coordinator)
            await self.start_jobs(stack)
            memory.freeze_startup_objects()
            yield

    async def reach_store(self, stack: AsyncExitStack) -> GremlinClient:
        """A client of the configured store; the embedded one is started, and stopped with ``stack``."""
        url = self.settings.store_url
        if not url:
            url = (await stack.enter_async_context(EmbeddedStore(self.settings, store_schema()))).url
        return GremlinClient(url, in_flight=self.settings.store_in_flight, deadline=self.settings.store_deadline)

    async def start_jobs(self, stack: AsyncExitStack) -> None:
        """Start what works beside the requests, and stop it with ``stack``."""
        coordinator = self.coordinator
        jobs = (
            SensitivityJob(self.client, coordinator.lock, coordinator.outbox, coordinator.propagation_stops),
            TagJob(self.client, coordinator),
            InferenceJob(self.client, coordinator),
            ReceiptExpiry(self.client, coordinator.lock),
        )
        tasks = [asyncio.create_task(job.run()) for job in jobs]
        tasks.append(asyncio.create_task(coordinator.commit_log.watch(self.client)))

        async def stop() -> None:
            async with coordinator.lock:  # between two batches: no request of a job is under way
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

        stack.push_async_callback(stop)

    def context(
        self, request: HTTPConnection, principal: Principal, recheck: Callable[[], Awaitable[Principal]] | None = None
    ) -> Context:
        """The context of one operation; one that lasts asks ``recheck`` who its caller is by then."""
        notes = PolicyReport(self.policy.version, strict=preference(request.headers, "policy") == "strict")

        def open_reader(who: Principal, as_of: int | None = None) -> PolicedReader:
            now, fences = (
                self.coordinator.commit_log.stable_until(self.clock()),
                self.coordinator.outbox.floors.view(who.tenant),
            )
            instant = ReadTime(now) if as_of is None else ReadTime(as_of, recorded=now, past=True)
            judge = RowPolicy(self.policy.access(who), who.tenant, notes, fences, instant)
            coalescer = LevelBatcher(self.client, who.tenant, instant)
            limits = WalkLimits(self.settings.walk_nodes, self.settings.walk_seconds)
            return PolicedReader(coalescer, judge, LineageSettings(limits, self.disclosure), recorded=now)

        return Context(
            principal=principal,
            open_reader=open_reader,
            writer=PolicedWriter(
                self.client, self.coordinator, self.policy.access(principal), request_id_of(request.scope)
            ),
            notes=notes,
            cursor_key=self._cursor_key,
            request_id=request_id_of(request.scope),
            gates=self._gates,
            clock=self.clock,
            log_access=self.access_log.write,
            journal=CommitFeed(self.coordinator.commit_log, self.client),
            recheck=recheck,
        )

    async def _close_teams(self, tenant: str, teams: frozenset[str]) -> frozenset[str]:
        return await close_teams(self.client, tenant, teams)
