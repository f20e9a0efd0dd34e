"""A call that reads ahead while another caller writes: what both tests of reading ahead need."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from support.stores.writers import Writers, person

from app.graph.commits.state_read import StoredState
from app.graph.records.record_text import BriefRecord
from app.graph.writing.writer import PolicedWriter
from graphql_schema.ports.commands import Command
from graphql_schema.ports.outcomes import WriteOutcome

ROOT = person("root", roles="admin")
BO = person("bo", roles="admin")

Call = asyncio.Task[list[WriteOutcome]]


async def write(writers: Writers, *items: Command) -> list[str]:
    """Write the items as a caller other than ROOT, and name their outcomes."""
    done = await writers.of(BO).write(items, dry_run=False, atomic=False)
    return [each.outcome.name for each in done]


async def load(writers: Writers, *items: Command) -> None:
    """Store the items, each of which must be accepted."""
    done = await writers.of(ROOT).write(items, dry_run=False, atomic=False)
    assert all(each.stored for each in done)


@dataclass
class HeldReads:
    """Readings ahead that wait for ``others`` to write; ``begun`` is set when the first one waits."""

    others: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold(self) -> None:
        """Wait for the others, in a reading."""
        self.begun.set()
        await self.others.wait()

    @asynccontextmanager
    async def during(self, writer: PolicedWriter, item: Command, *, dry_run: bool = False) -> AsyncIterator[Call]:
        """Run the body while the call of an item reads ahead; after the body the call goes on, and ends."""
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            call = tasks.create_task(writer.write([item], dry_run=dry_run, atomic=False))
            await self.begun.wait()
            yield call
            self.others.set()

    async def cancelled(self, writer: PolicedWriter, item: Command) -> None:
        """Cancel the call of an item while it reads ahead."""
        async with asyncio.timeout(60):
            call = asyncio.create_task(writer.write([item], dry_run=False, atomic=False))
            await self.begun.wait()
            call.cancel()
            await asyncio.wait([call])
        assert call.cancelled()


def comparable(state: StoredState) -> object:
    """Return a state, with the edges of each hop in an order of their own; it is that of the store."""
    records = {
        vid: ("brief", record["id"], record["index"]) if isinstance(record, BriefRecord) else record
        for vid, record in state.records.items()
    }
    return records, [sorted(rows, key=lambda row: row[:2]) for rows in state.hops], state.edges
