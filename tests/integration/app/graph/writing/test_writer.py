"""The writer on a real JanusGraph; the tests read the result with Gremlin of their own."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from support.stores.janusgraph import StoreGraph
from support.stores.observed_requests import ObservedRequests
from support.stores.writers import NOW, Writers, asset, link, person, shipped_stops, stored, urn

from app.graph.commits.write_coordinator import WriteCoordinator
from app.graph.commits.write_statements import WRITE
from app.graph.driver.errors import StoreFailedError, StoreUnavailableError
from app.graph.driver.gremlin_client import GremlinClient, RequestReport
from app.graph.driver.prepared_statement import PreparedStatement
from app.graph.records.vertex_id import vertex_id
from app.graph.writing import group_plan
from app.graph.writing.writer import PolicedWriter
from app.store.errors import StoreReason
from graphql_schema.catalog.instants import FOREVER
from graphql_schema.catalog.properties import NATIVE_EDGE_PROPERTIES, NATIVE_PROPERTIES
from graphql_schema.ports.commands import LinkCommand, RecordUsageCommand, RegisterCommand
from graphql_schema.ports.outcomes import WriteOutcome
from policies.errors import CodedError

ROOT = person("root", roles="admin")
ADA = person("ada", "team ranking", roles="engineer")
BAD_RUN = asset("run broken", {"state": "START", "startedAt": "soon"}, workflow=["workflow only-there"])


async def register(writer: PolicedWriter, *items: RegisterCommand | LinkCommand, **how: bool) -> list[WriteOutcome]:
    """Register items in one call."""
    return await writer.write(items, **{"dry_run": False, "atomic": False, **how})


def names(done: list[WriteOutcome]) -> list[str]:
    """Return the outcomes by name."""
    return [one.outcome.name for one in done]


class Cut:
    """Redirects the client to a port without a listener, after some requests."""

    def __init__(self, client: GremlinClient, exchanges: int) -> None:
        self.client, self.left = client, exchanges

    def exchanged(self, _exchange: RequestReport) -> None:
        """See :class:`app.graph.driver.gremlin_client.Observer`."""
        self.left -= 1
        if self.left == 0:
            self.client.pool.servers[0].url = "http://127.0.0.1:1/gremlin"


async def test_a_mark_that_does_not_move_is_not_written(graph: StoreGraph, writers: Writers) -> None:
    """Usage of a day that is not later, or that is taken back while others used that day, leaves the stored marks.

    A property that is written anew has another id in the store, and all texts of its asset are analysed again.
    """
    text = "g.V().has('urn', u).properties('usedAt', 'lastUsedAt').map{it.get().id() as String}"
    data, today = urn("dataset d"), datetime.fromtimestamp(NOW / 1_000, UTC).date()
    first, second = urn("team a"), urn("team b")

    async def used(consumer: str, back: int, reads: float) -> list[Any]:
        day = (today - timedelta(days=back)).isoformat()
        await writers.of(ROOT).write(
            [RecordUsageCommand(data, consumer, day, {"reads": reads})], dry_run=False, atomic=False
        )
        return await graph.run(text, u=data)

    await register(writers.of(ROOT), asset("dataset d"))
    begun = await used(first, 2, 1.0)
    assert len(begun) == 2
    moved = await used(first, 1, 1.0)
    assert set(moved).isdisjoint(begun)
    for consumer, back, reads in ((second, 1, 2.0), (first, 3, 2.0), (first, 1, 0.0)):
        assert await used(consumer, back, reads) == moved
    assert set(await used(second, 1, 0.0)).isdisjoint(moved)


async def test_stored_values_are_those_of_the_catalog(graph: StoreGraph, writers: Writers) -> None:
    """A vertex has exactly the native values of the catalog.

    An edge has the applicable ones, and "" or OPEN if absent.
    """
    item = asset("dataset-version d@1", {"rowCount": 3, "sourceCreatedAt": 7}, derivedFrom=["dataset up"])
    assert names(await register(writers.of(ROOT), item)) == ["CREATED"]
    there = await stored(graph)
    natives = there.natives[urn("dataset-version d@1")]
    assert natives.keys() == {value.name for value in NATIVE_PROPERTIES if not value.attached_only}
    record = orjson.loads(natives.pop("record"))
    assert natives == {
        **{key: record[key] for key in natives.keys() & record.keys()},
        "urn": record["id"],
        "titles": ["d", "d v1"],
        "words": ["1", "d", "default", "test", "v1"],
        "confirmedSensitivity": record["sensitivity"],
        "prose": "",
        "owners": [""],
        "tags": [""],
        "domain": "",
        "begins": 7,
        "deletedAt": FOREVER,
        "usedAt": 0,
        "servedAt": 0,
        "lastUsedAt": 0,
        "pairs": [""],
        "codePaths": [""],
        "dataPaths": [""],
        "riskTier": "",
        "cost": 0,
    }
    assert (record["revision"], record["createdBy"], record["createdAt"]) == (1, "root", NOW)
    by_relation = {key[0]: values for key, values in there.edges}
    every = {value.name for value in NATIVE_EDGE_PROPERTIES} - {"through"}
    assert by_relation["VERSION_OF"].keys() == every
    assert by_relation["VERSION_OF"]["at"] == 7
    assert by_relation["DERIVES"].keys() == every - {"at"}
    assert (by_relation["DERIVES"]["fromKind"], by_relation["DERIVES"]["toKind"]) == ("DATASET", "DATASET_VERSION")
    assert (by_relation["DERIVES"]["validFrom"], by_relation["DERIVES"]["validTo"]) == (NOW, FOREVER)


async def test_registering_again_writes_nothing(graph: StoreGraph, writers: Writers) -> None:
    """The second call returns UNCHANGED for assets and links, sends no write and leaves the store as it was."""
    items: list[RegisterCommand | LinkCommand] = [
        asset("dataset a", {"description": "x"}, owners={"team ranking": ["TECHNICAL"]}, tags=["tag gold"]),
        asset("run r", {"state": "START"}, inputs=["dataset a"], outputs=["dataset b"], workflow=["workflow w"]),
        link("FEEDS", "dataset a", "model m", properties=[{"key": "k", "value": "v"}], validFrom=1, validTo=5),
        link("CONTAINS", "domain shop", "dataset a"),
    ]
    writer = writers.of(ROOT)
    await register(writer, *items)
    before, requests = await stored(graph), ObservedRequests()
    writers.client.observers.append(requests)
    assert names(await register(writers.of(ROOT, now=NOW + 1), *items)) == ["UNCHANGED"] * 4
    assert WRITE.text not in requests.texts
    assert await stored(graph) == before


@pytest.mark.parametrize("shared", [True, False], ids=["one writer", "writers of several processes"])
async def test_concurrent_calls_of_the_same_items_make_each_once(
    graph: StoreGraph, writers: Writers, *, shared: bool
) -> None:
    """Eight calls with the same 20 assets make 20, one edge between any two, and one writer creates each once.

    Writers of several processes may both report CREATED, because neither can detect the other; the graph is the same.
    """
    items = [asset(f"dataset d{number}", derivedFrom=["dataset up"]) for number in range(20)]
    several = [writers if shared else replace(writers, coordinator=WriteCoordinator(shipped_stops())) for _ in range(8)]
    done = await asyncio.gather(*(register(each.of(ROOT), *items) for each in several))
    there = await stored(graph)
    assert len(there.records) == 21
    assert len(there.edge_records) == 20
    outcomes = Counter(name for one in done for name in names(one))
    assert outcomes.total() == outcomes["CREATED"] + outcomes["UNCHANGED"] == 160
    assert outcomes["CREATED"] == 20 or not shared
    assert {record["revision"] for record in there.records.values()} == {1}


async def test_an_item_that_the_store_rejects_leaves_nothing(graph: StoreGraph, writers: Writers) -> None:
    """One bad item among good ones is INVALID and leaves nothing, not even its stub; the other items are written."""
    good = [asset(f"dataset d{number}", derivedFrom=["dataset up"]) for number in range(6)]
    done = await register(writers.of(ROOT), *good[:3], BAD_RUN, *good[3:])
    assert names(done) == [*["CREATED"] * 3, "INVALID", *["CREATED"] * 3]
    assert "The store refuses this item" in done[3].errors[0].message
    assert set((await stored(graph)).records) == {urn("dataset up"), *(item.urn for item in good)}


@pytest.mark.parametrize(
    "failure",
    [
        StoreFailedError("The store failed.", ("NullPointerException",)),
        StoreFailedError("The store failed."),
        StoreUnavailableError.because(StoreReason.DISK_SPACE),
        StoreUnavailableError.because(StoreReason.STORAGE, unknown_outcome=True),
    ],
    ids=str,
)
async def test_a_failure_of_the_store_is_never_the_fault_of_an_item(
    writers: Writers, monkeypatch: pytest.MonkeyPatch, failure: CodedError
) -> None:
    """Only a refused value makes an item INVALID; any other failure is raised as it is, after one attempt."""
    submit, attempts = writers.client.submit, 0

    async def fail(
        prepared: PreparedStatement, bindings: Mapping[str, object], *, writes: bool = False, **_: object
    ) -> list[Any]:
        nonlocal attempts
        if not writes:
            return await submit(prepared, bindings)
        attempts += 1
        raise failure

    monkeypatch.setattr(writers.client, "submit", fail)
    with pytest.raises(CodedError) as raised:
        await register(writers.of(ROOT), *(asset(f"dataset d{number}") for number in range(4)))
    assert raised.value is failure
    assert attempts == 1


async def test_an_atomic_call_is_written_completely_or_not_at_all(graph: StoreGraph, writers: Writers) -> None:
    """An item rejected by a rule or by the store leaves nothing of an atomic call; without that item all is written."""
    good, missing = asset("dataset a"), replace(asset("run r"), required=("state",))
    assert names(await register(writers.of(ROOT), good, missing, atomic=True)) == ["INVALID", "INVALID"]
    with pytest.raises(StoreFailedError):
        await register(writers.of(ROOT), good, BAD_RUN, atomic=True)
    assert (await stored(graph)).records == {}
    assert names(await register(writers.of(ROOT), good, asset("dataset b"), atomic=True)) == ["CREATED"] * 2


async def test_an_existing_id_is_never_overwritten(graph: StoreGraph, writers: Writers) -> None:
    """An asset with the vertex id of another one is INVALID, as an item and as a target, and the other is unchanged."""
    other = {"id": "mlg://dataset/test/default/other", "tenant": "default", "kind": "DATASET"}
    add = "g.addV('Dataset').property(T.id, x).property('record', r).property('tenant', 'default').property('urn', u)"
    x = vertex_id("default", urn("dataset a"))
    await graph.run(add + ".iterate()", x=x, r=orjson.dumps(other).decode(), u=other["id"])
    done = await register(writers.of(ROOT), asset("dataset a"), asset("model m"), link("FEEDS", "dataset a", "model m"))
    assert names(done) == ["INVALID", "CREATED", "INVALID"]
    assert "the same vertex id" in done[0].errors[0].message
    assert (await stored(graph)).records[other["id"]] == other


async def test_children_follow_the_owner_of_their_parent(graph: StoreGraph, writers: Writers) -> None:
    """If a dataset, model or feature set changes owner, its children without owners of their own follow.

    The outcome counts them.
    """
    writer = writers.of(ROOT)
    parts = ["dataset-version d@1", "dataset-version d@2", "model-version m@1", "feature f"]
    own = asset("dataset-version d@own", owners={"team ads": ["TECHNICAL"]})
    await register(writer, *map(asset, parts), own, asset("feature-set s", features=["feature f"]))
    parents = [
        asset(name, owners={"team ranking": ["TECHNICAL"]}) for name in ("dataset d", "model m", "feature-set s")
    ]
    assert names(await register(writer, *parents)) == ["CREATED", "CREATED", "UPDATED"]
    there = await stored(graph)
    before = {"feature f": 2}  # joining its set was a change
    for name in parts:
        natives = there.natives[urn(name)]
        assert (natives["ownerTeam"], natives["revision"]) == (urn("team ranking"), before.get(name, 1) + 1)
    assert there.natives[own.urn]["ownerTeam"] == urn("team ads")


async def test_a_list_ends_edges_that_it_no_longer_names_and_reopens_them(graph: StoreGraph, writers: Writers) -> None:
    """An edge dropped from a list ends unless a link declares it too; listed again, it keeps its earlier intervals."""
    key = ("DERIVES", urn("dataset a"), urn("dataset d"))
    linked = ("DERIVES", urn("dataset b"), urn("dataset d"))
    first = asset("dataset d", derivedFrom=["dataset a", "dataset b"])
    await register(writers.of(ROOT), first, link("DERIVES", "dataset b", "dataset d"))
    assert names(await register(writers.of(ROOT, now=NOW + 5), asset("dataset d", derivedFrom=[]))) == ["UPDATED"]
    there = await stored(graph)
    assert there.edge_records[key]["validTo"] == dict(there.edges)[key]["validTo"] == NOW + 5
    assert there.edge_records[linked]["by"] == ["link"]
    assert dict(there.edges)[linked]["validTo"] == FOREVER
    await register(writers.of(ROOT, now=NOW + 9), first)
    there = await stored(graph)
    assert there.edge_records[key]["earlier"] == [[NOW, NOW + 5]]
    assert (dict(there.edges)[key]["validFrom"], dict(there.edges)[key]["validTo"]) == (NOW + 9, FOREVER)
    assert "validTo" not in there.edge_records[key]
    assert there.records[urn("dataset d")]["revision"] == 3


async def test_versions_and_runs_keep_their_place_in_time(graph: StoreGraph, writers: Writers) -> None:
    """Versions and runs are ordered by their own time, also if it becomes known later."""
    writer = writers.of(ROOT)
    run = asset("run r", {"state": "START"}, workflow=["workflow w"])
    await register(writer, asset("model-version m@1"), run)
    await register(writer, asset("model-version m@1", {"sourceCreatedAt": 5}), asset("run r", {"startedAt": 6}))
    times = {key[0]: values["at"] for key, values in (await stored(graph)).edges}
    assert times == {"VERSION_OF": 5, "RUN_OF": 6}


async def test_a_dry_run_returns_the_outcomes_and_writes_nothing(graph: StoreGraph, writers: Writers) -> None:
    """Outcomes equal those of the real call; neither a dry call nor a dry item is stored or visible to later items."""
    registered, linked = asset("dataset a", derivedFrom=["dataset b"]), link("FEEDS", "dataset c", "model m")
    assert names(await register(writers.of(ROOT), registered, linked, dry_run=True)) == ["CREATED", "CREATED"]
    dry = replace(registered, dry_run=True)
    assert names(await register(writers.of(ROOT), dry, dry)) == ["CREATED", "CREATED"]
    assert (await stored(graph)).records == {}


async def test_a_hidden_other_end_makes_no_difference(graph: StoreGraph, writers: Writers) -> None:
    """A link from a hidden asset is answered like one from an absent asset.

    A change of it is denied without details.
    """
    await register(
        writers.of(ROOT),
        asset("dataset secret", {"visibility": "TEAM", "description": "plans"}, owners={"team ads": ["TECHNICAL"]}),
        asset("model mine", owners={"team ranking": ["TECHNICAL"]}),
        asset("model theirs", owners={"team ads": ["TECHNICAL"]}),
    )
    before = (await stored(graph)).records[urn("dataset secret")]
    done = await register(
        writers.of(ADA),
        link("FEEDS", "dataset secret", "model mine"),
        link("FEEDS", "dataset unknown", "model mine"),
        asset("dataset secret", {"description": "mine"}),
        link("FEEDS", "dataset unknown", "model theirs"),
    )
    assert [one.placeholders for one in done[:2]] == [(urn("dataset secret"),), (urn("dataset unknown"),)]
    assert replace(done[0], placeholders=()) == replace(done[1], placeholders=())
    assert names(done) == ["CREATED", "CREATED", "DENIED", "DENIED"]
    hidden = done[2].errors[0].message.replace(urn("dataset secret"), "")  # the id is what the caller gave
    assert not any(word in hidden for word in ("ads", "plans", "secret"))
    assert "team/catalog/default/ads" in done[3].errors[0].message  # the owner of a visible model
    assert (await stored(graph)).records[urn("dataset secret")] == before


async def test_a_repeated_call_completes_after_a_lost_store(graph: StoreGraph, writers: Writers) -> None:
    """A call whose batch did not reach the store raises and keeps earlier batches; repeated, it completes."""
    items = [asset(f"dataset d{number}") for number in range(6)]
    server, cut = writers.client.pool.servers[0], Cut(writers.client, exchanges=2)
    good = server.url
    writers.client.observers.append(cut)
    with pytest.raises(StoreUnavailableError):
        await register(writers.of(ROOT, chunk=2), *items)
    writers.client.observers.remove(cut)
    server.url = good
    assert len((await stored(graph)).records) == 2
    assert names(await register(writers.of(ROOT, chunk=2), *items)) == ["UNCHANGED"] * 2 + ["CREATED"] * 4


async def test_a_long_call_shares_the_store_with_other_writers(
    writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alone, 300 items are two transactions; beside another call they are six, and its item is in the first of them."""
    monkeypatch.setattr(group_plan, "MAX_COST", 10_000_000)  # that of the items divides none
    requests, done = ObservedRequests(), []
    writers.client.observers.append(requests)
    counts = []

    async def other() -> None:
        await register(writers.of(ADA), asset("dataset other"))
        done.append(sum(report.prepared is WRITE for report in requests.reports))

    for name in ("alone", "beside"):
        items = [asset(f"dataset {name}{number}") for number in range(300)]
        requests.reports.clear()
        await asyncio.gather(register(writers.of(ROOT), *items), *([] if name == "alone" else [other()]))
        counts.append(sum(report.prepared is WRITE for report in requests.reports))
    assert (counts[0], done) == (2, [1])
    assert counts[1] <= 6
