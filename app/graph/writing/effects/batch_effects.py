"""Effects of a planned batch: sensitivity raised in it and downstream, audit of raises in it, and outbox entries."""

from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.propagation.stored_flows import StoredFlows
from app.graph.writing.effects.batch_diff import BatchDiff
from app.graph.writing.effects.counting_children import CountingChildren
from app.graph.writing.effects.inference_outbox import inference_entries
from app.graph.writing.effects.owner_outbox import owner_entries
from app.graph.writing.effects.raise_audit import audited_levels, stage_raises
from app.graph.writing.effects.raise_sensitivity import raise_sensitivity
from app.graph.writing.effects.tag_outbox import tag_entries
from app.graph.writing.unit.author import Author
from app.graph.writing.unit.working_set import WorkingSet
from graphql_schema.execution.side_thread import run_in_turn


async def batch_effects(
    batch: WorkingSet, author: Author, flows: StoredFlows, children: CountingChildren, coordinator: WriteCoordinator
) -> list[OutboxEntry]:
    """Raise sensitivity in the working set, with its audit, as an effect of the batch; return the outbox entries."""
    outbox = coordinator.outbox
    levels = await run_in_turn(audited_levels, batch.is_long, batch, author)
    diff = await BatchDiff.by(batch, author, children)
    entries = await raise_sensitivity(diff, flows, outbox)
    await run_in_turn(stage_raises, batch.is_long, batch, author, levels)
    entries += await tag_entries(diff, flows.client, outbox, coordinator.propagating_tags)
    entries += await inference_entries(diff, outbox, coordinator.inference_rules)
    return entries + owner_entries(diff, outbox)
