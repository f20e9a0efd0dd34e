"""The job that lets shortcuts come and go with the chains that they stand for.

What it does for a vertex is to derive all edges that are inferred to it, and to write those that differ; so it may stop
and begin again anywhere. What all notes ask for is done together.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson
import structlog
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import P

from app.graph.commits.outbox_entry import OUTBOX_ROOT, OutboxEntry, new_entry_id
from app.graph.commits.outbox_worker import OutboxWorker
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_statements import NOTHING, WRITE
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.chain_reads import Walks
from app.graph.jobs.inference_chains import Neighbourhood, changes
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.edge_record import EdgeKey
from app.graph.records.inferred_edge import LABEL, THROUGH, through
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import Record
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.catalog.kinds import KINDS

BATCH: Final = 50
"""Vertices that edges are derived to while the lock is held."""

MAX_EDGES: Final = 2_500
"""Edges that are written while the lock is held, unless a single vertex has more."""

_MARK: Final = vertex_id("pending", "enrichment")
"""The vertex that says by which rules the store was derived, or is going to be: a note of it is there."""

_MARKED: Final = PreparedStatement.traversal(g.V(param("xs")).values("note"))
_REMARK: Final = PreparedStatement.of(
    """
def v = g.V(x).tryNext().orElse(null) ?: g.addV('Pending').property(T.id, x).next()
v.property(single, 'note', said)
[1]
""",
    "x",
    "said",
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
    .by("urn")
)
_TIES: Final = PreparedStatement.traversal(
    g.V().has("kind", P.within(param("kinds"))).has("urn", P.within(param("urns"))).id_().fold()
)

_KINDS: Final = sorted({KINDS[name].code for rule in RULES for name in rule.ends})
"""Where edges may be inferred to."""

_log = structlog.get_logger(__name__)


async def schedule_full_derivation(client: GremlinClient, coordinator: WriteCoordinator) -> None:
    """Note that all is to be derived, where the store was derived by other rules; call it before there are writers."""
    said = orjson.dumps([rule.said() for rule in coordinator.inference_rules]).decode()
    marked = await client.submit(_MARKED, {"xs": [_MARK]})
    if marked == [said] or not (marked or coordinator.inference_rules):
        return
    note = OutboxEntry(new_entry_id(), "", coordinator.outbox.order(epoch_milliseconds()), enriches=True, after="")
    with coordinator.outbox.committing([note]):
        await client.submit(WRITE, {**NOTHING, "notes": [note.wire()], "top": OUTBOX_ROOT}, writes=True)
    await client.submit(_REMARK, {"x": _MARK, "said": said}, writes=True)


class InferenceJob(OutboxWorker):
    """Does the notes of enrichment; ``coordinator`` is that of the process's writers."""

    failed = "enrichment_job_failed"

    def __init__(
        self, client: GremlinClient, coordinator: WriteCoordinator, clock: Callable[[], int] = epoch_milliseconds
    ) -> None:
        super().__init__(client, coordinator.lock, coordinator.outbox, clock)
        self._walks = Walks(client, coordinator.inference_rules)
        self._taken: dict[int, OutboxEntry] = {}
        self._beyond: dict[int, None] = {}
        self._ends: dict[int, None] = {}
        self._written = 0
        self._loads = 0

    def handles(self, note: OutboxEntry) -> bool:
        """Whether a note is about inferred edges."""
        return note.enriches

    async def advance(self, due: list[OutboxEntry]) -> bool:
        """Take in the notes that are new, and do a batch of what they ask for."""
        kept = False
        try:
            worked = await self._advance(due)
            kept = True
        finally:
            if not kept:  # what was taken from memory may not be in the store
                self._pending.stale = True
        return worked

    async def _advance(self, due: list[OutboxEntry]) -> bool:
        if self._loads != self._pending.loads:
            self._taken, self._beyond, self._ends, self._loads = {}, {}, {}, self._pending.loads
        for note in due:
            if note.x not in self._taken:
                self._taken[note.x] = note
                self._beyond |= dict.fromkeys(note.expand)
                self._ends |= note.frontier
        if not self._taken:
            return False
        everything = next((note for note in self._taken.values() if note.after is not None), None)
        if self._beyond:
            self._ends |= dict.fromkeys(sorted(await self._walks.beyond(_taken(self._beyond))))
        elif self._ends:
            await self._derive(_taken(self._ends))
        elif everything is not None:
            await self._go_on(everything)
        if not self._beyond and not self._ends and all(note.after is None for note in self._taken.values()):
            await self._pending.done(self._client, *self._taken.values())
            _log.info("enriched", notes=len(self._taken), written=self._written)
            self._taken, self._written = {}, 0
        return True

    async def _go_on(self, note: OutboxEntry) -> None:
        """Keep how far the store has been gone through, and go on from there."""
        rows = await self._client.submit(_PAGE, {"kinds": _KINDS, "after": note.after, "most": BATCH})
        if rows:
            urns = [row["urn"] for row in rows]
            (same,) = await self._client.submit(_TIES, {"kinds": _KINDS, "urns": urns[-1:]})
            await self._derive([*dict.fromkeys([*(row["x"] for row in rows), *same])])
            if self._ends:  # put off: this part of the store is gone through again when they are done
                return
            note.after = urns[-1]
            kept = {"x": note.x, "fresh": False, "p": note.wire()["p"], "f": []}
            await self._client.submit(WRITE, {**NOTHING, "notes": [kept], "top": OUTBOX_ROOT}, writes=True)
        else:
            note.after = None

    async def _derive(self, ends: list[int]) -> None:
        """Write what differs of the edges that are inferred to some vertices; what is too much is done later."""
        around = await self._walks.around(ends)
        by_end: dict[int, dict[EdgeKey, Record]] = {}
        for key, edge in changes(around, self._walks.rules, self._clock()).items():
            by_end.setdefault(key[2], {})[key] = edge
        now: dict[EdgeKey, Record] = {}
        for end, edges in by_end.items():
            if now and len(now) + len(edges) > MAX_EDGES:
                self._ends[end] = None
            else:
                now |= edges
        await self._write(around, now)

    async def _write(self, around: Neighbourhood, edges: Mapping[EdgeKey, Record]) -> None:
        if not edges:
            return
        bindings = {
            "stored": sorted({vid for _, *both in edges for vid in both}),
            "edges": [_wire(key, edge, around) for key, edge in edges.items()],
        }
        await self._client.submit(WRITE, {**NOTHING, **bindings}, writes=True)
        self._written += len(edges)


def _wire(key: EdgeKey, edge: Record, around: Neighbourhood) -> dict[str, Any]:
    relation, source, target = key
    values = {
        "validFrom": edge["validFrom"],
        "validTo": edge["validTo"],
        "record": orjson.dumps(edge).decode(),
        THROUGH: through(edge),
    }
    fresh = key not in around.inferred
    kinds = {end: around.records[vid]["kind"] for end, vid in (("fromKind", source), ("toKind", target))}
    return {"l": LABEL[relation], "o": source, "i": target, "fresh": fresh, "p": values | (kinds if fresh else {})}


def _taken(ids: dict[int, None]) -> list[int]:
    """Take the first of some ids away."""
    found = list(ids)[:BATCH]
    for vid in found:
        del ids[vid]
    return found
