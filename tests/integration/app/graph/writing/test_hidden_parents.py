"""A link from a parent that is hidden from the caller reads as much as one from an absent id.

All writers wait for what the plan of a transaction reads.
"""

import asyncio
from collections import Counter

import pytest
from support.stores.observed_requests import ObservedRequests
from support.stores.writers import Writers, asset, link, person

from app.graph.writing.effects import counting_children

ROOT = person("root", roles="admin")
ZOE = person("zoe", "team ads", roles="engineer")
OURS, THEIRS = {"team ads": ["TECHNICAL"]}, {"team ranking": ["TECHNICAL"]}
LARGE, SMALL = "dataset large", "dataset small"
VERSIONS = [*(f"dataset-version large@{number}" for number in range(6)), "dataset-version small@0"]
OWN = ["dataset own0", "dataset own1"]


@pytest.fixture(autouse=True)
async def _stored(writers: Writers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Store a hidden dataset with more versions than a plan reads, one with few, and two of the caller's own."""
    monkeypatch.setattr(counting_children, "MAX_CHILDREN", 3)
    items = [asset(each, {"visibility": "TEAM"}, owners=THEIRS) for each in (LARGE, SMALL)]
    items += [asset(each, {"visibility": "TEAM"}) for each in VERSIONS]
    items += [asset(each, owners=OURS) for each in OWN]
    done = await writers.of(ROOT).write(items, dry_run=False, atomic=False)
    assert all(each.stored for each in done)


async def requests_of(writers: Writers, source: str, *, count: int, dry_run: bool) -> Counter[str]:
    """Link a source to own datasets in as many calls at once, as zoe; return the names of the requests."""
    requests = ObservedRequests()
    writers.client.observers.append(requests)
    calls = [[link("DERIVES", source, own)] for own in OWN[:count]]
    done = await asyncio.gather(*(writers.of(ZOE).write(each, dry_run=dry_run, atomic=False) for each in calls))
    writers.client.observers.remove(requests)
    assert [each.outcome.name for one in done for each in one] == ["CREATED"] * count
    return Counter(report.prepared.name for report in requests.reports)


@pytest.mark.parametrize(("hidden", "dry_run"), [(LARGE, True), (SMALL, False)], ids=["dry, large", "small"])
@pytest.mark.parametrize("count", [1, 2], ids=["alone", "at once"])
async def test_a_hidden_parent_is_read_like_an_absent_one(
    writers: Writers, hidden: str, count: int, *, dry_run: bool
) -> None:
    """The requests are the same, also for several calls of a transaction; a dry run reads no children of either."""
    found = await requests_of(writers, hidden, count=count, dry_run=dry_run)
    assert found == await requests_of(writers, "dataset nothing", count=count, dry_run=dry_run)
    assert found["flows"] == (0 if dry_run else 1)


async def test_a_visible_parent_is_read(writers: Writers) -> None:
    """Several calls of a transaction still read its children together, before the plan; those of dry runs read none."""
    items = [asset("dataset mine", owners=OURS), asset("dataset-version mine@1", {"sensitivity": "PUBLIC"})]
    assert all(each.stored for each in await writers.of(ROOT).write(items, dry_run=False, atomic=False))
    assert (await requests_of(writers, "dataset mine", count=2, dry_run=True))["flows"] == 0
    assert (await requests_of(writers, "dataset mine", count=2, dry_run=False))["flows"] == 1
