"""The tags that a batch affects: the children of a parent are read once, however many of its edges are new."""

from typing import Any

from support.stores.in_memory_writer import Memory, plan, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.propagation.sources import Sources, group_of
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.effects.batch_diff import BatchDiff
from app.graph.writing.effects.tag_outbox import _AffectedTags
from graphql_schema.ports.record import Record

FEATURES = [f"feature f{number}" for number in range(20)]
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


def test_each_child_is_read_once_for_all_new_edges_of_its_parent(memory: Memory) -> None:
    """All targets are recomputed for the tag of the children, whose records are read once, not once for each target."""
    found, records = affected(memory)
    found.add_moved()
    frontier, expand = found.by_tag[vid("tag pii")]
    assert (set(frontier), expand) == ({vid(each) for each in VERSIONS}, {})
    assert sorted(records.reads) == sorted(records)


def test_each_child_is_read_once_for_all_deleted_targets_of_its_parent(memory: Memory) -> None:
    """Deleted targets of a group are recomputed for the tags of its members, read once for all of them."""
    found, records = affected(memory)
    group, targets = group_of(vid("feature-set s")), [vid(each) for each in VERSIONS]
    found._add_around(targets, Sources({**{each: {group} for each in targets}, group: set(records)}))  # noqa: SLF001
    frontier, expand = found.by_tag[vid("tag pii")]
    assert frontier.keys() == expand.keys() == set(targets)
    assert sorted(records.reads) == sorted(records)
