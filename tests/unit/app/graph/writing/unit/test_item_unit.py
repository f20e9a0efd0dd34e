"""A child follows the hand-overs of its parent, each by the rights of the caller who made it."""

from collections.abc import Callable

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import asset, person, urn

from graphql_schema.ports.background.owner_commands import HandOver
from policies.attributes import PolicyAttributes
from policies.decision import Decision

ROOT = person("root", roles="admin")
CHILD = "model-version m@1"


def may(*teams: str) -> Callable[[str, PolicyAttributes], Decision]:
    """Return the rights of a caller who may update what these teams own."""
    owners = {urn(f"team {team}") for team in teams}
    return lambda action, on: Decision(allowed=action == "update" and on.owner_team in owners)


def team(name: str | None) -> str | None:
    """Return the URN of a team; None for none."""
    return None if name is None else urn(f"team {name}")


@pytest.mark.parametrize(
    ("hand_overs", "follows"),
    [
        ([], False),
        ([("ab", "b"), ("bc", "c")], True),
        ([("ab", "b"), ("c", "c")], False),
        ([("b", "b"), ("bc", "c")], False),
        ([("bc", "c"), ("ab", "b")], False),
        ([("ab", "b"), ("ab", "a"), ("ac", "c")], True),
        ([("ab", "b"), ("ac", "c")], True),
        ([("abc", None)], True),
        ([("ab", None)], False),
    ],
    ids=[
        "none",
        "two",
        "not before",
        "not first",
        "not in order",
        "back",
        "stayed",
        "older",
        "older, no right",
    ],
)
def test_each_caller_needs_the_right_on_the_child(
    memory: Memory, hand_overs: list[tuple[str, str | None]], *, follows: bool
) -> None:
    """The child of team a gets the present owner of its parent, team c, only by steps that were allowed one by one."""
    seeded(memory, asset("model m", owners={"team c": ["TECHNICAL"]}), asset(CHILD))
    after = memory.record(CHILD)
    unit = memory.unit(ROOT)
    unit.hand_overs = tuple(HandOver(may(*teams), team(owner)) for teams, owner in hand_overs)
    assert unit.follows_hand_overs({**after, "ownerTeam": team("a")}, after) is follows


@pytest.mark.parametrize(("owner", "teams", "follows"), [("", "c", True), ("", "b", False), ("a", "c", False)])
def test_a_raise_keeps_no_child_without_an_owner_from_its_parent(
    memory: Memory, owner: str, teams: str, *, follows: bool
) -> None:
    """Its right was decided with the hand-over; a caller who may not update it with the new owner gives it to none."""
    seeded(memory, asset("model m", owners={"team c": ["TECHNICAL"]}), asset(CHILD))
    unit, after = memory.unit(ROOT), memory.record(CHILD)
    unit.hand_overs = (HandOver(may(*teams), team("c")),)
    before = {**after, "ownerTeam": team(owner) if owner else "", "sensitivity": "RESTRICTED"}
    assert unit.follows_hand_overs(before, after) is follows


def test_owners_of_its_own_count_for_a_child(memory: Memory) -> None:
    """A hand-over to no team leaves it to its own user, whom a later one passes over."""
    hana = {"user hana": ["TECHNICAL"]}
    seeded(memory, asset("model m", owners={"team c": ["TECHNICAL"]}), asset(CHILD, owners=hana))
    after, unit = memory.record(CHILD), memory.unit(ROOT)
    assert after["ownerTeam"] == team("c")
    owners = {team("a"), urn("user hana"), team("c")}

    def may_all(_action: str, on: PolicyAttributes) -> Decision:
        return Decision(allowed=on.owner_team in owners)

    unit.hand_overs = (HandOver(may_all, ""), HandOver(may_all, team("c")))
    assert unit.follows_hand_overs({**after, "ownerTeam": team("a")}, after)
    owners.discard(urn("user hana"))
    unit.hand_overs = (HandOver(may_all, ""), HandOver(may("b", "c"), team("c")))
    assert not unit.follows_hand_overs({**after, "ownerTeam": team("a")}, after)
