"""The expected scenes of plain graphs, by networkx and plain loops, in the terms of docs/adr/0027-scene.md."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from support.estates.lineage_graphs import TEAM
from support.oracles.lineage import Filter, Viewpoint, Walk

WALKS = {"UPSTREAM": ("UPSTREAM",), "DOWNSTREAM": ("DOWNSTREAM",), "BOTH": ("UPSTREAM", "DOWNSTREAM")}
Edge = tuple[str, str, str]


@dataclass(frozen=True)
class SceneQuestion:
    """The arguments of ``scene``; ``expand`` are entries with the fields level, kind or nextTo."""

    roots: tuple[str, ...]
    direction: str
    max_depth: int
    wanted: Filter
    group_by: tuple[str, ...]
    open_levels: int
    expand: tuple[dict[str, Any], ...]
    limit: int


def key_of(values: dict[str, str], names: tuple[str, ...]) -> str:
    """Return the key of the group of these values."""
    return " ".join(f"{name}={values[name]}" for name in names) or "ALL"


class ExpectedScene:
    """What ``scene`` is to return: who is on which level, which edges there are, and how that is rolled up."""

    def __init__(self, viewpoint: Viewpoint, asked: SceneQuestion) -> None:
        self.asked = asked
        self.graph = viewpoint.graph
        self.viewpoint = viewpoint
        self.walks = {
            name: Walk(viewpoint, list(asked.roots), name, asked.max_depth, asked.wanted)
            for name in WALKS[asked.direction]
        }
        self.levels: dict[str, int] = {}
        for name, walk in self.walks.items():
            for urn, depth in walk.nodes:
                level = -depth if name == "UPSTREAM" else depth
                self.levels[urn] = min(level, self.levels.get(urn, level), key=lambda each: (abs(each), each))

    @cached_property
    def edges(self) -> set[Edge]:
        """Return all followed edges between assets of the scene."""
        return {edge for walk in self.walks.values() for edge in walk.edges({urn for urn, _ in walk.nodes})}

    def values(self, urn: str) -> dict[str, str]:
        """Return what an asset is grouped by."""
        owner = self.graph.owner(urn)
        parent = urn.removeprefix("mlg://").replace("-version/", "/").partition("@")[0]
        return {
            "LEVEL": str(self.levels[urn]),
            "KIND": self.graph.things[urn].code,
            "TEAM": TEAM + owner if owner else "",
            "VERSIONS": parent,
        }

    @cached_property
    def in_order(self) -> list[str]:
        """Return the assets, the nearest first."""
        return sorted(self.levels, key=lambda urn: (abs(self.levels[urn]), self.levels[urn], urn))

    def _is_expanded(self, urn: str) -> bool:
        values = self.values(urn)
        beside = {frozenset(edge[:2]) for edge in self.edges}
        return any(
            str(entry.get("level", values["LEVEL"])) == values["LEVEL"]
            and entry.get("kind", values["KIND"]) == values["KIND"]
            and ("nextTo" not in entry or frozenset({entry["nextTo"], urn}) in beside)
            for entry in self.asked.expand
        )

    def _listed(self, most: int) -> list[str]:
        first = [urn for urn in self.in_order if urn in self.asked.roots]
        first += [urn for urn in self.in_order if urn not in first and self._is_expanded(urn)]
        listed = first[:most]
        for distance in range(self.asked.open_levels + 1):
            for level in dict.fromkeys((-distance, distance)):
                fresh = [urn for urn in self.in_order if self.levels[urn] == level and urn not in listed]
                if len(listed) + len(fresh) > most:
                    return listed
                listed += fresh
        return listed

    @cached_property
    def rolled(self) -> tuple[list[str], dict[str, list[str]], tuple[str, ...]]:
        """Return the listed assets, the assets of each group by key, and what the groups are made by."""
        asked, names = self.asked, self.asked.group_by
        listed = self._listed(asked.limit)
        if len(listed) < len(self.levels):
            listed = self._listed(asked.limit - max(asked.limit // 3, 1))
        while True:
            groups = defaultdict[str, list[str]](list)
            for urn in self.in_order:
                if urn not in listed:
                    groups[key_of(self.values(urn), names)].append(urn)
            if len(listed) + len(groups) <= asked.limit:
                break
            names = names[:-1]
        alone = [members[0] for members in groups.values() if len(members) == 1]
        shown = [urn for urn in self.in_order if urn in listed or urn in alone]
        return shown, {key: members for key, members in groups.items() if len(members) > 1}, names

    def gaps(self, urn: str) -> list[str]:
        """Return why edges of an asset are missing."""
        tests: dict[str, Callable[[Walk, str], bool]] = {"LIMIT": is_cut, "POLICY": is_withheld}
        shown = [walk for walk in self.walks.values() if urn in walk.depths]
        return [name for name, applies in tests.items() if any(applies(walk, urn) for walk in shown)]

    @cached_property
    def answer(self) -> dict[str, Any]:
        """Return the scene in the form of the API, with sets in place of edges, and without completeness."""
        listed, groups, names = self.rolled
        element = {urn: urn for urn in listed} | {urn: key for key, urns in groups.items() for urn in urns}
        between = defaultdict[tuple[str, str], list[str]](list)
        inner: Counter[str] = Counter()
        for source, target, relation in self.edges:
            if element[source] == element[target] and element[source] in groups:
                inner[element[source]] += 1
            else:
                between[element[source], element[target]].append(relation)
        codes = [self.graph.things[urn].code for urn in self.levels]
        return {
            "total": len(self.levels),
            "levels": [{"level": each, "count": n} for each, n in sorted(Counter(self.levels.values()).items())],
            "countsByKind": [{"kind": each, "count": n} for each, n in sorted(Counter(codes).items())],
            "groupedBy": list(names),
            "elements": [
                {
                    "asset": {"id": urn},
                    "level": self.levels[urn],
                    "isRoot": urn in self.asked.roots,
                    "gaps": self.gaps(urn),
                }
                for urn in listed
            ],
            "groups": [self._group(key, urns, names, inner[key]) for key, urns in groups.items()],
            "edges": {(source, target, len(found), *sorted(set(found))) for (source, target), found in between.items()},
            "edgesLeftOut": 0,
            "unknownRoots": next(iter(self.walks.values())).unknown_roots,
        }

    def _group(self, key: str, urns: list[str], names: tuple[str, ...], inner: int) -> dict[str, Any]:
        values, codes = self.values(urns[0]), Counter(self.graph.things[urn].code for urn in urns)
        parent = f"mlg://{values['VERSIONS']}" if "VERSIONS" in names else ""
        return {
            "key": key,
            "level": self.levels[urns[0]],
            "kind": values["KIND"] if "KIND" in names else None,
            "team": {"id": values["TEAM"]} if "TEAM" in names and values["TEAM"] else None,
            "versionsOf": {"id": parent} if parent in self.viewpoint.shown else None,
            "count": len(urns),
            "countsByKind": [{"kind": each, "count": n} for each, n in sorted(codes.items())],
            "innerEdges": inner,
            "gaps": sorted({gap for urn in urns for gap in self.gaps(urn)}),
        }


def is_cut(walk: Walk, urn: str) -> bool:
    """Return whether a visible asset beyond the greatest depth is next to an asset."""
    if walk.distances.get(("at", urn)) != walk.max_depth or urn not in walk.viewpoint.read:
        return False
    counting = {urn, *(walk.viewpoint.members(urn) & walk.viewpoint.read)}
    return any(far not in walk.depths for each in counting for far in walk.followed_ends(each))


def is_withheld(walk: Walk, urn: str) -> bool:
    """Return whether something next to an asset is hidden, or its edges are; of an asset that was not reached, no."""
    view = walk.viewpoint
    hidden = view.there - view.shown
    counted_for = any(
        state[0] == "for" and state[-1] == urn and distance < walk.max_depth
        for state, distance in walk.distances.items()
    )
    if counted_for and walk.stored_ends(urn) & hidden:
        return True
    if walk.distances.get(("at", urn), walk.max_depth) >= walk.max_depth:
        return False
    if urn not in view.read:
        return True
    beside = view.members(urn)
    if any(walk.stored_ends(other) for other in beside - view.read):
        return True
    return any(walk.stored_ends(each) & hidden for each in {urn, *(beside & view.read)})
