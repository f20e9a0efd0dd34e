"""A server process: the parts that are built once from the settings, and those that exist while the process runs."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import structlog

from app.auth.authenticator import build_authenticator
from app.graph.admin.schema_upgrade import SchemaUpgrade
from app.graph.admin.store_client import product_store
from app.graph.admin.store_probe import StoreProbe
from app.graph.cache.graph_cache import GraphCache
from app.graph.commits.late_writes import WriterEpoch
from app.graph.commits.outbox import Outbox
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_log import WriteLog
from app.graph.driver.errors import StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.jobs.inference_job import schedule_full_derivation
from app.graph.reading.lineage.walk_budget import WalkLimits
from app.graph.reading.team_closure import close_teams
from app.graph.records.record_text import DECODED
from app.graph.records.vertex_record import attributes
from app.ingest.sources.openlineage.event_names import namespace_patterns
from app.ingest.sources.openlineage.spellings import Spellings
from app.runtime.background_jobs import background_jobs
from app.runtime.backlog import Backlog
from app.runtime.cursor_key import cursor_key
from app.runtime.gc_tuning import short_collections
from app.runtime.operation_context import OperationContexts
from app.runtime.operation_memory import OperationMemory
from app.runtime.process_metrics import watch_process
from app.runtime.process_spans import StoreSpans
from app.runtime.readiness import Readiness
from app.runtime.store_health import StoreHealth, sampled
from app.runtime.store_watch import watched
from app.runtime.thin_event_queues import ThinEventQueues
from app.runtime.webhook_parts import webhook_job, webhook_rights
from app.settings import Settings
from app.store.embedded.embedded_store import EmbeddedStore
from app.store.errors import StoreReason
from app.store.store_endpoint import StoreEndpoint, server_endpoints
from app.telemetry.access_log import AccessLog, AccessLogError, access_log_path
from app.telemetry.metrics import Metrics
from app.telemetry.metrics_server import MetricsServer
from app.telemetry.operation_report import OperationReport
from app.telemetry.span_export import SpanExport
from app.telemetry.spans import Spans
from app.telemetry.work import WorkMonitor
from app.webhooks.webhook_job import sending
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.catalog.kinds import ASSETS, RESERVABLE
from graphql_schema.catalog.urn import is_urn
from graphql_schema.execution.side_thread import short_switches
from graphql_schema.operation.field_guards import governed_fields
from graphql_schema.ports.policy_report import PolicyReport
from graphql_schema.ports.record import Record
from graphql_schema.schema import build_schema
from policies.errors import CodedError, ConfigurationError
from policies.installation.disclosure import load_disclosure
from policies.installation.gates import load_gates
from policies.installation.reserved_names import load_reserved_names
from policies.policy import Policy
from policies.principal import Principal
from policies.sensitivity import SHIPPED, load_stops
from policies.vocabulary import WriteAction

_log = structlog.get_logger(__name__)

StoreOpener = Callable[[Settings], AbstractAsyncContextManager[GremlinClient]]
"""A function whose context manager yields a client of the configured store, and closes the client at exit."""

JobStarter = Callable[[GremlinClient, WriteCoordinator], AbstractAsyncContextManager[None]]
"""A function whose context manager runs the background jobs, and stops them at exit."""


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[GremlinClient]:
    """Connect to the store of ``MLG_STORE_URL``; start the embedded store if the setting is empty, and stop it at exit.

    Raises ConfigurationError for an invalid endpoint, and for an embedded store that is not allowed in production.
    Raises as :meth:`EmbeddedStore.start` if the embedded store does not start, and as :func:`prepare_external`.
    """
    async with AsyncExitStack() as stack:
        host: EmbeddedStore | None = None
        endpoints: tuple[StoreEndpoint, ...] = server_endpoints(settings)
        if not endpoints:
            host = await stack.enter_async_context(product_store(settings))
            endpoints = (host.endpoint,)
        client = GremlinClient(
            endpoints, in_flight=settings.store_in_flight, deadline=settings.store_deadline, host=host
        )
        await stack.enter_async_context(client)
        if host is None:
            await prepare_external(client)
        yield client


async def prepare_external(client: GremlinClient) -> None:
    """Refuse a store of another schema, or upgrade it (docs/backup.md).

    Raises ConfigurationError if the store cannot be reached, and otherwise as :meth:`SchemaUpgrade.prepare`.
    """
    try:
        await SchemaUpgrade().prepare(client)
    except StoreUnavailableError as error:
        if error.reason is StoreReason.UNREACHABLE:
            raise _unreachable(client) from error
        raise


def _unreachable(client: GremlinClient) -> ConfigurationError:
    return ConfigurationError(
        f"The store at {client.urls} cannot be reached; start JanusGraph there, or correct MLG_STORE_URL."
    )


async def refuse_failing(client: GremlinClient) -> None:
    """Raise CodedError if the store fails its probe; a full disk alone is logged, because reads are served.

    An index that lacks documents is logged, too, if the store is external: readiness refuses requests meanwhile, and a
    job of the process writes what is missing (:mod:`app.graph.admin.index_watch`). Elasticsearch may also be slow.
    """
    try:
        await StoreProbe(client).check()
    except StoreUnavailableError as error:
        if error.reason is StoreReason.UNREACHABLE and client.host is None:
            raise _unreachable(client) from error
        if error.reason is StoreReason.DISK_SPACE:
            _log.warning("store_without_disk_space", reason=str(error))
        elif error.reason is StoreReason.INDEX and client.host is None:
            _log.warning("store_index_incomplete", reason=str(error))
        else:
            raise


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """The parts of a process that exist only while it runs."""

    client: GremlinClient
    contexts: OperationContexts
    readiness: Readiness
    backlog: Backlog


class Process:
    """One server process: settings, schema, policy and authenticator; no store before :meth:`running`.

    Raises ConfigurationError if a setting, the policy or another file of the installation is invalid.
    """

    opened: RunningProcess
    """Set by :meth:`open_with`; routes read it for each request, because the application is built before the store."""

    start_error: CodedError | None = None
    """The error for which the process could not start, None if it could, or has not tried yet."""

    def __init__(
        self, settings: Settings, open_store: StoreOpener = open_store, start_jobs: JobStarter = background_jobs
    ) -> None:
        self.settings = settings
        self.schema = build_schema()
        self.policy = Policy.load(None, governed_fields(self.schema.core))
        self.metrics = Metrics(version("model-lifecycle-graph"))
        self._export = SpanExport(settings)
        self.access_log = AccessLog(access_log_path(settings), self.policy.labels)
        self.authenticator = build_authenticator(settings, self._close_teams)
        self._open_store = open_store
        self._start_jobs = start_jobs
        self._propagation_stops = load_stops(SHIPPED, ASSETS)
        self._gates = load_gates(is_urn)
        self._reserved_names = load_reserved_names(RESERVABLE, partial(is_urn, kind="Team"))
        self._disclosure = load_disclosure()
        self._cursor_key = cursor_key(settings)
        self._webhook_rights = webhook_rights(settings, self._cursor_key)

    @property
    def spans(self) -> Spans:
        """The spans of the process."""
        return self._export.spans

    @asynccontextmanager
    async def running(self) -> AsyncIterator[RunningProcess]:
        """Open the store, check that it keeps writes, load the outbox and the commit log, and start the jobs.

        Everything is closed in reverse order at exit.

        Raises CodedError if the store cannot be reached, does not keep a write, or does not start.
        """
        coordinator = self._new_coordinator()
        async with self._export, self.authenticator, self._open_store(self.settings) as client:
            await refuse_failing(client)
            if client.exclusive:
                client.write_epoch = WriterEpoch(client)
            else:
                client.write_order = await WriteLog.opened(client, coordinator)
            await coordinator.outbox.load(client)
            await coordinator.commit_log.load(client)
            await schedule_full_derivation(client, coordinator)
            self.open_with(client, coordinator)
            readiness, contexts = self.opened.readiness, self.opened.contexts
            cache, memory = contexts.graph_cache, contexts.memory
            with short_switches():
                async with (
                    aclosing(readiness),
                    watched(client, readiness, self.settings.store_silent_seconds),
                    self._serving_metrics(),
                    self._start_jobs(client, coordinator),
                    self._sending_webhooks(),
                    short_collections(
                        lambda: cache.size if cache else 0, lambda: memory.held, lambda: DECODED.characters
                    ),
                ):
                    yield self.opened

    @asynccontextmanager
    async def _serving_metrics(self) -> AsyncIterator[None]:
        """Serve the metrics, and sample the store for them, if the setting names a port."""
        settings = self.settings
        if not settings.metrics_port:
            yield
            return
        health = StoreHealth(self.opened.client, self.opened.readiness)
        queues = ThinEventQueues(self.opened.client)
        backlog = self.opened.backlog
        for source in (health, queues, backlog):
            self.metrics.watch(source.metrics)
        server = MetricsServer(self.metrics.registry, settings.metrics_host, settings.metrics_port)
        try:
            async with sampled(health, queues, backlog):
                yield
        finally:
            server.stop()

    @asynccontextmanager
    async def _sending_webhooks(self) -> AsyncIterator[None]:
        """Serve and send webhooks, if the setting names hosts."""
        if self._webhook_rights is None:
            yield
            return
        current = self.authenticator.with_current_owners
        job = webhook_job(self.settings, self._webhook_rights, self.schema, self.opened.contexts, current)
        self.metrics.watch(job.metrics)
        async with sending(job):
            yield

    def open_with(self, client: GremlinClient, coordinator: WriteCoordinator) -> None:
        """Set :attr:`opened` to parts over ``client`` and ``coordinator``; nothing is sent to the store."""
        contexts = OperationContexts(
            client=client,
            coordinator=coordinator,
            policy=self.policy,
            gates=self._gates,
            disclosure=self._disclosure,
            walk_limits=WalkLimits(self.settings.walk_nodes, self.settings.walk_seconds),
            cursor_key=self._cursor_key,
            log_access=self._log_access,
            spellings=Spellings(namespace_patterns(self.settings.namespaces)),
            memory=OperationMemory(self.settings.operations_mb << 20),
            vectored=self.settings.vectored,
            graph_cache=self._graph_cache(client),
        )
        watch_process(self.metrics, client, coordinator, contexts.graph_cache)
        probe = StoreProbe(client)

        async def check() -> None:
            await probe.check()
            coordinator.index_state.refuse_lag()

        client.work = WorkMonitor(self.spans, self.metrics.work)
        if self.spans.is_on:
            client.observers.append(StoreSpans(self.spans))
        backlog = Backlog(coordinator.outbox)
        readiness = Readiness(check, client.refuse_outage)
        self.opened = RunningProcess(client, contexts, readiness, backlog)

    def observe(self, report: OperationReport) -> None:
        """Count an operation over HTTP that has ended."""
        report.is_stale |= self.opened.backlog.is_stale
        self.metrics.operation(report)

    def _log_access(self, principal: Principal, request_id: str, report: PolicyReport) -> None:
        try:
            self.access_log.write(principal, request_id, report)
        except AccessLogError:
            self.metrics.response_withheld()
            raise
        finally:
            self.metrics.policy(report, break_glass=principal.break_glass is not None)

    def _graph_cache(self, client: GremlinClient) -> GraphCache | None:
        """Return a new cache that watches the writes of the client; None if it is off or would miss writes.

        It misses none if the client makes all writes of the store, or learns those of other processes from their log.
        """
        if not (self.settings.cache_mb and (client.exclusive or client.write_order)):
            return None
        cache = GraphCache(self.settings.cache_mb << 20, client.host)
        client.write_watches.append(cache)
        return cache

    def _new_coordinator(self) -> WriteCoordinator:
        rules = RULES if self.settings.enrichment else ()
        return WriteCoordinator(
            self._propagation_stops,
            self._gates,
            outbox=Outbox(self._may_link),
            inference_rules=rules,
            disclosure=self._disclosure,
            reserved_names=self._reserved_names,
            access=self.policy.access,
        )

    def _may_link(self, who: Principal, record: Record) -> bool:
        return self.policy.access(who).may(WriteAction.LINK, attributes(record)).allowed

    async def _close_teams(self, tenant: str, teams: frozenset[str]) -> frozenset[str]:
        return await close_teams(self.opened.client, tenant, teams)
