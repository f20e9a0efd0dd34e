"""Finds where chains of the inference rules through some vertices may end, page by page.

The text BEYOND reads a page of hops as :class:`app.graph.driver.edge_pages.EdgePages` has them, with ``ks``, the codes
of the kinds at the far ends. Its rows are ``[start, its kind code, far end, its kind code, …]``.

What is written between two pages leaves an outbox entry of its own. So a search may continue over several steps.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.graph.driver.edge_pages import VISITED, EdgePages, VisitBudget, page_of_edges
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.groovy.edge_entries import EDGES_BEHIND
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.chain_reads import MANY
from graphql_schema.catalog.inference_rules import InferenceRule
from graphql_schema.catalog.kinds import KINDS, NAME_OF_CODE
from graphql_schema.execution.side_thread import run_in_turn
from graphql_schema.ports.record import Json, JsonObject

ReachedPlace = tuple[InferenceRule, int, int]
"""A rule, a place in its chain, and the vertex id that is there."""

BEYOND: Final = PreparedStatement.of(
    f"""
{EDGES_BEHIND}
def budget = page as long
def rest = []
def edges = hops.collect {{ h ->
  def out = true; def first = h.xs; def more = h.more; def ls = h.ls; def ks = h.ks as Set
  def rows = []
  def see = {{ e ->
    def k = e.property('toKind').orElse(null)
    if (ks.contains(k)) {{
      rows << e.outVertex().id(); rows << e.property('fromKind').orElse(null); rows << e.inVertex().id(); rows << k
    }}
    1
  }}
{page_of_edges("see")}
  rest << [unread, partly]
  rows
}}
[[e: edges, r: rest, n: {VISITED}]]
""",
    "hops",
    "page",
    name="inference",
)


@dataclass(slots=True)
class EndSearch:
    """The search for the vertices at which chains of ``rules`` through the ``middles`` may end, into ``ends``.

    The part of the chain before the middle is not read, inactive edges count, and no records are read. The search keeps
    the ends that :meth:`take_new` has not returned yet in ``_new``, in addition.
    """

    rules: Sequence[InferenceRule]
    middles: Sequence[int]
    ends: set[int] = field(default_factory=set)
    _new: list[int] = field(default_factory=list)
    _reached: set[ReachedPlace] = field(default_factory=set)
    _further: set[ReachedPlace] = field(default_factory=set)
    _pages: EdgePages | None = None

    def __post_init__(self) -> None:
        places = ((rule, place) for rule in self.rules for place in range(1, len(rule.chain)))
        self._begin({(rule, place, vid) for rule, place in places for vid in self.middles})

    @property
    def is_read(self) -> bool:
        """Whether all ends are found."""
        return self._pages is None

    def take_new(self) -> list[int]:
        """Return the ends that were found since the last call: after each page no more than the page has edges."""
        found, self._new = self._new, []
        return found

    async def advance(self, client: GremlinClient, budget: VisitBudget) -> None:
        """Read the next page by one request, which counts in the budget of a step."""
        if self._pages is None:
            return
        page = self._pages.within(budget).page
        bindings = {"hops": self._pages.bindings(), "page": page}
        (found,) = await client.submit(BEYOND, bindings)
        count: int = sum(map(len, found["e"])) // 4
        self._pages.add((), found["r"], found["n"])
        await run_in_turn(self._add, count + len(self._reached) > MANY, found["e"])
        if self._pages.is_read:
            await run_in_turn(self._begin, len(self._further) > MANY, self._further)

    def _begin(self, reached: set[ReachedPlace]) -> None:
        """Begin to follow the next relation of each rule from each vertex that is reached."""
        self._reached, self._further = reached, set()
        self._pages = EdgePages(_hops(reached)) if reached else None

    def _add(self, edges: Sequence[Sequence[Json]]) -> None:
        """Add the places and ends that a page reaches."""
        labels = [hop["ls"][0] for hop in self._pages.hops] if self._pages else []
        for rule, place, far in _further(self._reached, labels, edges):
            if place < len(rule.chain):
                self._further.add((rule, place, far))
            elif far not in self.ends:
                self.ends.add(far)
                self._new.append(far)


def _hops(reached: Iterable[ReachedPlace]) -> list[JsonObject]:
    """Return the hops from the places that are reached, one for each relation, in the form that BEYOND takes."""
    hops: dict[str, tuple[dict[int, None], set[str]]] = defaultdict(lambda: ({}, set()))
    for rule, place, vid in reached:
        starts, kinds = hops[rule.chain[place].relation.name]
        starts[vid] = None
        kinds.update(rule.kinds(place + 1))
    return [
        {"d": "out", "xs": sorted(starts), "ls": [label], "ks": sorted(KINDS[name].code for name in kinds)}
        for label, (starts, kinds) in sorted(hops.items())
    ]


def _further(
    reached: Iterable[ReachedPlace], labels: Iterable[str], edges: Iterable[Sequence[Json]]
) -> set[ReachedPlace]:
    """Follow the next relation of each rule from each vertex that is reached; return the new places.

    ``edges`` are the rows of the hops over ``labels``.
    """
    beyond = defaultdict[tuple[str, int, str], list[tuple[int, str]]](list)
    for label, flat in zip(labels, edges, strict=True):
        for near, near_kind, far, far_kind in zip(*(flat[start::4] for start in range(4)), strict=True):
            beyond[label, near, NAME_OF_CODE[near_kind]].append((far, NAME_OF_CODE[far_kind]))
    return {
        (rule, place + 1, far)
        for rule, place, vid in reached
        for kind in rule.kinds(place)
        for far, far_kind in beyond.get((rule.chain[place].relation.name, vid, kind), ())
        if far_kind in rule.kinds(place + 1)
    }
