"""Small graphs for walks, as plain values with their full history, and their generators.

Instants are days from :data:`EPOCH`. What happens, happens on fixed days: all is registered on :data:`REGISTERED`,
linked on :data:`LINKED`, and some is unlinked, linked again, deleted and restored on the days after.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from hypothesis import strategies as st

from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.relations import DEPLOYED_AS, LINEAGE

EPOCH = 1_704_067_200_000
"""2024-01-01 in epoch milliseconds."""
DAY = 86_400_000
REGISTERED, LINKED, UNLINKED, RELINKED, DELETED, RESTORED = range(10, 16)
LAST = 20
"""The last day on which something may begin or end."""
NEVER = 40_000
"""A day that no test will see."""
TODAY = 30_000
"""The day on which those ask who name no instant: after all that happens, before what never ends."""
TEAM = "mlg://team/catalog/default/"
TEAMS = {"ada": "ranking", "eli": "ranking", "bo": "ads", "guest": "", "root": None, "cy": None}
"""The team of each caller; who has None sees everything."""

Span = tuple[int, int]
ALWAYS: tuple[Span, ...] = ((0, NEVER),)


def instant(day: float) -> int:
    """Return a day as epoch milliseconds."""
    return EPOCH + int(day * DAY)


@dataclass(frozen=True)
class Thing:
    """An asset; ``team`` is its own owner. ``held`` are the spans in which it is a child of ``parent``."""

    urn: str
    kind: str
    parent: str | None = None
    held: tuple[Span, ...] = ALWAYS
    team: str = ""
    visibility: str = "ORG"
    stage: str = "ACTIVE"
    made: int | None = None
    deleted: bool = False
    restored: bool = False

    @property
    def code(self) -> str:
        """Return the kind as the API writes it."""
        return KINDS[self.kind].code


@dataclass(frozen=True)
class Arc:
    """An edge that is linked; then perhaps unlinked, and linked again from ``again``."""

    relation: str
    source: str
    target: str
    origin: str = "DECLARED"
    confidence: float | None = None
    start: int | None = None
    end: int | None = None
    unlinked: bool = False
    ends: int | None = None
    again: bool = False
    starts: int | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Return the identity of the edge: one edge exists per key."""
        return self.source, self.target, self.relation

    @property
    def first(self) -> Span:
        """Return the span that it is linked with."""
        return LINKED if self.start is None else self.start, NEVER if self.end is None else self.end

    @property
    def is_unlinked(self) -> bool:
        """Return whether unlinking ends it: it must not have ended, and not end before it begins."""
        begin, end = self.first
        return self.unlinked and (end > UNLINKED if self.ends is None else self.ends > begin)

    @property
    def is_again(self) -> bool:
        """Return whether it is linked again, which requires that it has ended."""
        begins = RELINKED if self.starts is None else self.starts
        return self.again and self.once[1] <= min(begins, RELINKED)

    @property
    def once(self) -> Span:
        """Return the span of the first link."""
        begin, end = self.first
        if not self.is_unlinked:
            return begin, end
        return begin, max(UNLINKED, begin) if self.ends is None else self.ends

    @property
    def spans(self) -> tuple[Span, ...]:
        """Return the spans in which the edge is valid."""
        anew = RELINKED if self.starts is None else self.starts
        return (self.once, (anew, NEVER)) if self.is_again else (self.once,)


@dataclass
class WalkGraph:
    """Assets by id and edges by key. ``gone`` are the ids deleted in the end."""

    things: dict[str, Thing] = field(default_factory=dict)
    arcs: list[Arc] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        """Return the whole graph as text, to examine a difference."""
        return "\n".join([*map(str, self.things.values()), *map(str, self.arcs), f"gone: {sorted(self.gone)}"])

    def owner(self, urn: str) -> str:
        """Return the owning team: its own, else that of its last parent."""
        thing = self.things[urn]
        return thing.team or (self.owner(thing.parent) if thing.parent and thing.held[-1][1] == NEVER else "")

    def are_members(self, one: str, other: str, day: float) -> bool:
        """Return whether one is a child of the other on a day."""
        pairs = [(self.things[one], other), (self.things[other], one)]
        return any(part.parent == parent and _within(part.held, day) for part, parent in pairs)

    def exists(self, urn: str, day: float) -> bool:
        """Return whether an asset exists on a day."""
        return self.is_made(urn, day) and day < (DELETED if urn in self.gone else NEVER)

    def is_made(self, urn: str, day: float) -> bool:
        """Return whether an asset exists on a day, or existed before."""
        made = self.things[urn].made
        return (REGISTERED if made is None else made) <= day

    def parts(self, urn: str) -> list[str]:
        """Return the last children of a parent."""
        return [each.urn for each in self.things.values() if each.parent == urn and each.held[-1][1] == NEVER]

    def named(self, namespace: str) -> "WalkGraph":
        """Return the same graph in a namespace of its own."""
        name: Callable[[str], str] = lambda urn: urn.replace("/default/", f"/{namespace}/")  # noqa: E731 - used twice
        things = [
            replace(each, urn=name(each.urn), parent=name(each.parent) if each.parent else None)
            for each in self.things.values()
        ]
        arcs = [replace(each, source=name(each.source), target=name(each.target)) for each in self.arcs]
        return WalkGraph({each.urn: each for each in things}, arcs, set(map(name, self.gone)))


def _within(spans: Iterable[Span], day: float) -> bool:
    return any(begin <= day < end for begin, end in spans)


def holds(arc: Arc, day: float) -> bool:
    """Return whether an edge is valid on a day."""
    return _within(arc.spans, day)


def walk_urn(kind: str, name: str) -> str:
    """Return the id of an asset of a graph."""
    return f"mlg://{KINDS[kind].slug}/test/default/{name}"


_SHAPE = {
    "Dataset": (1, 4),
    "DatasetVersion": (0, 3),
    "FeatureSet": (0, 2),
    "Feature": (0, 3),
    "Model": (0, 2),
    "ModelVersion": (0, 3),
    "Run": (0, 2),
    "Workflow": (0, 1),
    "Evaluation": (0, 1),
    "Deployment": (0, 1),
    "Service": (0, 2),
    "ExperimentCell": (0, 1),
    "Experiment": (0, 1),
    "Report": (0, 1),
}
"""How many of a kind a graph has."""
_DRAWN_RARELY = 8

_day = st.integers(5, LAST)
_origins = st.sampled_from(["DECLARED", "OBSERVED", "INFERRED"])


@st.composite
def walk_graphs(draw: st.DrawFn) -> WalkGraph:
    """Draw a graph of up to about 14 assets and 20 edges."""
    graph = WalkGraph()
    for kind, (least, most) in _SHAPE.items():
        for number in range(draw(st.integers(least, most))):
            thing = draw(_things(graph, kind, number))
            if thing is not None:
                graph.things[thing.urn] = thing
    pairs = sorted(_pairs(graph))
    if pairs:
        chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=20, min_size=min(4, len(pairs))))
        graph.arcs = [draw(_arcs(*pair)) for pair in chosen]
    return graph


@st.composite
def _things(draw: st.DrawFn, graph: WalkGraph, kind: str, number: int) -> Thing | None:
    parents = [urn for urn, each in graph.things.items() if each.kind == KINDS[kind].parent]
    if KINDS[kind].versioned and not parents:
        return None
    parent = draw(st.sampled_from(parents)) if parents else None
    name = f"{parent.rpartition('/')[2]}@{number}" if parent and KINDS[kind].versioned else f"{kind.lower()}{number}"
    hidden = draw(st.sampled_from([("", "ORG", "ACTIVE")] * 5 + _CLOSED))
    fate = draw(st.integers(0, 2 * _DRAWN_RARELY))
    held = draw(st.sampled_from([ALWAYS] * 6 + _LEFT)) if kind == "Feature" and parent else ALWAYS
    made = draw(st.sampled_from([None, None, None, 6, 12, 18, LAST])) if fate > _DRAWN_RARELY else None
    return Thing(walk_urn(kind, name), kind, parent, held, *hidden, made, fate in {1, 2}, fate == 1)


_CLOSED = [
    ("ranking", "TEAM", "ACTIVE"),
    ("ads", "TEAM", "ACTIVE"),
    ("ranking", "ORG", "DRAFT"),
    ("ads", "ORG", "DRAFT"),
    ("ranking", "ORG", "DEPRECATED"),
]
"""Owner, visibility and stage of an asset that a caller does not see, or not read."""
_LEFT: list[tuple[Span, ...]] = [((0, UNLINKED),), ((0, UNLINKED), (RELINKED, NEVER))]
"""When a feature was in its set that was taken out of it, and perhaps put back."""


def _pairs(graph: WalkGraph) -> Iterator[tuple[str, str, str]]:
    for relation in LINEAGE:
        for one, other in product(graph.things.values(), repeat=2):
            if relation.allows(one.kind, other.kind):
                yield relation.name, one.urn, other.urn


@st.composite
def _arcs(draw: st.DrawFn, relation: str, source: str, target: str) -> Arc:
    origin = draw(_origins)
    confidence = draw(st.sampled_from([None, 0.25, 0.5, 1.0])) if origin == "INFERRED" else None
    arc = Arc(relation, source, target, origin, confidence, start=5)
    if draw(st.integers(0, 2)) or relation == DEPLOYED_AS.name:  # no deployment can be scheduled
        return arc
    start = draw(st.none() | _day)
    begin = LINKED if start is None else start
    end = draw(st.none() | st.integers(begin + 1, LAST + 1))
    unlinked, again = draw(st.booleans()), draw(st.booleans())
    ends = draw(st.none() | _day) if unlinked else None
    starts = draw(st.none() | st.integers(RELINKED, LAST)) if again else None
    return replace(arc, start=start, end=end, unlinked=unlinked, ends=ends, again=again, starts=starts)
