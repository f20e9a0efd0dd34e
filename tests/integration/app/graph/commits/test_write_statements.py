"""What one transaction writes beside assets, on a real JanusGraph: hundreds of outbox entries and of receipts."""

from typing import Any

from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Writers, person

from app.graph.commits.entries.stored_entries import stored_entries, stored_ids
from app.graph.commits.outbox_entry import OutboxEntry
from app.graph.commits.sensitivity_floors import SensitivityFloor
from app.graph.commits.write_set import WriteSet
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.records.receipt_record import HOUR_MS, bucket_of, part_of
from app.graph.records.vertex_id import vertex_id

COUNT = 250
"""More than the edges of one vertex from which on ``EdgeWrites`` adds them."""


def numbered(kind: str, number: int) -> int:
    """Return a vertex id."""
    return vertex_id("test", f"{kind} {number}")


def entries() -> list[OutboxEntry]:
    """Return entries of each shape."""
    who, floor = person("ada", "team ranking"), SensitivityFloor("default", "RESTRICTED", frozenset({7}))
    plain = [OutboxEntry(numbered("plain", x), "default", x, frontier={x: None, 0: None}) for x in range(COUNT)]
    ends = [
        OutboxEntry(numbered("end", x), "default", x, NOW, tag=0, raised_by=who, awaits=(x, 0)) for x in range(COUNT)
    ]
    return [*plain, *ends, OutboxEntry(numbered("floor", 0), "default", 1, floor=floor)]


async def read(client: GremlinClient) -> dict[int, OutboxEntry]:
    """Return the stored entries by vertex id."""
    return {each.x: each async for each in stored_entries(client, await stored_ids(client))}


async def test_hundreds_of_entries_are_as_they_were_written(writers: Writers) -> None:
    """They are attached, extended and replaced; one edge leads to each."""
    first = entries()
    for some in (first[:3], first[3:]):  # the vertex above them is new, and then stored
        writes = WriteSet()
        writes.outbox(some)
        await writes.submit(writers.client)
    assert await read(writers.client) == {each.x: each for each in first}
    assert len(await stored_ids(writers.client)) == len(first)
    new = OutboxEntry(numbered("new", 0), "default", 2, replaces=tuple(first[:200]))
    writes = WriteSet()
    writes.extend_frontier(first[-1], [8, 9])
    writes.outbox([new])
    await writes.submit(writers.client)
    first[-1].frontier, new.replaces = {8: None, 9: None}, ()
    assert await read(writers.client) == {each.x: each for each in [*first[200:], new]}
    assert len(await stored_ids(writers.client)) == len(first) - 200 + 1


async def test_hundreds_of_receipts_are_in_their_part_of_a_bucket(writers: Writers, graph: StoreGraph) -> None:
    """Renewed ones are in a later part as well; the bucket and its parts are attached once."""
    for now, new in ((NOW, True), (NOW + HOUR_MS, False)):
        writes = WriteSet()
        for x in range(COUNT):
            writes.receipt(numbered("receipt", x), {"at": now + x, "outcome": f"of {now}"}, new=new, now=now)
        await writes.submit(writers.client)
        found: Any = await graph.run("g.V(x).out('RECEIPT').values('at')", x=part_of(now))
        assert sorted(found) == [now + x for x in range(COUNT)]
        records: Any = await graph.run("g.V(x).out('RECEIPT').values('record').dedup()", x=part_of(now))
        assert len(records) == COUNT
        assert all(str(now) in record for record in records)
        assert await graph.run("g.V(x).out('SHELF').id()", x=bucket_of(now)) == [part_of(now)]
    assert await graph.run("g.V(x).out('RECEIPT').values('at').max()", x=part_of(NOW)) == [NOW + HOUR_MS + COUNT - 1]
