"""The matrix: every caller, class of assets, field and write, decided by Cedar, by the product and by people."""

from collections.abc import Iterator, Mapping
from itertools import groupby

import pytest
from support.oracles.decision_table import (
    ASSET_KINDS,
    CALLERS,
    TYPE_OF,
    Class,
    classes,
    labels_by_hand,
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

TABLE = read_table()
EDGES = ("Neighbour", "LineageEdge", "Ownership", "TagAssignment")
PROBED = {"MODEL", "TEAM"}
"""Kinds whose writes are asked about on every class; the others on one sensitivity and stage."""

ByHand = Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="session")
def by_hand(governed: Governed) -> ByHand:
    """Give the label of every field as people wrote it."""
    return labels_by_hand(governed)


def test_the_table_is_about_everybody_and_everything() -> None:
    """No caller is forgotten, no line speaks of an unknown label or write, and lines of one caller do not overlap."""
    assert TABLE.keys() == CALLERS.keys()
    known = {"sees": {"public", "internal", "restricted", "secret"}, "does": {*map(str, WriteAction)}}
    for name, lines in TABLE.items():
        assert all(line.words <= known[line.verb] for line in lines)
        for where, _ in classes(CALLERS[name]):
            words(lines, "sees", where)
            words(lines, "does", where)


def test_labels_are_those_that_people_wrote(policy: Policy, by_hand: ByHand) -> None:
    """The labels file and the list by hand name the same label for each of the 642 fields."""
    assert sum(len(fields) for fields in by_hand.values()) == 642
    assert {
        name: {field: str(label) for field, label in fields.items()} for name, fields in policy.labels.items()
    } == by_hand


def shown(seen: frozenset[str], labels: Mapping[str, str]) -> set[str]:
    """The fields of a type that the table shows."""
    return {field for field, label in labels.items() if label in seen}


def reads(policy: Policy, by_hand: ByHand, name: str) -> int:
    """Compare what the product shows of rows and edges, and lets filters look at, with the table; count the cells."""
    access, cells = policy.access(CALLERS[name]), 0
    rows = {action: compiled(access.rows(action)) for action in RowAction}
    looks = {
        field: compiled(access.rows_showing(field))
        for field in {each for fields in by_hand.values() for each in fields}
    }
    for where, attributes in classes(CALLERS[name], ASSET_KINDS):
        seen = words(TABLE[name], "sees", where)
        grade = Grade.READ if "internal" in seen else Grade.DISCOVER if seen else Grade.HIDDEN
        assert access.grade(attributes) is grade, (name, where)
        assert (rows[RowAction.DISCOVER](attributes), rows[RowAction.READ](attributes)) == (grade > 0, grade > 1), where
        cells += 3
        for type_name in (TYPE_OF[where[-1]], *EDGES):
            fields = by_hand[type_name]
            visible = fields.keys() - access.field_mask(type_name, attributes).hidden
            assert visible == shown(seen, fields), (name, where, type_name)
            cells += len(fields)
            if type_name not in EDGES:
                assert {each for each in fields if looks[each](attributes)} == visible, (name, where, type_name)
                cells += len(fields)
    return cells


def test_the_product_shows_what_the_table_says(policy: Policy, by_hand: ByHand) -> None:
    """Grades, row filters, masks and what filters, orders and counts may look at, for each caller, field and class."""
    cells = {name: reads(policy, by_hand, name) for name in TABLE}
    print(f"{sum(cells.values()):,} cells of the product")  # noqa: T201 - the figure is part of the result
    assert sum(cells.values()) == 2_249_856


def field_questions(
    by_hand: ByHand, known: list[tuple[frozenset[str], PolicyAttributes]]
) -> Iterator[tuple[str, PolicyAttributes, bool]]:
    """What Cedar is asked about the fields of a class, with the answer of the table.

    Where a row is not read, rows decide about its fields and not the labels: of these only public ones are asked for.
    The product is asked about edges at every kind, Cedar at one.
    """
    for seen, attributes in known:
        for type_name in (TYPE_OF[attributes.kind], *(EDGES if attributes.kind == "MODEL" else ())):
            for field, label in by_hand[type_name].items():
                if "internal" in seen or (seen and label == "public"):
                    yield field_action(type_name, field), attributes, label in seen


def engine_reads(policy: Policy, by_hand: ByHand, name: str) -> int:
    """Compare Cedar's own answers about rows and fields with the table; count them."""
    caller, cells = CALLERS[name], 0
    about = [(words(TABLE[name], "sees", where), row) for where, row in classes(caller, ASSET_KINDS)]
    for _, group in groupby(about, key=lambda pair: pair[1].kind):
        known = [*group]
        asked = [("discover", row, bool(seen)) for seen, row in known]
        asked += [("read", row, "internal" in seen) for seen, row in known]
        asked += field_questions(by_hand, known)
        answers = policy.engine.decide_all(caller, [(action, row) for action, row, _ in asked])
        wrong = [each for each, answer in zip(asked, answers, strict=True) if answer.allowed != each[2]]
        assert wrong == [], name
        cells += len(asked)
    return cells


def readers() -> list[str]:
    """The callers whose scopes let them read, but for those to whom every rule that shows something is another's."""
    others = {"ads-writer", "auditor-writer", "no-team-engineer"}
    return [name for name, caller in CALLERS.items() if "graph:read" in caller.scopes and name not in others]


def test_cedar_shows_what_the_table_says(policy: Policy, by_hand: ByHand) -> None:
    """The engine, asked without compiled forms about each coordinate and class, gives the table."""
    cells = sum(engine_reads(policy, by_hand, name) for name in readers())
    print(f"{cells:,} cells of Cedar")  # noqa: T201 - the figure is part of the result
    assert cells == 441_920


def sampled(where: Class) -> bool:
    """Whether writes are asked about on a class."""
    return where[-1] in PROBED or where[2:4] == ("INTERNAL", "ACTIVE")


def allowed(access: Access, action: WriteAction, attributes: PolicyAttributes) -> bool:
    """What the product decides about a write."""
    return access.may(action, attributes).allowed


def test_the_product_lets_do_what_the_table_says(policy: Policy) -> None:
    """Each write of each caller, on teams and users as on assets of every class."""
    cells = 0
    for name, caller in CALLERS.items():
        access = policy.access(caller)
        for where, attributes in filter(lambda pair: sampled(pair[0]), classes(caller)):
            found = {str(action) for action in WriteAction if allowed(access, action, attributes)}
            assert found == words(TABLE[name], "does", where), (name, where)
            cells += len(WriteAction)
    print(f"{cells:,} writes of the product")  # noqa: T201 - the figure is part of the result
    assert cells == 32_256


def ceilings(caller: Principal) -> frozenset[str]:
    """The writes that the scopes of a caller reach."""
    if "graph:write" not in caller.scopes:
        return frozenset()
    return frozenset(WriteAction) - (frozenset() if "graph:admin" in caller.scopes else {WriteAction.ADMINISTER})


def test_cedar_lets_do_what_the_table_says(policy: Policy) -> None:
    """Each write on every class and kind, asked of the engine, under the ceiling of scopes and of reading."""
    cells = 0
    for name, caller in CALLERS.items():
        reach = sorted(ceilings(caller))
        rows = [pair for pair in classes(caller) if reach and sampled(pair[0])]
        asked = [(where, row, action) for where, row in rows for action in ("discover", "read", *reach)]
        answers = policy.engine.decide_all(caller, [(action, row) for _, row, action in asked])
        found: dict[Class, set[str]] = {where: set() for where, _, _ in asked}
        for (where, _, action), answer in zip(asked, answers, strict=True):
            found[where] |= {action} if answer.allowed else set()
        for where, actions in found.items():
            reads_it = {"discover", "read"} <= actions
            assert (actions & {*reach} if reads_it else set()) == words(TABLE[name], "does", where), (name, where)
        cells += len(asked)
    print(f"{cells:,} writes of Cedar")  # noqa: T201 - the figure is part of the result
    assert cells == 29_952
