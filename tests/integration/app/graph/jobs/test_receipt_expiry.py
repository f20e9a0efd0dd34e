"""The expiry of receipts on a real JanusGraph, in steps of a few, also of those that former versions have stored."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.writers import NOW, Writers, asset, person, stored

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_log import LEARN, WriteLog
from app.graph.driver.gremlin_client import GremlinClient
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.jobs.receipt_expiry import ReceiptExpiry
from app.graph.records.receipt_record import BUCKET_ROOT, HOUR_MS, PART_MS, RECEIPT_LIFETIME_MS, part_end, receipt_name
from app.graph.records.vertex_id import vertex_id
from graphql_schema.ports.commands import IdempotencyKey, RegisterCommand
from graphql_schema.ports.outcomes import WriteOutcome

ROOT = person("root", roles="admin")
EXPIRED = part_end(NOW) + RECEIPT_LIFETIME_MS
"""The instant at which the receipts of NOW expire, with the part of their bucket."""


def keyed(text: str, key: str, digest: str = "a") -> RegisterCommand:
    """Return a registration under a key of its own."""
    return replace(asset(text), key=IdempotencyKey(key, digest))


async def write(writers: Writers, *items: RegisterCommand, now: int = NOW) -> list[WriteOutcome]:
    """Write at an instant."""
    return await writers.of(ROOT, now=now).write(items, dry_run=False, atomic=False)


async def kept(graph: StoreGraph) -> tuple[int, int]:
    """Return the number of receipts and the number of hourly buckets."""
    receipts: Any = await graph.run(
        "g.V(x).out('SHELF').union(identity(), out('SHELF')).out('RECEIPT').dedup().count()", x=BUCKET_ROOT
    )
    buckets: Any = await graph.run("g.V(x).out('SHELF').count()", x=BUCKET_ROOT)
    return receipts[0], buckets[0]


async def edges(graph: StoreGraph) -> tuple[int, int]:
    """Return the number of places of receipts in all buckets, and in the part of a bucket that has most."""
    places: Any = await graph.run("g.V(x).out('SHELF').out('SHELF').map(outE('RECEIPT').count())", x=BUCKET_ROOT)
    return sum(places), max(places, default=0)


def codes(done: list[WriteOutcome]) -> list[str]:
    """Return the codes of the errors."""
    return [refusal.code.name for one in done for refusal in one.errors]


async def test_the_expiry_job_deletes_expired_receipts(graph: StoreGraph, writers: Writers) -> None:
    """Expired receipts are deleted in batches, then their hourly bucket; no asset and no change is deleted."""
    await write(writers, *(keyed(f"dataset d{number}", f"k{number}") for number in range(5)))
    await write(writers, keyed("dataset e", "e"), now=NOW + HOUR_MS)
    before = await stored(graph)
    assert await kept(graph) == (6, 2)
    await expire(writers, EXPIRED - 1)
    assert await kept(graph) == (6, 2)
    keeper = ReceiptExpiry(writers.client, writers.coordinator.lock, clock=lambda: EXPIRED, batch=2)
    observed = []
    while await keeper.step():
        observed.append(await kept(graph))
    assert observed == [(4, 2), (2, 2), (1, 2), (1, 1)]
    assert (await stored(graph)) == before
    assert [
        one.outcome.name for one in await write(writers, keyed("dataset d0", "k0"), now=NOW + RECEIPT_LIFETIME_MS)
    ] == ["UNCHANGED"]


async def test_the_expiry_job_keeps_renewed_receipts(graph: StoreGraph, writers: Writers) -> None:
    """A receipt renewed after it expired is also in its old hourly bucket, and survives the deletion of that bucket."""
    await write(writers, keyed("dataset d", "k"), keyed("dataset e", "e"))
    await write(writers, keyed("dataset d", "k", "b"), now=NOW + RECEIPT_LIFETIME_MS)
    await expire(writers, EXPIRED)
    assert await kept(graph) == (1, 1)
    assert codes(await write(writers, keyed("dataset d", "k"), now=NOW + RECEIPT_LIFETIME_MS + 1)) == [
        "IDEMPOTENCY_CONFLICT"
    ]
    await expire(writers, EXPIRED + RECEIPT_LIFETIME_MS)
    assert await kept(graph) == (0, 0)


async def test_a_step_of_the_expiry_job_reads_and_deletes_few_receipts(graph: StoreGraph, writers: Writers) -> None:
    """No step takes more receipts from a bucket than its batch, also of those that were renewed and stay.

    Receipts of an hour lie in parts of ten seconds, so no step finds all of them in one place.
    """
    for begin in (0, PART_MS):
        items = [keyed(f"dataset d{begin}-{number}", f"k{begin}-{number}") for number in range(7)]
        await write(writers, *items, now=NOW + begin)
        renewed = [replace(item, key=IdempotencyKey(item.key.text, "b")) for item in items[:5] if item.key]
        await write(writers, *renewed, now=NOW + begin + RECEIPT_LIFETIME_MS + HOUR_MS)
    assert await edges(graph) == (24, 7)
    keeper = ReceiptExpiry(writers.client, writers.coordinator.lock, clock=lambda: EXPIRED + PART_MS, batch=3)
    taken, before = list[int](), 24
    while await keeper.step():
        after, _ = await edges(graph)
        taken.append(before - after)
        before = after
    assert max(taken) <= 3
    assert await kept(graph) == (10, 1)


async def test_a_step_of_the_expiry_job_deletes_few_large_receipts(graph: StoreGraph, writers: Writers) -> None:
    """The receipt of an item has all placeholders: a step ends once it has read enough, and none stays behind."""
    far = [f"dataset up{number}{'x' * 200}" for number in range(40)]
    items = [
        replace(asset(f"dataset d{number}", derivedFrom=far), key=IdempotencyKey(f"k{number}", "a"))
        for number in range(5)
    ]
    await write(writers, *items)
    keeper = ReceiptExpiry(writers.client, writers.coordinator.lock, clock=lambda: EXPIRED, characters=1_000)
    left = [5]
    while await keeper.step():
        left.append((await kept(graph))[0])
    assert left[:6] == [5, 4, 3, 2, 1, 0]
    assert await kept(graph) == (0, 0)


async def test_receipts_of_a_former_version_expire(graph: StoreGraph, writers: Writers) -> None:
    """They lie in the hourly bucket itself, in which the parts of later receipts may lie as well; none is left."""
    await write(writers, *(keyed(f"dataset d{number}", f"k{number}") for number in range(5)))
    await graph.run(
        """
def hour = g.V(x).out('SHELF').next()
def part = g.V(x).out('SHELF').out('SHELF').next()
part.vertices(Direction.OUT, 'RECEIPT').each { hour.addEdge('RECEIPT', it) }
part.remove()
hour.property('at', at)
g.tx().commit()
[]
""",
        x=BUCKET_ROOT,
        at=NOW,
    )
    await write(writers, keyed("dataset e", "e"), now=NOW + PART_MS)
    assert await kept(graph) == (6, 1)
    await expire(writers, NOW + RECEIPT_LIFETIME_MS)
    assert await kept(graph) == (6, 1)
    keeper = ReceiptExpiry(writers.client, writers.coordinator.lock, clock=lambda: EXPIRED + PART_MS, batch=2)
    while await keeper.step():
        pass
    assert await kept(graph) == (0, 0)
    vids = [vertex_id("default", receipt_name("root", IdempotencyKey(key, ""))) for key in ("k0", "k4", "e")]
    assert await graph.run("g.V(x).count()", x=vids) == [0]


async def test_a_receipt_that_another_process_renews_is_kept(
    graph: StoreGraph, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The expiry job takes its turn in the write log: a receipt renewed after the job has found it is not deleted."""
    await write(writers, keyed("dataset d", "k"))
    log = writers.client.write_order = await WriteLog.opened(writers.client, writers.coordinator)
    await log.lead()
    submit, end = writers.client.submit, EXPIRED
    async with GremlinClient(graph.url, source=graph.source) as client:
        other = Writers(client, writers.policy, WriteCoordinator())
        client.write_order = await WriteLog.opened(client, other.coordinator)

        async def renewed_after(prepared: PreparedStatement, bindings: Any, **more: Any) -> Any:
            found = await submit(prepared, bindings, **more)
            if prepared is not LEARN:
                monkeypatch.setattr(writers.client, "submit", submit)
                assert await kept(graph) == (1, 1)
                await write(other, keyed("dataset d", "k", "b"), now=end)
            return found

        monkeypatch.setattr(writers.client, "submit", renewed_after)
        await expire(writers, end)
    assert await kept(graph) == (1, 1)
    assert codes(await write(writers, keyed("dataset d", "k"), now=end + 1)) == ["IDEMPOTENCY_CONFLICT"]


async def expire(writers: Writers, now: int) -> None:
    """Run the expiry job at an instant until nothing is left to delete."""
    keeper = ReceiptExpiry(writers.client, writers.coordinator.lock, clock=lambda: now)
    while await keeper.step():
        pass
