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

from app.graph.commits.outbox_entry import TOP, Note, new_note_id
from app.graph.commits.outbox_worker import Job
from app.graph.commits.write_coordinator import Desk
from app.graph.commits.write_statements import NOTHING, WRITE
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param
from app.graph.driver.prepared_statement import Prepared
from app.graph.jobs.chain_reads import Walks
from app.graph.jobs.inference_chains import Around, changes
from app.graph.records.clock import epoch_milliseconds
from app.graph.records.edge_record import Key
from app.graph.records.inferred_edge import LABEL, THROUGH, through
from app.graph.records.vertex_id import vertex_id
from app.graph.records.vertex_record import Record
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.catalog.kinds import KINDS

BATCH: Final = 50
"""Vertices that edges are derived to while the lock is held."""

MOST_EDGES: Final = 2_500
"""Edges that are written while the lock is held, unless a single vertex has more."""

_MARK: Final = vertex_id("pending", "enrichment")
"""The vertex that says by which rules the store was derived, or is going to be: a note of it is there."""

_MARKED: Final = Prepared.traversal(g.V(param("xs")).values("note"))
_REMARK: Final = Prepared.of(
    """
def v = g.V(x).tryNext().orElse(null) ?: g.addV('Pending').property(T.id, x).next()
v.property(single, 'note', said)
[1]
""",
    "x",
    "said",
)
_PAGE: Final = Prepared.traversal(
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
_TIES: Final = Prepared.traversal(
    g.V().has("kind", P.within(param("kinds"))).has("urn", P.within(param("urns"))).id_().fold()
)

_KINDS: Final = sorted({KINDS[name].code for rule in RULES for name in rule.ends})
"""Where edges may be inferred to."""

_log = structlog.get_logger(__name__)


async def prepare(client: GremlinClient, desk: Desk) -> None:
    """Note that all is to be derived, where the store was derived by other rules; call it before there are writers."""
    said = orjson.dumps([rule.said() for rule in desk.rules]).decode()
    marked = await client.submit(_MARKED, {"xs": [_MARK]})
    if marked == [said] or not (marked or desk.rules):
        return
    note = Note(new_note_id(), "", desk.pending.order(epoch_milliseconds()), enriches=True, after="")
    with desk.pending.promised([note]):
        await client.submit(WRITE, {**NOTHING, "notes": [note.wire()], "top": TOP}, writes=True)
    await client.submit(_REMARK, {"x": _MARK, "said": said}, writes=True)


class EnrichmentJob(Job):
    """Does the notes of enrichment; ``desk`` is that of the process's writers."""

    failed = "enrichment_job_failed"

    def __init__(self, client: GremlinClient, desk: Desk, clock: Callable[[], int] = epoch_milliseconds) -> None:
        super().__init__(client, desk.lock, desk.pending, clock)
        self._walks = Walks(client, desk.rules)
        self._taken: dict[int, Note] = {}
        self._beyond: dict[int, None] = {}
        self._ends: dict[int, None] = {}
        self._written = 0
        self._loads = 0

    def mine(self, note: Note) -> bool:
        """Whether a note is about inferred edges."""
        return note.enriches

    async def advance(self, due: list[Note]) -> bool:
        """Take in the notes that are new, and do a batch of what they ask for."""
        kept = False
        try:
            worked = await self._advance(due)
            kept = True
        finally:
            if not kept:  # what was taken from memory may not be in the store
                self._pending.stale = True
        return worked

    async def _advance(self, due: list[Note]) -> bool:
        if self._loads != self._pending.loads:
            self._taken, self._beyond, self._ends, self._loads = {}, {}, {}, self._pending.loads
        for note in due:
            if note.x not in self._taken:
                self._taken[note.x] = note
                self._beyond |= dict.fromkeys(note.beyond)
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

    async def _go_on(self, note: Note) -> None:
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
            await self._client.submit(WRITE, {**NOTHING, "notes": [kept], "top": TOP}, writes=True)
        else:
            note.after = None

    async def _derive(self, ends: list[int]) -> None:
        """Write what differs of the edges that are inferred to some vertices; what is too much is done later."""
        around = await self._walks.around(ends)
        by_end: dict[int, dict[Key, Record]] = {}
        for key, edge in changes(around, self._walks.rules, self._clock()).items():
            by_end.setdefault(key[2], {})[key] = edge
        now: dict[Key, Record] = {}
        for end, edges in by_end.items():
            if now and len(now) + len(edges) > MOST_EDGES:
                self._ends[end] = None
            else:
                now |= edges
        await self._write(around, now)

    async def _write(self, around: Around, edges: Mapping[Key, Record]) -> None:
        if not edges:
            return
        bindings = {
            "stored": sorted({vid for _, *both in edges for vid in both}),
            "edges": [_wire(key, edge, around) for key, edge in edges.items()],
        }
        await self._client.submit(WRITE, {**NOTHING, **bindings}, writes=True)
        self._written += len(edges)


def _wire(key: Key, edge: Record, around: Around) -> dict[str, Any]:
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
