"""Rights on the result: a caller may make of an asset only what the caller may also change afterwards."""

from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, person

ADA = person("ada", "team ranking", roles="engineer")
ELI = person("eli", "team ranking", roles="engineer approver")
OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}


@pytest.mark.parametrize(
    ("before", "after", "ada", "eli"),
    [
        ("HIGH", "LOW", "DENIED", "UPDATED"),
        ("LOW", None, "DENIED", "UPDATED"),
        ("LOW", "HIGH", "UPDATED", "UPDATED"),
        (None, "LOW", "UPDATED", "UPDATED"),
    ],
)
def test_a_lower_risk_needs_an_approver(
    memory: Memory, before: str | None, after: str | None, ada: str, eli: str
) -> None:
    """Lower risk opens gates; a higher one closes them, so every engineer may set it."""
    for who, outcome in ((ADA, ada), (ELI, eli)):
        name = f"model {who.subject}"
        seeded(memory, asset(name, {"riskTier": before}, owners=OURS))
        assert memory.outcomes(asset(name, {"riskTier": after}), who=who, now=NOW + 1) == [outcome]


@pytest.mark.parametrize(
    ("values", "fields"),
    [({}, {"owners": THEIRS}), ({"visibility": "TEAM"}, {"owners": THEIRS})],
)
def test_an_asset_is_not_given_away(memory: Memory, values: Any, fields: Any) -> None:
    """The owner team could not take it back; with a second team of the caller's it may be shared."""
    seeded(memory, asset("dataset d", owners=OURS))
    assert memory.outcomes(asset("dataset d", values, **fields), who=ADA, now=NOW + 1) == ["DENIED"]
    assert memory.outcomes(asset("dataset d", owners=OURS | THEIRS), who=ADA, now=NOW + 1) == ["UPDATED"]


def test_only_an_administrator_makes_a_tag_propagate(memory: Memory) -> None:
    """A propagating tag changes assets of every team, also when it ceases to propagate."""
    seeded(memory, asset("tag gold", {"tagKind": "FREE"}))
    switched = asset("tag gold", {"propagates": True})
    assert memory.outcomes(switched, who=ADA, now=NOW + 1) == ["DENIED"]
    assert memory.outcomes(asset("tag gold", {"propagates": False}), who=ADA, now=NOW + 1) == ["UNCHANGED"]
    assert memory.outcomes(switched, now=NOW + 1) == ["UPDATED"]
    assert memory.outcomes(asset("tag gold", {"propagates": False}), who=ADA, now=NOW + 2) == ["DENIED"]
