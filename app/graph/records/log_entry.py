"""The entries of the write log: what one transaction of one process changed, as the other processes need to know it.

An entry is stored as JSON with these keys:

| key | value |
|---|---|
| ``n`` | number of the transaction, from 1 |
| ``p`` | name of the process that wrote it |
| ``at`` | latest instant of changes, in epoch milliseconds, that the process has used or learned; 0 for none |
| ``now`` | present of the process at the transaction, in epoch milliseconds |
| ``v``, ``e``, ``t`` | ``vertices``, ``edge_ends`` and ``tenants`` of :class:`app.graph.records.touched.Touched` |
| ``all`` | whether it counts as touching everything for the caches of other processes; ``e`` is empty then |
| ``new``, ``gone`` | vertex ids of the outbox entries that it adds and deletes |
| ``lease`` | the job lease from now on, ``{p: holder, until: epoch milliseconds}``; null if it is unchanged |
| ``wait`` | milliseconds for which other processes wait for the next transaction of this one, 0 for none |

``v`` lists all vertices of a transaction, because the index is compared with them
(:mod:`app.graph.admin.index_watch`). Nothing bounds their number: one item deletes all versions of an asset. An id
takes 20 bytes, and the vertex itself hundreds in the same transaction. Only an entry of an older release may list none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import orjson

from app.graph.records.touched import EVERYTHING, Touched
from app.graph.records.vertex_id import internal_vertex_id
from graphql_schema.ports.record import JsonObject

MAX_LISTED: Final = 5_000
"""Number of vertices and ends of edges above which an entry counts as touching everything, and lists no ends."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of the process ``holder`` to run the background jobs, until an instant in epoch milliseconds."""

    holder: str
    until: int

    def stored(self) -> JsonObject:
        """Return the lease as the value of the key ``lease``."""
        return {"p": self.holder, "until": self.until}

    def text(self) -> str:
        """Return the lease as JSON."""
        return orjson.dumps(self.stored()).decode()


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry, as the table of the module explains; ``added`` and ``deleted`` are ``new`` and ``gone``."""

    number: int
    process: str
    at: int = 0
    touched: Touched = EVERYTHING
    added: tuple[int, ...] = ()
    deleted: tuple[int, ...] = ()
    lease: Lease | None = None
    now: int = 0
    wait: int = 0

    @property
    def vid(self) -> int:
        """The vertex id of the entry."""
        return entry_vid(self.number)

    def text(self) -> str:
        """Return the entry as it is stored."""
        touched = self.touched
        everything = touched.everything or len(touched.vertices) + len(touched.edge_ends) > MAX_LISTED
        stored: JsonObject = {
            "n": self.number,
            "p": self.process,
            "at": self.at,
            "now": self.now,
            "v": sorted(touched.vertices),
            "e": [] if everything else sorted(touched.edge_ends),
            "t": None if touched.tenants is None else sorted(touched.tenants),
            "all": everything,
            "new": self.added,
            "gone": self.deleted,
            "lease": self.lease and self.lease.stored(),
            "wait": self.wait,
        }
        return orjson.dumps(stored).decode()


def entry_of(text: str) -> LogEntry:
    """Return the entry that is stored as ``text``."""
    stored: JsonObject = orjson.loads(text)
    tenants = stored["t"]
    touched = Touched(
        frozenset(stored["v"]),
        frozenset((direction, label, vid) for direction, label, vid in stored["e"]),
        None if tenants is None else frozenset(tenants),
        stored["all"],
    )
    return LogEntry(
        stored["n"],
        stored["p"],
        stored["at"],
        touched,
        tuple(stored["new"]),
        tuple(stored["gone"]),
        lease_of(stored["lease"]),
        stored["now"],
        stored.get("wait", 0),
    )


def lease_of(stored: JsonObject | None) -> Lease | None:
    """Return the stored lease, None for null."""
    return None if stored is None else Lease(stored["p"], stored["until"])


def entry_vid(number: int) -> int:
    """Return the vertex id of the entry with a number; no asset and no receipt can have it."""
    return internal_vertex_id("write log", f"entry {number}")


def entry_vids(numbers: Iterable[int]) -> list[int]:
    """Return the vertex ids of the entries with these numbers."""
    return [entry_vid(number) for number in numbers]
