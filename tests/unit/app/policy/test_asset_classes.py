"""Classes of assets in blocks: few blocks that hold each class once, written as short cells."""

import random
from itertools import product

import pytest

from app.policy.asset_classes import AXES, OTHER, AssetClass, blocks, classes, format_block, group_blocks
from policies.principal import Principal, PrincipalKind

ADA = Principal("ada", PrincipalKind.PERSON, "acme", teams=frozenset({"mlg://team/b", "mlg://team/a"}))
GUEST = Principal("guest", PrincipalKind.PERSON, "acme")
EVERY = [*product(*AXES.values())]


def members(block: tuple[frozenset[str], ...]) -> set[AssetClass]:
    """Return the classes of a block."""
    return set(product(*block))


def test_every_class_of_a_caller_has_its_attributes() -> None:
    """The owner of an own asset is the first of the caller's teams by URN; unowned assets have an empty owner."""
    found = dict(classes(ADA))
    assert [*found] == EVERY
    assert found["own", "ORG", "PUBLIC", "ACTIVE", "MODEL"] == (
        "MODEL",
        "mlg://team/a",
        "ORG",
        "PUBLIC",
        "ACTIVE",
        "PUBLIC",
    )
    assert found["other", "ORG", "PUBLIC", "ACTIVE", "MODEL"].owner_team == OTHER
    assert found["nobody", "ORG", "PUBLIC", "ACTIVE", "MODEL"].owner_team == ""


def test_a_caller_without_a_team_owns_nothing() -> None:
    """The classes of own assets are left out, and all others remain."""
    assert [each for each, _ in classes(GUEST)] == [each for each in EVERY if each[0] != "own"]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_blocks_hold_exactly_the_classes_and_each_once(share: float) -> None:
    """For random sets of classes, the blocks are disjoint and cover the set."""
    dice = random.Random(share)
    chosen = [each for each in EVERY if dice.random() < share]
    found = blocks(chosen)
    held = [each for block in found for each in members(block)]
    assert sorted(held) == sorted(chosen)


def test_all_classes_are_one_block_and_none_are_no_block() -> None:
    """The blocks are few: classes that agree on all other axes are joined."""
    assert blocks(EVERY) == [tuple(frozenset(values) for values in AXES.values())]
    assert blocks([]) == []
    own = [each for each in EVERY if each[0] == "own" and each[1] != "ORG"]
    assert len(blocks(own)) == 1


def test_values_are_grouped_in_the_order_of_their_first_class() -> None:
    """Each value comes with the blocks of its classes, and equal values are one group."""
    one, two, three = EVERY[:3]
    grouped = [(value, members(block)) for value, block in group_blocks({one: "b", two: "a", three: "b"})]
    assert grouped == [("b", {one, three}), ("a", {two})]


def test_a_cell_is_the_shortest_of_three_forms() -> None:
    """Every value is ``*``; all but a few are excluded by name; else the values are listed in the order of the axis."""
    full = {name: frozenset(values) for name, values in AXES.items()}

    def cells(principal: Principal = ADA, **changed: frozenset[str]) -> list[str]:
        return format_block(tuple((full | changed).values()), principal)

    assert cells() == ["*"] * 5
    assert cells(sensitivity=full["sensitivity"] - {"PUBLIC"})[2] == "not PUBLIC"
    assert cells(sensitivity=frozenset({"INTERNAL", "PUBLIC"}))[2] == "PUBLIC,INTERNAL"
    assert cells(owner=frozenset({"own"}))[0] == "own"
    assert cells(GUEST, owner=frozenset({"other", "nobody"}))[0] == "*"
    assert cells(owner=frozenset({"other", "nobody"}))[0] == "not own"
