"""Outbox entries: work that a transaction leaves for a background job."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import orjson

from app.graph.commits.sensitivity_floors import SensitivityFloor
from app.graph.records.vertex_id import vertex_id

OUTBOX_ROOT: Final = vertex_id("pending", "top")
"""The vertex that notes hang on. No asset has this id: a URN begins otherwise."""


ANY_TAG: Final = 0
"""Of a note: whichever tags its vertices carry once it is due."""


@dataclass(slots=True)
class OutboxEntry:
    """Vertices to settle, once ``due`` (epoch milliseconds) has passed, and the fence that stands until it is done.

    ``frontier`` is what remains, in order; ``beyond`` are vertices whose targets are to be settled. ``tag`` is the
    vertex id of the tag that it is about, or ANY_TAG. With ``holders`` it is about all that carry the tag, too. With
    ``enriches`` it is about inferred edges: those that end at ``frontier``, those that lead through ``beyond``, and
    with ``after`` all that end at assets whose ids come after this one. Else it is about sensitivity.
    """

    x: int
    tenant: str
    at: int
    due: int = 0
    frontier: dict[int, None] = field(default_factory=dict)
    expand: tuple[int, ...] = ()
    floor: SensitivityFloor | None = None
    tag: int | None = None
    holders: bool = False
    enriches: bool = False
    after: str | None = None

    def wire(self) -> dict[str, Any]:
        """The note as the text ``WRITE`` takes it."""
        said: dict[str, Any] = {"tenant": self.tenant, "at": self.at, "due": self.due, "beyond": self.expand}
        values = {}
        if self.tag is not None:
            said |= {"tag": self.tag, "holders": self.holders}
        if self.enriches:
            said |= {"enriches": True, "after": self.after}
        if self.floor is not None:
            said |= {"level": self.floor.level, "everything": self.floor.covered is None}
            values["covered"] = orjson.dumps(sorted(self.floor.covered or ())).decode()
        values["note"] = orjson.dumps(said).decode()
        return {"x": self.x, "fresh": True, "p": values, "f": more(self.frontier)}


def more(frontier: Iterable[int]) -> list[str]:
    """Ids as a value of the property ``frontier``."""
    ids = list(frontier)
    return [orjson.dumps(ids).decode()] if ids else []


def entry_from_row(row: dict[str, Any]) -> OutboxEntry:
    """Return the outbox entry that a row of the store holds."""
    said = orjson.loads(row["note"])
    frontier = dict.fromkeys(vid for text in row["frontier"] for vid in orjson.loads(text))
    fence = None
    if "level" in said:
        covered = None if said["everything"] else frozenset(orjson.loads(row["covered"]))
        fence = SensitivityFloor(said["tenant"], said["level"], covered)
    return OutboxEntry(
        row["x"],
        said["tenant"],
        said["at"],
        said["due"],
        frontier,
        tuple(said["beyond"]),
        fence,
        said.get("tag"),
        said.get("holders", False),
        said.get("enriches", False),
        said.get("after"),
    )


def new_entry_id() -> int:
    """The vertex id of a new note: never taken again, so that what is dropped cannot come back."""
    return vertex_id("pending", uuid4().hex)
