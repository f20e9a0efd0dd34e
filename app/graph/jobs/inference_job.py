"""The job that derives inferred edges from chains, and ends them with their chains.

For a vertex it derives all edges that are inferred to it, and writes those that differ. It may therefore stop and start
again at any point. The entries that are due when a round begins are worked off together, and later ones in the next
round, so that each round ends, however often callers write. If the rules have changed, all assets are derived page by
page, in turns with the rounds.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import orjson
import structlog
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import P

from app.graph.commits.outbox_entry import OutboxEntry, new_entry_id
from app.graph.commits.outbox_worker import OutboxWorker
from app.graph.commits.turns.turn_order import TurnOrder
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_set import WriteSet
from app.graph.driver.contended_request import repeat_contended
from app.graph.driver.errors import LostTurnError, WriteRefusedError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.chain_reads import AT_ONCE, DerivedBatch, EndQueue, EndSearch
from app.graph.jobs.id_queue import IdQueue, take_first
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.touched import NOTHING
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.execution.side_thread import run_in_turn

BATCH: Final = 50
"""Number of assets in a page of all assets, which also has those of other tenants with the same URN as its last one."""

MAX_READ: Final = 5_000
"""Number of edges after which a batch reads no further page: the next batches continue."""

MAX_REQUESTS: Final = 10
"""Maximal number of pages that a batch reads."""

REST_SECONDS: Final = 1.0
"""Seconds between two rounds of the job: each has several requests and two transactions, however few its entries."""

_RULES_VERTEX: Final = vertex_id("pending", "enrichment")
"""Id of the vertex that stores the rules by which inferred edges are derived, or will be by an outbox entry."""

_READ_RULES: Final = PreparedStatement.traversal(g.V(param("xs")).values("note"), "inference")
_WRITE_RULES: Final = PreparedStatement.of(
    """
def v = g.V(x).tryNext().orElse(null) ?: g.addV('Pending').property(T.id, x).next()
v.property(single, 'note', rules)
[1]
""",
    "x",
    "rules",
    name="inference",
)
_PAGE: Final = PreparedStatement.traversal(
    g.V()
    .has("kind", P.within(param("kinds")))
    .has("urn", P.gt(param("after")))
    .order()
    .by("urn")
    .limit(param("most"))
    .project("x", "urn")
    .by(__.id_())
    .by("urn"),
    "inference",
)
_TIES: Final = PreparedStatement.traversal(
    g.V().has("kind", P.within(param("kinds"))).has("urn", P.within(param("urns"))).id_().fold(), "inference"
)

_KINDS: Final = sorted({KINDS[name].code for rule in RULES for name in rule.ends})
"""Codes of the kinds at which chains of the rules end."""

_log = structlog.get_logger(__name__)


async def schedule_full_derivation(client: GremlinClient, coordinator: WriteCoordinator) -> None:
    """Write an outbox entry that derives all inferred edges again, if the stored rules differ from those in use.

    Then store the rules in use. Do nothing if no rules are stored and none are in use. Call it before there are
    writers in this process; if another process writes meanwhile, begin again.
    """
    while True:
        try:
            return await _schedule(client, coordinator)
        except LostTurnError:
            pass


async def _schedule(client: GremlinClient, coordinator: WriteCoordinator) -> None:
    if client.write_order is not None:
        await client.write_order.begin("rules")
    rules = orjson.dumps([rule.content() for rule in coordinator.inference_rules]).decode()
    stored = await client.submit(_READ_RULES, {"xs": [_RULES_VERTEX]})
    if stored == [rules] or not (stored or coordinator.inference_rules):
        return
    entry = OutboxEntry(new_entry_id(), "", coordinator.outbox.order(epoch_milliseconds()), inference=True, after="")
    with coordinator.outbox.committing([entry]):
        writes = WriteSet()
        writes.outbox([entry])
        await writes.submit(client)
    bindings = {"x": _RULES_VERTEX, "rules": rules}
    await repeat_contended(partial(client.submit, _WRITE_RULES, bindings, writes=NOTHING))


class InferenceJob(OutboxWorker):
    """Works off the entries for inferred edges. ``coordinator`` is that of the writers of the process."""

    name = "inference"
    rest_seconds = REST_SECONDS

    def __init__(
        self, client: GremlinClient, coordinator: WriteCoordinator, clock: Callable[[], int] = epoch_milliseconds
    ) -> None:
        super().__init__(client, coordinator.lock, coordinator.outbox, clock)
        self._rules = coordinator.inference_rules
        self._round: list[OutboxEntry] = []
        self._middles: IdQueue = {}
        self._search: EndSearch | None = None
        self._ends = EndQueue()
        self._page = EndQueue()
        self._page_urn = ""
        self._page_of = 0
        self._turns = TurnOrder[str]()
        self._refused = set[int]()
        self._written = 0
        self._loads = 0

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """Begin a round if there is none, and work off one batch of it; return whether there was work."""
        if self._loads != self._outbox.loads:
            self._round, self._middles, self._search = [], {}, None
            self._ends, self._page = EndQueue(), EndQueue()
            self._loads = self._outbox.loads
        full = next((entry for entry in due if entry.after is not None), None)
        if not self._round:
            self._round = [entry for entry in due if entry.after is None]
            if self._round:
                self._refused.clear()
            for entry in self._round:
                self._middles |= entry.expand
                self._ends.add(entry.frontier)
        if not self._round and full is None:
            return False
        await self._work(full)
        if self._round and not (self._middles or self._search or self._ends):
            await self._outbox.done(self._client, *self._round)
            _log.info("inferred_edges_derived", entries=len(self._round), written=self._written)
            self._round, self._written = [], 0
        return True

    async def _work(self, full: OutboxEntry | None) -> None:
        """Work off one batch, in turns: follow middles to ends, derive ends, or derive a page of all assets."""
        queues = (("middles", self._middles or self._search), ("ends", self._ends), ("page", full))
        kinds = [kind for kind, queue in queues if queue]
        if not kinds:
            return
        with self._turns.turn(kinds) as kind:
            if kind == "middles":
                await self._follow()
            elif kind == "ends":
                await self._derive(self._ends)
            elif full is not None:
                await self._derive_page(full)

    async def _derive_page(self, entry: OutboxEntry) -> None:
        """Derive inferred edges to a page of assets by URN, and store its last URN in the entry when all are derived.

        The assets that :meth:`_derive` leaves are derived in the next turns. If there is no further page, set ``after``
        of the entry to None in memory.
        """
        if not self._page or self._page_of != entry.x:
            self._page_of = entry.x
            rows = await self._client.submit(_PAGE, {"kinds": _KINDS, "after": entry.after, "most": BATCH})
            if not rows:
                entry.after = None
                return
            self._page_urn = rows[-1]["urn"]
            (same,) = await self._client.submit(_TIES, {"kinds": _KINDS, "urns": [self._page_urn]})
            self._page = EndQueue()
            self._page.add([*(row["x"] for row in rows), *same])
        await self._derive(self._page)
        if self._page:
            return
        entry.after = self._page_urn
        writes = WriteSet()
        writes.update_entry(entry)
        await writes.submit(self._client)

    async def _follow(self) -> None:
        """Search the ends beyond some of the ``middles``, which the next batches continue."""
        read = requests = 0
        while (self._middles or self._search) and read < MAX_READ and requests < MAX_REQUESTS:
            search = self._search or EndSearch(self._rules, take_first(self._middles, AT_ONCE))
            self._search = search
            read, requests = read + await search.advance(self._client), requests + 1
            if search.is_read:
                self._ends.add(sorted(search.ends))
                self._search = None

    async def _derive(self, ends: EndQueue) -> None:
        """Write some of the inferred edges to ``ends`` that differ from the stored ones; the next batches continue.

        A run with a thousand inputs and outputs has a million chains, so they are read, derived and written in parts.
        An edge that changes meanwhile has an entry for the next round, so this round ends. If edges were derived and
        the turn to write them was lost, they are written first.
        """
        read, requests, batch = 0, 0, DerivedBatch()
        while ends and not (ends.unwritten or batch.is_full):
            if not ends.must_read:
                await run_in_turn(ends.derive, ends.is_long, batch, self._refused, self._clock())
            elif read < MAX_READ and requests < MAX_REQUESTS:
                read, requests = read + await ends.read(self._client, self._rules), requests + 1
            else:
                break
        ends.unwritten = ends.unwritten or batch.edges
        await self._write(ends, len(ends.unwritten))

    async def _write(self, ends: EndQueue, count: int) -> None:
        """Write the first ``count`` of the unwritten edges as one transaction, or in halves if the store refuses it.

        A store may have a smaller maximum. The end of an edge that is refused alone is derived no more in this round,
        so that the round ends for others.
        """
        derived = [each for each in ends.unwritten[:count] if each[1][2] not in self._refused]
        writes = WriteSet()
        for around, key, edge in derived:
            _, source, target = key
            kinds = (str(around.records[source]["kind"]), str(around.records[target]["kind"]))
            writes.edge(key, edge, kinds=None if key in around.inferred[target] else kinds)
        try:
            await writes.submit(self._client)
        except WriteRefusedError:
            if len(derived) > 1:
                await self._write(ends, count // 2)
                await self._write(ends, count - count // 2)
                return
            _, (_, _, end), _ = derived.pop()
            self._refused.add(end)
            _log.exception("inference_end_failed", end=end)
        del ends.unwritten[:count]
        self._written += len(derived)
        written = {key[2] for _, key, _ in derived}
        for other in (self._ends, self._page):
            if other is not ends:
                other.begin_again(written)
