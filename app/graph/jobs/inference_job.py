"""The job that derives inferred edges from chains, and ends them with their chains.

For a vertex it derives all edges that are inferred to it, and writes those that differ. It may therefore stop and start
again at any point. The entries that are due when a round begins are worked off together, and later ones in the next
round, so that each round ends, however often callers write. If the rules have changed, all assets are derived page by
page, in turns with the rounds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import orjson
import structlog
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import P

from app.graph.commits.outbox_entry import OutboxEntry, new_entry_id
from app.graph.commits.outbox_worker import OutboxWorker
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_set import WriteSet
from app.graph.driver.contended_request import repeat_contended
from app.graph.driver.errors import TransientConflictError, WriteRefusedError
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.chain_reads import ChainReads
from app.graph.jobs.id_queue import take_first
from app.graph.jobs.inference_chains import Neighbourhood, changes
from app.graph.jobs.turn_order import TurnOrder
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.edge_record import EdgeKey
from app.graph.records.record_text import text_of
from app.graph.records.touched import NOTHING
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.record import Record

BATCH: Final = 50
"""Maximal number of vertices that a batch takes while it holds the lock.

A page of assets also takes the assets of other tenants that have the same URN as its last one.
"""

AT_ONCE: Final = 10
"""Maximal number of vertices of a batch whose chains are read together."""

MAX_READ: Final = 5_000
"""Number of edges after which a batch reads no further chains: the other vertices are left for the next batches."""

MAX_EDGES: Final = 2_500
"""Maximal number of edges that a batch writes while it holds the lock."""

MAX_CHARACTERS: Final = 4 * 1024 * 1024
"""Number of characters of edges after which a batch writes no further ones: the store refuses long requests."""

LONG_NEIGHBOURHOOD: Final = 200
"""Number of records around the vertices of a batch above which it is derived in the side thread."""

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


DerivedEdge = tuple[Neighbourhood, EdgeKey, Record]
"""What was read around an edge, the key of the edge, and its new record."""


@dataclass(slots=True)
class DerivedBatch:
    """Edges to write as one transaction. ``characters`` is the number of characters in their records."""

    edges: list[DerivedEdge] = field(default_factory=list)
    characters: int = 0

    def add(self, around: Neighbourhood, edges: Mapping[EdgeKey, Record], after: EdgeKey | None = None) -> bool:
        """Add edges until there are MAX_EDGES or MAX_CHARACTERS; return whether all of ``edges`` were added.

        Those whose keys are not greater than ``after`` are left out.
        """
        for key, edge in edges.items():
            if after is not None and key <= after:
                continue
            if len(self.edges) >= MAX_EDGES or self.characters >= MAX_CHARACTERS:
                return False
            self.edges.append((around, key, edge))
            self.characters += len(text_of(edge))
        return True


async def schedule_full_derivation(client: GremlinClient, coordinator: WriteCoordinator) -> None:
    """Write an outbox entry that derives all inferred edges again, if the stored rules differ from those in use.

    Then store the rules in use. Do nothing if no rules are stored and none are in use. Call it before there are
    writers in this process; if another process writes meanwhile, begin again.
    """
    while True:
        try:
            return await _schedule(client, coordinator)
        except TransientConflictError:
            if client.write_order is None:
                raise


async def _schedule(client: GremlinClient, coordinator: WriteCoordinator) -> None:
    if client.write_order is not None:
        await client.write_order.begin()
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
        self._reads = ChainReads(client, coordinator.inference_rules)
        self._round: list[OutboxEntry] = []
        self._middles: dict[int, None] = {}
        self._ends: dict[int, None] = {}
        self._page: dict[int, None] = {}
        self._after: dict[int, EdgeKey] = {}
        self._page_after: dict[int, EdgeKey] = {}
        self._page_urn = ""
        self._page_of = 0
        self._turns = TurnOrder[str]()
        self._refused = set[int]()
        self._written = 0
        self._loads = 0

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """Begin a round if there is none, and work off one batch of it; return whether there was work."""
        if self._loads != self._outbox.loads:
            self._round, self._middles, self._ends, self._page = [], {}, {}, {}
            self._after, self._page_after = {}, {}
            self._loads = self._outbox.loads
        full = next((entry for entry in due if entry.after is not None), None)
        if not self._round:
            self._round = [entry for entry in due if entry.after is None]
            if self._round:
                self._refused.clear()
                self._after.clear()
            for entry in self._round:
                self._middles |= entry.expand
                self._ends |= entry.frontier
        if not self._round and full is None:
            return False
        await self._work(full)
        if self._round and not self._middles and not self._ends:
            await self._outbox.done(self._client, *self._round)
            _log.info("inferred_edges_derived", entries=len(self._round), written=self._written)
            self._round, self._written = [], 0
        return True

    async def _work(self, full: OutboxEntry | None) -> None:
        """Work off one batch, in turns: follow middles to ends, derive ends, or derive a page of all assets."""
        queues = (("middles", self._middles), ("ends", self._ends), ("page", full))
        kinds = [kind for kind, queue in queues if queue]
        kind = self._turns.next(kinds) if kinds else ""
        if kind == "middles":
            await self._follow(take_first(self._middles, BATCH))
        elif kind == "ends":
            self._ends |= dict.fromkeys(await self._derive(take_first(self._ends, BATCH), self._after))
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
            self._page = dict.fromkeys([*(row["x"] for row in rows), *same])
            self._page_after = {}
        self._page = dict.fromkeys(await self._derive([*self._page], self._page_after))
        if self._page:
            return
        entry.after = self._page_urn
        writes = WriteSet()
        writes.update_entry(entry)
        await writes.submit(self._client)

    async def _follow(self, middles: list[int]) -> None:
        """Add the ends beyond ``middles``; those that are not read within MAX_READ are added to ``_middles`` again."""
        read = 0
        while middles and read < MAX_READ:
            found, count = await self._reads.ends_beyond(middles[:AT_ONCE])
            self._ends |= dict.fromkeys(sorted(found))
            middles, read = middles[AT_ONCE:], read + count
        self._middles |= dict.fromkeys(middles)

    async def _derive(self, ends: list[int], after: dict[int, EdgeKey]) -> list[int]:
        """Write the inferred edges to ``ends`` that differ from the stored ones; return the ends that are left.

        These are the ends that are not read within MAX_READ, and those from the first one whose edges exceed MAX_EDGES
        or MAX_CHARACTERS. A run with a thousand inputs and outputs has a million chains, so no more ends are derived
        than are written. ``after`` has the key after which the edges to an end continue, and is updated. An edge that
        changes before this key has an entry for the next round, so that this round ends.
        """
        rules, now, read, is_full = self._reads.rules, self._clock(), 0, False
        derived = DerivedBatch()
        ends = [end for end in ends if end not in self._refused]
        while ends and read < MAX_READ and not is_full:
            around = await self._reads.around(ends[:AT_ONCE])
            is_long = len(around.records) > LONG_NEIGHBOURHOOD
            for end in around.ends:
                edges = await run_in_turn(changes, is_long, around, end, rules, now)
                is_full = not derived.add(around, edges, after.get(end))
                if is_full:
                    break
                ends = ends[1:]
                after.pop(end, None)
            read += around.edges
        await self._write(derived.edges)
        if is_full:
            _, last, _ = derived.edges[-1]
            after |= {last[2]: last} if last[2] == ends[0] else {}
        return ends

    async def _write(self, derived: Sequence[DerivedEdge]) -> None:
        """Write edges as one transaction, or in halves if the store refuses it: a store may have a smaller maximum.

        The end of an edge that is refused alone is derived no more in this round, so that the round ends for others.
        """
        derived = [each for each in derived if each[1][2] not in self._refused]
        writes = WriteSet()
        for around, key, edge in derived:
            _, source, target = key
            kinds = (str(around.records[source]["kind"]), str(around.records[target]["kind"]))
            writes.edge(key, edge, kinds=None if key in around.inferred[target] else kinds)
        try:
            await writes.submit(self._client)
        except WriteRefusedError:
            if len(derived) == 1:
                _, (_, _, end), _ = derived[0]
                self._refused.add(end)
                _log.exception("inference_end_failed", end=end)
                return
            half = len(derived) // 2
            await self._write(derived[:half])
            await self._write(derived[half:])
        else:
            self._written += len(derived)
