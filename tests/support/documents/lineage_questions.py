"""Lineage queries sent to a running API in parallel, and compared with the results of the oracle."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from support.estates.lineage_graphs import LAST, TEAM, TODAY, WalkGraph, instant
from support.oracles.lineage import Filter, ImpactOf, Viewpoint, Walk, paths
from support.servers.in_process import Api

from app.graph.records.clock import epoch_milliseconds
from graphql_schema.catalog.relations import LINEAGE

_COMPLETENESS = "completeness { state reason visited depthReached hidden asOf }"
_PAGE = "pageInfo { hasNextPage endCursor }"
LINEAGE_OF = f"""{{ nodes {{ totalCount nodes {{ depth asset {{ id kind }} }} {_PAGE} }} edges {{ id from to relation }}
  countsByKind {{ kind count }} {_COMPLETENESS} unknownRoots }}"""
IMPACT_OF = f"""{{ total countsByKind {{ kind count }} countsByDepth
  services {{ totalCount nodes {{ depth via asset {{ id }} }} }} experiments {{ nodes {{ depth via asset {{ id }} }} }}
  assets(kinds: $kinds, first: 100) {{ totalCount nodes {{ depth asset {{ id }} }} }}
  teams {{ team {{ id }} assets }} {_COMPLETENESS} unknownRoots }}"""
ASSET_OF = """{ id upstream(first: 500) { nodes { from to relation } }
  downstream(first: 500) { nodes { from to relation } } }"""
PATHS_OF = f"""{{ paths {{ length nodes {{ id }} edges {{ from to relation }} }} {_COMPLETENESS} unknownRoots }}"""


@dataclass(frozen=True)
class LineageQuestion:
    """The arguments of ``lineage``."""

    roots: tuple[str, ...]
    direction: str
    max_depth: int
    wanted: Filter
    first: int

    def field(self, number: int, after: str | None) -> tuple[str, dict[str, Any]]:
        """Return the field and its variables."""
        given = {
            "roots": list(self.roots),
            "direction": self.direction,
            "depth": self.max_depth,
            "filter": filter_of(self.wanted),
            "first": self.first,
            "after": after,
        }
        types = ["[ID!]!", "LineageDirection!", "Int", "LineageFilter", "Int", "Cursor"]
        names = ["roots", "direction", "maxDepth", "filter", "first", "after"]
        return _field(f"l{number}", "lineage", LINEAGE_OF, zip(names, types, given.values(), strict=True))


@dataclass(frozen=True)
class ImpactQuestion:
    """The arguments of ``impact``."""

    roots: tuple[str, ...]
    max_depth: int
    wanted: Filter
    kinds: tuple[str, ...]

    def field(self, number: int) -> tuple[str, dict[str, Any]]:
        """Return the field and its variables."""
        given = [
            ("roots", "[ID!]!", list(self.roots)),
            ("maxDepth", "Int", self.max_depth),
            ("filter", "LineageFilter", filter_of(self.wanted)),
        ]
        body = IMPACT_OF.replace("$kinds", f"$i{number}kinds")
        text, variables = _field(f"i{number}", "impact", body, given)
        return text, {**variables, f"$i{number}kinds: [AssetKind!]": list(self.kinds) or None}


@dataclass(frozen=True)
class PathsQuestion:
    """The arguments of ``paths``."""

    start: str
    end: str
    most: int
    longest: int

    def field(self, number: int) -> tuple[str, dict[str, Any]]:
        """Return the field and its variables."""
        given = [
            ("from", "ID!", self.start),
            ("to", "ID!", self.end),
            ("maxPaths", "Int", self.most),
            ("maxLength", "Int", self.longest),
        ]
        return _field(f"p{number}", "paths", PATHS_OF, given)


def _field(alias: str, name: str, body: str, given: Iterable[tuple[str, str, Any]]) -> tuple[str, dict[str, Any]]:
    listed = list(given)
    arguments = ", ".join(f"{argument}: ${alias}{argument}" for argument, _, _ in listed)
    variables = {f"${alias}{argument}: {kind}": value for argument, kind, value in listed}
    return f"{alias}: {name}({arguments}, asOf: $asOf) {body}", variables


def filter_of(wanted: Filter) -> dict[str, Any]:
    """Return the filter in the form of the API."""
    given = {
        "kinds": list(wanted.kinds),
        "relations": list(wanted.relations),
        "origins": list(wanted.origins),
        "stages": list(wanted.stages),
        "minConfidence": wanted.min_confidence,
    }
    return {name: value for name, value in given.items() if value}


@dataclass(frozen=True)
class AssetQuestion:
    """The fields of a single asset that are compared."""

    urn: str

    def field(self, number: int) -> tuple[str, dict[str, Any]]:
        """Return the field and its variables."""
        return _field(f"a{number}", "asset", ASSET_OF, [("id", "ID!", self.urn)])


@dataclass
class Round:
    """The queries of one caller on one graph at one instant; ``day`` is None for now."""

    who: str
    day: int | None
    lineages: tuple[LineageQuestion, ...] = ()
    impacts: tuple[ImpactQuestion, ...] = ()
    paths: tuple[PathsQuestion, ...] = ()
    assets: tuple[AssetQuestion, ...] = ()


def lineages(ids: Sequence[str], sizes: Sequence[int]) -> st.SearchStrategy[LineageQuestion]:
    """Draw queries from some of these ids, with pages of one of these sizes."""
    directions = st.sampled_from(["UPSTREAM", "DOWNSTREAM"])
    depths = st.sampled_from([5, 4, 3, 2, 1, 0, 6, 12])
    return st.builds(LineageQuestion, _any(ids), directions, depths, _filters, st.sampled_from(sizes))


@st.composite
def rounds(draw: st.DrawFn, graph: WalkGraph) -> Round:
    """Draw a round of queries on a graph."""
    ids = [*graph.things, "mlg://dataset/test/default/nothing-here"]
    some = _any(ids)
    kinds = st.lists(st.sampled_from(["DATASET", "MODEL_VERSION", "RUN"]), max_size=2, unique=True).map(tuple)
    impact = st.builds(ImpactQuestion, some, st.sampled_from([20, 6, 2, 1, 0]), _filters, kinds)
    ends = st.lists(st.sampled_from(ids), min_size=2, max_size=2, unique=True)
    path = st.builds(
        lambda pair, most, longest: PathsQuestion(pair[0], pair[1], most, longest),
        ends,
        st.sampled_from([5, 1, 50]),
        st.sampled_from([12, 3, 1]),
    )
    return Round(
        draw(st.sampled_from(["root", "bo", "ada", "guest", "cy", "eli"])),
        draw(st.none() | st.integers(6, LAST + 1)),
        tuple(draw(st.lists(lineages(ids, [100, 7, 4, 3, 2, 100, 100, 1]), min_size=3, max_size=4))),
        tuple(draw(st.lists(impact, min_size=1, max_size=2))),
        tuple(draw(st.lists(path, min_size=1, max_size=2))),
        tuple(draw(st.lists(st.builds(AssetQuestion, st.sampled_from(ids)), min_size=1, max_size=2, unique=True))),
    )


def _any(values: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True).map(tuple)


_filters = st.just(Filter()) | st.builds(
    Filter,
    st.just(()) | _any(["DATASET", "FEATURE", "MODEL_VERSION", "RUN", "MODEL", "SERVICE"]),
    st.just(()) | st.lists(st.sampled_from([each.name for each in LINEAGE]), min_size=4, unique=True).map(tuple),
    st.just(()) | _any(["DECLARED", "OBSERVED", "INFERRED"]),
    st.none() | st.sampled_from([0.25, 0.4, 0.75]),
    st.just(()) | _any(["ACTIVE", "DRAFT", "DEPRECATED"]),
)


async def ask(api: Api, requested: Round, fields: Iterable[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """Return the results of fields, by alias, from one request."""
    listed = list(fields)
    variables = {name: value for _, each in listed for name, value in each.items()}
    head = ", ".join(["$asOf: DateTime", *variables])
    values = {name[1:].partition(":")[0]: value for name, value in variables.items()}
    body = "\n".join(text for text, _ in listed)
    response: dict[str, Any] = await api.ask(
        requested.who, f"query ({head}) {{ {body} }}", asOf=as_of(requested.day), **values
    )
    return response


def as_of(day: float | None) -> str | None:
    """Return a day in the form of the API."""
    return None if day is None else timestamp(instant(day))


def timestamp(milliseconds: int) -> str:
    """Return an instant in the form of the API."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat().replace("+00:00", "Z")


async def nothing() -> None:
    """Do nothing; the default for ``meanwhile``."""


async def differences(
    api: Api, graph: WalkGraph, requested: Round, meanwhile: Callable[[], Awaitable[None]] = nothing
) -> list[str]:
    """Run every query page by page, and return the differences from the oracle.

    ``meanwhile`` runs before each page but the first, and in parallel.
    """
    today = TODAY if requested.day is None else requested.day
    before = epoch_milliseconds()
    first = [each.field(number, None) for number, each in enumerate(requested.lineages)]
    first += [each.field(number) for number, each in enumerate(requested.impacts)]
    first += [each.field(number) for number, each in enumerate(requested.paths)]
    first += [each.field(number) for number, each in enumerate(requested.assets)]
    responses = await ask(api, requested, first)
    pages = [[responses[f"l{number}"]] for number, _ in enumerate(requested.lineages)]
    while more := [number for number, found in enumerate(pages) if found[-1]["nodes"]["pageInfo"]["hasNextPage"]]:
        after = {number: pages[number][-1]["nodes"]["pageInfo"]["endCursor"] for number in more}
        await meanwhile()
        fields = [requested.lineages[number].field(number, after[number]) for number in more]
        further, _ = await asyncio.gather(ask(api, requested, fields), meanwhile())
        for number in more:
            pages[number].append(further[f"l{number}"])
    found: list[str] = []
    for lineage, read in zip(requested.lineages, pages, strict=True):
        viewpoint = Viewpoint(graph, requested.who, today, lineage.roots)
        found += [f"{lineage}: {each}" for each in _lineage(viewpoint, lineage, read, requested.day, before)]
    for number, impact in enumerate(requested.impacts):
        viewpoint = Viewpoint(graph, requested.who, today, impact.roots)
        found += [f"{impact}: {each}" for each in _impact(viewpoint, impact, responses[f"i{number}"])]
    for number, path in enumerate(requested.paths):
        viewpoint = Viewpoint(graph, requested.who, today, (path.start, path.end))
        found += [f"{path}: {each}" for each in _paths(viewpoint, path, responses[f"p{number}"])]
    for number, one in enumerate(requested.assets):
        viewpoint = Viewpoint(graph, requested.who, today, [one.urn])
        found += [f"{one}: {each}" for each in _asset(viewpoint, one, responses[f"a{number}"])]
    return [f"{requested.who} on {requested.day}: {each}" for each in found]


def _asset(viewpoint: Viewpoint, requested: AssetQuestion, got: dict[str, Any] | None) -> Iterator[str]:
    yield from _differ(there=(got is not None, requested.urn in viewpoint.shown))
    for direction in ("upstream", "downstream") if got else ():
        read = (got or {})[direction]
        rows = None if read is None else {(row["from"], row["to"], row["relation"]) for row in read["nodes"]}
        expected = viewpoint.neighbours(requested.urn, direction.upper()) if requested.urn in viewpoint.read else None
        yield from _differ(**{direction: (rows, expected)})


def _differ(**pairs: tuple[Any, Any]) -> Iterator[str]:
    for name, (got, expected) in pairs.items():
        if got != expected:
            yield f"{name}: got {got}, expected {expected}"


def _counts(found: list[dict[str, Any]]) -> dict[str, int]:
    return {each["kind"]: each["count"] for each in found}


def _nodes(found: dict[str, Any]) -> list[tuple[str, int]]:
    return [(node["asset"]["id"], node["depth"]) for node in found["nodes"]]


def _lineage(
    viewpoint: Viewpoint, requested: LineageQuestion, pages: list[dict[str, Any]], day: int | None, before: int
) -> Iterator[str]:
    walk = Walk(viewpoint, list(requested.roots), requested.direction, requested.max_depth, requested.wanted)
    instants = {page["completeness"].pop("asOf") for page in pages}
    times = {datetime.fromisoformat(each).timestamp() * 1000 for each in instants}
    if len(times) > 1 or (before <= min(times) if day is None else times == {instant(day)}) is False:
        yield f"asOf: got {instants}, expected one since {timestamp(before)}"
    yield from _differ(nodes=([node for page in pages for node in _nodes(page["nodes"])], walk.nodes))
    so_far, added = set[str](), set[tuple[str, str, str]]()
    for number, page in enumerate(pages):
        shown = walk.nodes[number * requested.first :][: requested.first]
        so_far |= {urn for urn, _ in shown}
        edges = [(edge["from"], edge["to"], edge["relation"]) for edge in page["edges"]]
        expected = walk.edges(so_far) - added
        added |= expected
        yield from _differ(
            page=(_nodes(page["nodes"]), shown),
            total=(page["nodes"]["totalCount"], len(walk.nodes)),
            edges=(sorted(edges), sorted(expected)),
            counts=(_counts(page["countsByKind"]), walk.counts_by_kind),
            completeness=(page["completeness"], walk.completeness),
            unknown=(page["unknownRoots"], walk.unknown_roots),
        )


def _impact(viewpoint: Viewpoint, requested: ImpactQuestion, got: dict[str, Any]) -> Iterator[str]:
    impact = ImpactOf(viewpoint, list(requested.roots), requested.max_depth, requested.wanted)
    got["completeness"].pop("asOf")
    yield from _differ(
        total=(got["total"], len(impact.nodes)),
        counts=(_counts(got["countsByKind"]), impact.counts_by_kind),
        depths=(got["countsByDepth"], impact.counts_by_depth),
        assets=(_nodes(got["assets"]), impact.of(*requested.kinds)),
        teams=({each["team"]["id"]: each["assets"] for each in got["teams"]}, _teams(impact)),
        completeness=(got["completeness"], impact.walk.completeness),
        unknown=(got["unknownRoots"], impact.walk.unknown_roots),
        services=(_with_routes(got["services"]), _routes(impact, "SERVICE")),
        experiments=(_with_routes(got["experiments"]), _routes(impact, "EXPERIMENT")),
    )


def _teams(impact: ImpactOf) -> dict[str, int]:
    return {TEAM + team: count for team, count in impact.teams.items()}


def _routes(impact: ImpactOf, code: str) -> list[tuple[str, int, list[str]]]:
    return [(urn, depth, impact.walk.route(urn)) for urn, depth in impact.of(code)]


def _with_routes(found: dict[str, Any]) -> list[tuple[str, int, list[str]]]:
    return [(node["asset"]["id"], node["depth"], node["via"]) for node in found["nodes"]]


def _paths(viewpoint: Viewpoint, requested: PathsQuestion, got: dict[str, Any]) -> Iterator[str]:
    expected = paths(viewpoint, requested.start, requested.end, requested.most, requested.longest)
    yield from _differ(
        paths=([([node["id"] for node in path["nodes"]], path["length"]) for path in got["paths"]], expected),
        unknown=(got["unknownRoots"], [urn for urn in (requested.start, requested.end) if urn not in viewpoint.shown]),
    )
    yield from (f"edges that do not fit: {path}" for path in got["paths"] if not _fits(viewpoint, path))


def _fits(viewpoint: Viewpoint, path: dict[str, Any]) -> bool:
    """Return whether a path has the least edge by relation at each step, and no two steps without edge in a row."""
    ids = [node["id"] for node in path["nodes"]]
    edges = {(edge["from"], edge["to"]): edge["relation"] for edge in path["edges"]}
    least = {pair: min(arc.relation for arc in viewpoint.arcs if arc.key[:2] == pair) for pair in edges}
    steps = list(pairwise(ids))
    free = [step not in edges for step in steps]
    apart = not any(one and other for one, other in pairwise(free))
    beside = all(viewpoint.are_beside(*step) for step in steps if step not in edges)
    inorder = [(edge["from"], edge["to"]) for edge in path["edges"]] == [step for step in steps if step in edges]
    return edges == least and apart and beside and inorder and path["length"] == len(edges)
