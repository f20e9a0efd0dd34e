"""Outbox entries: work that a transaction leaves for a background job, stored in the same transaction.

An entry is a vertex of the label ``Pending`` without tenant, URN, record or index entry, so that no read of the API
returns it. An edge ``PENDING`` leads to it from one well-known vertex. Its stored JSON uses these keys:

| key | meaning |
|---|---|
| ``tenant``, ``at``, ``due`` | tenant, order, and the instant from which it may be worked off |
| ``beyond`` | ``expand`` |
| ``tag``, ``holders`` | of an entry for a tag |
| ``enriches``, ``after`` | of an entry for inferred edges |
| ``level``, ``everything`` | sensitivity of its floor, and whether that covers the tenant |

The property ``covered`` lists the vertices of the floor, ``frontier`` lists of vertices to recompute.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

import orjson

from app.graph.commits.sensitivity_floors import SensitivityFloor
from app.graph.records.vertex_id import vertex_id
from graphql_schema.ports.record import JsonObject

OUTBOX_ROOT: Final = vertex_id("pending", "top")
"""Vertex id from which all entries are reached. No asset has this id, because a URN begins with another prefix."""

ANY_TAG: Final = 0
"""Tag of an entry for all tags that its vertices carry when it is due."""


@dataclass(slots=True)
class OutboxEntry:
    """Background work on sensitivity, one tag or inferred edges, to begin at ``due`` (epoch milliseconds).

    - ``x``: vertex id; ``order``: sort key, increasing with time.
    - ``frontier``: vertices to recompute, in order; the targets of the vertices in ``expand`` follow later.
    - ``floor``: minimum sensitivity of its vertices until the work is done.
    - ``tag``: vertex id of a tag, or ANY_TAG; with ``holders`` all assets that carry the tag are recomputed.
    - ``inference``: inferred edges that end in ``frontier`` or lead through ``expand``; with ``after`` also all that
      end at assets with a later URN.
    """

    x: int
    tenant: str
    order: int
    due: int = 0
    frontier: dict[int, None] = field(default_factory=dict)
    expand: tuple[int, ...] = ()
    floor: SensitivityFloor | None = None
    tag: int | None = None
    holders: bool = False
    inference: bool = False
    after: str | None = None

    def binding(self) -> dict[str, object]:
        """Return the entry as a row of the binding ``notes`` of the text ``WRITE``."""
        stored: JsonObject = {
            "tenant": self.tenant,
            "at": self.order,
            "due": self.due,
            "beyond": self.expand,
        }
        values = {}
        if self.tag is not None:
            stored |= {"tag": self.tag, "holders": self.holders}
        if self.inference:
            stored |= {"enriches": True, "after": self.after}
        if self.floor is not None:
            stored |= {"level": self.floor.level, "everything": self.floor.covered is None}
            values["covered"] = orjson.dumps(sorted(self.floor.covered or ())).decode()
        values["note"] = orjson.dumps(stored).decode()
        return {"x": self.x, "fresh": True, "p": values, "f": frontier_value(self.frontier)}


def frontier_value(frontier: Iterable[int]) -> list[str]:
    """Return vertex ids as values of the property ``frontier``; none for no ids."""
    ids = list(frontier)
    return [orjson.dumps(ids).decode()] if ids else []


def entry_from_row(row: JsonObject) -> OutboxEntry:
    """Return the entry in a row of the store, with the keys ``x``, ``note``, ``covered`` and ``frontier``."""
    stored = orjson.loads(row["note"])
    frontier = dict.fromkeys(vid for text in row["frontier"] for vid in orjson.loads(text))
    floor = None
    if "level" in stored:
        covered = None if stored["everything"] else frozenset(orjson.loads(row["covered"]))
        floor = SensitivityFloor(stored["tenant"], stored["level"], covered)
    return OutboxEntry(
        row["x"],
        stored["tenant"],
        stored["at"],
        stored["due"],
        frontier,
        tuple(stored["beyond"]),
        floor,
        stored.get("tag"),
        stored.get("holders", False),
        stored.get("enriches", False),
        stored.get("after"),
    )


def new_entry_id() -> int:
    """Return the vertex id of a new entry. An id is never used again, so that a dropped entry cannot return."""
    return vertex_id("pending", uuid4().hex)
