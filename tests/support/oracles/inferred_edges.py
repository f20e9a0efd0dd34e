"""The inferred edges by definition: all chains of each rule, one instant after the other."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from math import inf
from typing import Any

Records = dict[str, dict[str, Any]]
Edges = dict[tuple[str, str, str], dict[str, Any]]

RULES = {
    "tested-as-deployed": (
        *("TESTED_IN", 0.9, "MODEL_VERSION"),
        *("DEPLOYED_AS", "DEPLOYMENT", "TESTED_IN", "EXPERIMENT_CELL"),
    ),
    "trained-with": ("FEEDS", 0.8, "FEATURE", "INPUT_TO", "RUN", "PRODUCES", "MODEL_VERSION"),
    "started-from": ("BASE_OF", 0.6, "MODEL_VERSION", "INPUT_TO", "RUN", "PRODUCES", "MODEL_VERSION"),
    "measured-on": ("EVALUATED_BY", 0.8, "DATASET DATASET_VERSION", "INPUT_TO", "RUN", "PRODUCES", "EVALUATION"),
}
"""By name: what is inferred, how sure, from where, over what, through what, over what, and to where."""

Shortcut = tuple[str, str, str]
"""Relation, and the ids of both ends."""

Chain = tuple[str, str, float]
"""Rule, middle, and confidence."""


def follows(records: Records, edges: Edges, at: int) -> dict[Shortcut, set[Chain]]:
    """Return the edges inferred at an instant, each with its chains."""
    found: dict[Shortcut, set[Chain]] = {}
    kinds = {urn: record["kind"] for urn, record in records.items()}
    gone = {urn: record.get("deletedAt", at + 1) for urn, record in records.items()}
    there = [(key, edge) for key, edge in edges.items() if holds(edge, at)]
    for name, (relation, sure, starts, first, middles, second, ends) in RULES.items():
        for (one, start, middle), near in there:
            for (other, again, end), far in there:
                if (one, other, again) != (first, second, middle) or start == end or gone[middle] <= at:
                    continue
                if kinds[start] in starts.split() and (kinds[middle], kinds[end]) == (middles, ends):
                    confidence = round(sure * near.get("confidence", 1) * far.get("confidence", 1), 4)
                    found.setdefault((relation, start, end), set()).add((name, middle, confidence))
    return found


def first_chains(
    records: Records, edges: Edges, names: dict[int, str], most: int, limits: tuple[int, int]
) -> dict[Shortcut, set[Chain]]:
    """Return the ``most`` chains that each edge keeps: the last to end, the surest, the first to begin, by id.

    ``limits`` are those of :func:`allowed`.
    """
    ids = {urn: vid for vid, urn in names.items()}
    among = allowed(records, edges, ids, *limits)
    active: dict[Shortcut, dict[Chain, list[int]]] = {}
    for at in instants(records, edges):
        for shortcut, chains in follows(records, edges, at).items():
            for chain in (each for each in chains if (*each[:2], shortcut[2]) in among):
                active.setdefault(shortcut, {}).setdefault(chain, []).append(at)

    def rank(of: tuple[Chain, list[int]]) -> tuple[float | str, ...]:
        (rule, middle, confidence), times = of
        return -max(times), -confidence, min(times), rule, ids[middle]

    return {
        shortcut: {chain for chain, _ in sorted(chains.items(), key=rank)[:most]} for shortcut, chains in active.items()
    }


def allowed(
    records: Records, edges: Edges, ids: dict[str, int], most_sources: int, most_middles: int
) -> set[tuple[str, str, str]]:
    """Return the rules, middles and ends of the chains that are derived.

    A middle has at most ``most_sources`` sources for ends of a kind, else no chain to these leads through it. An end
    has the first ``most_middles`` middles with sources: the last to end, the surest, the first to begin, by id.
    """
    kinds = {urn: record["kind"] for urn, record in records.items()}
    ever = {key: spans for key, edge in edges.items() if (spans := [each for each in held(edge) if each[0] < each[1]])}
    found: set[tuple[str, str, str]] = set()
    for name, (_, _, _, first, middles, second, ends) in RULES.items():
        starting = {kind for each in RULES.values() if each[-1] == ends for kind in each[2].split()}
        sources = Counter(middle for label, start, middle in ever if label == first and kinds[start] in starting)
        before: dict[str, list[tuple[float, float, float, int, str]]] = {}
        for (label, middle, end), spans in ever.items():
            if label == second and (kinds[middle], kinds[end]) == (middles, ends) and sources[middle]:
                confidence = edges[label, middle, end].get("confidence", 1)
                last, begin = max(to for _, to in spans), min(since for since, _ in spans)
                before.setdefault(end, []).append((-last, -confidence, begin, ids[middle], middle))
        for end, ranked in before.items():
            first_ones = [middle for *_, middle in sorted(ranked)[:most_middles]]
            found |= {(name, middle, end) for middle in first_ones if sources[middle] <= most_sources}
    return found


def held(edge: dict[str, Any]) -> list[tuple[float, float]]:
    """Return the intervals of an edge, empty ones too."""
    last = [] if edge.get("claim") else [[edge.get("validFrom", 0), edge.get("validTo", inf)]]
    return [(start, end) for start, end, *_ in [*edge.get("earlier", ()), *last]]


def followed(records: Records, edges: Edges, at: int, among: dict[Shortcut, set[Chain]]) -> dict[Shortcut, set[Chain]]:
    """Return the edges inferred at an instant, each with those of its chains that are ``among`` some."""
    found = {shortcut: chains & among.get(shortcut, set()) for shortcut, chains in follows(records, edges, at).items()}
    return {shortcut: chains for shortcut, chains in found.items() if chains}


def holds(edge: dict[str, Any], at: int) -> bool:
    """Return whether a declared edge is valid at an instant."""
    last = [] if edge.get("claim") else [[edge["validFrom"], edge.get("validTo", at + 1)]]
    return any(start <= at < end for start, end, *_ in [*edge.get("earlier", ()), *last])


def kept(edges: Edges, at: int, names: dict[int, str]) -> dict[Shortcut, set[Chain]]:
    """Return the stored edges at an instant, each with its chains; ``names`` are the ids of vertices."""
    found: dict[Shortcut, set[Chain]] = {}
    for (label, source, target), edge in edges.items():
        if label.startswith("INFERRED_"):
            chains = {
                (chain["rule"], names[chain["through"][0]], chain["confidence"])
                for chain in edge["chains"]
                if any(start <= at < end for start, end, *_ in chain["held"])
            }
            if chains:
                found[label.removeprefix("INFERRED_"), source, target] = chains
    return found


def instants(records: Records, edges: Edges, *more: int) -> Iterator[int]:
    """Return instants around all at which an edge begins or ends, or an asset is deleted."""
    times = {0, *more, *(record["deletedAt"] for record in records.values() if record.get("deletedAt"))}
    for (label, _, _), edge in edges.items():
        if not label.startswith("INFERRED_"):
            for start, end, *_ in [*edge.get("earlier", ()), [edge["validFrom"], edge.get("validTo", 0)]]:
                times |= {start, end}
    yield from sorted(times)
    yield from (sum(pair) // 2 for pair in pairwise(sorted(times)))
