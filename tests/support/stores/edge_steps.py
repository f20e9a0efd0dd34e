"""Random steps of ada about an edge with a hidden end, and what she is shown of them."""

import random
from collections.abc import Iterator
from typing import Any

from support.stores.in_memory_writer import Memory
from support.stores.writers import NOW, asset, link, urn

from graphql_schema.ports.commands import Command, UnlinkCommand
from graphql_schema.ports.outcomes import WriteOutcome

EDGES: dict[str, tuple[str, str, str, str]] = {
    "source of a dataset": ("DERIVES", "dataset shut", "dataset d", "derivedFrom"),
    "input of a run": ("INPUT_TO", "dataset shut", "run r", "inputs"),
    "output of a run": ("PRODUCES", "run r", "dataset shut", "outputs"),
    "run of a version": ("PRODUCES", "run shut", "model-version m@1", "producedBy"),
    "set of a feature": ("CONTAINS", "feature-set shut", "feature f", "featureSet"),
    "workflow of a run": ("RUN_OF", "run r", "workflow shut", "workflow"),
}
"""Edges with a hidden end: relation, ends, and the field of the visible end."""


def steps(kind: str, seed: int) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yield ten random steps of ada, each with its instant: links with values, ends, and lists of the field."""
    chance = random.Random(f"{kind} {seed}")
    now = NOW + 100
    for _ in range(10):
        now += chance.randrange(1, 20)
        values = chance.choice(
            [{}, {"confidence": 0.5}, {"validTo": now + 5}, {"validTo": None}, {"validFrom": now - 3}]
        )
        yield (
            now,
            chance.choice([("link", values), ("unlink", None), ("unlink", now - 1), ("list", True), ("list", False)]),
        )


def command(kind: str, step: tuple[Any, ...]) -> Command:
    """Return a step as a command about the edge."""
    relation, source, target, field = EDGES[kind]
    what, given = step
    if what == "link":
        return link(relation, source, target, **given)
    if what == "unlink":
        return UnlinkCommand(relation, urn(source), urn(target), given)
    shut, visible = sorted((source, target), key=lambda end: not end.endswith(" shut"))
    fields: dict[str, Any] = {field: [shut] * given}
    return asset(visible, **fields)


def response(done: WriteOutcome) -> tuple[Any, ...]:
    """Return what an outcome shows."""
    errors = [(error.code, error.path, error.message) for error in done.errors]
    return done.outcome, done.revision, done.sensitivity_before, done.far_end_known, done.changed_end_known, errors


def history(memory: Memory) -> list[Any]:
    """Return the entries of ada's changes of visible assets, with which sides of an edge she may read."""
    changes = [
        each
        for each in memory.vertices.values()
        if each["kind"] == "CHANGE" and each["actor"] == "ada" and not each["subject"].endswith("shut")
    ]
    return sorted(
        (change["createdAt"], change["action"], entry["field"], _is_shown(entry, "before"), _is_shown(entry, "after"))
        for change in changes
        for entry in change["fields"]
    )


def _is_shown(entry: dict[str, Any], side: str) -> bool:
    is_mine = side == "after" or (entry["was"] or {}).get("recordedBy") == "ada"
    return entry[side] is not None and is_mine
