"""The fold of columns: the schema, the sources by job, and what other clients registered."""

from typing import Any

from graphql_schema.rules.observation.observed_columns import (
    ALL_SENDERS,
    MAX_BYTES,
    MAX_PARTS,
    SCHEMA,
    all_sources,
    folded_columns,
    with_observed_sources,
    with_sources_of,
)


def schema(*columns: dict[str, Any]) -> dict[str, Any]:
    """Return the evidence of a schema."""
    return {"order": [1], "digest": "", "value": list(columns)}


def refs(*names: str) -> list[dict[str, Any]]:
    """Return source columns of the dataset `d`."""
    return [{"dataset": "d", "column": each} for each in names]


def sources(order: int = 1, sender: str = "ci", **columns: list[str]) -> dict[str, Any]:
    """Return the evidence of a job: source columns of the dataset `d`."""
    value = {name: refs(*names) for name, names in columns.items()}
    return {"order": [order], "digest": "", "value": value, "sender": sender}


def test_the_schema_decides_on_the_columns() -> None:
    """Its columns are in order; a column that it lacks goes, unless another client registered it or its sensitivity."""
    before = {SCHEMA: schema({"name": "a"}, {"name": "b"}, {"name": "c"})}
    stored = [{"name": "a"}, {"name": "b", "sensitivity": "RESTRICTED"}, {"name": "c"}, {"name": "hand"}]
    columns, kept, _ = folded_columns(stored, before, {SCHEMA: schema({"name": "d"}, {"name": "a"})})
    assert columns == [{"name": "d"}, {"name": "a"}, {"name": "b", "sensitivity": "RESTRICTED"}, {"name": "hand"}]
    assert kept == set()


def test_a_description_of_another_client_is_kept() -> None:
    """A value that differs from the earlier schema comes from a client; the type follows the new schema."""
    before = {SCHEMA: schema({"name": "a", "dataType": "INT", "description": "old"})}
    stored = [{"name": "a", "dataType": "INT", "description": "hand"}]
    columns, kept, _ = folded_columns(stored, before, {SCHEMA: schema({"name": "a", "description": "new"})})
    assert columns == [{"name": "a", "description": "hand"}]
    assert kept == {"a"}


def test_sources_of_jobs_are_joined() -> None:
    """Each job replaces its own sources; those of other jobs remain, and those that a client registered, apart."""
    before = {"one": sources(a=["x"])}
    stored = [{"name": "a", "derivedFrom": refs("hand"), "observedFrom": refs("x")}]
    columns, _, _ = folded_columns(stored, before, {"one": sources(a=["y"]), "two": sources(a=["z", "y"], b=["x"])})
    assert columns == [
        {"name": "a", "derivedFrom": refs("hand"), "observedFrom": refs("y", "z")},
        {"name": "b", "observedFrom": refs("x"), "bySources": True},
    ]
    assert folded_columns(columns, {"two": sources(b=["x"])}, {})[0] == [columns[0]]


def test_columns_that_only_sources_name_come_last() -> None:
    """They remain beside a schema, and when it has them no more; the order of the two events does not count."""
    one, two = {"one": sources(a=["x"], b=["y"])}, {SCHEMA: schema({"name": "a"})}
    alone = folded_columns([], {}, one)[0]
    assert [column["name"] for column in alone] == ["a", "b"]
    for columns, before in ((alone, one), (folded_columns([], {}, two)[0], two)):
        both = folded_columns(columns, before, one | two)[0]
        assert both == [{"name": "a", "observedFrom": refs("x")}, alone[1]]
    wider = {**one, SCHEMA: schema({"name": "b"})}
    assert folded_columns(both, one | two, wider)[0] == [{"name": "b", "observedFrom": refs("y")}, alone[0]]
    assert folded_columns(both, one | two, one)[0] == alone
    assert folded_columns(alone, one, {"one": sources(2, b=["y"])})[0] == [alone[1]]


def test_the_sources_of_an_earlier_release_leave_the_registered_ones() -> None:
    """It put them together: if no caller gave the columns since, the fold parts them; it shows the same as before."""
    old = {"order": [1], "digest": "", "value": {"a": refs("x"), "b": refs("z")}, "by": "ci"}
    stored = [{"name": "a", "derivedFrom": refs("hand", "x")}, {"name": "b", "derivedFrom": refs("z")}]
    columns, _, entries = folded_columns(stored, {"one": old}, {"one": old, "two": sources(b=["y"])})
    assert columns[0] == {"name": "a", "derivedFrom": refs("hand"), "observedFrom": refs("x")}
    assert [all_sources(column) for column in columns] == [refs("hand", "x"), refs("y", "z")]
    assert entries["one"]["sender"] == "ci"
    given, _, _ = folded_columns(stored, {"one": old}, {"one": old}, is_mixed=False)
    assert given[0] == {"name": "a", "derivedFrom": refs("hand", "x"), "observedFrom": refs("x")}
    assert all_sources(given[0]) == refs("hand", "x")


def test_a_registered_column_is_not_taken_for_an_earlier_one() -> None:
    """After the upgrade, a registered guess neither moves to the end if it is right, nor ends with the hidden one."""
    old = {"order": [1], "digest": "", "value": {"z": refs("right")}, "by": "ci"}
    for guess in ("right", "wrong"):
        stored: list[dict[str, Any]] = [{"name": "z", "derivedFrom": refs(guess)}, {"name": "a"}]
        for new in (sources(2, z=["right"], q=["v"]), sources(2, q=["v"])):
            columns, _, _ = folded_columns(stored, {"one": old}, {"one": new}, is_mixed=False)
            assert [column["name"] for column in columns] == ["z", "a", "q"]


def test_a_registration_keeps_observed_sources() -> None:
    """It has those of the evidence; a revert keeps those of stored columns, and the registered ones of others."""
    stored: list[dict[str, Any]] = [{"name": "a", "derivedFrom": refs("x"), "observedFrom": refs("y")}, {"name": "b"}]
    given: list[dict[str, Any]] = [
        {"name": "b"},
        {"name": "a", "derivedFrom": refs("z")},
        {"name": "c", "derivedFrom": refs("w"), "observedFrom": refs("guess")},
        {"name": "d", "observedFrom": refs("guess")},
    ]
    parts = {SCHEMA: schema({"name": "b"}), "one": sources(a=["z"], c=["y"]), "two": sources(c=["v"])}
    others = [{**given[2], "observedFrom": refs("v", "y")}, {"name": "d"}]
    assert with_observed_sources(given, parts) == [given[0], {**given[1], "observedFrom": refs("z")}, *others]
    assert with_sources_of(given, stored, parts) == [given[0], stored[0], *others]


def test_the_evidence_is_bounded_by_sender() -> None:
    """Of each sender the last parts count, up to a number and a size, whatever others send; all have a bound, too."""
    jobs = {f"job {number:02d}": sources(number, a=[str(number)]) for number in range(MAX_PARTS + 2)}
    columns, _, kept = folded_columns([], {}, {**jobs, SCHEMA: schema({"name": "a"})})
    assert sorted(kept) == [*sorted(jobs)[2:], SCHEMA]
    assert len(columns[0]["observedFrom"]) == MAX_PARTS
    others = {f"their {each}": {**part, "sender": "other", "order": [99]} for each, part in jobs.items()}
    assert sorted(jobs)[2:] == [each for each in sorted(folded_columns([], {}, jobs | others)[2]) if each in jobs]
    wide = {f"wide {number}": sources(number, a=["x" * (MAX_BYTES // 2 - 99)]) for number in range(3)}
    assert sorted(folded_columns([], {}, wide)[2]) == ["wide 1", "wide 2"]
    many = {f"{who}": sources(who, str(who), a=["x" * (MAX_BYTES - 99)]) for who in range(ALL_SENDERS + 1)}
    assert sorted(folded_columns([], {}, many)[2]) == ["1", "2", "3"]
