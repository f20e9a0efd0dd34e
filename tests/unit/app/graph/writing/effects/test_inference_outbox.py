"""The outbox entry of a batch for inferred edges: an edge that is in no chain leaves none, whatever its values."""

import pytest
from support.stores.in_memory_writer import Memory, plan, seeded
from support.stores.writers import NOW, asset, link, person, urn

from app.graph.commits.outbox import Outbox
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.records.vertex_id import vertex_id
from app.graph.writing.effects.batch_diff import BatchDiff
from app.graph.writing.effects.inference_outbox import inference_entries
from graphql_schema.catalog.inference_rules import RULES
from graphql_schema.ports.commands import Command

ADA = person("ada", "team ranking", roles="engineer")
OURS, THEIRS = {"team ranking": ["TECHNICAL"]}, {"team ads": ["TECHNICAL"]}


@pytest.fixture
def stored(memory: Memory) -> Memory:
    """Return a store with three assets of the team, and a hidden run and a hidden deployment of another one."""
    hidden = {"visibility": "TEAM"}
    return seeded(
        memory,
        asset("feature f", owners=OURS),
        asset("run ours", {"state": "COMPLETE"}, owners=OURS),
        asset("model-version m@1", owners=OURS),
        asset("run secret", {"state": "COMPLETE", **hidden}, owners=THEIRS),
        asset("deployment secret", hidden, owners=THEIRS),
    )


async def left(memory: Memory, command: Command) -> list[OutboxEntry]:
    """Return the entries that a command of ada leaves."""
    state, author = memory.state(), memory.author(ADA, NOW + 1)
    assert not [done.errors for done in plan([command], state, author, dry_run=False) if done.errors]
    return await inference_entries(BatchDiff(state, author), Outbox(), RULES)


@pytest.mark.parametrize("confidence", [{}, {"confidence": 0.9}])
@pytest.mark.parametrize(
    ("relation", "source", "target"),
    [
        ("INPUT_TO", "feature f", "run {}"),
        ("PRODUCES", "run {}", "model-version m@1"),
        ("DEPLOYED_AS", "model-version m@1", "deployment {}"),
    ],
)
async def test_a_link_to_a_hidden_asset_leaves_no_more_than_one_to_an_absent_asset(
    stored: Memory, relation: str, source: str, target: str, confidence: dict[str, float]
) -> None:
    """Each entry counts for its caller, who would learn by the next call whether there is a hidden run."""
    for name in ("secret", "absent"):
        assert await left(stored, link(relation, source.format(name), target.format(name), **confidence)) == []


async def test_a_changed_confidence_of_a_chain_leaves_an_entry(stored: Memory) -> None:
    """The inferred edge has the confidence of its chain, so it is derived again; an equal declaration leaves none."""
    sure = link("INPUT_TO", "feature f", "run ours", confidence=0.9)
    seeded(stored, link("INPUT_TO", "feature f", "run ours"))
    (entry,) = await left(stored, sure)
    assert ([*entry.expand], [*entry.frontier]) == ([vertex_id("default", urn("run ours"))], [])
    seeded(stored, sure)
    assert await left(stored, sure) == []
