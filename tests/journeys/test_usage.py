"""Usage: a record replaces the earlier record of its day, and totals equal those of a loop over plain values."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from support.documents.observability import Writes, codes, recorded, total
from support.estates.owned_items import owned, team, urn
from support.servers.in_process import Api

DATA, THEIRS = urn("dataset", "orders"), urn("dataset", "clicks")
SHOP, SHUT = urn("service", "shop"), urn("service", "shut")
UMA = "mlg://user/catalog/default/uma"
CONSUMERS = (team("ads"), UMA, SHOP, SHUT)
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
"""One day earlier if a new day begins while the tests run."""
SPAN = 300
READ = """query ($id: ID!, $days: Int, $after: Cursor) { asset(id: $id) { usage(days: $days) {
  reads calls costUsd distinctConsumers lastUsedAt byDay { day reads calls costUsd }
  consumers(first: 3, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes {
    reads calls costUsd lastUsedAt consumer { ... on Node { id } } } } } } }"""
NOTHING: dict[str, Any] = {
    "reads": 0,
    "calls": 0,
    "costUsd": None,
    "distinctConsumers": 0,
    "lastUsedAt": None,
    "byDay": [],
}

Days = Mapping[tuple[str, str], Mapping[str, float]]


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over assets of ranking and ads, and consumers of each kind, one of them team-only."""
    await api.load(
        owned("dataset", "orders"),
        owned("dataset", "clicks", "ads"),
        owned("service", "shop", "ads"),
        owned("service", "shut", visibility="TEAM"),
        {"user": {"name": "uma"}},
    )
    return api


def day(back: int) -> str:
    """Return the ISO date ``back`` days before yesterday."""
    return (YESTERDAY - timedelta(days=back)).isoformat()


def used(consumer: str = SHOP, back: int = 0, asset: str = DATA, **counts: float) -> dict[str, Any]:
    """Return the input of a usage record."""
    return {"asset": asset, "consumer": consumer, "day": day(back), **counts}


async def usage(api: Api, who: str, asset: str, days: int = SPAN) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the usage of an asset, and all its consumers, read page by page."""
    after, found = None, []
    while True:
        data = (await api.ask(who, READ, id=asset, days=days, after=after))["asset"]["usage"]
        page = data.pop("consumers")
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            assert page["totalCount"] == len(found) == data["distinctConsumers"]
            return data, found
        after = page["pageInfo"]["endCursor"]


async def on_one_day(api: Api, who: str, asset: str, days: int) -> tuple[str, Any]:
    """Return the first of ``days`` days and the usage since then, read within one calendar day."""
    while True:
        begin = datetime.now(UTC).date() - timedelta(days=days - 1)
        response = await usage(api, who, asset, days)
        if begin == datetime.now(UTC).date() - timedelta(days=days - 1):
            return begin.isoformat(), response


def expected(days: Days) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the expected usage and consumers for these records."""
    by_day, by_consumer = defaultdict(list), defaultdict(list)
    for (consumer, day), counts in days.items():
        by_day[day].append(counts)
        by_consumer[consumer].append((day, counts))
    consumers: list[dict[str, Any]] = [
        {"consumer": {"id": consumer}, **total(counts for _, counts in each), "lastUsedAt": max(day for day, _ in each)}
        for consumer, each in by_consumer.items()
    ]
    consumers.sort(key=lambda each: (-each["reads"] - each["calls"], each["consumer"]["id"]))
    shown = {
        **total(days.values()),
        "distinctConsumers": len(by_consumer),
        "lastUsedAt": max(by_day, default=None),
        "byDay": [{"day": day, **total(by_day[day])} for day in sorted(by_day)],
    }
    return shown, consumers


@pytest.mark.parametrize("seed", range(3))
async def test_usage_adds_up(api: Api, seed: int) -> None:
    """Random records, some replaced, add up correctly for ada (sees all consumers) and for bo (does not)."""
    random, asset = Random(seed), urn("dataset", f"random-{seed}")
    await api.load(owned("dataset", f"random-{seed}"))
    kept: dict[tuple[str, str], dict[str, float]] = {}
    for _ in range(4):
        batch: dict[tuple[str, str], dict[str, float]] = {}
        for _ in range(30):
            names = random.sample(["reads", "calls", "costUsd"], random.randint(1, 3))
            counts = {name: random.randrange(1, 40) / 4 for name in names}
            batch[random.choice(CONSUMERS), day(random.randrange(SPAN + 40))] = counts
        records = [{"asset": asset, "consumer": who, "day": on, **counts} for (who, on), counts in batch.items()]
        assert await recorded(api, "ada", *records) == {"recorded": len(records), "errors": []}
        kept |= batch
    for days in (SPAN, 30, 1):
        for who, hidden in (("ada", ""), ("bo", SHUT)):
            begin, response = await on_one_day(api, who, asset, days)
            observed = {key: counts for key, counts in kept.items() if key[1] >= begin and key[0] != hidden}
            assert response == expected(observed)


async def test_unused_is_zero_and_hidden_usage_is_null(api: Api) -> None:
    """The usage of an asset without records is zero; usage that the viewer may not read is null."""
    await api.load(owned("dataset", "idle"), owned("dataset", "draft", stage="DRAFT"))
    assert await usage(api, "ada", urn("dataset", "idle")) == (NOTHING, [])
    data = await api.ask("bo", "query ($id: ID!) { asset(id: $id) { id usage { reads } } }", id=urn("dataset", "draft"))
    assert data == {"asset": {"id": urn("dataset", "draft"), "usage": None}}


async def test_the_same_records_again_write_nothing(api: Api) -> None:
    """A repeated call stores nothing; a record with fewer counts replaces all counts of its day."""
    await api.load(owned("dataset", "twice"))
    asset = urn("dataset", "twice")
    records = [used(asset=asset, reads=3, costUsd=0.5), used(asset=asset, back=1, calls=2)]
    await recorded(api, "ada", *records)
    with Writes(api) as writes:
        assert await recorded(api, "ada", *records) == {"recorded": 2, "errors": []}
    assert writes.count == 0
    await recorded(api, "ada", used(asset=asset, reads=1))
    assert (await usage(api, "ada", asset))[0]["costUsd"] is None


async def test_an_unknown_consumer_becomes_a_stub(api: Api) -> None:
    """A record of an unregistered consumer creates a stub, which is listed as consumer."""
    await api.load(owned("dataset", "early"))
    consumer = urn("service", "to-come")
    await recorded(api, "ada", used(consumer, asset=urn("dataset", "early"), calls=1))
    _, consumers = await usage(api, "ada", urn("dataset", "early"))
    assert [each["consumer"] for each in consumers] == [{"id": consumer}]


async def test_each_record_has_its_own_outcome(api: Api) -> None:
    """Each invalid record has an error with its index, and the valid records are stored."""
    far = (datetime.now(UTC).date() + timedelta(days=2)).isoformat()
    records: list[tuple[dict[str, Any], str, list[str]]] = [
        (used(reads=1, back=9), "", []),
        (used(reads=-1), "INVALID", ["reads"]),
        (used(costUsd=1.7e308), "INVALID", ["costUsd"]),
        (used(), "INVALID", []),
        ({**used(reads=1), "day": far}, "INVALID", ["day"]),
        ({**used(reads=1), "day": "2019-01-01"}, "INVALID", ["day"]),
        (used(DATA, reads=1), "INVALID", ["consumer"]),
        (used(asset=team("ads"), reads=1), "INVALID", ["asset"]),
        (used(asset=urn("dataset", "nothing"), reads=1), "NOT_FOUND", ["asset"]),
        (used(asset=THEIRS, reads=1), "DENIED", ["asset"]),
        (used(reads=2, back=9), "INVALID", ["day"]),
        (used(reads=2, back=8), "", []),
    ]
    payload = await recorded(api, "ada", *(record for record, _, _ in records))
    assert payload["recorded"] == 2
    wanted = [(code, ["records", str(index), *path]) for index, (_, code, path) in enumerate(records) if code]
    assert codes(payload) == wanted


async def test_a_call_carries_at_most_a_thousand_records(api: Api) -> None:
    """A call with 1,000 records is stored; a call with 1,001 is rejected with LIMIT_EXCEEDED."""
    await api.load(owned("dataset", "busy"))
    many = [used(SHOP, back, urn("dataset", "busy"), reads=1) for back in range(1_001)]
    body = await api.send("ada", "mutation ($i: RecordUsageInput!) { recordUsage(input: $i) { recorded } }",
                          i={"records": many})  # fmt: skip
    assert body["errors"][0]["extensions"].items() >= {"code": "LIMIT_EXCEEDED", "limit": 1_000}.items()
    assert await recorded(api, "ada", *many[:1_000]) == {"recorded": 1_000, "errors": []}
    begin, (shown, _) = await on_one_day(api, "ada", urn("dataset", "busy"), 400)
    assert shown["reads"] == len([record for record in many if record["day"] >= begin])


@pytest.mark.parametrize("days", [0, 401])
async def test_days_are_bounded(api: Api, days: int) -> None:
    """A value of `days` outside 1 to 400 is rejected as INVALID."""
    body = await api.send("ada", READ, id=DATA, days=days)
    assert body["errors"][0]["extensions"]["code"] == "INVALID"


@pytest.mark.parametrize("text", ["2026-02-30", "2026-1-1", "20260101", "today"])
async def test_an_invalid_date_is_rejected(api: Api, text: str) -> None:
    """A text that is no calendar date in ISO form is rejected before execution."""
    record = {**used(reads=1), "day": text}
    body = await api.send("ada", "mutation ($i: RecordUsageInput!) { recordUsage(input: $i) { recorded } }",
                          i={"records": [record]})  # fmt: skip
    assert "Date cannot represent" in body["errors"][0]["message"]


async def test_usage_is_not_audited(api: Api) -> None:
    """A usage record changes neither the history nor the revision of its asset."""
    document = "query ($id: ID!) { asset(id: $id) { revision history { totalCount } } }"
    before = await api.ask("ada", document, id=DATA)
    await recorded(api, "ada", used(reads=7, back=20))
    assert await api.ask("ada", document, id=DATA) == before
