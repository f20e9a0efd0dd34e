"""What floors of several callers make of one asset: its sensitivity, and what of it is confirmed."""

from itertools import permutations

import pytest
from support.stores.writers import person

from app.graph.commits.sensitivity_floors import FloorView, SensitivityFloor, with_floors
from app.graph.records.vertex_record import confirmed_sensitivity
from graphql_schema.ports.record import Record
from policies.principal import Principal
from policies.sensitivity import RANK

OWNER, STRANGER = person("alice"), person("mallory")


def owns(who: Principal, _record: Record) -> bool:
    """Return whether a caller may link the asset, as its owner may."""
    return who is OWNER


def floor(who: Principal, level: str) -> SensitivityFloor:
    """Return a floor over the vertices 1 and 2."""
    return SensitivityFloor("acme", level, frozenset({1, 2}), who)


@pytest.mark.parametrize(
    ("floors", "sensitivity", "confirmed"),
    [
        ([(STRANGER, "RESTRICTED")], "RESTRICTED", "INTERNAL"),
        ([(OWNER, "RESTRICTED")], "RESTRICTED", "RESTRICTED"),
        ([(STRANGER, "RESTRICTED"), (OWNER, "RESTRICTED")], "RESTRICTED", "RESTRICTED"),
        ([(STRANGER, "RESTRICTED"), (OWNER, "CONFIDENTIAL")], "RESTRICTED", "CONFIDENTIAL"),
        ([(STRANGER, "CONFIDENTIAL"), (OWNER, "RESTRICTED")], "RESTRICTED", "RESTRICTED"),
        ([(STRANGER, "RESTRICTED"), (OWNER, "PUBLIC")], "RESTRICTED", "INTERNAL"),
    ],
)
def test_each_caller_confirms_what_the_own_floor_raises(
    floors: list[tuple[Principal, str]], sensitivity: str, confirmed: str
) -> None:
    """The highest floor applies, and the highest of the owner is confirmed, whichever was first."""
    for some in permutations(floors):
        view = FloorView("acme", (), owns)
        for who, level in some:
            view.add(floor(who, level))
        after = view.with_floor(1, {"sensitivity": "INTERNAL"})
        assert (after["sensitivity"], confirmed_sensitivity(after)) == (sensitivity, confirmed)
        assert view.with_floor(3, {"sensitivity": "INTERNAL"}) == {"sensitivity": "INTERNAL"}


def test_a_floor_raises_no_higher_than_the_sources_are() -> None:
    """A job stores the sensitivity of the sources, which may be lower than the floor of the write that raises it."""
    after = with_floors([floor(OWNER, "RESTRICTED")], owns, {"sensitivity": "PUBLIC"}, RANK["CONFIDENTIAL"])
    assert after == {"sensitivity": "CONFIDENTIAL"}


def test_a_floor_confirms_nothing_that_was_raised_before() -> None:
    """What is stored as strict stays as it is: a floor over a whole tenant does not change what others raised."""
    stored = {"sensitivity": "RESTRICTED", "confirmedSensitivity": "INTERNAL"}
    assert with_floors([floor(OWNER, "RESTRICTED")], owns, stored) == stored


def test_a_floor_that_is_added_during_a_look_hides_no_other() -> None:
    """A plan in the side thread looks for the floor of a vertex while the event loop adds one of another vertex."""
    view = FloorView("acme", ())

    class Adding(frozenset[int]):
        """Vertices of a floor; who looks whether it covers a vertex finds one floor more."""

        def __contains__(self, vid: object) -> bool:
            view.add(SensitivityFloor("acme", "PUBLIC", frozenset({9})))
            return super().__contains__(vid)

    view.add(SensitivityFloor("acme", "CONFIDENTIAL", frozenset({1})))
    view.add(SensitivityFloor("acme", "RESTRICTED", Adding()))
    assert view.rank(1) == RANK["CONFIDENTIAL"]
