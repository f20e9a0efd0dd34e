"""The expected data of each query, computed from the estate without the code of the product."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bench.estate import INTAKE_MODEL, LEDGERS, PROBE
from bench.items import Item
from bench.view import View

Data = dict[str, Any]
"""The ``data`` of a response."""

MAX_DEPTH: Final = 20
"""Default depth of an impact."""

DATASET = ("id", "name", "displayName", "description", "stage", "namespace", "format", "location")
MODEL = ("id", "name", "displayName", "description", "stage", "namespace", "task", "intendedUse")
VERSION = ("id", "name", "displayName", "description", "stage", "version", "framework", "codeRef")
TEAM = ("id", "name", "displayName", "description")

UNORDERED: Final = frozenset({"trainedOn"})
"""Connections whose order is stable and has no meaning, so that their nodes are compared by id."""


def type_name(_view: View) -> Data:
    """Return the data of ``{ __typename }``."""
    return {"__typename": "Query"}


def asset_page(view: View) -> Data:
    """Return the first hundred datasets."""
    found = [*view.listed("DATASET")]
    nodes = [view.fields(each.urn, *DATASET) for each in found[:100]]
    return {"assets": {"nodes": nodes, "pageInfo": {"hasNextPage": len(found) > len(nodes)}}}


def light_page(view: View) -> Data:
    """Return the page of the light client."""
    found = sorted(each for each in view.estate.assets if view.is_visible(each))[:20]
    return {"assets": {"nodes": [view.fields(each, "id", "displayName") for each in found]}}


def nested_list(view: View) -> Data:
    """Return the first fifty models with their versions, the datasets of these, and their teams."""
    models = [each.urn for each in view.listed("MODEL")][:50]
    return {"assets": {"nodes": [_model(view, each) for each in models]}}


def _model(view: View, model: str) -> Data:
    versions = [_version(view, each) for each in view.estate.versions[model] if view.is_visible(each)]
    return {**view.fields(model, *MODEL), "versions": {"nodes": versions[:4]}}


def _version(view: View, version: str) -> Data:
    visible = [each for each in view.estate.trained_on[version] if view.is_visible(each)]
    nodes = [{**view.fields(each, *DATASET), "ownerTeam": view.team(each, *TEAM)} for each in visible]
    return {**view.fields(version, *VERSION), "trainedOn": {"nodes": nodes}}


def owners_and_totals(view: View) -> Data:
    """Return the first two hundred datasets with their owners, and the numbers of their neighbours."""
    nodes = []
    for each in [*view.listed("DATASET")][:200]:
        node = view.fields(each.urn, "id", "displayName", "description", "stage", "format", "location")
        totals = {"feeds": view.estate.downstream, "derivedFrom": view.estate.sources}
        if view.is_read(each.urn):
            node["owners"] = [{"ownership": "TECHNICAL", "owner": view.team(each.urn, *TEAM)}]
            counted = {name: sum(map(view.is_visible, ids.get(each.urn, ()))) for name, ids in totals.items()}
            node |= {name: {"totalCount": number} for name, number in counted.items()}
        else:
            node |= {"owners": None, "feeds": None, "derivedFrom": None}
        nodes.append(node)
    return {"assets": {"nodes": nodes}}


@dataclass
class Walk:
    """The visible assets downstream of a root: their depths, the least shortest paths, and whether any is hidden."""

    view: View
    root: str
    depths: dict[str, int] = field(default_factory=dict)
    paths: dict[str, list[str]] = field(default_factory=dict)
    hidden: bool = False

    def __post_init__(self) -> None:
        level = {self.root: [self.root]}
        for depth in range(MAX_DEPTH + 1):
            self.depths |= dict.fromkeys(level, depth)
            self.paths |= level
            level = self._next(level)
        if level:
            raise ValueError(f"The estate is deeper than {MAX_DEPTH} levels below {self.root}.")

    def _next(self, level: Mapping[str, list[str]]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for near, path in level.items():
            if self.view.is_read(near):
                parent = self.view.estate.assets[near].parent
                self.hidden |= bool(parent) and not self.view.is_visible(parent)
                for far in self.view.estate.downstream.get(near, ()):
                    if not self.view.is_visible(far):
                        self.hidden = True
                    elif far not in self.depths:
                        found[far] = min(found.get(far, [*path, far]), [*path, far])
        return found

    def of_kind(self, kind: str | None = None) -> list[str]:
        """Return the affected assets, of one kind if given, by depth and id."""
        assets = self.view.estate.assets
        found = [each for each in self.depths if each != self.root and kind in {None, assets[each].kind}]
        return sorted(found, key=lambda each: (self.depths[each], each))

    @property
    def totals(self) -> Data:
        """Return the fields of an impact without pages."""
        found = self.of_kind()
        kinds = Counter(self.view.estate.assets[each].kind for each in found)
        depths = Counter(self.depths[each] for each in found)
        return {
            "total": len(found),
            "countsByKind": [{"kind": kind, "count": kinds[kind]} for kind in sorted(kinds)],
            "countsByDepth": [depths[depth] for depth in range(1, max(depths, default=0) + 1)],
            "completeness": {"state": "PARTIAL" if self.hidden else "COMPLETE"},
        }


def small_impact(view: View) -> Data:
    """Return the impact with eleven assets, with a path to each."""
    walk = Walk(view, PROBE)
    services = [
        {"depth": walk.depths[each], "via": walk.paths[each], "asset": view.fields(each, "id", "displayName")}
        for each in walk.of_kind("SERVICE")
    ]
    nodes = [{"depth": walk.depths[each], "asset": view.fields(each, "id", "displayName", "stage")}
             for each in walk.of_kind()]  # fmt: skip
    return {"impact": {**walk.totals, "services": {"nodes": services}, "assets": {"nodes": nodes}}}


def hub_impact(view: View) -> Data:
    """Return the impact of the hub, with its first five hundred services."""
    walk = Walk(view, view.estate.hub)
    services = walk.of_kind("SERVICE")
    nodes = [{"depth": walk.depths[each], "asset": view.fields(each, "id", "displayName")} for each in services[:500]]
    return {"impact": {**walk.totals, "services": {"totalCount": len(services), "nodes": nodes}}}


def search_prefix(view: View) -> Data:
    """Return the datasets whose names begin with the text; their names have one length, so they are listed by id."""
    found = [each.urn for each in view.listed("DATASET") if each.fields["name"].startswith("ledg")]
    nodes = [{"asset": view.fields(each, *DATASET)} for each in found[:LEDGERS]]
    return {"search": {"hits": {"totalCount": len(found), "nodes": nodes}}}


def registered(versions: list[Item]) -> Data:
    """Return the data of a query for versions that the bench has registered."""
    nodes = [
        {
            "id": each["id"],
            "model": {"id": INTAKE_MODEL},
            "trainedOn": {"nodes": [{"id": d} for d in each["trainedOn"]]},
        }
        for each in versions
    ]
    return {"nodes": nodes}


def normalised(value: Any, key: str = "") -> Any:  # noqa: ANN401 - JSON
    """Return JSON with the nodes of unordered connections sorted by id."""
    if isinstance(value, list):
        return [normalised(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: normalised(each, name) for name, each in value.items()}
    if key in UNORDERED and "nodes" in found:
        found["nodes"] = sorted(found["nodes"], key=lambda node: node["id"])
    return found


def difference(expected: Any, found: Any, path: str = "data") -> str | None:  # noqa: ANN401 - JSON
    """Return the first difference of two normalised values with its path; None if they are equal, keys in order."""
    if isinstance(expected, dict) and isinstance(found, dict):
        if [*expected] != [*found]:
            return f"{path} has the keys {[*found]}, expected are {[*expected]}"
        pairs = ((f"{path}.{key}", expected[key], found[key]) for key in expected)
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            return f"{path} has {len(found)} entries, expected are {len(expected)}"
        pairs = ((f"{path}[{at}]", *both) for at, both in enumerate(zip(expected, found, strict=True)))
    else:
        return None if expected == found else f"{path} is {found!r}, expected is {expected!r}"
    return next((each for each in (difference(a, b, at) for at, a, b in pairs) if each), None)
