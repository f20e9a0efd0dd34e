"""The job that derives inferred edges from chains, and ends them with their chains.

For a vertex it derives all edges that are inferred to it, and writes those that differ. It may therefore stop and start
again at any point. The entries of one caller that are due when a round begins are worked off together. Later ones wait
for the next round of this caller, so that each round ends, however often callers write. The rounds take turns, batch by
batch. If the rules have changed, all assets are derived page by page, in turns with the rounds.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import orjson
import structlog
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import P

from app.graph.commits.late_writes import begin_plan
from app.graph.commits.outbox_entry import Caller, OutboxEntry, new_entry_id
from app.graph.commits.outbox_worker import OutboxWorker
from app.graph.commits.turns.turn_order import TurnOrder
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_set import WriteSet
from app.graph.driver.contended_request import repeat_contended
from app.graph.driver.edge_pages import PAGE, VisitBudget
from app.graph.driver.errors import LostTurnError, WriteRefusedError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.chain_reads import AT_ONCE, EndQueue
from app.graph.jobs.end_search import EndSearch
from app.graph.jobs.id_queue import IdQueue, take_first
from app.graph.jobs.inference_chains import MAX_CHAINS, MAX_MIDDLES, MAX_SOURCES
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.touched import NOTHING
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.inference_rules import RULES, InferenceRule
from graphql_schema.catalog.kinds import KINDS

BATCH: Final = 50
"""Number of assets in a page of all assets, which also has those of other tenants with the same URN as its last one."""

MAX_REQUESTS: Final = 10
"""Maximal number of pages that a batch reads."""

MAX_VISITED: Final = PAGE
"""Maximal number of edges and starts that these pages visit; the store needs 0.1 s for them."""

REST_SECONDS: Final = 1.0
"""Seconds between two rounds of the job: each has several requests and two transactions, however few its entries."""

MAX_LOGGED: Final = 10
"""Maximal number of vertices in a line of the log."""

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
    await begin_plan(client, "rules")
    rules = _description(coordinator.inference_rules)
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


def _description(rules: Sequence[InferenceRule]) -> str:
    """Return rules as JSON, with the limits that decide which edges are derived by them."""
    limits: list[object] = [MAX_CHAINS, MAX_MIDDLES, MAX_SOURCES] if rules else []
    return orjson.dumps([*(rule.content() for rule in rules), *limits]).decode()


@dataclass(slots=True)
class InferenceRound:
    """The entries of one caller that are worked off together, and what is left of their work.

    ``middles`` lead to ends, by ``search``. Edges to vertices in ``refused`` are not derived: the store refused one.
    ``limited`` are vertices some of whose chains are not derived, and ``written`` is the number of edges. With a full
    derivation, the ends are a page of all assets, which ends with ``page_urn``.
    """

    entries: list[OutboxEntry]
    middles: IdQueue
    ends: EndQueue
    search: EndSearch | None = None
    turns: TurnOrder[str] = field(default_factory=TurnOrder)
    refused: set[int] = field(default_factory=set)
    limited: set[int] = field(default_factory=set)
    written: int = 0
    page_urn: str = ""

    @classmethod
    def of(cls, entries: list[OutboxEntry]) -> "InferenceRound":
        """Return the round of some entries, or of the first one if that is for a full derivation."""
        round_ = cls(entries if entries[0].after is None else entries[:1], {}, EndQueue())
        for entry in round_.entries:
            round_.middles |= entry.expand
            round_.ends.add(entry.frontier)
        return round_

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return not (self.middles or self.search or self.ends)


class InferenceJob(OutboxWorker):
    """Works off the entries for inferred edges. ``coordinator`` is that of the writers of the process."""

    name = "inference"
    rest_seconds = REST_SECONDS

    def __init__(
        self, client: GremlinClient, coordinator: WriteCoordinator, clock: Callable[[], int] = epoch_milliseconds
    ) -> None:
        super().__init__(client, coordinator.job_lock(client), coordinator.outbox, clock)
        self._rules = coordinator.inference_rules
        self._rounds: dict[Caller, InferenceRound] = {}
        self._turns = TurnOrder[Caller]()
        self._loads = 0

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """Work off one batch of the round of the next caller, and begin the round first if there is none.

        Return whether there was work. The server has the turn for a full derivation.
        """
        if self._loads != self._outbox.loads:
            self._loads = self._outbox.loads
            self._keep_stored()
        callers = dict.fromkeys([*self._rounds, *(entry.caller for entry in due)])
        if not callers:
            return False
        with self._turns.turn(callers) as caller:
            if caller not in self._rounds:
                self._rounds[caller] = InferenceRound.of([entry for entry in due if entry.caller == caller])
            await self._advance(caller, self._rounds[caller])
        return True

    def _keep_stored(self) -> None:
        """Keep the rounds whose entries are still stored. What they have read may be older than the store."""
        stored = self._outbox
        self._rounds = {
            caller: each for caller, each in self._rounds.items() if all(entry.x in stored for entry in each.entries)
        }
        for each in self._rounds.values():
            each.ends.begin_again()

    async def _advance(self, caller: Caller, round_: InferenceRound) -> None:
        """Work off a batch of a round; end it if nothing is left."""
        first = round_.entries[0]
        if first.after is not None and round_.is_done:
            await self._begin_page(round_, first)
        await self._work(round_)
        if not round_.is_done:
            return
        if first.after is not None:
            first.after, writes = round_.page_urn, WriteSet()
            writes.update_entry(first)
            await writes.submit(self._client)
            return
        await self._outbox.done(self._client, *round_.entries)
        del self._rounds[caller]
        _log.info("inferred_edges_derived", tenant=caller[0], entries=len(round_.entries), written=round_.written)

    async def _begin_page(self, round_: InferenceRound, entry: OutboxEntry) -> None:
        """Add the next page of all assets by URN; if there is none, set ``after`` of the entry to None in memory."""
        rows = await self._client.submit(_PAGE, {"kinds": _KINDS, "after": entry.after, "most": BATCH})
        if not rows:
            entry.after = None
            return
        round_.page_urn = rows[-1]["urn"]
        (same,) = await self._client.submit(_TIES, {"kinds": _KINDS, "urns": [round_.page_urn]})
        round_.ends.add([*(row["x"] for row in rows), *same])

    async def _work(self, round_: InferenceRound) -> None:
        """Work off one batch, in turns: follow middles to ends, or derive ends that no other round has begun."""
        busy = {vid for each in self._rounds.values() if each is not round_ for vid in each.ends.begun}
        queues = (("middles", round_.middles or round_.search), ("ends", round_.ends.may_advance(busy)))
        kinds = [kind for kind, queue in queues if queue]
        if not kinds:
            return
        with round_.turns.turn(kinds) as kind:
            if kind == "middles":
                await self._follow(round_)
            else:
                await self._derive(round_, busy)

    async def _follow(self, round_: InferenceRound) -> None:
        """Search the ends beyond some of the middles, which the next batches continue; they add weight to the round.

        The ends of a page are added when it is read. A search may find hundreds of thousands: to add all of them after
        its last page would be one callback.
        """
        budget, requests = VisitBudget(MAX_VISITED), 0
        while (round_.middles or round_.search) and not budget.is_spent and requests < MAX_REQUESTS:
            search = round_.search or EndSearch(self._rules, take_first(round_.middles, AT_ONCE))
            round_.search, requests = search, requests + 1
            await search.advance(self._client, budget)
            round_.ends.add(search.take_new())
            if search.is_read:
                round_.search = None
                self._outbox.add_weight(round_.entries[0].x, len(search.ends))

    async def _derive(self, round_: InferenceRound, busy: Container[int]) -> None:
        """Write some of the inferred edges to ends that differ from the stored ones; the next batches continue.

        A run with hundreds of inputs and thousands of outputs has a million chains, so they are read, derived and
        written in parts. An edge that changes meanwhile has an entry for the next round, so this round ends. If the
        turn to write the batch is lost, the next one writes it. If it fails otherwise, it is derived again.
        """
        ends, is_right = round_.ends, False
        try:
            if not ends.batch.edges:
                await self._fill_batch(round_, busy)
            await self._write(round_, len(ends.batch.edges))
            is_right = True
        except LostTurnError:
            is_right = True
            raise
        finally:
            if not is_right:
                ends.begin_again()
        new = sorted(ends.batch.limited - round_.limited)
        ends.begin_batch()
        if new:
            round_.limited.update(new)
            _log.info("inferred_edges_limited", count=len(new), vertices=new[:MAX_LOGGED])

    async def _fill_batch(self, round_: InferenceRound, busy: Container[int]) -> None:
        """Read and derive edges until the batch is full, or enough is read.

        After much was read, the next step derives, and after much was derived, the next one reads: writers wait for
        0.1 s in place of 0.2 s.
        """
        ends, budget, requests = round_.ends, VisitBudget(MAX_VISITED), 0
        while ends.may_advance(busy) and not ends.batch.is_full:
            if ends.must_read:
                if budget.is_spent or requests >= MAX_REQUESTS or ends.batch.is_half_full:
                    break
                await ends.read(self._client, self._rules, busy, budget)
                requests += 1
            elif budget.left < MAX_VISITED // 2:
                break
            else:
                await ends.derive(round_.refused, self._clock())

    async def _write(self, round_: InferenceRound, count: int) -> None:
        """Write the first ``count`` edges of the batch as one transaction, or in halves if the store refuses it.

        A store may have a smaller maximum. The end of an edge that is refused alone is derived no more in this round,
        so that the round ends for others.
        """
        edges = round_.ends.batch.edges
        derived = [each for each in edges[:count] if each[1][2] not in round_.refused]
        writes = WriteSet()
        for around, key, edge in derived:
            _, source, target = key
            kinds = (str(around.records[source]["kind"]), str(around.records[target]["kind"]))
            writes.edge(key, edge, kinds=None if key in around.inferred[target] else kinds)
        try:
            await writes.submit(self._client)
        except WriteRefusedError:
            if len(derived) > 1:
                await self._write(round_, count // 2)
                await self._write(round_, count - count // 2)
                return
            _, (_, _, end), _ = derived.pop()
            round_.refused.add(end)
            _log.exception("inference_end_failed", end=end)
        del edges[:count]
        round_.written += len(derived)
