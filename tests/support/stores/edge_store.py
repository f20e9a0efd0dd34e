"""A store of edges in memory, from which the inference job reads pages, and to which it writes inferred edges."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

from support.stores.paged_edges import Row, page_of

from app.graph.commits.write_set import WriteSet
from app.graph.driver.edge_pages import EDGES
from app.graph.driver.errors import LostTurnError, WriteRefusedError
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.edge_record import EdgeKey
from app.graph.records.record_text import record_of, text_of
from app.graph.records.vertex_id import vertex_id
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.ports.record import Record

INPUTS = 400
RUN = vertex_id("default", "run")
ENDS = list(range(1, 51))
VERSIONS = range(1_001, 1_001 + INPUTS)
KINDS_OF = {"INPUT_TO": ("MODEL_VERSION", "RUN"), "PRODUCES": ("RUN", "MODEL_VERSION")}
DERIVED = "INFERRED_BASE_OF"


@dataclass
class EdgeStore:
    """A client over edges in memory: those of a run with many model versions as inputs, which produced ENDS.

    It refuses a transaction of over ``most`` edges, or with an edge to ``bad``. ``losses`` has whether the next
    transaction loses its turn to another process. ``pages`` has the numbers of edges in the responses, ``written``
    those in the transactions, and ``done`` the entries that were worked off.
    """

    most: int = 10_000
    losses: Iterator[bool] = field(default_factory=lambda: cycle([False]))
    bad: int | None = None
    page: int = 10_000
    edges: dict[EdgeKey, Record] = field(default_factory=dict)
    pages: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    refused: int = 0
    done: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.edges |= {("INPUT_TO", version, RUN): {"validFrom": 0} for version in VERSIONS}
        self.edges |= {("PRODUCES", RUN, end): {"validFrom": 0} for end in ENDS}

    @property
    def derived(self) -> dict[EdgeKey, Record]:
        """The inferred edges by key."""
        return {key: edge for key, edge in self.edges.items() if key[0] == DERIVED}

    async def submit(self, statement: PreparedStatement, bindings: dict[str, Any], **_: object) -> list[Any]:
        """Return a page of the edges to vertices with their records, or of those from vertices without."""
        hops, to_vertices = bindings["hops"], statement is EDGES
        at = defaultdict[tuple[str, int], list[EdgeKey]](list)
        for key in self.edges:
            at[key[0], key[2] if to_vertices else key[1]].append(key)

        def edges_of(hop: int, vid: int) -> list[Row]:
            keys = at[hops[hop]["ls"][0], vid]
            return [(key, key[1 if to_vertices else 2]) for key in keys]

        found, rest = page_of(hops, edges_of, min(self.page, bindings["page"]))
        self.pages.append(sum(map(len, found)))
        rows = [[value for key, _ in each for value in self._row(key, to_vertices)] for each in found]
        deletions = [value for hop in hops for vid in hop["xs"] for value in (vid, FOREVER)]
        return [{"e": rows, "r": rest, "d": deletions if bindings.get("deletions") else [], "n": self.pages[-1]}]

    def _row(self, key: EdgeKey, to_vertices: bool) -> list[Any]:  # noqa: FBT001 - as the caller has it
        """Return the values of an edge in a response."""
        label, source, target = key
        out, into = KINDS_OF.get(label, ("MODEL_VERSION", "MODEL_VERSION"))
        if to_vertices:
            return [target, into, source, out, text_of(self.edges[key])]
        return [source, out, target, into]

    async def take(self, writes: WriteSet) -> None:
        """Store the edges of a transaction."""
        rows: Any = writes.bindings()["edges"]
        if rows and next(self.losses):
            raise LostTurnError("another process wrote first")
        if len(rows) > self.most or self.bad in {row["i"] for row in rows}:
            self.refused += 1
            raise WriteRefusedError("The store refused the write.")
        found = {(row["l"], row["o"], row["i"]): record_of(row["p"]["record"]) for row in rows}
        assert all(row["fresh"] == (key not in self.edges) for row, key in zip(rows, found, strict=True))
        self.edges |= found
        self.written.append(len(rows))
