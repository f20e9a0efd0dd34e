"""The bound of the tags of an asset on a real JanusGraph, where a call reads the tags that it does not name."""

from collections.abc import Sequence
from typing import Any

from support.stores.janusgraph import StoreGraph
from support.stores.writers import Writers, asset, edges, person, stored, urn

from graphql_schema.catalog.enums import ChangeAction
from graphql_schema.ports.commands import RegisterCommand

ROOT = person("root", roles="admin")
TAGS = [f"tag t{number}" for number in range(101)]


def adding(*tags: str, mode: str = "DIRECT") -> RegisterCommand:
    """Return a command of `setTags` for the dataset that adds or blocks tags."""
    (declared,) = edges("dataset d", tags=tags)
    targets: dict[str, Any] = {each: {"mode": mode} for each in declared.targets}
    added = type(declared)(declared.hop, declared.declarer, targets, adds=True)
    return RegisterCommand(urn("dataset d"), {}, (added,), action=ChangeAction.TAGGED, right="tag", id_path="asset")


async def outcomes(writers: Writers, items: Sequence[RegisterCommand]) -> list[str]:
    """Return the outcomes of items, each written by a call of its own."""
    found = [await writers.of(ROOT).write([item], dry_run=False, atomic=False) for item in items]
    return [one.outcome.name for (one,) in found]


async def test_tags_of_earlier_calls_count(graph: StoreGraph, writers: Writers) -> None:
    """Neither set nor blocked tags pass their bound by calls that name few of them."""
    items = [asset("dataset d"), adding(*TAGS[:60]), adding(*TAGS[60:]), adding(*TAGS[60:100]), adding(TAGS[100])]
    assert await outcomes(writers, items) == ["CREATED", "UPDATED", "INVALID", "UPDATED", "INVALID"]
    blocks = [adding(*(f"tag b{number}" for number in range(100)), mode="BLOCKED"), adding("tag b", mode="BLOCKED")]
    assert await outcomes(writers, blocks) == ["UPDATED", "INVALID"]
    there = await stored(graph)
    assert sorted(there.records[urn("dataset d")]["index"]["tags"]) == sorted(map(urn, TAGS[:100]))
