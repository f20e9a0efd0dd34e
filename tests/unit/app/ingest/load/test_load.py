"""Loading items: the summary and the exit code that all importing commands share."""

import json
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Any, Self

import pytest

from app.ingest.load import load as loading
from app.ingest.load.api_client import UnreachableError
from app.ingest.load.batches import ImportItem, ItemResult
from app.ingest.load.load import LoadTarget, load
from app.ingest.load.scenario import Call, Scenario

TARGET = LoadTarget("http://api", "t0ken", batch=2)
SCENARIO = Scenario([[Call("ada", "approve", {})]], {}, "last")


class Client:
    """Replaces the API client, and is not used."""

    def __init__(self, *_arguments: object) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


async def register(_client: Client, items: Iterable[ImportItem], batch: int) -> AsyncIterator[list[ItemResult]]:
    """Create every item, except that one called ``away`` ends the connection."""
    assert batch == 2
    for item in items:
        if item.location == "away":
            raise UnreachableError("No API.")
        yield [ItemResult(item.location, "CREATED")]


async def run_scenario(*_arguments: object) -> AsyncIterator[ItemResult]:
    """Make one call."""
    yield ItemResult("approve as ada", "DONE")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the client, the registration and the scenario, so that nothing needs a network."""
    monkeypatch.setattr(loading, "ApiClient", Client)
    monkeypatch.setattr(loading, "register", register)
    monkeypatch.setattr(loading, "run_scenario", run_scenario)


def item(where: str) -> ImportItem:
    """Return an item with its place."""
    return ImportItem(where, {"model": {"name": where}})


def loaded(
    capsys: pytest.CaptureFixture[str], *entries: ImportItem | ItemResult, **more: Any
) -> tuple[int, dict[str, Any]]:
    """Load the entries, and return exit code and summary, which is the last line of standard output."""
    code = load(TARGET, entries, as_json=True, **more)
    return code, json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_complete_load_exits_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    """The summary has the counts, and what the importer adds."""
    code, summary = loaded(capsys, item("a"), item("b"), mapped=2)
    assert code == 0
    assert summary == {"created": 2, "updated": 0, "unchanged": 0, "failed": 0, "skipped": 0, "mapped": 2}


def test_an_entry_that_could_not_be_read_fails_the_load(capsys: pytest.CaptureFixture[str]) -> None:
    """It is counted and printed, and the other entries are registered."""
    code = load(TARGET, [item("a"), ItemResult("b.jsonl:2", "INVALID", ("not JSON",))], as_json=False)
    output = capsys.readouterr()
    assert (code, output.out) == (1, "1 created, 0 updated, 0 unchanged, 1 failed\n")
    assert "b.jsonl:2: INVALID: not JSON" in output.err


def test_an_error_of_the_api_ends_the_load(capsys: pytest.CaptureFixture[str]) -> None:
    """The summary counts what was registered before, and contains the error."""
    code, summary = loaded(capsys, item("a"), item("away"), item("b"))
    assert (code, summary["created"], summary["error"]) == (1, 1, "No API.")


@pytest.mark.parametrize(("entries", "calls"), [([item("a")], 1), ([ItemResult("x", "INVALID")], 0)])
def test_a_scenario_runs_after_all_items_are_registered(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    entries: list[ImportItem | ItemResult],
    calls: int,
) -> None:
    """It is not run after a failure, because its calls name the registered assets."""
    made: list[str] = []

    async def counted(*_arguments: object) -> AsyncIterator[ItemResult]:
        made.append("approve")
        yield ItemResult("approve as ada", "DONE")

    monkeypatch.setattr(loading, "run_scenario", counted)
    loaded(capsys, *entries, scenario=SCENARIO)
    assert len(made) == calls
