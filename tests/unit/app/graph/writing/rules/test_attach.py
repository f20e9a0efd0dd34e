"""Ids of attached records: the same for equal values, and each once in a transaction."""

import pytest
from support.stores.in_memory_writer import Memory
from support.stores.writers import NOW

from app.graph.writing.rules import attach
from app.graph.writing.rules.attach import attached_urn, new_attached_record, new_urn


def test_equal_records_of_one_transaction_have_ids_of_their_own(memory: Memory) -> None:
    """A record that is staged takes its id; in another transaction, equal values have the first id again."""
    unit, ids = memory.unit(), []
    for _ in range(3):
        ids.append(new_urn(unit, "incident", "late", prefix="p-"))
        unit.staging.put(unit.lookup.vid(ids[-1]), new_attached_record(unit, ids[-1], NOW, title="late"))
    assert len({*ids}) == 3
    assert all(each.startswith("mlg://incident/catalog/default/p-") for each in ids)
    assert new_urn(memory.unit(), "incident", "late", prefix="p-") == ids[0]


def test_a_new_id_is_not_computed_from_its_values(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another key of the process gives equal records other ids, and the prefix, which orders them, stays."""
    before = new_urn(memory.unit(), "incident", "late", prefix="p-")
    monkeypatch.setattr(attach, "_KEY", bytes(32))
    after = new_urn(memory.unit(), "incident", "late", prefix="p-")
    assert before != after
    assert before.partition("p-")[0] == after.partition("p-")[0] == "mlg://incident/catalog/default/"
    assert attached_urn("default", "incident", "late", "0").rpartition("/")[2] not in before


def test_an_id_depends_on_the_tenant() -> None:
    """Equal records of two tenants have different ids."""
    assert (
        attached_urn("a", "incident", "x") == attached_urn("a", "incident", "x") != attached_urn("b", "incident", "x")
    )
