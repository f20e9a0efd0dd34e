"""What another party writes is read within limits: the size of files, lines, indexes and nested values."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from app.ingest.load.api_client import ApiClient
from app.ingest.load.batches import ImportItem, ItemResult, register
from app.ingest.sources import source_file
from app.ingest.sources.datahub import aspect_files
from app.ingest.sources.datahub.aspect_files import read_estate
from app.ingest.sources.dbt.artifacts import read_artifacts
from app.ingest.sources.feast.registry import read_registry
from app.ingest.sources.jsonl import read_lines
from app.ingest.sources.openlineage.event_files import read_events_of
from graphql_schema.ports.record import JsonObject
from policies.errors import InvalidError


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small files be large."""
    monkeypatch.setattr(source_file, "MAX_BYTES", 1_000)
    monkeypatch.setattr(source_file, "MAX_LINE", 100)


class Endless(io.RawIOBase):
    """A stream that never ends, as that of a pipe; ``count`` is the number of bytes that were read."""

    count = 0

    def readable(self) -> bool:
        """Return whether the stream can be read."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """Fill a buffer with a text without a line."""
        buffer[:] = b"[" * len(buffer)
        self.count += len(buffer)
        assert self.count < 1 << 23, "it is read without end"
        return len(buffer)


def test_a_large_file_is_refused_by_its_name(tmp_path: Path) -> None:
    """Of each format that is read into memory; the error has what to do."""
    text = orjson.dumps({"project": "p", "metadata": {"project_name": "p"}, "nodes": {}, "rest": "x" * 1_000})
    (tmp_path / "manifest.json").write_bytes(text)
    file = tmp_path / "manifest.json"
    for read in (read_registry, lambda each: read_estate([each]), lambda each: read_artifacts(each.parent)):
        with pytest.raises(InvalidError, match=r"manifest\.json is too large: .* Import parts"):
            read(file)


def test_a_stream_without_an_end_is_not_read_on() -> None:
    """Events that are no lines are read as a whole, up to the limit."""
    with pytest.raises(InvalidError, match="f is too large"):
        [*read_events_of("f", io.BufferedReader(cast("Any", Endless())))]


@pytest.mark.parametrize("read", [read_lines, read_events_of])
def test_a_long_line_fails_alone(read: Callable[[str, io.BytesIO], Iterator[ImportItem | ItemResult]]) -> None:
    """It is never in memory as a whole, and the lines around it are read with their numbers."""
    text = b'{"a": {}}\n{"a": {"b": "' + b"x" * 300 + b'"}}\n{"c": {}}\n'
    found = [*read("f", io.BytesIO(text))]
    assert [each.location for each in found] == ["f:1", "f:2", "f:3"]
    assert isinstance(found[1], ItemResult)
    assert (found[1].outcome, "at most 100 bytes" in found[1].reasons[0]) == ("INVALID", True)
    assert [each.value for each in found if isinstance(each, ImportItem)] == [{"a": {}}, {"c": {}}]


def test_an_index_leads_to_few_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes that name each other's files many times do not multiply without end, and are nested a few times."""
    names = [f"i{number}.json" for number in range(4)]
    for name, below in zip(names, [*names[1:], "leaf.json"], strict=True):
        (tmp_path / name).write_bytes(orjson.dumps({"files": [{"path": below}] * 10}))
    (tmp_path / "leaf.json").write_bytes(b"[]")
    monkeypatch.setattr(source_file, "MAX_BYTES", 10**9)
    monkeypatch.setattr(aspect_files, "MAX_FILES", 500)
    with pytest.raises(InvalidError, match=r"json is not read: .* 500 files"):
        read_estate([tmp_path / names[0]])
    monkeypatch.setattr(aspect_files, "MAX_NESTED", 2)
    with pytest.raises(InvalidError, match=r"i3\.json.*more than 2 indexes"):
        read_estate([tmp_path / names[0]])


async def test_a_deeply_nested_item_fails_alone() -> None:
    """JSON is read up to a depth at which it cannot be sent; the other items are registered."""
    deep: JsonObject = orjson.loads(b'{"dataset": ' + b"[" * 900 + b"]" * 900 + b"}")
    sent: list[JsonObject] = []

    class Api:
        async def execute(self, _document: str, variables: JsonObject) -> JsonObject:
            sent.extend(variables["input"]["items"])
            return {"registerAssets": {"results": [{"outcome": "CREATED", "errors": []} for _ in sent]}}

    items = [ImportItem("f:1", deep), ImportItem("f:2", {"dataset": {"name": "a"}}), ImportItem("f:3", deep)]
    found = [each async for results in register(cast("ApiClient", Api()), items) for each in results]
    assert sorted((each.location, each.outcome) for each in found) == [
        ("f:1", "INVALID"),
        ("f:2", "CREATED"),
        ("f:3", "INVALID"),
    ]
    assert "nested too deeply" in next(each.reasons[0] for each in found if each.location == "f:1")


@pytest.mark.parametrize("value", ["\ud800", 1 << 64])
async def test_why_an_item_is_no_json_is_reported(value: str | int) -> None:
    """A half of a surrogate pair, or a number of more than 64 bits, is not nested too deeply."""
    items = [ImportItem("m:1", {"dataset": {"name": value}})]
    found = [each async for results in register(cast("ApiClient", None), items) for each in results]
    assert [(each.location, each.outcome) for each in found] == [("m:1", "INVALID")]
    assert "cannot be written as JSON" in found[0].reasons[0]
    assert "nested" not in found[0].reasons[0]
