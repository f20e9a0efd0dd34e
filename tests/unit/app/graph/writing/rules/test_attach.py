"""Ids of attached records: the same for equal values, and each once in a transaction."""

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, person, urn

from app.graph.records.vertex_record import ATTACHED_COUNTS
from app.graph.writing.rules import attach
from app.graph.writing.rules.attach import (
    MAX_UNOWNED,
    attached_urn,
    count_attached,
    may_attach,
    new_attached_record,
    new_urn,
)
from app.graph.writing.unit.rejections import RejectedItemError


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


@pytest.mark.usefixtures("by_chance")
def test_no_number_of_records_discloses_one_more(memory: Memory) -> None:
    """Near the limit a record is refused or not by chance, and the message has no count.

    A record of a hidden consumer is counted once. By an exact limit, its count would disclose whether it is there.
    """
    seeded(memory, asset("dataset a"))
    what, name = "months of usage", urn("dataset a")
    results = set[str]()
    for _ in range(60):
        unit = memory.unit(person("eva", "team ads", roles="engineer"))
        vid = unit.lookup.vid(name)
        unit.staging.put(vid, {**unit.lookup.known(vid), ATTACHED_COUNTS: {what: MAX_UNOWNED[what] * 7 // 8}})
        results.add(f"may: {may_attach(unit, name, what)}")
        try:
            count_attached(unit, name, what)
            results.add("counted")
        except RejectedItemError as error:
            results.add(str(error))
    assert len(results) == 4
    assert all(str(MAX_UNOWNED[what] * 7 // 8) not in result for result in results)
