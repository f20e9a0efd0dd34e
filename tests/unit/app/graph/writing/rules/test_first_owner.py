"""An asset without an owner is taken only by who registered it, and by administrators."""

from typing import Any

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, urn

ADA = person("ada", "team ranking", roles="engineer")
MAL = person("mal", "team ads", roles="engineer")
ADS, RANKING = {"team ads": ["TECHNICAL"]}, {"team ranking": ["TECHNICAL"]}

TAKEN: dict[str, Any] = {
    "owned": asset("run r", owners=ADS),
    "hidden": asset("run r", {"visibility": "TEAM"}),
    "sensitive": asset("run r", {"sensitivity": "RESTRICTED"}),
    "domain": asset("run r", domain=["domain ads"]),
    "linked": link("CONTAINS", "domain ads", "run r"),
}


@pytest.fixture
def memory(memory: Memory) -> Memory:
    """Return a store with a stub of a run, to which mal referred, and a domain of team ads."""
    seeded(memory, asset("domain ads", owners=ADS))
    assert memory.outcomes(link("CHILD_OF", "run mine", "run r"), who=MAL) == ["CREATED"]
    return memory


@pytest.mark.parametrize("taken", TAKEN)
def test_only_who_registered_it_takes_it(memory: Memory, taken: str) -> None:
    """Mal takes no run that ada registered, although mal referred to it first; ada and an administrator do."""
    assert memory.outcomes(asset("run r", {"state": "RUNNING"}), who=ADA, now=NOW + 1) == ["CREATED"]
    (done,) = memory.run(TAKEN[taken], who=MAL, now=NOW + 2)
    assert [error.code.name for error in done.errors] == ["DENIED"]
    if taken in {"owned", "linked"}:  # the others leave an asset that mal may not change, which is denied before
        assert "Only ada, who registered it, or an administrator" in done.errors[0].message
    assert memory.outcomes(asset("run r", {"state": "COMPLETE"}), who=MAL, now=NOW + 2) == ["UPDATED"]
    assert memory.outcomes(TAKEN[taken], now=NOW + 3) in (["UPDATED"], ["CREATED"])


def test_who_registered_it_gives_it_an_owner(memory: Memory) -> None:
    """Ada assigns the run to the own team, and a stub is taken by its registration."""
    assert memory.outcomes(asset("run r", {"state": "RUNNING"}), who=ADA, now=NOW + 1) == ["CREATED"]
    assert memory.outcomes(asset("run r", owners=RANKING), who=ADA, now=NOW + 2) == ["UPDATED"]
    assert memory.record("run r")["ownerTeam"] == urn("team ranking")
    assert memory.outcomes(asset("run mine", {"state": "RUNNING"}, owners=RANKING), who=ADA) == ["CREATED"]
