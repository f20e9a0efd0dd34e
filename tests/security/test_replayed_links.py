"""A link that is repeated under its idempotency key: the replay discloses no more than the first response."""

from dataclasses import fields, replace

import pytest
from support.stores.in_memory_writer import Memory, seeded
from support.stores.writers import NOW, asset, link, person, shipped_policy

from app.graph.writing.idempotent_replay import replay, stage_receipt
from graphql_schema.ports.commands import IdempotencyKey
from graphql_schema.ports.outcomes import GateResult, Outcome, WriteOutcome

ADA = person("ada", "team ranking", roles="engineer")
OURS, THEIRS = ({f"team {name}": ["TECHNICAL"]} for name in ("ranking", "ads"))
KEY = IdempotencyKey("build 1", "digest")


@pytest.mark.parametrize(
    ("far", "known"), [("dataset hidden", False), ("dataset absent", False), ("dataset open", True)]
)
def test_a_replay_returns_what_the_first_call_returned_of_the_far_end(far: str, *, known: bool) -> None:
    """The replay of a link to a hidden or absent end returns no edge, as the first call did, although a stub exists."""
    memory = seeded(
        Memory(shipped_policy()),
        asset("dataset own", owners=OURS),
        asset("dataset hidden", {"visibility": "TEAM"}, owners=THEIRS),
        asset("dataset open", owners=THEIRS),
    )
    command = replace(link("DERIVES", far, "dataset own"), key=KEY)
    [first] = memory.run(command, who=ADA)
    [replayed] = memory.run(command, who=ADA, now=NOW + 1)
    assert (first.outcome, first.far_end_known) == (Outcome.CREATED, known)
    assert replayed == first


def test_every_field_of_an_outcome_is_replayed() -> None:
    """Each field of an accepted outcome is in its receipt, so that no value is replaced by a default."""
    memory = Memory(shipped_policy())
    gate = GateResult(*(("x",) for _ in fields(GateResult)))
    outcome = WriteOutcome(
        Outcome.UPDATED,
        "mlg://a",
        3,
        created_record="mlg://b",
        gate=gate,
        voided_approvals=("y",),
        far_end_known=False,
        changed_end_known=False,
        sensitivity_before="INTERNAL",
        placeholders=("z",),
    )
    without_key = {"observed", "parts"}  # of commands without a key: an event that is repeated changes nothing
    compared = {each.name for each in fields(WriteOutcome) if each.compare} - {"errors"} - without_key
    default = WriteOutcome(Outcome.CREATED)
    assert [name for name in sorted(compared) if getattr(outcome, name) == getattr(default, name)] == []
    unit = memory.unit(ADA)
    stage_receipt(unit, KEY, outcome)
    unit.staging.merge()
    memory.receipts = unit.lookup.batch.receipts
    assert replay(memory.unit(ADA), KEY) == outcome
