"""Ids in values: whether the caller may see all of them."""

from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import asset, person, urn

from app.graph.writing.unit.unseen_references import any_unseen

ADA = person("ada", "team ranking", roles="engineer")


def test_a_hidden_id_is_like_an_absent_one(memory: Memory) -> None:
    """Only if all ids are visible, none is unseen."""
    seeded(memory, asset("dataset up"), asset("dataset shut", {"visibility": "TEAM"}, owners={"team ads": []}))
    unit = memory.unit(ADA)
    shown, shut, absent = (urn(f"dataset {name}") for name in ("up", "shut", "absent"))
    assert [any_unseen(unit, urns) for urns in ([], [shown], [shown, shut], [absent])] == [False, False, True, True]
