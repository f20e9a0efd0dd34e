"""Receipts on a real JanusGraph: a call with an idempotency key is executed once a day, then its receipt expires."""

from dataclasses import replace
from typing import Any

import pytest
from support.stores.equal_hashes import give_equal_hashes
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.stores.writers import NOW, Writers, asset, person, stored, urn

from app.graph.records.receipt_record import BUCKET_ROOT, RECEIPT_LIFETIME_MS
from graphql_schema.inputs.idempotency_key import key_within
from graphql_schema.ports.commands import IdempotencyKey, RegisterCommand
from graphql_schema.ports.outcomes import WriteOutcome

ROOT = person("root", roles="admin")
OTHER = person("other", roles="admin")
CALL = IdempotencyKey("build 7", "of the call")


def keyed(text: str, key: str, digest: str = "a", **values: Any) -> RegisterCommand:
    """Return a registration under a key of its own."""
    return replace(asset(text, values), key=IdempotencyKey(key, digest))


def called(count: int, call: IdempotencyKey = CALL) -> list[RegisterCommand]:
    """Return the items of one call that has a key."""
    return [replace(asset(f"dataset d{number}"), key=key_within(call, number)) for number in range(count)]


async def write(
    writers: Writers, *items: RegisterCommand, now: int = NOW, who: Any = ROOT, chunk: int = 250
) -> list[WriteOutcome]:
    """Write at an instant."""
    return await writers.of(who, chunk, now).write(items, dry_run=False, atomic=False)


async def kept(graph: StoreGraph) -> tuple[int, int]:
    """Return the number of receipts and the number of hourly buckets."""
    receipts: Any = await graph.run(
        "g.V(x).out('SHELF').union(identity(), out('SHELF')).out('RECEIPT').dedup().count()", x=BUCKET_ROOT
    )
    buckets: Any = await graph.run("g.V(x).out('SHELF').count()", x=BUCKET_ROOT)
    return receipts[0], buckets[0]


def codes(done: list[WriteOutcome]) -> list[str]:
    """Return the codes of the errors."""
    return [refusal.code.name for one in done for refusal in one.errors]


async def test_a_call_of_several_transactions_is_done_once(graph: StoreGraph, writers: Writers) -> None:
    """Each transaction renews the receipt of the call, already in its hourly bucket.

    A repeat returns the same outcomes.
    """
    first = await write(writers, *called(7), chunk=3)
    assert [one.outcome.name for one in first] == ["CREATED"] * 7
    assert await write(writers, *called(7), chunk=2) == first
    assert len((await stored(graph)).changes) == 7
    other = await write(writers, *called(7, replace(CALL, digest="of another call")), chunk=3)
    assert codes(other) == ["IDEMPOTENCY_CONFLICT"] * 7


async def test_a_repeated_call_retries_rejected_items(writers: Writers) -> None:
    """Rejected items leave no receipt: a repeated call retries them, and replays the outcomes of the others."""
    await write(writers, asset("dataset d1"))
    items = called(3)
    items[1] = replace(items[1], expected_revision=2, values={"description": "x"})
    first = await write(writers, *items)
    assert [one.outcome.name for one in first] == ["CREATED", "CONFLICT", "CREATED"]
    await write(writers, asset("dataset d1", {"description": "y"}))
    again = await write(writers, *items)
    assert [one.outcome.name for one in again] == ["CREATED", "UPDATED", "CREATED"]
    assert [again[0], again[2]] == [first[0], first[2]]
    assert await write(writers, *items) == again


@pytest.mark.parametrize("later", [0, RECEIPT_LIFETIME_MS - 1])
async def test_a_key_is_valid_for_a_day(graph: StoreGraph, writers: Writers, later: int) -> None:
    """Until the last millisecond of a day a key replays the first outcome, although others changed the asset since."""
    first = await write(writers, keyed("dataset d", "k", description="x"))
    await write(writers, asset("dataset d", {"description": "y"}), who=OTHER)
    assert await write(writers, keyed("dataset d", "k", description="x"), now=NOW + later) == first
    assert (first[0].outcome.name, first[0].urn, first[0].revision) == ("CREATED", urn("dataset d"), 1)
    assert (await stored(graph)).records[urn("dataset d")]["description"] == "y"
    assert codes(await write(writers, keyed("dataset d", "k", "b"), now=NOW + later)) == ["IDEMPOTENCY_CONFLICT"]


async def test_an_expired_key_is_as_new(graph: StoreGraph, writers: Writers) -> None:
    """After a day a key executes again, with any payload, and is valid for another day."""
    await write(writers, keyed("dataset d", "k", description="x"))
    again = await write(writers, keyed("dataset d", "k", "b", description="y"), now=NOW + RECEIPT_LIFETIME_MS)
    assert [one.outcome.name for one in again] == ["UPDATED"]
    assert codes(await write(writers, keyed("dataset d", "k"), now=NOW + RECEIPT_LIFETIME_MS + 1)) == [
        "IDEMPOTENCY_CONFLICT"
    ]
    assert await kept(graph) == (1, 2)


async def test_keys_are_the_callers_own(writers: Writers) -> None:
    """The same key of another principal is a different key."""
    await write(writers, keyed("dataset d", "k", description="x"))
    done = await write(writers, keyed("dataset d", "k", "b", description="y"), who=OTHER)
    assert [one.outcome.name for one in done] == ["UPDATED"]


def pairs(done: list[WriteOutcome]) -> list[tuple[str, ...]]:
    """Return the outcomes, and the code and path of each error."""
    return [(one.outcome.name, *(text for each in one.errors for text in (each.code.name, *each.path))) for one in done]


REFUSED_KEY, REFUSED_ID = ("INVALID", "INVALID", "idempotencyKey"), ("INVALID", "INVALID", "id")
COLLIDING = ("equal-key", "other-key", urn("dataset equal"), urn("dataset other"))


@pytest.mark.parametrize(
    ("first", "second", "refusal"),
    [
        (keyed("dataset d", "equal-key"), keyed("dataset e", "other-key"), REFUSED_KEY),
        (asset("dataset equal"), keyed("dataset e", "other-key"), REFUSED_KEY),
        (keyed("dataset d", "equal-key"), asset("dataset other"), REFUSED_ID),
        (asset("dataset equal"), asset("dataset other"), REFUSED_ID),
    ],
    ids=["two keys", "id, then key", "key, then id", "two ids"],
)
@pytest.mark.parametrize("together", [True, False], ids=["one transaction", "two transactions"])
async def test_of_two_names_with_equal_hashes_the_second_is_refused(  # noqa: PLR0913 - fixtures and cases
    writers: Writers,
    monkeypatch: pytest.MonkeyPatch,
    first: RegisterCommand,
    second: RegisterCommand,
    refusal: tuple[str, ...],
    *,
    together: bool,
) -> None:
    """A caller can search for such names. Nothing is retried, and items that name the stored object go on."""
    give_equal_hashes(monkeypatch, *COLLIDING)
    items = (first, asset("dataset beside"), second)
    calls = [items] if together else [(each,) for each in items]
    observed = ObservedRequests()
    writers.client.observers.append(observed)
    done = [each for call in calls for each in await write(writers, *call)]
    assert pairs(done) == [("CREATED",), ("CREATED",), refusal]
    assert sum(report.writes for report in observed.reports) == (1 if together else 2)
    assert not any(report.error for report in observed.reports)
    again = await write(writers, second, replace(first, expected_revision=1, values={"description": "x"}), first)
    named = [("UPDATED",), ("UNCHANGED",)] if first.key is None else [("CREATED",), ("CREATED",)]
    assert pairs(again) == [refusal, *named]


async def test_a_key_with_the_hash_of_its_own_item_or_call_is_refused(
    writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the item itself creates counts as well: its asset, and the receipt of its call."""
    give_equal_hashes(monkeypatch, *COLLIDING, "build 7", "build 7\0000")
    done = await write(writers, keyed("dataset equal", "other-key"), *called(2))
    assert pairs(done) == [REFUSED_KEY, REFUSED_KEY, ("CREATED",)]
    assert "'build 7'" in done[1].errors[0].message
