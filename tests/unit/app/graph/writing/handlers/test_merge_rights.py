"""The rights that a merge needs on the assets whose edges move, also on those of edges that the caller declared."""

import pytest
from support.stores.in_memory_writer import ROOT, Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

from graphql_schema.ports.commands import MergeCommand

OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}
ADA, BO = person("ada", "team ranking", roles="engineer"), person("bo", "team ads", roles="engineer")
LATER = NOW + 10
MERGE = MergeCommand(urn("dataset old"), urn("dataset new"), None)


def refusal(memory: Memory) -> tuple[str, tuple[str, ...]]:
    """Return code and path of the refused merge by ada, which has written nothing."""
    (done,) = memory.run(MERGE, who=ADA, now=LATER)
    (error,) = done.errors
    assert not memory.dirty
    return error.code.name, error.path


def test_an_edge_that_others_declare_too_needs_the_right_to_link(memory: Memory) -> None:
    """Who recorded the edge, before the run had an owner, moves it no more without its declarers."""
    seeded(memory, asset("dataset new", owners=OURS), asset("dataset mine", owners=OURS))
    run = asset("run r", {"state": "COMPLETE"}, inputs=["dataset old"])
    assert memory.outcomes(link("DERIVES", "dataset old", "dataset mine"), who=ADA) == ["CREATED"]
    assert memory.outcomes(run, who=BO, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(link("INPUT_TO", "dataset old", "run r", confidence=0.5), who=ADA, now=NOW + 2) == [
        "UPDATED"
    ]
    assert memory.edge("INPUT_TO", "dataset old", "run r")["recordedBy"] == "ada"
    assert memory.outcomes(asset("run r", owners=THEIRS), who=ROOT, now=NOW + 3) == ["UPDATED"]
    assert refusal(memory) == ("DENIED", ("from",))


@pytest.mark.parametrize(
    ("values", "outcome"),
    [({}, "DENIED"), ({"visibility": "TEAM"}, "CONFLICT"), ({"sensitivity": "RESTRICTED"}, "CONFLICT")],
)
@pytest.mark.parametrize("repeats", [True, False])
def test_an_own_edge_of_a_former_asset_needs_the_right_to_link(
    memory: Memory, values: dict[str, str], outcome: str, *, repeats: bool
) -> None:
    """Who declared it as the owner moves it no more for the next one, whether or not this one has declared it again.

    So it is if the asset is hidden now; the message then names none.
    """
    seeded(memory, asset("dataset new", owners=OURS))
    assert memory.outcomes(asset("dataset d", owners=OURS, derivedFrom=["dataset old"]), who=ADA) == ["CREATED"]
    assert memory.outcomes(asset("dataset d", values, owners=THEIRS), now=NOW + 1) == ["UPDATED"]
    if repeats:
        again = asset("dataset d", derivedFrom=["dataset old"])
        assert memory.outcomes(again, who=BO, now=NOW + 2) == ["UNCHANGED"]
    assert refusal(memory) == (outcome, ("from",))
    assert memory.outcomes(MERGE, now=LATER) == ["UPDATED"]


def test_an_own_edge_that_is_not_confirmed_moves(memory: Memory) -> None:
    """It changes nothing at the asset of others, and its caller cannot end it once that is visible."""
    seeded(memory, asset("dataset new", owners=OURS), asset("dataset shut", {"visibility": "TEAM"}, owners=THEIRS))
    assert memory.outcomes(link("DERIVES", "dataset old", "dataset shut"), who=ADA) == ["CREATED"]
    assert memory.outcomes(asset("dataset shut", {"visibility": "ORG"}), who=BO, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(MERGE, who=ADA, now=LATER) == ["UPDATED"]


def test_an_own_edge_of_an_unowned_asset_of_others_moves(memory: Memory) -> None:
    """Only of what others declared, the caller must be the registrant."""
    seeded(memory, asset("dataset new", owners=OURS))
    assert memory.outcomes(asset("dataset free"), who=BO) == ["CREATED"]
    assert memory.outcomes(link("DERIVES", "dataset old", "dataset free"), who=ADA) == ["CREATED"]
    assert memory.outcomes(MERGE, who=ADA, now=LATER) == ["UPDATED"]
