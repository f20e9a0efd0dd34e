"""The entries of the write log: what one transaction of one process changed, as the other processes need to know it.

An entry is stored as JSON with these keys:

| key | value |
|---|---|
| ``n`` | number of the transaction, from 1 |
| ``p`` | name of the process that wrote it |
| ``at`` | latest instant of changes, in epoch milliseconds, that the process has used or learned; 0 for none |
| ``now`` | present of the process at the transaction, in epoch milliseconds |
| ``v``, ``e``, ``t`` | ``vertices``, ``edge_ends`` and ``tenants`` of :class:`app.graph.records.touched.Touched` |
| ``edges`` | ``edges``, as ``{label: [out, in, …]}`` with the vertex ids of each; null if these are many or not known |
| ``all`` | whether it touches everything for a process that does not know ``ends``, or if that is null |
| ``ends`` | the ends of edges as ``[direction, label, [vertex id, …]]`` if they are many, else null |
| ``new``, ``gone`` | vertex ids of the outbox entries that it adds, or changes for all to learn, and that it deletes |
| ``lease`` | the job lease from now on, ``{p: holder, until: epoch milliseconds}``; null if it is unchanged |
| ``wait`` | milliseconds for which other processes wait for the next transaction of this one, 0 for none |
| ``by`` | the callers, as ``[tenant, subject]``, for whom others wait; not those who have to let others be first |

``v`` lists all vertices of a transaction, because the index is compared with them
(:mod:`app.graph.admin.index_watch`). Nothing bounds their number: one item deletes all versions of an asset. An id
takes 20 bytes, and the vertex itself hundreds in the same transaction. Only an entry of an older release may list none.

With ``ends``, ``e`` is empty and ``all`` is true, because an older release does not read ``ends``. An end takes 20
bytes there, in place of 38, and a third of the time to read.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from app.graph.records.edge_record import EdgeKey
from app.graph.records.touched import EVERYTHING, EdgeEnd, Touched
from app.graph.records.vertex_id import internal_vertex_id
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.record import Json, JsonObject

MAX_LISTED: Final = 100_000
"""Number of vertices and ends of edges above which an entry counts as touching everything, and lists no ends.

The other processes then read everything from the store for some seconds. No transaction should touch so much: the store
takes requests of at most 32 MiB, and each vertex and end of what items write takes more than 400 bytes of one.
"""

MAX_UNGROUPED: Final = 5_000
"""Number of vertices and ends of edges above which an entry has the key ``ends``."""

LONG_ENTRY: Final = 32 * 1024
"""Number of characters above which an entry is read in the side thread; that many take 0.3 to 0.6 ms."""


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

    number: int = 0
    process: str = ""
    at: int = 0
    touched: Touched = EVERYTHING
    added: tuple[int, ...] = ()
    deleted: tuple[int, ...] = ()
    lease: Lease | None = None
    now: int = 0
    wait: int = 0
    by: tuple[tuple[str, str], ...] = ()

    @property
    def vid(self) -> int:
        """The vertex id of the entry."""
        return entry_vid(self.number)

    def text(self) -> str:
        """Return the entry as it is stored."""
        touched = self.touched
        count = len(touched.vertices) + len(touched.edge_ends)
        everything = touched.everything or count > MAX_LISTED
        is_grouped = not everything and count > MAX_UNGROUPED
        stored: JsonObject = {
            "n": self.number,
            "p": self.process,
            "at": self.at,
            "now": self.now,
            "v": [*touched.vertices],
            "e": [] if everything or is_grouped else [*touched.edge_ends],
            "edges": None if touched.edges is None or everything or is_grouped else _by_label(touched.edges),
            "t": None if touched.tenants is None else sorted(touched.tenants),
            "all": everything or is_grouped,
            "ends": _grouped(touched) if is_grouped else None,
            "new": self.added,
            "gone": self.deleted,
            "lease": self.lease and self.lease.stored(),
            "wait": self.wait,
            "by": self.by,
        }
        return orjson.dumps(stored).decode()


def _by_label(edges: Iterable[EdgeKey]) -> dict[str, list[int]]:
    """Return edges as the value of the key ``edges``."""
    found = defaultdict[str, list[int]](list)
    for label, *ends in edges:
        found[label] += ends
    return found


def _edges_of(stored: Mapping[str, list[int]]) -> Iterator[EdgeKey]:
    """Yield the edges in the value of the key ``edges``."""
    return ((label, *ends) for label, vids in stored.items() for ends in zip(vids[::2], vids[1::2], strict=True))


def _grouped(touched: Touched) -> list[Json]:
    """Return the ends of edges as the value of the key ``ends``."""
    return [[*group, [*vids]] for group, vids in touched.ends_by_label().items()]


def _ungrouped(groups: Iterable[Json]) -> Iterator[EdgeEnd]:
    """Yield the ends of edges in the value of the key ``ends``."""
    return ((direction, label, vid) for direction, label, vids in groups for vid in vids)


async def entries_of(texts: Sequence[str]) -> list[LogEntry]:
    """Return the entries that are stored as ``texts`` by their numbers; those with many ids in the side thread."""
    entries = [await run_in_turn(entry_of, len(text) > LONG_ENTRY, text) for text in texts]
    return sorted(entries, key=lambda entry: entry.number)


def entry_of(text: str) -> LogEntry:
    """Return the entry that is stored as ``text``."""
    stored: JsonObject = orjson.loads(text)
    tenants, groups = stored["t"], stored.get("ends")
    ends = stored["e"] if groups is None else _ungrouped(groups)
    touched = Touched(
        frozenset(stored["v"]),
        frozenset((direction, label, vid) for direction, label, vid in ends),
        None if tenants is None else frozenset(tenants),
        stored["all"] and groups is None,
        edges=None if stored.get("edges") is None else frozenset(_edges_of(stored["edges"])),
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
        tuple((tenant, subject) for tenant, subject in stored.get("by", ())),
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
