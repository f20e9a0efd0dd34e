"""Rights on the result of a write that weakens gates, planned without a store."""

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import asset, person, urn

from policies.gates import Gate, Gates, Needs

ADA = person("ada", "team ranking", roles="engineer")
MO = person("mo", "team ranking", roles="engineer approver")
OURS = {"team ranking": ["TECHNICAL"]}
GATES = Gates((Gate("g", Needs(("ethics",)), domains=frozenset({urn("domain health")})),))


@pytest.fixture
def memory(memory: Memory) -> Memory:
    """Return a store with a gate for a domain, and a model of HIGH risk in this domain."""
    memory.gates = GATES
    return seeded(memory, asset("model m", {"riskTier": "HIGH"}, owners=OURS, domain=["domain health"]))


def test_a_weaker_gate_needs_the_right_to_approve(memory: Memory) -> None:
    """An engineer neither leaves the domain of a gate nor lowers the risk; an engineer who may approve does both."""
    leaving, lowering = asset("model m", domain=["domain ads"]), asset("model m", {"riskTier": "LOW"})
    for item in (leaving, lowering):
        assert memory.outcomes(item, who=ADA) == ["DENIED"]
        assert memory.outcomes(item, who=MO) == ["UPDATED"]


def test_a_stricter_gate_needs_no_other_right_than_the_change(memory: Memory) -> None:
    """An engineer may move a model into the domain of a gate, and change values that select no gate."""
    seeded(memory, asset("model other", owners=OURS))
    into = asset("model other", {"riskTier": "LOW"}, domain=["domain health"])
    assert memory.outcomes(into, asset("model m", {"task": "ranking"}), who=ADA) == ["UPDATED", "UPDATED"]


def test_the_domain_of_a_stub_binds_no_registration(memory: Memory) -> None:
    """Any caller may put a stub into a domain, so its first registration decides anew."""
    seeded(memory, asset("model-version stub@1"))
    memory.vertices = {
        vid: {**record, "index": {**record["index"], "domain": urn("domain health")}}
        if record["id"] == urn("model stub")
        else record
        for vid, record in memory.vertices.items()
    }
    assert memory.outcomes(asset("model stub", owners=OURS, domain=["domain ads"]), who=ADA) == ["CREATED"]
