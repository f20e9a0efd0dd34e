"""Outbox entries: work that a transaction leaves for a background job, stored in the same transaction.

An entry is a vertex of the label ``Pending`` without the native properties of an asset and without index entry, so that
no read of the API returns it. An edge ``PENDING`` leads to it from one well-known vertex. Its property ``note`` is JSON
with these keys, whose values are fields of :class:`OutboxEntry`:

| key | value |
|---|---|
| ``tenant``, ``at``, ``due`` | ``tenant``, ``order``, ``due`` |
| ``beyond`` | ``expand`` |
| ``tag``, ``holders``, ``around`` | the fields of these names; only in an entry for tags |
| ``enriches``, ``after`` | ``inference``, ``after``; only in an entry for inferred edges |
| ``owns``, ``given`` | ``owners``, ``given``; only in an entry for owner teams, the latter not by an older release |
| ``level``, ``everything`` | sensitivity of the floor, and whether it covers the whole tenant; only with a floor |
| ``who`` | ``raised_by``, the values of the caller that decide about rights; absent without a caller |
| ``awaits`` | ``awaits``; only in an entry that waits for edges to end |

With a floor, the property ``covered`` is a JSON list of the vertices that it covers, empty for the whole tenant. Each
value of the property ``frontier`` is a JSON list of vertices to recompute.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from uuid import uuid4

import orjson

from app.graph.commits.sensitivity_floors import SensitivityFloor
from app.graph.records.stored_principal import principal_of, stored_principal
from app.graph.records.vertex_id import vertex_id
from graphql_schema.ports.record import JsonObject
from policies.principal import Principal

OUTBOX_ROOT: Final = vertex_id("pending", "top")
"""Vertex id from which all entries are reached. It is a hash of a text that is not a URN."""

ANY_TAG: Final = 0
"""Value of ``tag`` in an entry for all tags that the vertices of the entry carry when the job divides it by tag.

With ``around``, those that are around these vertices count as well.
"""

ID_BYTES: Final = 20
"""Number of bytes of a vertex id in an entry, with the comma after it."""

Caller = tuple[str, str]
"""A tenant, and the subject of the caller whose write left an entry, "" without a caller."""


@dataclass(slots=True)
class OutboxEntry:
    """Background work on sensitivity, tags, inferred edges or owner teams, to begin at ``due``.

    ``due`` is in epoch milliseconds, 0 for at once.

    - ``x``: vertex id of the entry; ``order``: sort key, increasing with time.
    - ``frontier``: vertices to recompute, in order; ``expand``: vertices whose targets are recomputed too; each once.
    - ``floor``: until the work is done, the vertices that it covers have at least its sensitivity; None without one.
    - ``tag``: vertex id of the tag to recompute, or ANY_TAG; None if the work is not about tags.
    - ``holders``, a flag: recompute all assets with a current edge to the tag, and their targets.
    - ``around``, a flag, with ANY_TAG: recompute the vertices in ``frontier``, and their targets, for all tags of these
      vertices, of their sources and of their children.
    - ``inference``, a flag: recompute inferred edges that end in ``frontier`` or have a chain through ``expand``.
    - ``owners``, a flag: let the children of ``frontier`` inherit its present owner teams, with the rights of the
      caller. ``given`` has the owner team that each of ``frontier`` got from this caller; an entry that an older
      release left has none.
    - ``raised_by``: the caller whose write left the entry; None if the server did, and in entries that an older release
      left for tags and inferred edges.
    - ``awaits``: an asset at which edges end later, and the parent that is in ``expand``, or 0. Of the entries of one
      kind for the same assets only the earliest is needed: its job leaves one for the next end
      (:meth:`app.graph.commits.outbox.Outbox.later`).
    - ``begun``, a flag, with ``awaits``: the job searches the next end over several steps. What a writer of any process
      declares from now on may be too late for it.
    - ``replaces``: stored entries that the transaction of this one deletes; it is not stored.
    - ``after``: with ``inference``, also recompute inferred edges to all assets whose URN is greater than this text, in
      all tenants.
    """

    x: int
    tenant: str
    order: int
    due: int = 0
    frontier: dict[int, None] = field(default_factory=dict)
    expand: dict[int, None] = field(default_factory=dict)
    floor: SensitivityFloor | None = None
    tag: int | None = None
    holders: bool = False
    inference: bool = False
    after: str | None = None
    raised_by: Principal | None = None
    awaits: tuple[int, int] | None = None
    replaces: "tuple[OutboxEntry, ...]" = ()
    owners: bool = False
    around: bool = False
    given: dict[int, str] = field(default_factory=dict)
    begun: bool = False

    @property
    def kind(self) -> str:
        """The kind of the work, which is the name of its job."""
        if self.tag is not None:
            return "tag"
        return "inference" if self.inference else "owner" if self.owners else "sensitivity"

    @property
    def caller(self) -> Caller:
        """The tenant, and the subject of the caller whose write left the entry, "" without a caller."""
        return self.tenant, "" if self.raised_by is None else self.raised_by.subject

    @property
    def size(self) -> int:
        """An estimate of the bytes that the store writes: those of vertex ids, and of the caller with all teams."""
        covered = () if self.floor is None else self.floor.covered or ()
        ids = sum(map(len, (self.frontier, self.expand, self.given, covered)))
        return ID_BYTES * ids + (0 if self.raised_by is None else len(_encoded(self.raised_by)))

    def binding(self) -> dict[str, object]:
        """Return the entry as the row of a new entry in the binding ``notes`` of the text ``WRITE``."""
        stored: JsonObject = {
            "tenant": self.tenant,
            "at": self.order,
            "due": self.due,
            "beyond": [*self.expand],
        }
        values = {}
        if self.tag is not None:
            stored |= {"tag": self.tag, "holders": self.holders, "around": self.around}
        if self.inference:
            stored |= {"enriches": True, "after": self.after}
        if self.owners:
            stored |= {"owns": True, "given": {str(vid): team for vid, team in self.given.items()}}
        if self.raised_by is not None:
            stored["who"] = orjson.Fragment(_encoded(self.raised_by))
        if self.awaits is not None:
            stored |= {"awaits": self.awaits, "begun": self.begun}
        if self.floor is not None:
            stored |= {"level": self.floor.level, "everything": self.floor.covered is None}
            values["covered"] = orjson.dumps(sorted(self.floor.covered or ())).decode()
        values["note"] = orjson.dumps(stored).decode()
        return {"x": self.x, "fresh": True, "p": values, "f": frontier_value(self.frontier)}


def frontier_value(frontier: Iterable[int]) -> list[str]:
    """Return vertex ids as the values of the property ``frontier``: one JSON list, or no value if there are no ids."""
    ids = list(frontier)
    return [orjson.dumps(ids).decode()] if ids else []


def entry_from_row(row: JsonObject) -> OutboxEntry:
    """Return the entry in a row of the store, with the keys ``x``, ``note``, ``covered`` and ``frontier``."""
    stored = orjson.loads(row["note"])
    frontier = dict.fromkeys(vid for text in row["frontier"] for vid in orjson.loads(text))
    floor = None
    raised_by = _caller_of(stored["tenant"], orjson.dumps(stored["who"])) if "who" in stored else None
    if "level" in stored:
        covered = None if stored["everything"] else frozenset(orjson.loads(row["covered"]))
        floor = SensitivityFloor(stored["tenant"], stored["level"], covered, raised_by)
    return OutboxEntry(
        row["x"],
        stored["tenant"],
        stored["at"],
        stored["due"],
        frontier,
        dict.fromkeys(stored["beyond"]),
        floor,
        stored.get("tag"),
        stored.get("holders", False),
        stored.get("enriches", False),
        stored.get("after"),
        raised_by,
        tuple(stored["awaits"]) if "awaits" in stored else None,
        owners=stored.get("owns", False),
        around=stored.get("around", False),
        given={int(vid): team for vid, team in stored.get("given", {}).items()},
        begun=stored.get("begun", False),
    )


@lru_cache(maxsize=20)
def _encoded(caller: Principal) -> bytes:
    """Return the value of the key ``who``: a thousand entries of a transaction may have a caller with as many teams."""
    return orjson.dumps(stored_principal(caller))


@lru_cache(maxsize=1_000)
def _caller_of(tenant: str, who: bytes) -> Principal:
    """Return the caller from the value of the key ``who`` as JSON: the same object for thousands of entries."""
    return principal_of(tenant, orjson.loads(who))


def awaiting(entry: OutboxEntry, vid: int, parent: int | None) -> OutboxEntry:
    """Return an entry, after it was set to recompute a vertex and the targets of ``parent`` when an edge has ended."""
    entry.frontier, entry.expand = {vid: None}, {} if parent is None else {parent: None}
    entry.awaits = vid, parent or 0
    return entry


def new_entry_id() -> int:
    """Return the vertex id of a new entry: random, so that the id of a deleted entry is not used again."""
    return vertex_id("pending", uuid4().hex)
