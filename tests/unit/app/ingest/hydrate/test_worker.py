"""A worker reads one object after the other: failures are reported with a code, and never stop the others."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from rich.console import Console

from app.ingest.hydrate.object_writer import WrittenObject, write_registered
from app.ingest.hydrate.worker import Worker
from app.ingest.load.api_client import ApiClient, Retry, UnreachableError
from app.ingest.load.batches import ItemResult
from app.ingest.load.incremental_load import Page
from app.ingest.load.load_report import LoadReport
from app.ingest.load.source_asset import AliasTarget, SourceAsset
from policies.errors import Code, CodedError


@dataclass
class PlainObject:
    """An object of a source: one that is called by the name of an error cannot be read."""

    object_type: str
    object_id: str
    asset: SourceAsset | None = None
    aliases: Sequence[AliasTarget] | None = None
    with_aliases: bool = True

    def pages(self) -> Iterator[Page]:
        """Yield the asset."""
        if self.object_id == "absent":
            raise CodedError("there is none", Code.NOT_FOUND)
        if self.object_id == "defect":
            raise KeyError(self.object_id)
        self.asset = SourceAsset(f"run {self.object_id}", self.object_id, {"run": {"id": f"urn {self.object_id}"}})
        yield [self.asset]

    def completed(self, asset: SourceAsset) -> SourceAsset:
        """Return the asset as it is."""
        return asset

    def has(self, _kind: str, _foreign_id: str) -> bool:
        """Return true."""
        return True


@dataclass
class PlainApi:
    """An API with a queue of objects, which are due once; it refuses the registration of ``denied``."""

    due: list[str]
    finished: list[dict[str, Any]] = field(default_factory=list)
    is_down: bool = False

    def respond(self, request: httpx2.Request) -> httpx2.Response:
        """Respond to a request of the worker."""
        body = json.loads(request.content)
        given = body["variables"]
        if "DueEvents" in body["query"]:
            return data(thinEvents={"nodes": [{"id": each} for each in self.due[:2]]})
        if "TakeEvents" in body["query"]:
            taken, self.due = self.due[:2], self.due[2:]
            events = [
                {"id": each, "attempts": 1, "objectType": "run", "objectId": each, "state": "PENDING"} for each in taken
            ]
            return data(takeThinEvents={"events": events, "errors": []})
        if "FinishEvent" in body["query"]:
            self.finished.append(given["input"])
            return data(finishThinEvent={"changed": True, "errors": []})
        if self.is_down:
            return httpx2.Response(503)
        (item,) = given["input"]["items"]
        error = {"code": "DENIED", "message": "not yours", "inputPath": []}
        is_denied = item["run"]["id"] == "urn denied"
        result = {"outcome": "DENIED", "errors": [error]} if is_denied else {"outcome": "CREATED", "errors": []}
        return data(registerAssets={"results": [result]})


def data(**fields: Any) -> httpx2.Response:
    """Return a response with data."""
    return httpx2.Response(200, json={"data": fields})


async def worked(api: PlainApi) -> tuple[LoadReport, str]:
    """Work all events off; return the report and what was printed."""
    printed = io.StringIO()
    report = LoadReport(Console(file=printed, width=200))
    transport = httpx2.MockTransport(api.respond)
    async with ApiClient("http://api", "t", Retry(tries=1), transport=transport) as client:
        await Worker(client, "prod", write_registered(PlainObject), report, once=True).run()
    return report, printed.getvalue()


async def test_each_object_has_a_result() -> None:
    """Absent, refused and defective objects are failures with a code; the messages are printed, and not sent."""
    api = PlainApi(["absent", "denied", "defect", "good"])
    report, printed = await worked(api)
    assert [{name: each.get(name) for name in ("event", "reason", "outcome", "asset")} for each in api.finished] == [
        {"event": "absent", "reason": "NOT_FOUND", "outcome": None, "asset": None},
        {"event": "denied", "reason": "DENIED", "outcome": None, "asset": None},
        {"event": "defect", "reason": "INTERNAL", "outcome": None, "asset": None},
        {"event": "good", "reason": None, "outcome": "CREATED", "asset": "urn good"},
    ]
    assert (report.failed, dict(report.counts)) == (3, {"created": 1})
    assert "run absent: NOT_FOUND: there is none" in printed
    assert "not yours" in printed


@pytest.mark.parametrize(("changes", "writes"), [([], 2), (["later", "latest"], 4), ([f"{n}" for n in range(9)], 5)])
async def test_an_object_that_changes_is_written_again(changes: list[str], writes: int) -> None:
    """Two workers share its assets: an older reading must not stay, if it is written after a newer one."""
    api, states = PlainApi(["good"]), iter(["first", *changes])
    stored, sent, registry = list[str](), list[str](), list[str]()

    async def write(_client: ApiClient, _type: str, _id: str) -> WrittenObject:
        registry.append(next(states, registry[-1] if registry else ""))
        sent.append(registry[-1])
        outcome = "UNCHANGED" if stored == [registry[-1]] else "UPDATED"
        stored[:] = [registry[-1]]
        return WrittenObject([ItemResult("run good", outcome)], "run good", "urn good")

    printed = LoadReport(Console(file=io.StringIO()))
    async with ApiClient("http://api", "t", transport=httpx2.MockTransport(api.respond)) as client:
        await Worker(client, "prod", write, printed, once=True).run()
    assert len(sent) == writes
    assert stored == [registry[-1]]
    assert [each["outcome"] for each in api.finished] == ["UPDATED"]


async def test_an_api_that_is_down_is_no_failure_of_the_object() -> None:
    """The worker ends, and the event is due again after its lease: no result is reported."""
    api = PlainApi(["good"], is_down=True)
    with pytest.raises(UnreachableError):
        await worked(api)
    assert api.finished == []
