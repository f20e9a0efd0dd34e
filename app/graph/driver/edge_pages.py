"""Reads the edges of vertices in pages, because one vertex may have hundreds of thousands.

A page is one response, which is parsed in one callback of the event loop, and one request, for which a job or a
transaction holds the write lock. The text :func:`page_of_edges` continues behind an edge of one label of a vertex, in
the order of far vertices. A later page thus takes no more time than the first one. Edges of assets end, and are never
removed. A page may repeat edges, and misses none of those stored before the first one.
"""

from collections.abc import Collection, Container, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, Self

from gremlin_python.process.graph_traversal import __

from app.fair_queue import PROCESS
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.gremlin_text import g, param, render, spread
from app.graph.driver.groovy.edge_entries import EDGES_BEHIND
from app.graph.driver.groovy.json_size import JSON_SIZE
from app.graph.driver.prepared_statement import PreparedStatement
from graphql_schema.ports.record import Json, JsonObject

PAGE: Final = 5_000
"""Number of edges and starts after which a page ends: the store needs some 0.1 s for them, and the parser 2 ms.

It is also the number that a step of a job visits (:class:`VisitBudget`), because writers wait during a step.
"""

LARGE: Final = 12
"""Factor of a large page: it is parsed in less than 30 ms, and there are fewer requests."""

PART_BYTES: Final = 240
"""Bytes of a record that count as one more edge, so that a page is small as well.

What a character takes beyond one byte counts twice: such texts are decoded more slowly. An ordinary record is smaller.
"""

FEW: Final = 100
"""Maximal number of edges that are read of a vertex together with those of others."""

TOGETHER: Final = 200
"""Maximal number of vertices whose edges the store reads together."""


Position = tuple[int, str, int]
"""A vertex id, an edge label, and the far vertex id of the last edge of both that was read; 0 before the first one."""


def page_of_edges(visit: str) -> str:
    """Return the text that reads edges from ``first`` and ``more`` until nothing is left of the number ``budget``.

    It needs the variables ``first`` (a list of vertex ids), ``more`` (a list of positions), ``ls`` (edge labels) and
    ``out`` (whether the edges leave the vertices). ``visit`` is the name of a closure that gets an edge and returns how
    much of ``budget`` it takes. It leaves ``unread``, the vertices without a read edge, and ``partly``, the positions
    where to continue. Each is a list of a vertex id, a label and the last far id. The classes EDGES_BEHIND must be in
    the same text.
    """
    outward, inward = (render(g.V(param("xs")).local(edges(spread("ls")).limit(FEW))) for edges in (__.out_e, __.in_e))
    return f"""
  def unread = []
  def partly = []
  first.collate({TOGETHER}).each {{ xs ->
    if (budget <= 0) {{ unread.addAll(xs); return }}
    def counts = new LinkedHashMap()
    def last = null
    def t = out ? {outward} : {inward}
    while (budget > 0 && t.hasNext()) {{
      def e = t.next()
      last = (out ? e.outVertex() : e.inVertex()).id()
      counts[last] = (counts[last] ?: 0) + 1
      budget -= {visit}(e)
    }}
    def ended = !t.hasNext()
    budget -= xs.size()
    counts.each {{ x, n -> if (n == {FEW} || (x == last && !ended)) ls.each {{ l -> partly << [x, l, 0] }} }}
    if (!ended) unread.addAll(xs.findAll {{ !counts.containsKey(it) }})
  }}
  more.each {{ m ->
    if (budget <= 0) {{ partly << m; return }}
    def t = new EdgesBehind(g.getGraph(), m[0] as long, m[1], out, m[2] as long, budget)
    while (budget > 0 && t.hasNext()) {{ budget -= {visit}(t.next()) }}
    if (t.hasNext()) partly << [m[0], m[1], t.far]
  }}
"""


VISITED: Final = "(page as long) - budget"
"""Text of the number of edges and starts that :func:`page_of_edges` has visited, also if no row is returned of them."""


EDGES: Final = PreparedStatement.of(
    f"""
{JSON_SIZE}{EDGES_BEHIND}
def budget = page as long
def starts = new LinkedHashSet()
def edges = []
def rest = []
hops.each {{ h ->
  def out = h.d == 'out'; def ls = h.ls; def first = h.xs; def more = h.more
  def rows = []
  def see = {{ e ->
    def a = out ? e.outVertex() : e.inVertex()
    def b = out ? e.inVertex() : e.outVertex()
    def r = e.value('record')
    rows << a.id(); rows << e.property(out ? 'fromKind' : 'toKind').orElse(null)
    rows << b.id(); rows << e.property(out ? 'toKind' : 'fromKind').orElse(null); rows << r
    1 + (2 * JsonSize.of(r) - r.length()).intdiv({PART_BYTES})
  }}
{page_of_edges("see")}
  starts.addAll(first)
  starts.removeAll(unread as Set)
  edges << rows
  rest << [unread, partly]
}}
def gone = []
def xs = deletions ? starts as List : []
if (xs) {render(g.V(param("xs")))}.each {{ gone << it.id(); gone << it.property('deletedAt').orElse(0L) }}
[[e: edges, r: rest, d: gone, n: {VISITED}]]
""",
    "hops",
    "page",
    "deletions",
    name="edges",
)
"""Reads a page of edges with their records.

Each of the ``hops`` has ``d``, ``ls``, ``xs`` and ``more`` as :meth:`EdgePages.bindings` returns them. Its rows are
``[vertex id, its kind code, far vertex id, its kind code, record, …]``. With ``deletions``, the response also has
``[vertex id, native deletedAt, …]`` of the vertices in ``xs`` from which it has started. ``n`` is the number of edges
and starts that it has visited, and of each further PART_BYTES of records.
"""


@dataclass(slots=True)
class VisitBudget:
    """What a step may still visit: ``left`` edges, and vertices from which they start; PAGE at first in one of a job.

    Each edge that the store goes through counts, also one that has ended or leads to a vertex of another kind. A step
    sends no further request for edges when the budget is spent, and the next step continues. A transaction has a single
    step: what it would read in the next one is too much for it.
    """

    left: int = field(default_factory=lambda: PAGE)

    @property
    def is_spent(self) -> bool:
        """Whether the step must end before its next request for edges."""
        return self.left <= 0

    @property
    def is_half_spent(self) -> bool:
        """Whether what is left may be too little for further reads of the same step that belong together."""
        return self.left < PAGE // 2

    def spend(self, visited: int) -> None:
        """Count what a request has visited."""
        self.left -= visited


@dataclass(slots=True)
class EdgePages:
    """The reading of some hops, page by page. It keeps positions, and no result.

    A hop has the keys ``d`` (direction), ``ls`` (edge labels) and ``xs`` (where it starts). With the key ``p``, if that
    is not negative, it starts from the far ends of the hop with this index instead, from each of them once. Then it
    also has ``ns``, the codes of the kinds from which it starts, or none for all kinds. With ``in_one_step``, the
    reader reads all pages at once, so these are large. ``visited`` is the number of edges and starts of all pages so
    far.
    """

    hops: Sequence[JsonObject]
    in_one_step: bool = False
    has_begun: bool = False
    visited: int = 0
    _first: list[list[int]] = field(default_factory=list)
    _more: list[list[Position]] = field(default_factory=list)
    _unsent: list[list[int]] = field(default_factory=list)
    _started: list[set[int]] = field(default_factory=list)
    _budget: VisitBudget | None = None

    def __post_init__(self) -> None:
        self._first = [list(hop["xs"]) for hop in self.hops]
        self._more = [[] for _ in self.hops]
        self._unsent = [[] for _ in self.hops]
        self._started = [set() for _ in self.hops]

    @classmethod
    def at_vertex(cls, direction: str, labels: Iterable[str], vid: int) -> "EdgePages":
        """Return the reading of the edges of a single vertex, of which no page repeats one while nothing is written."""
        pages = cls([{"d": direction, "ls": [*labels], "xs": []}], in_one_step=True)
        pages._more = [[(vid, label, 0) for label in labels]]
        return pages

    @classmethod
    def of_hops(cls, hops: Sequence[tuple[str, str, Iterable[int]]]) -> "EdgePages":
        """Return the reading of hops vertex by vertex, in order, as :meth:`at_vertex`.

        A hop has a direction, an edge label, and the vertices where it starts.
        """
        pages = cls([{"d": direction, "ls": [label], "xs": []} for direction, label, _ in hops])
        pages._more = [[(vid, label, 0) for vid in vids] for _, label, vids in hops]
        return pages

    @property
    def page(self) -> int:
        """The number of edges and starts after which the next page ends: not more than its budget has left."""
        maximum = LARGE * PAGE if self.in_one_step else PAGE
        return maximum if self._budget is None or self._budget.is_spent else min(self._budget.left, maximum)

    def within(self, budget: VisitBudget | None) -> Self:
        """Let the next pages count in the budget of a step, or in none; return this reading."""
        self._budget = budget
        return self

    @property
    def is_read(self) -> bool:
        """Whether all edges are read."""
        return self.has_begun and not any(self._first) and not any(self._more)

    def bindings(self) -> list[JsonObject]:
        """Return the hops of the next page: only in the first one, hops start from the far ends of others.

        They have no more starts than the page can have. The store would send back the others, 100,000 of them perhaps.
        """
        vacant, sent = self.page, list[list[int]]()
        for first in self._first:
            sent.append(first[:vacant])
            vacant -= len(sent[-1])
        self._unsent = [first[len(some) :] for first, some in zip(self._first, sent, strict=True)]
        return [
            {**hop, "xs": xs, "more": more} | ({"p": -1} if self.has_begun else {})
            for hop, xs, more in zip(self.hops, sent, self._more, strict=True)
        ]

    def add(
        self,
        far_ends: Sequence[Collection[tuple[int, Json]]],
        rest: Sequence[tuple[list[int], list[Position]]],
        visited: int,
    ) -> None:
        """Continue after a page with these far ends of each hop, in which the ``rest`` of each hop was left.

        A far end is a vertex id and the code of its kind. Call it after :meth:`bindings`. The page has ``visited``
        edges and starts, which count in its budget.
        """
        self.visited += visited
        if self._budget is not None:
            self._budget.spend(visited)
        is_first, self.has_begun = not self.has_begun, True
        self._first = [[*first, *unsent] for (first, _), unsent in zip(rest, self._unsent, strict=True)]
        self._more = [list(more) for _, more in rest]
        if is_first and self.is_read:
            return
        for number, hop in enumerate(self.hops):
            if hop.get("p", -1) >= 0:
                found, kinds = far_ends[hop["p"]], hop["ns"]
                new = {vid for vid, kind in found if not kinds or kind in kinds} - self._started[number]
                self._started[number] |= new
                self._first[number] += [] if is_first else sorted(new)

    @property
    def left(self) -> set[int]:
        """The vertices of which edges may be left to read."""
        return {*chain(*self._first)} | {vid for vid, *_ in chain(*self._more)}

    def leave(self, vids: Container[int]) -> None:
        """Read no further edges of these vertices."""
        self._first = [[vid for vid in first if vid not in vids] for first in self._first]
        self._more = [[position for position in more if position[0] not in vids] for more in self._more]

    def has_started_from(self, vid: int) -> bool:
        """Return whether a hop over the far ends of another one has started from a vertex."""
        return any(vid in started for started in self._started)


@dataclass(frozen=True, slots=True)
class EdgePage:
    """A page of edges with their records: for each hop the rows, and the native ``deletedAt`` by vertex id."""

    rows: Sequence[Sequence[Json]]
    deletions: Sequence[Json]


async def read_edge_page(
    client: GremlinClient, pages: EdgePages, *, deletions: bool = False, caller: Hashable = PROCESS
) -> EdgePage:
    """Return the next page, whose rows are those of the text EDGES, by a request with a slot of ``caller``."""
    bindings = {"hops": pages.bindings(), "page": pages.page, "deletions": deletions}
    (found,) = await client.submit(EDGES, bindings, caller=caller)
    pages.add([[*zip(rows[2::5], rows[3::5], strict=True)] for rows in found["e"]], found["r"], found["n"])
    return EdgePage(found["e"], found["d"])
