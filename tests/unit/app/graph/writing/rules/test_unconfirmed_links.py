"""Links to what is hidden: kept with an edge by subject, apart from what others declared."""

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, shipped_policy, urn

from graphql_schema.ports.commands import RevertCommand, UnlinkCommand

ADA = person("ada", "team ranking", roles="engineer")
THEIRS = {"team ads": ["TECHNICAL"]}
EDGE = ("DERIVES", "dataset up", "dataset hidden")


@pytest.fixture
def memory() -> Memory:
    """Return a store with a visible source, and a dataset that is hidden from ada."""
    hidden = asset("dataset hidden", {"visibility": "TEAM"}, owners=THEIRS)
    return seeded(Memory(shipped_policy()), asset("dataset up"), hidden)


def test_a_first_link_is_an_unconfirmed_edge(memory: Memory) -> None:
    """It is CREATED with revision 1, UNCHANGED when repeated, and follows a link with other values."""
    (first,) = memory.run(link(*EDGE), who=ADA)
    assert (first.outcome.name, first.revision, first.changed_end_known) == ("CREATED", 1, False)
    assert memory.outcomes(link(*EDGE), who=ADA, now=NOW + 1) == ["UNCHANGED"]
    assert memory.outcomes(link(*EDGE, confidence=0.5), who=ADA, now=NOW + 2) == ["UPDATED"]
    edge = memory.edge(*EDGE)
    assert (edge["claim"], edge["confidence"], edge["recordedBy"], list(edge["links"])) == (True, 0.5, "ada", ["ada"])


def test_a_link_leaves_the_edge_of_others(memory: Memory) -> None:
    """A confirmed edge keeps author and values, and the outcome is that of a first link."""
    seeded(memory, link(*EDGE, confidence=0.5))
    before = memory.edge(*EDGE)
    assert memory.outcomes(link(*EDGE, confidence=0.25), who=ADA, now=NOW + 1) == ["CREATED"]
    after = memory.edge(*EDGE)
    assert {name: value for name, value in after.items() if name != "links"} == before


def test_a_revert_of_an_edge_leaves_the_links_as_their_authors_left_them(memory: Memory) -> None:
    """An end by ada stays, although the former record, which the revert restores, has her link without an end."""
    end = UnlinkCommand(EDGE[0], urn(EDGE[1]), urn(EDGE[2]))
    memory.run(link(*EDGE), who=ADA)
    memory.run(link(*EDGE), now=NOW + 1)
    memory.run(link(*EDGE, confidence=0.5), now=NOW + 2)
    (change,) = (each["id"] for each in memory.vertices.values() if each.get("createdAt") == NOW + 2)
    assert memory.outcomes(end, who=ADA, now=NOW + 3) == ["UPDATED"]
    assert memory.outcomes(RevertCommand(change), now=NOW + 4) == ["UPDATED"]
    (again,) = memory.run(end, who=ADA, now=NOW + 5)
    assert [error.code.name for error in again.errors] == ["NOT_FOUND"]
