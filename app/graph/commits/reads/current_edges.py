"""The edges of one vertex that have not ended, in pages, however many have.

Edges of assets end, and are never removed. So any caller may have left hundreds of thousands of ended edges at a
vertex. A page passes them in slices, which take no memory of the transaction
(:mod:`app.graph.driver.groovy.edge_slices`).
"""

from collections.abc import Sequence
from typing import Final

from app.graph.commits.reads.hop_read import HopRead
from app.graph.commits.reads.read_limits import ReadLimits
from app.graph.driver.edge_pages import LARGE, PAGE
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.groovy.edge_slices import SLICES
from app.graph.driver.groovy.json_size import JSON_SIZE
from app.graph.driver.groovy.near_edges import NEAR
from app.graph.driver.prepared_statement import PreparedStatement

CURRENT_EDGES: Final = PreparedStatement.of(
    f"""
{JSON_SIZE}{NEAR}{SLICES}
def hop = new Hop([d: d, ls: ls, ks: [], n: 0, vf: Long.MAX_VALUE, vt: after])
def slices = new Slices(g.getGraph(), visits as int)
def found = new ArrayList()
def next = slices.read(hop, position, visits as long, size as long, found)
[[e: found.collectMany {{ [it.far, it.text] }}, r: next, n: (visits as int) - slices.unvisited]]
""",
    "d",
    "ls",
    "after",
    "position",
    "visits",
    "size",
    name="current_edges",
)
"""Reads the edges behind a ``position`` (:mod:`app.graph.driver.groovy.edge_slices`) that end later than ``after``.

It ends after ``visits`` edges, ended ones included, or ``size`` bytes of records. The response has the rows ``e``,
``[far vertex id, record, …]``, the number ``n`` of visited edges, and the next position ``r``, null at the end.
"""


class CurrentEdges:
    """The reading of a hop with ``after`` at one vertex. ``passed`` are the ended edges that the last page passed."""

    def __init__(self, hop: HopRead, vid: int) -> None:
        self._hop = hop.binding
        self._position: list[int] | None = [vid, 0, -1, 0]
        self.passed = 0

    @property
    def are_read(self) -> bool:
        """Whether the last page was read."""
        return self._position is None

    async def read(self, client: GremlinClient, limits: ReadLimits, size: int) -> tuple[Sequence[int], Sequence[str]]:
        """Return the far vertices and the records of the next page, of some ``size`` bytes at most."""
        budget = limits.page()
        bindings = {
            "d": self._hop["d"],
            "ls": self._hop["ls"],
            "after": self._hop["vt"],
            "position": self._position,
            "visits": budget.left if budget else LARGE * PAGE,
            "size": limits.at_once(size),
        }
        (found,) = await client.submit(CURRENT_EDGES, bindings, caller=limits.caller)
        rows = found["e"]
        self._position, self.passed = found["r"], found["n"] - len(rows) // 2
        return rows[::2], rows[1::2]
