"""Ids of attached records: the same for equal values, and each once in a transaction; the evidence of columns."""

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, person, urn

from app.graph.records.vertex_record import ATTACHED_COUNTS
from app.graph.writing.rules import attach
from app.graph.writing.rules.attach import (
    MAX_UNOWNED,
    attached_urn,
    column_parts,
    count_attached,
    may_attach,
    new_attached_record,
    new_urn,
    observation_urn,
)
from app.graph.writing.unit.read_set import NotReadError, ReadCoverage
from app.graph.writing.unit.rejections import RejectedItemError
from graphql_schema.ports.commands import ObserveCommand, ObservedValue, RevertCommand


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


@pytest.fixture
def described(memory: Memory) -> Memory:
    """Return a store with the dataset `d`, of whose columns `x` and `y` a job has given sources."""
    seeded(memory, asset("dataset d"))
    observe(memory, 1, x=["a"], y=["a"])
    return memory


def observe(memory: Memory, at: int, **sources: list[str]) -> None:
    """Run an event of the job."""
    value = {
        name: [{"dataset": urn("dataset up"), "column": each} for each in columns] for name, columns in sources.items()
    }
    memory.run(ObserveCommand(urn("dataset d"), "d", (ObservedValue("columns", value, (at,), "a job"),)), now=NOW + at)


def observed(memory: Memory) -> dict[str, list[str]]:
    """Return the names of the observed source columns of each column."""
    columns = memory.record("dataset d")["columns"]
    return {column["name"]: [each["column"] for each in column.get("observedFrom", ())] for column in columns}


def test_the_parts_of_an_asset_are_read(described: Memory) -> None:
    """Another asset has none; evidence that was not read is requested."""
    assert [*column_parts(described.unit(), urn("dataset d"))] == ["a job"]
    assert column_parts(described.unit(), urn("dataset other")) == {}
    assert observation_urn("default", urn("dataset d")) != observation_urn("other", urn("dataset d"))
    with pytest.raises(NotReadError):
        column_parts(described.unit(coverage=ReadCoverage((), (), (), (), (), ())), urn("dataset other"))


def test_a_registration_brings_back_observed_sources(described: Memory) -> None:
    """A list without a column, or null, ends none of the sources that events gave."""
    for columns in ([{"name": "y"}], None):
        described.run(asset("dataset d", {"columns": columns}), now=NOW + 2)
        described.run(asset("dataset d", {"columns": [{"name": "x"}, {"name": "y"}]}), now=NOW + 3)
        assert observed(described) == {"x": ["a"], "y": ["a"]}


def test_a_revert_brings_back_the_present_sources(described: Memory) -> None:
    """Those of before may be a guess of the caller, or of a job that has stopped to give them."""
    described.run(asset("dataset d", {"columns": [{"name": "z"}]}), now=NOW + 2)
    changes = [
        each for each in described.vertices.values() if each.get("subject") == urn("dataset d") and "fields" in each
    ]
    removal = max(changes, key=lambda each: each["createdAt"])
    observe(described, 3, y=["b"])
    described.run(asset("dataset d", {"columns": [{"name": "z"}]}), now=NOW + 4)
    assert described.outcomes(RevertCommand(removal["id"]), now=NOW + 5) == ["UPDATED"]
    assert observed(described) == {"x": [], "y": ["b"]}
