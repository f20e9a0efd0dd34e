"""What a process holds while it runs: schema, policy, store and driver, and a context for each operation."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.requests import HTTPConnection

from app.auth.authenticator import build_authenticator
from app.graph.admin.store_schema import store_schema
from app.graph.commits.commit_log import Following
from app.graph.commits.write_coordinator import Desk
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs.inference_job import EnrichmentJob, prepare
from app.graph.jobs.receipt_expiry import Housekeeper
from app.graph.jobs.sensitivity_job import SensitivityJob
from app.graph.jobs.tag_job import TagJob
from app.graph.reading.access.row_policy import Judge
from app.graph.reading.level.level_batcher import Coalescer
from app.graph.reading.lineage.walk_budget import Limits
from app.graph.reading.reader import PolicedReader, Telling
from app.graph.reading.team_closure import close_teams
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.read_time import Instant
from app.graph.writing.writer import PolicedWriter
from app.http.middleware import request_id_of
from app.http.preferences import preferred
from app.runtime import gc_tuning as memory
from app.runtime.cursor_key import cursor_key
from app.settings import Settings
from app.store.embedded.embedded_store import EmbeddedStore
from app.telemetry.access_log import AccessLog, access_log_path
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.catalog.kinds import ASSETS
from graphql_schema.fields.context import Context
from graphql_schema.operation.field_guards import governed
from graphql_schema.ports.policy_report import PolicyNotes
from graphql_schema.schema import build_schema
from policies.disclosure import load_disclosure
from policies.gates import load_gates
from policies.policy import Policy
from policies.principal import Principal
from policies.sensitivity import SHIPPED, load_stops


class Services:
    """Everything behind the routes. Built without a store; :meth:`running` opens one for as long as it lasts.

    Raises ConfigurationError when the policy does not fit the schema or a setting does not fit.
    """

    client: GremlinClient
    desk: Desk

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.schema = build_schema()
        self.policy = Policy.load(None, governed(self.schema.core))
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
            self.desk = Desk(self._stops, self._gates, rules=RULES if self.settings.enrichment else ())
            await stack.enter_async_context(self.authenticator)
            self.client = await stack.enter_async_context(await self.reach_store(stack))
            await self.client.self_check()
            await self.desk.pending.load(self.client)
            await self.desk.journal.load(self.client)
            await prepare(self.client, self.desk)
            await self.start_jobs(stack)
            memory.settle()
            yield

    async def reach_store(self, stack: AsyncExitStack) -> GremlinClient:
        """A client of the configured store; the embedded one is started, and stopped with ``stack``."""
        url = self.settings.store_url
        if not url:
            url = (await stack.enter_async_context(EmbeddedStore(self.settings, store_schema()))).url
        return GremlinClient(url, in_flight=self.settings.store_in_flight, deadline=self.settings.store_deadline)

    async def start_jobs(self, stack: AsyncExitStack) -> None:
        """Start what works beside the requests, and stop it with ``stack``."""
        desk = self.desk
        jobs = (
            SensitivityJob(self.client, desk.lock, desk.pending, desk.stops),
            TagJob(self.client, desk),
            EnrichmentJob(self.client, desk),
            Housekeeper(self.client, desk.lock),
        )
        tasks = [asyncio.create_task(job.run()) for job in jobs]
        tasks.append(asyncio.create_task(desk.journal.watch(self.client)))

        async def stop() -> None:
            async with desk.lock:  # between two batches: no request of a job is under way
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

        stack.push_async_callback(stop)

    def context(
        self, request: HTTPConnection, principal: Principal, recheck: Callable[[], Awaitable[Principal]] | None = None
    ) -> Context:
        """The context of one operation; one that lasts asks ``recheck`` who its caller is by then."""
        notes = PolicyNotes(self.policy.version, strict=preferred(request.headers, "policy") == "strict")

        def open_reader(who: Principal, as_of: int | None = None) -> PolicedReader:
            now, fences = self.desk.journal.settled(self.clock()), self.desk.pending.fences.view(who.tenant)
            instant = Instant(now) if as_of is None else Instant(as_of, recorded=now, past=True)
            judge = Judge(self.policy.access(who), who.tenant, notes, fences, instant)
            coalescer = Coalescer(self.client, who.tenant, instant)
            limits = Limits(self.settings.walk_nodes, self.settings.walk_seconds)
            return PolicedReader(coalescer, judge, Telling(limits, self.disclosure), recorded=now)

        return Context(
            principal=principal,
            open_reader=open_reader,
            writer=PolicedWriter(self.client, self.desk, self.policy.access(principal), request_id_of(request.scope)),
            notes=notes,
            cursor_key=self._cursor_key,
            request_id=request_id_of(request.scope),
            gates=self._gates,
            clock=self.clock,
            log_access=self.access_log.write,
            journal=Following(self.desk.journal, self.client),
            recheck=recheck,
        )

    async def _close_teams(self, tenant: str, teams: frozenset[str]) -> frozenset[str]:
        return await close_teams(self.client, tenant, teams)
