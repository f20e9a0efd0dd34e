"""Ids that an item may refer to if it must create no stub."""

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import asset, link, person, urn

from app.graph.writing.rules.known_references import MAX_REPORTED, refuse_unknown
from app.graph.writing.unit.rejections import RejectedItemError

ADA = person("ada", "team ranking", roles="engineer")
OPEN, SHUT, STUB, NONE = (urn(f"dataset {name}") for name in ("open", "shut", "stub", "none"))


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with a visible dataset, a hidden one and a stub."""
    theirs = {"team ads": ["TECHNICAL"]}
    return seeded(
        memory,
        asset("dataset open", owners=theirs),
        asset("dataset shut", {"visibility": "TEAM"}, owners=theirs),
        link("DERIVES", "dataset stub", "dataset open"),
    )


def unknown(memory: Memory, known_ids: frozenset[str] | None, *urns: str) -> list[tuple[str | None, tuple[str, ...]]]:
    """Return the unknown ids of an item of Ada that refers to ids, each with its path."""
    with pytest.raises(RejectedItemError) as refused:
        refuse_unknown(memory.unit(ADA), known_ids, [(each, ("field",)) for each in urns])
    assert {each.code.name for each in refused.value.outcome.errors} == {"UNKNOWN_REFERENCE"}
    return [(each.reference, each.path) for each in refused.value.outcome.errors]


def test_hidden_ids_stubs_and_absent_ids_are_unknown(stored: Memory) -> None:
    """A visible registered asset and an id of the same call are known."""
    found = unknown(stored, frozenset({urn("dataset other")}), OPEN, SHUT, STUB, NONE, urn("dataset other"))
    assert found == [(each, ("field",)) for each in (SHUT, STUB, NONE)]


def test_every_id_is_accepted_on_request(stored: Memory) -> None:
    """Without known ids nothing is rejected."""
    refuse_unknown(stored.unit(ADA), None, [(each, ("field",)) for each in (SHUT, STUB, NONE)])


def test_the_own_team_is_known_before_it_is_registered(stored: Memory) -> None:
    """The identity provider names the caller's teams; another team must be registered."""
    assert unknown(stored, frozenset(), urn("team ranking"), urn("team none")) == [(urn("team none"), ("field",))]


def test_a_rejection_names_a_bounded_number_of_ids(stored: Memory) -> None:
    """Of many unknown ids the first ones are named."""
    urns = [urn(f"dataset n{number}") for number in range(MAX_REPORTED + 5)]
    assert [each for each, _ in unknown(stored, frozenset(), *urns)] == urns[:MAX_REPORTED]
