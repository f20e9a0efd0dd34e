"""The tags that a batch affects: children of a parent and tags are read once, however many edges begin or end."""

import threading
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, plan, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.commits.outbox_entry import ANY_TAG
from app.graph.propagation.sources import Sources
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.effects.batch_diff import BatchDiff
from app.graph.writing.effects.tag_outbox import MANY_TAGS, _AffectedTags, tag_entries
from app.graph.writing.unit.author import Author
from graphql_schema.ports.commands import DeleteCommand
from graphql_schema.ports.record import Record

FEATURES = [f"feature f{number}" for number in range(20)]
ORDERED: Any = SimpleNamespace(order=lambda now: now)
VERSIONS = [f"model-version m@{number}" for number in range(30)]


def vid(text: str) -> int:
    """Return the vertex id of ``kind name``."""
    return vertex_id("default", urn(text))


class CountedRecords(dict[int, Record]):
    """Records that count how often each is read."""

    def __init__(self, records: dict[int, Record]) -> None:
        super().__init__(records)
        self.reads: list[int] = []

    def __getitem__(self, vid: int) -> Record:
        self.reads.append(vid)
        return super().__getitem__(vid)


def affected(memory: Memory) -> tuple[_AffectedTags, CountedRecords]:
    """Return what new edges from a feature set to many versions affect, with the records of its tagged features."""
    seeded(memory, asset("feature-set s"), *(asset(each, tags=["tag pii"]) for each in FEATURES))
    state, author = memory.state(), memory.author(person("root", roles="admin"), NOW + 1)
    assert plan([link("FEEDS", "feature-set s", each) for each in VERSIONS], state, author, dry_run=False)
    diff = BatchDiff(state, author)
    records = CountedRecords({vid(each): memory.record(each) for each in FEATURES})
    unread: Any = state
    for each in records:
        del unread.vertices[each]  # children are read beside the batch
    diff.counting_children = Sources({vid("feature-set s"): set(records)}, records)
    return _AffectedTags(diff), records


def of_pii(found: _AffectedTags) -> tuple[dict[int, None], dict[int, None]]:
    """Return what is to recompute for the tag of the features, and whose targets."""
    found.known_and_unknown()
    return found.frontiers({vid("tag pii")})[vid("tag pii")]


def test_each_child_is_read_once_for_all_new_edges_of_its_parent(memory: Memory) -> None:
    """All targets are recomputed for the tag of the children, whose records are read once, not once for each target."""
    found, records = affected(memory)
    found.add_moved()
    frontier, expand = of_pii(found)
    assert (set(frontier), expand) == ({vid(each) for each in VERSIONS}, {})
    assert sorted(records.reads) == sorted(records)


async def test_all_deleted_assets_leave_one_entry_for_the_tags_around_them(memory: Memory) -> None:
    """What is around them is not read: the entry names the deleted assets alone, for all tags."""
    datasets = [f"dataset d{number}" for number in range(5)]
    seeded(memory, *(asset(each, derivedFrom=["dataset source"]) for each in datasets))
    state, author = memory.state(), memory.author(person("root", roles="admin"), NOW + 1)
    plan([DeleteCommand(urn(each)) for each in datasets], state, author, dry_run=False)
    cache: Any = Propagating()
    client: Any = None
    (entry,) = await tag_entries(BatchDiff(state, author), client, ORDERED, cache)
    assert (entry.tag, entry.around, entry.kind, {*entry.frontier}) == (ANY_TAG, True, "tag", {*map(vid, datasets)})
    assert cache.given == []


class Propagating:
    """A cache of which tags propagate, which notes the tags that it is given."""

    def __init__(self, *tags: str) -> None:
        self.given: list[int] = []
        self._tags = {vid(each) for each in tags}

    async def among(self, _client: object, tags: Iterable[int]) -> set[int]:
        """Return those of the tags that propagate."""
        self.given += tags
        return self._tags.intersection(self.given)

    def forget(self, _tags: Iterable[int]) -> None:
        """Forget nothing: the tests change no tag."""


async def entries_of(diff: BatchDiff, propagating: Propagating) -> dict[int | None, tuple[set[int], set[int]]]:
    """Return the outbox entries of a batch by tag, each with what it recomputes and expands."""
    client: Any = None
    cache: Any = propagating
    return {each.tag: ({*each.frontier}, {*each.expand}) for each in await tag_entries(diff, client, ORDERED, cache)}


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Return the ids of tags that are hashed, each with whether this is in the thread of the event loop."""
    found = list[tuple[str, bool]]()
    of_vid = Author.vid

    def noted(author: Author, given: str) -> int:
        if given.startswith("mlg://tag/"):
            found.append((given, threading.current_thread() is threading.main_thread()))
        return of_vid(author, given)

    monkeypatch.setattr(Author, "vid", noted)
    return found


def without_sources(memory: Memory, tags: list[str], sources: list[str]) -> BatchDiff:
    """Return the difference of a batch that ends all edges from the sources of a dataset with these tags."""
    seeded(memory, asset("dataset d", tags=tags, derivedFrom=sources))
    state = memory.state()
    unread: Any = state
    for each in tags:
        del unread.vertices[vid(each)]
    plan(
        [asset("dataset d", derivedFrom=[])],
        state,
        memory.author(person("root", roles="admin"), NOW + 1),
        dry_run=False,
    )
    return BatchDiff(state, memory.author(now=NOW + 1))


async def test_each_tag_is_looked_at_once_for_all_edges_of_its_asset(
    memory: Memory, hashed: list[tuple[str, bool]]
) -> None:
    """Many edges of an asset with many tags end: the only entry is for the tag that propagates."""
    tags, sources = [f"tag t{number}" for number in range(40)], [f"dataset s{number}" for number in range(30)]
    diff = without_sources(memory, tags, sources)
    hashed.clear()
    propagating = Propagating("tag t7", "tag elsewhere")
    found = await entries_of(diff, propagating)
    assert found == {vid("tag t7"): ({vid("dataset d")}, set())}
    assert sorted(propagating.given) == sorted(map(vid, tags))
    assert len(hashed) == len(tags)


async def test_many_tags_are_looked_through_in_the_side_thread(
    memory: Memory, hashed: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of few edges may end those of assets with very many tags together."""
    diff = without_sources(memory, ["tag a", "tag b"], ["dataset s"])
    record: Any = memory.record("dataset d")
    many = [urn("tag a"), *(urn(f"tag m{number}") for number in range(MANY_TAGS))]
    monkeypatch.setitem(record["index"], "tags", many)
    hashed.clear()
    assert await entries_of(diff, Propagating("tag a")) == {vid("tag a"): ({vid("dataset d")}, set())}
    assert {is_main for _, is_main in hashed} == {False}
