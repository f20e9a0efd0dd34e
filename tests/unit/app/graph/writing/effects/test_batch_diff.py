"""The difference of a batch for propagation: edges that begin or cease to carry data."""

from support.stores.in_memory_writer import Memory, plan, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.records.edge_record import EdgeKey
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.effects.batch_diff import BatchDiff
from graphql_schema.ports.commands import Command, UnlinkCommand


def vid(text: str) -> int:
    """Return the vertex id of ``kind name``."""
    return vertex_id("default", urn(text))


AUDITOR = person("root", roles="admin auditor")
EDGE: EdgeKey = ("DERIVES", vid("dataset a"), vid("dataset b"))


def diff(memory: Memory, *commands: Command) -> BatchDiff:
    """Return the difference that commands make."""
    state, author = memory.state(), memory.author(AUDITOR, NOW + 1)
    assert not [done.errors for done in plan(commands, state, author, dry_run=False) if done.errors]
    return BatchDiff(state, author)


def test_a_new_edge_opens_and_an_ended_one_closes(memory: Memory) -> None:
    """An edge that only changes its values does neither; audit entries are no vertices of the difference."""
    found = diff(memory, link("DERIVES", "dataset a", "dataset b"))
    assert (found.opened, found.closed, found.ending) == ([EDGE], [], [])
    assert {*found.vertices} == {vid("dataset a"), vid("dataset b")}
    seeded(memory, link("DERIVES", "dataset a", "dataset b"))
    changed = diff(memory, link("DERIVES", "dataset a", "dataset b", confidence=0.5))
    assert (changed.opened, changed.closed) == ([], [])
    ended = diff(memory, UnlinkCommand("DERIVES", urn("dataset a"), urn("dataset b")))
    assert (ended.opened, ended.closed) == ([], [EDGE])


def test_a_declassified_edge_ceases_to_carry(memory: Memory) -> None:
    """The edge remains, and sensitivity no longer follows it; an edge with an end carries until then."""
    seeded(memory, link("DERIVES", "dataset a", "dataset b"))
    assert diff(memory, link("DERIVES", "dataset a", "dataset b", declassified=True)).closed == [EDGE]
    assert diff(memory, link("DERIVES", "dataset a", "dataset b", validTo=NOW + 99)).ending == [EDGE]


def test_an_end_is_taken_back(memory: Memory) -> None:
    """An edge that ends now or never instead of later is awaited in vain; an edge with another end is not."""
    seeded(memory, link("DERIVES", "dataset a", "dataset b", validTo=NOW + 99))
    for again in (
        UnlinkCommand("DERIVES", urn("dataset a"), urn("dataset b")),
        link("DERIVES", "dataset a", "dataset b", validTo=None),
        link("DERIVES", "dataset a", "dataset b", declassified=True),
    ):
        found = diff(memory, again)
        assert (found.unending, found.first_ends()) == ([EDGE], [((EDGE[2], None), 0)])
    moved = diff(memory, link("DERIVES", "dataset a", "dataset b", validTo=NOW + 50))
    assert (moved.unending, moved.first_ends()) == ([], [((EDGE[2], None), NOW + 50)])


def test_edges_of_a_group_are_child_and_parent(memory: Memory) -> None:
    """A version belongs to its model, and a feature to its set although the edge leads the other way."""
    found = diff(memory, asset("model-version m@1"), asset("feature f", featureSet=["feature-set s"]))
    version = ("VERSION_OF", vid("model-version m@1"), vid("model m"))
    feature = ("CONTAINS", vid("feature-set s"), vid("feature f"))
    assert {*found.opened} == {version, feature}
    assert found.affected(version) == (vid("model-version m@1"), vid("model m"))
    assert found.affected(feature) == (vid("feature f"), vid("feature-set s"))
    assert (found.is_parent(vid("model m")), found.is_parent(vid("feature f"))) == (True, False)


def test_a_domain_is_no_parent(memory: Memory) -> None:
    """The relation is that of features, and the kinds are not: a domain propagates nothing."""
    found = diff(memory, link("CONTAINS", "domain shop", "dataset a"))
    assert found.child_and_parent(("CONTAINS", vid("domain shop"), vid("dataset a"))) is None
    assert found.opened == []
    assert found.affected(EDGE) == (vid("dataset b"), None)
