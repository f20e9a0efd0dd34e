"""Loading a source: the order of the steps, refused parts of accepted events, and the exit code."""

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from typing import Any

import pytest

from app.ingest.load import source_load
from app.ingest.load.api_client import ApiClient, UnreachableError
from app.ingest.load.batches import ImportItem, ItemResult
from app.ingest.load.ended_assets import OwnedAssets
from app.ingest.load.event_sender import Observe
from app.ingest.load.load import LoadTarget
from app.ingest.load.source_load import SourceContent, load_source

TARGET = LoadTarget("http://api", "t0ken", batch=2)
REFUSED = [
    {"id": "u", "code": "DENIED", "message": "not yours"},
    {"field": "owners", "id": "team", "message": "is not registered"},
]


def item(where: str) -> ImportItem:
    """Return an item with its place."""
    return ImportItem(where, {"report": {"id": where}})


CONTENT = SourceContent(
    events=[item("event")],
    subjects={"event": "urn"},
    items=[item("report")],
    owners=[item("owner")],
    checks=[item("check")],
    owned=OwnedAssets("dbt", "shop", "dbt.project", frozenset()),
    skipped={"model skipped": 1},
)


class Api:
    """Replaces the senders; ``report`` is the report of every event."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.report: dict[str, Any] = {"subject": "urn", "refused": []}

    async def events(
        self, _client: ApiClient, events: Iterable[ImportItem], _batch: int, observe: Observe
    ) -> AsyncIterator[list[ItemResult]]:
        """Accept every event."""
        for each in events:
            self.sent.append(each.location)
            observe(each, self.report)
            yield [ItemResult(each.location, "CREATED")]

    async def items(self, _client: ApiClient, items: Iterable[ImportItem], *_: int) -> AsyncIterator[list[ItemResult]]:
        """Update every item, except that one called ``away`` ends the connection."""
        for each in items:
            self.sent.append(each.location)
            if each.location == "away":
                raise UnreachableError("No API.")
            yield [ItemResult(each.location, "UPDATED")]

    async def ending(self, _client: ApiClient, _owned: OwnedAssets) -> tuple[list[ImportItem], list[ImportItem]]:
        """Return one item that comes back, and one that is gone."""
        return [item("back")], [item("gone")]


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """Replace everything that needs a network."""
    api = Api()
    monkeypatch.setattr(source_load, "send_events", api.events)
    monkeypatch.setattr(source_load, "register", api.items)
    monkeypatch.setattr(source_load, "send_checks", api.items)
    monkeypatch.setattr(source_load, "ending_items", api.ending)
    return api


def loaded(
    capsys: pytest.CaptureFixture[str], content: SourceContent = CONTENT, *, end: bool = False
) -> tuple[int, dict[str, Any], str]:
    """Load the content; return the exit code, the summary and what is on standard error."""
    code = load_source(TARGET, content, end=end, as_json=True)
    output = capsys.readouterr()
    return code, json.loads(output.out.splitlines()[-1]), output.err


def test_steps_follow_each_other(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """Tables come first, then what refers to them, then owners and checks; nothing ends unless it is asked for."""
    code, summary, _ = loaded(capsys)
    assert code == 0
    assert api.sent == ["event", "report", "owner", "back", "check"]
    counts = {"created": 1, "updated": 4, "unchanged": 0, "failed": 0}
    assert summary == {**counts, "skipped": {"model skipped": 1}, "ended": 0}


def test_what_is_gone_ends_last(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """The summary has the number of ended assets."""
    code, summary, _ = loaded(capsys, end=True)
    assert (code, api.sent[-1], summary["ended"], summary["updated"]) == (0, "gone", 1, 5)


def test_refused_parts_of_an_event_are_failures(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its reason, and the exit code is 1 although the event was accepted."""
    api.report["refused"] = REFUSED
    code, summary, errors = loaded(capsys)
    assert (code, summary["failed"], summary["created"]) == (1, 2, 1)
    assert "event: DENIED: not yours" in errors
    assert "event: REFUSED: owners is not registered" in errors


def test_another_id_of_a_table_is_a_failure(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """The server and the importer must name a table alike, else its lineage would lead elsewhere."""
    api.report["subject"] = "other"
    code, summary, errors = loaded(capsys)
    assert (code, summary["failed"]) == (1, 1)
    assert "the server names it other, not urn; set MLG_NAMESPACES here as on the server" in errors


def test_an_error_of_the_api_ends_the_load(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """The summary counts what was sent before, and contains the error."""
    content = SourceContent(items=[item("a"), item("away"), item("b")], owned=CONTENT.owned)
    code, summary, _ = loaded(capsys, content)
    assert (code, summary["updated"], summary["error"], api.sent) == (1, 1, "No API.", ["a", "away"])


def test_objects_that_cannot_be_sent_are_failures(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is printed with its reason, everything else is sent, and the exit code is 1."""
    content = replace(CONTENT, failures=[ItemResult("view", "INVALID", ("has no name",))])
    code, summary, errors = loaded(capsys, content)
    assert (code, summary["failed"], summary["created"], summary["updated"]) == (1, 1, 1, 4)
    assert "view: INVALID: has no name" in errors
    assert api.sent == ["event", "report", "owner", "back", "check"]
