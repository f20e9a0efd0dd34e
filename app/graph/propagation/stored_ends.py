"""Reads the next instant at which an edge ends that carries to an asset, page by page."""

from dataclasses import dataclass, field
from typing import Final

from app.graph.driver.edge_pages import VISITED, EdgePages, VisitBudget, page_of_edges
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.groovy.edge_entries import EDGES_BEHIND
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.propagation.flow_statement import PARENT_STEPS
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.relations import CARRYING
from graphql_schema.ports.record import JsonObject

_NEXT_END: Final = PreparedStatement.of(
    f"""
{EDGES_BEHIND}
def next = never
def budget = page as long
def rest = hops.collect {{ h ->
  def out = h.d == 'out'; def ls = h.ls; def first = h.xs; def more = h.more
  def see = {{ e ->
    def end = e.property('validTo').orElse(never)
    if (end > since && end < next && e.value('validFrom') < end) next = end
    1
  }}
{page_of_edges("see")}
  [unread, partly]
}}
[[next: next, r: rest, n: {VISITED}]]
""",
    "hops",
    "since",
    "never",
    "page",
    name="flows",
)


def _hops(vid: int) -> list[JsonObject]:
    """Return the hops over the edges that carry to a vertex, or lead to its parents."""
    inward = [*CARRYING, *(step.label for step in PARENT_STEPS if step.direction == "in")]
    outward = [step.label for step in PARENT_STEPS if step.direction == "out"]
    return [{"d": "in", "ls": inward, "xs": [vid]}, {"d": "out", "ls": outward, "xs": [vid]}]


@dataclass(slots=True)
class NextEnd:
    """The search for the first end after ``since`` of the edges that carry to the vertex ``vid``, or to its parent.

    Instants are in epoch milliseconds. ``due`` is the first end found so far, FOREVER without one. Declassified edges
    count, too.
    """

    vid: int
    since: int
    due: int = FOREVER
    pages: EdgePages = field(init=False)

    def __post_init__(self) -> None:
        self.pages = EdgePages(_hops(self.vid))

    async def advance(self, client: GremlinClient, budget: VisitBudget) -> bool:
        """Read the next pages, as far as the budget of a step permits; return whether all edges are read.

        What is written between two steps must leave an entry of its own (:mod:`app.graph.jobs.awaited_end`).
        """
        while not (self.pages.is_read or budget.is_spent):
            page = self.pages.within(budget).page
            bindings = {"hops": self.pages.bindings(), "since": self.since, "never": FOREVER, "page": page}
            (found,) = await client.submit(_NEXT_END, bindings)
            self.pages.add((), found["r"], found["n"])
            self.due = min(self.due, found["next"])
        return self.pages.is_read
