"""What a batch must read: sets that grow together, and requirements that are collected before a request."""

from functools import partial

import pytest

from app.graph.writing.unit.read_set import LONG_READS, NotReadError, ReadSet, require_all
from graphql_schema.catalog.relations import Direction

HOP = (Direction.OUT, "FEEDS", 7)
EDGE = ("FEEDS", 7, 8)
FULL = ReadSet({1}, {"mlg://a"}, {HOP}, {EDGE})


@pytest.mark.parametrize(
    ("one", "inside"),
    [
        (ReadSet(), True),
        (FULL, True),
        (ReadSet(groups={1}), True),
        (ReadSet(records={"mlg://a"}), True),
        (ReadSet(groups={9}), False),
        (ReadSet(records={"mlg://b"}), False),
        (ReadSet(hops={(Direction.IN, "FEEDS", 7)}), False),
        (ReadSet(edges={("FEEDS", 8, 7)}), False),
        (ReadSet(complete=True), False),
        (ReadSet(children={HOP}), False),
    ],
)
def test_a_set_is_within_another_if_all_of_its_reads_are(one: ReadSet, *, inside: bool) -> None:
    """Planning is repeated until it needs nothing new, so a single missing read of any kind counts."""
    assert one.within(FULL) is inside


@pytest.mark.parametrize("kind", ["groups", "records", "hops", "edges", "ends", "current_hops"])
def test_a_set_of_many_reads_is_long(kind: str) -> None:
    """Reads of each kind count, and a few of one kind are no long set."""
    many = {str(number) for number in range(LONG_READS)}
    assert not ReadSet(**{kind: many}).is_long  # type: ignore[arg-type]
    assert ReadSet(**{kind: {*many, "x"}}).is_long  # type: ignore[arg-type]


def test_added_reads_are_united() -> None:
    """The reads of both sets remain."""
    found = ReadSet({5}, {"mlg://b"}, set(), {EDGE}, {"mlg://c"})
    found.add(FULL)
    assert found == ReadSet({1, 5}, {"mlg://a", "mlg://b"}, {HOP}, {EDGE}, {"mlg://c"})
    found.add(ReadSet(ends={"mlg://d"}, complete=True))
    both = {"mlg://a", "mlg://b"}
    assert found == ReadSet({1, 5}, both, {HOP}, {EDGE}, {"mlg://c", "mlg://d"}, complete=True)
    assert ReadSet(complete=True).within(found)
    assert (FULL.groups, FULL.edges) == ({1}, {EDGE})


def test_every_requirement_is_checked_before_the_error() -> None:
    """One request then reads everything that is missing; nothing missing is no error."""
    checked: list[int] = []

    def requirement(number: int) -> None:
        checked.append(number)
        if number == 3:
            raise NotReadError

    require_all(partial(requirement, number) for number in (1, 2))
    with pytest.raises(NotReadError):
        require_all(partial(requirement, number) for number in (3, 4, 5))
    assert checked == [1, 2, 3, 4, 5]


def test_another_error_is_not_collected() -> None:
    """A rejection of the item ends the planning at once."""

    def refuse() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        require_all([refuse])
