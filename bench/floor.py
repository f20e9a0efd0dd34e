"""The lower bound: the same response by a hand-written loop over records in memory, and orjson.

The records have what the caller sees already, so no policy is evaluated; the relations are dictionaries.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import orjson

from bench.estate import LEDGERS, PROBE
from bench.oracle import DATASET, MODEL, VERSION
from bench.oracle import type_name as expected_type_name
from bench.view import View

PAGE: Final = 100
"""Datasets of a page."""

ByHand = Callable[[], bytes]
"""Makes the body of a response."""

Values = dict[str, object]


def _dataset(record: Values) -> Values:
    return {
        "id": record["id"],
        "name": record["name"],
        "displayName": record["displayName"],
        "description": record["description"],
        "stage": record["stage"],
        "namespace": record["namespace"],
        "format": record["format"],
        "location": record["location"],
    }


def _model(record: Values) -> Values:
    return {
        "id": record["id"],
        "name": record["name"],
        "displayName": record["displayName"],
        "description": record["description"],
        "stage": record["stage"],
        "namespace": record["namespace"],
        "task": record["task"],
        "intendedUse": record["intendedUse"],
    }


def _version(record: Values) -> Values:
    return {
        "id": record["id"],
        "name": record["name"],
        "displayName": record["displayName"],
        "description": record["description"],
        "stage": record["stage"],
        "version": record["version"],
        "framework": record["framework"],
        "codeRef": record["codeRef"],
    }


def _team(team: Mapping[str, object]) -> Values:
    return {
        "id": team["id"],
        "name": team["name"],
        "displayName": team["displayName"],
        "description": team["description"],
    }


def _records(view: View, kind: str, names: tuple[str, ...]) -> dict[str, Values]:
    """Return the values of the visible assets of a kind, by id."""
    return {each.urn: view.fields(each.urn, *names) for each in view.listed(kind)}


def type_name(view: View) -> ByHand:
    """Return the function for a constant response."""
    data = expected_type_name(view)
    return lambda: orjson.dumps({"data": data})


def health(_view: View) -> ByHand:
    """Return the function for the body of the health probe."""
    return lambda: orjson.dumps({"status": "live"})


def asset_page(view: View) -> ByHand:
    """Return the function for a page of datasets."""
    records = [*_records(view, "DATASET", DATASET).values()]

    def respond() -> bytes:
        nodes = [_dataset(each) for each in records[:PAGE]]
        return orjson.dumps({"data": {"assets": {"nodes": nodes, "pageInfo": {"hasNextPage": len(records) > PAGE}}}})

    return respond


def nested_list(view: View) -> ByHand:
    """Return the function for models with their versions, data and teams."""
    models, data = _records(view, "MODEL", MODEL), _records(view, "DATASET", DATASET)
    versions = _records(view, "MODEL_VERSION", VERSION)
    team_of = {urn: view.owner(urn) for urn in data}
    estate, first = view.estate, [*models][:50]

    def dataset(urn: str) -> Values:
        node = _dataset(data[urn])
        node["ownerTeam"] = _team(estate.teams[team_of[urn]])
        return node

    def version(urn: str) -> Values:
        node = _version(versions[urn])
        node["trainedOn"] = {"nodes": [dataset(each) for each in estate.trained_on[urn] if each in data]}
        return node

    def model(urn: str) -> Values:
        node = _model(models[urn])
        node["versions"] = {"nodes": [version(each) for each in estate.versions[urn][:4]]}
        return node

    return lambda: orjson.dumps({"data": {"assets": {"nodes": [model(urn) for urn in first]}}})


def owners_and_totals(view: View) -> ByHand:
    """Return the function for datasets with owners and totals; the relations have the visible ends only."""
    names = ("id", "displayName", "description", "stage", "format", "location")
    records = _records(view, "DATASET", names)
    first = [*records][:200]
    team_of, read = ({urn: of(urn) for urn in first} for of in (view.owner, view.is_read))
    feeds, sources = ({urn: [each for each in ids.get(urn, ()) if view.is_visible(each)] for urn in first}
                      for ids in (view.estate.downstream, view.estate.sources))  # fmt: skip

    def node(urn: str) -> Values:
        record = {name: records[urn][name] for name in names}
        if not read[urn]:
            return {**record, "owners": None, "feeds": None, "derivedFrom": None}
        team = view.estate.teams[str(team_of[urn])]
        owner = {"ownership": "TECHNICAL", "owner": _team(team)}
        totals = {"feeds": {"totalCount": len(feeds[urn])}, "derivedFrom": {"totalCount": len(sources[urn])}}
        return {**record, "owners": [owner], **totals}

    return lambda: orjson.dumps({"data": {"assets": {"nodes": [node(urn) for urn in first]}}})


class _Graph:
    """The visible part of the graph: neighbours, kinds, and whether a walk meets something hidden at an asset."""

    def __init__(self, view: View) -> None:
        estate = view.estate
        self.kinds = {urn: asset.kind for urn, asset in estate.assets.items() if view.is_visible(urn)}
        self.next: dict[str, list[str]] = {}
        self.blind: set[str] = set()
        for urn in filter(view.is_read, self.kinds):
            found = estate.downstream.get(urn, ())
            self.next[urn] = [each for each in found if each in self.kinds]
            parent = estate.assets[urn].parent
            if len(self.next[urn]) < len(found) or (parent and parent not in self.kinds):
                self.blind.add(urn)

    def walk(self, root: str) -> tuple[dict[str, int], dict[str, str]]:
        """Return the depth of each asset, root first, and the asset before it on the least shortest path."""
        depths, before, level, depth = {root: 0}, {root: ""}, [root], 0
        while level:
            depth, further = depth + 1, []
            for near in level:
                for far in self.next.get(near, ()):
                    if far not in depths:
                        depths[far], before[far] = depth, near
                        further.append(far)
            level = sorted(further)
        return depths, before

    def totals(self, found: list[str], depths: dict[str, int]) -> Values:
        """Return the fields of an impact without pages."""
        kinds, levels = Counter(self.kinds[each] for each in found), Counter(depths[each] for each in found)
        return {
            "total": len(found),
            "countsByKind": [{"kind": kind, "count": kinds[kind]} for kind in sorted(kinds)],
            "countsByDepth": [levels[depth] for depth in range(1, max(levels, default=0) + 1)],
            "completeness": {"state": "COMPLETE" if self.blind.isdisjoint(depths) else "PARTIAL"},
        }


def _shown(view: View, *names: str) -> dict[str, Values]:
    return {urn: view.fields(urn, *names) for urn in view.estate.assets if view.is_visible(urn)}


def small_impact(view: View) -> ByHand:
    """Return the function for the impact of a few assets; the paths are those of the sorted walk."""
    graph, shown = _Graph(view), _shown(view, "id", "displayName", "stage")

    def respond() -> bytes:
        depths, before = graph.walk(PROBE)
        found = sorted((each for each in depths if each != PROBE), key=lambda each: (depths[each], each))
        services = [{"depth": depths[each], "via": _path(each, before), "asset": _pair(shown[each])}
                    for each in found if graph.kinds[each] == "SERVICE"]  # fmt: skip
        nodes = [{"depth": depths[each], "asset": shown[each]} for each in found]
        pages = {"services": {"nodes": services}, "assets": {"nodes": nodes}}
        return orjson.dumps({"data": {"impact": {**graph.totals(found, depths), **pages}}})

    return respond


def _pair(record: Values) -> Values:
    return {"id": record["id"], "displayName": record["displayName"]}


def _path(urn: str, before: dict[str, str]) -> list[str]:
    path = [urn]
    while before[path[-1]]:
        path.append(before[path[-1]])
    return path[::-1]


def hub_impact(view: View) -> ByHand:
    """Return the function for the impact of the hub."""
    graph, shown, hub = _Graph(view), _shown(view, "id", "displayName"), view.estate.hub

    def respond() -> bytes:
        depths, _ = graph.walk(hub)
        found = [each for each in depths if each != hub]
        services = sorted((depths[each], each) for each in found if graph.kinds[each] == "SERVICE")
        nodes = [{"depth": depth, "asset": _pair(shown[each])} for depth, each in services[:500]]
        page = {"totalCount": len(services), "nodes": nodes}
        return orjson.dumps({"data": {"impact": {**graph.totals(found, depths), "services": page}}})

    return respond


def search_prefix(view: View) -> ByHand:
    """Return the function for the search: two positions in a sorted list of names."""
    records = _records(view, "DATASET", DATASET)
    named = sorted((str(record["name"]), urn) for urn, record in records.items())

    def respond() -> bytes:
        found = named[bisect_left(named, ("ledg", "")) : bisect_left(named, ("ledh", ""))]
        nodes = [{"asset": _dataset(records[urn])} for _, urn in found[:LEDGERS]]
        return orjson.dumps({"data": {"search": {"hits": {"totalCount": len(found), "nodes": nodes}}}})

    return respond
