"""The tags of assets by definition, by breadth-first search over the stored records."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from support.oracles.effective_sensitivity import CARRYING
from support.stores.writers import Stored

Assigned = tuple[str, str | None]
"""The mode of a tag on an asset, and from where it arrived."""


def assigned(there: Stored, now: int) -> dict[tuple[str, str], Assigned]:
    """Return the mode of each tag by asset and tag."""
    found: dict[tuple[str, str], Assigned] = {}
    tags = {urn: record for urn, record in there.records.items() if record["kind"] == "TAG"}
    for tag, record in tags.items():
        stated = dict(_set_by_people(there, tag, now))
        found |= {(urn, tag): (mode, None) for urn, mode in stated.items()}
        if record["propagates"]:
            found |= {(urn, tag): ("PROPAGATED", via) for urn, via in _reached(there, stated, now).items()}
    return found


def shown(there: Stored, now: int) -> dict[tuple[str, str], Assigned]:
    """Return the stored mode of each tag by asset and tag."""
    found: dict[tuple[str, str], Assigned] = {}
    for (relation, urn, tag), edge in there.edge_records.items():
        if relation == "TAGGED" and edge.get("validTo", now + 1) > now:
            propagated = edge["mode"] == "PROPAGATED"
            assert propagated == (edge["by"] == ["propagation"])
            found[urn, tag] = (edge["mode"], edge["via"] if propagated else None)
    return found


def _set_by_people(there: Stored, tag: str, now: int) -> Iterator[tuple[str, str]]:
    """Return the declared modes of a tag: the assets that carry or block it."""
    for (relation, urn, to), edge in there.edge_records.items():
        if (relation, to) == ("TAGGED", tag) and edge.get("validTo", now + 1) > now:
            people = [name for name in edge["by"] if name != "propagation"]
            if people:
                yield urn, "BLOCKED" if edge["mode"] == "BLOCKED" else "DIRECT"


def _reached(there: Stored, stated: dict[str, str], now: int) -> dict[str, str]:
    """Return the assets that a tag reaches, with its source: the nearest, and of equally near ones the smaller id."""
    shut = {urn for urn, mode in stated.items() if mode == "BLOCKED"}
    shut |= {urn for urn, record in there.records.items() if record.get("deletedAt") is not None}
    targets = defaultdict(set)
    for source, through, target in _flows(there, now):
        if not {source, through, target} & shut:
            targets[source].add(target)
    level = sorted(urn for urn, mode in stated.items() if mode == "DIRECT" and urn not in shut)
    observed, via = set(level), dict[str, str]()
    while level:
        new: dict[str, str] = {}
        for source in level:
            for target in targets[source] - observed:
                new.setdefault(target, source)
        via |= new
        observed |= set(new)
        level = sorted(new)
    return via


def _flows(there: Stored, now: int) -> Iterator[tuple[str, str, str]]:
    """Return source, edge and target of each data flow."""
    current = [key for key, values in there.edges if values["validTo"] > now]
    parts = defaultdict(set)
    for relation, source, target in current:
        if relation == "VERSION_OF":
            parts[target].add(source)
        if relation == "CONTAINS" and source.startswith("mlg://feature-set/") and target.startswith("mlg://feature/"):
            parts[source].add(target)
    for parent, members in parts.items():
        yield from ((parent, parent, part) for part in members)
    for key in current:
        relation, source, target = key
        edge: Any = there.edge_records[key]
        if relation in CARRYING and not edge.get("declassified"):
            yield source, source, target
            yield from ((part, source, target) for part in parts[source])
