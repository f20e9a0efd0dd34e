"""The decision table against Cedar and the product: every caller, class of assets, field and write.

Each test counts the cells that it compares, so that a loop which skips cells fails.
"""

from collections.abc import Iterator, Mapping
from math import prod

import pytest
from support.oracles.decision_table import (
    ASSET_KINDS,
    AXES,
    CALLERS,
    TYPE_OF,
    Class,
    classes,
    read_table,
    words,
)

from policies.access import Access
from policies.attributes import PolicyAttributes
from policies.decision import Grade
from policies.governed import Governed
from policies.policy import Policy
from policies.predicate import compiled
from policies.principal import Principal
from policies.vocabulary import RowAction, WriteAction, field_action

pytestmark = pytest.mark.long

TABLE = read_table()
EDGES = ("Neighbour", "LineageEdge", "Ownership", "TagAssignment")
PROBED = {"MODEL", "TEAM"}
"""Kinds whose writes are compared on every class; those of other kinds on one sensitivity and stage only."""

ByHand = Mapping[str, Mapping[str, str]]


def test_the_table_is_complete_and_unambiguous() -> None:
    """The table has every caller and known labels and writes only, and the lines of a caller do not overlap."""
    assert TABLE.keys() == CALLERS.keys()
    known = {"sees": {"public", "internal", "restricted", "secret"}, "does": {*map(str, WriteAction)}}
    for name, lines in TABLE.items():
        assert all(line.words <= known[line.verb] for line in lines)
        for where, _ in classes(CALLERS[name]):
            words(lines, "sees", where)
            words(lines, "does", where)


def test_labels_equal_the_hand_written_list(policy: Policy, governed: Governed, by_hand: ByHand) -> None:
    """labels.toml and the hand-written list have the same label for each governed field."""
    assert sum(len(fields) for fields in by_hand.values()) == sum(map(len, governed.fields.values()))
    differing = [
        f"{name}.{field} {label}"
        for name, fields in policy.labels.items()
        for field, label in fields.items()
        if by_hand[name].get(field) != label
    ]
    assert differing == [], f"Write {differing} into tests/unit/policies/labels_by_hand.txt, if that is intended."
    assert {name: fields.keys() for name, fields in policy.labels.items()} == {
        name: fields.keys() for name, fields in by_hand.items()
    }


def shown(visible: frozenset[str], labels: Mapping[str, str]) -> set[str]:
    """Return the fields of a type that the table shows to a caller with these visible labels."""
    return {field for field, label in labels.items() if label in visible}


def compare_reads(policy: Policy, by_hand: ByHand, name: str) -> int:
    """Compare grades, row filters, masks and filterable fields of the product with the table; return the cells."""
    access, cells = policy.access(CALLERS[name]), 0
    rows = {action: compiled(access.rows(action)) for action in RowAction}
    filterable = {
        field: compiled(access.rows_showing(field))
        for field in {each for fields in by_hand.values() for each in fields}
    }
    for where, attributes in classes(CALLERS[name], ASSET_KINDS):
        labels = words(TABLE[name], "sees", where)
        grade = Grade.READ if "internal" in labels else Grade.DISCOVER if labels else Grade.HIDDEN
        assert access.grade(attributes) is grade, (name, where)
        assert (rows[RowAction.DISCOVER](attributes), rows[RowAction.READ](attributes)) == (grade > 0, grade > 1), where
        cells += 3
        for type_name in (TYPE_OF[where[-1]], *EDGES):
            fields = by_hand[type_name]
            visible = fields.keys() - access.field_mask(type_name, attributes).hidden
            assert visible == shown(labels, fields), (name, where, type_name)
            cells += len(fields)
            if type_name not in EDGES:
                assert {each for each in fields if filterable[each](attributes)} == visible, (name, where, type_name)
                cells += len(fields)
    return cells


def class_count(name: str) -> int:
    """Return the number of classes of one kind that exist for a caller: without a team there are no own assets."""
    owners, *others, _ = (len(axis) for axis in AXES)
    return (owners if CALLERS[name].owners else owners - 1) * prod(others)


def test_the_product_reads_as_the_table(policy: Policy, by_hand: ByHand) -> None:
    """Grades, row filters, masks and filterable fields equal the table for each caller, field and class."""
    cells = sum(compare_reads(policy, by_hand, name) for name in TABLE)
    print(f"{cells:,} cells of the product")  # noqa: T201 - the figure is part of the result
    of_edges = sum(len(by_hand[edge]) for edge in EDGES)
    of_kinds = sum(3 + 2 * len(by_hand[TYPE_OF[kind]]) + of_edges for kind in ASSET_KINDS)
    assert cells == of_kinds * sum(map(class_count, TABLE))


def field_requests(
    by_hand: ByHand, attributes: PolicyAttributes, labels: frozenset[str]
) -> Iterator[tuple[str, PolicyAttributes, bool]]:
    """Yield the requests to Cedar about the fields of a class, each with the decision of the table.

    On a row with grade DISCOVER only public fields are requested: there the rules about rows decide, not the labels.
    The fields of edges are requested at one kind only; the product is compared at every kind.
    """
    for type_name in (TYPE_OF[attributes.kind], *(EDGES if attributes.kind == "MODEL" else ())):
        for field, label in by_hand[type_name].items():
            if "internal" in labels or (labels and label == "public"):
                yield field_action(type_name, field), attributes, label in labels


def compare_cedar_reads(policy: Policy, by_hand: ByHand, name: str, kind: str) -> int:
    """Compare the decisions of Cedar about rows and fields of one kind with the table; return their number."""
    requests: list[tuple[str, PolicyAttributes, bool]] = []
    for where, row in classes(CALLERS[name], (kind,)):
        labels = words(TABLE[name], "sees", where)
        requests += [("discover", row, bool(labels)), ("read", row, "internal" in labels)]
        requests += field_requests(by_hand, row, labels)
    decisions = policy.engine.decide_all(CALLERS[name], [(action, row) for action, row, _ in requests])
    wrong = [each for each, decision in zip(requests, decisions, strict=True) if decision.allowed != each[2]]
    assert wrong == [], name
    return len(requests)


def readers() -> list[str]:
    """Return the callers with the scope to read, without those whose permits another caller of the list has too."""
    others = {"ads-writer", "no-team-engineer"}
    return [name for name, caller in CALLERS.items() if "graph:read" in caller.scopes and name not in others]


@pytest.mark.parametrize("name", readers())
def test_cedar_reads_as_the_table(policy: Policy, by_hand: ByHand, name: str) -> None:
    """The decisions of Cedar, without compiled forms, equal the table for each field and class."""
    cells = {kind: compare_cedar_reads(policy, by_hand, name, kind) for kind in ASSET_KINDS}
    print(f"{sum(cells.values()):,} cells of Cedar")  # noqa: T201 - the figure is part of the result
    assert {kind for kind, count in cells.items() if count < 2 * class_count(name)} == set()


def sampled(where: Class) -> bool:
    """Return whether writes are compared on a class."""
    return where[-1] in PROBED or where[2:4] == ("INTERNAL", "ACTIVE")


def allowed(access: Access, action: WriteAction, attributes: PolicyAttributes) -> bool:
    """Return the decision of the product about a write."""
    return access.may(action, attributes).allowed


def test_the_product_permits_writes_as_the_table(policy: Policy) -> None:
    """The permitted writes of each caller equal the table, on every class of assets, teams and users."""
    cells = 0
    for name, caller in CALLERS.items():
        access = policy.access(caller)
        for where, attributes in filter(lambda pair: sampled(pair[0]), classes(caller)):
            found = {str(action) for action in WriteAction if allowed(access, action, attributes)}
            assert found == words(TABLE[name], "does", where), (name, where)
            cells += len(WriteAction)
    print(f"{cells:,} writes of the product")  # noqa: T201 - the figure is part of the result
    assert cells == len(WriteAction) * sum(map(sampled_count, CALLERS))


def sampled_count(name: str) -> int:
    """Return the number of classes on which the writes of a caller are compared."""
    owners, visibilities, *_, kinds = (len(axis) for axis in AXES)
    on_one = (owners if CALLERS[name].owners else owners - 1) * visibilities
    return class_count(name) * len(PROBED) + on_one * (kinds - len(PROBED))


def ceilings(caller: Principal) -> frozenset[str]:
    """Return the writes that the scopes of a caller permit at most."""
    if "graph:write" not in caller.scopes:
        return frozenset()
    return frozenset(WriteAction) - (frozenset() if "graph:admin" in caller.scopes else {WriteAction.ADMINISTER})


def test_cedar_permits_writes_as_the_table(policy: Policy) -> None:
    """The writes that Cedar permits equal the table, limited to the caller's scopes and to rows that are read."""
    cells = 0
    for name, caller in CALLERS.items():
        reach = sorted(ceilings(caller))
        rows = [pair for pair in classes(caller) if reach and sampled(pair[0])]
        requests = [(where, row, action) for where, row in rows for action in ("discover", "read", *reach)]
        decisions = policy.engine.decide_all(caller, [(action, row) for _, row, action in requests])
        found: dict[Class, set[str]] = {where: set() for where, _, _ in requests}
        for (where, _, action), decision in zip(requests, decisions, strict=True):
            found[where] |= {action} if decision.allowed else set()
        for where, actions in found.items():
            is_read = {"discover", "read"} <= actions
            assert (actions & {*reach} if is_read else set()) == words(TABLE[name], "does", where), (name, where)
        cells += len(requests)
    print(f"{cells:,} writes of Cedar")  # noqa: T201 - the figure is part of the result
    writers = {name: len(ceilings(caller)) for name, caller in CALLERS.items() if ceilings(caller)}
    assert cells == sum((2 + writes) * sampled_count(name) for name, writes in writers.items())
