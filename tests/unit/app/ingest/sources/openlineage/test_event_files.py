"""Files with events: lines, a list, or one object over several lines; what is none is reported with its place."""

from io import BytesIO
from pathlib import Path

import pytest

from app.ingest.load.batches import ImportItem
from app.ingest.sources.openlineage.event_files import read_event_files, read_events_of


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (b'{"a": 1}\n\n{"a": 2}', ["f:1", "f:3"]),
        (b'[{"a": 1}, {"a": 2}]', ["f#0", "f#1"]),
        (b'[\n  {"a": 1}\n]\n', ["f#0"]),
        (b'{\n  "a": 1\n}\n', ["f#0"]),
        (b"", []),
        (b'{"a": 1}\n[1]\n{"a": 2}', ["f:1", "f:2 INVALID", "f:3"]),
        (b'oops\n{"a": 2}', ["f:1 INVALID", "f:2"]),
        (b"[1]", ["f#0 INVALID"]),
        (b"7", ["f#0 INVALID"]),
    ],
)
def test_each_form_is_read(text: bytes, places: list[str]) -> None:
    """Each event has the place that it was read from; the others are still read after an invalid one."""
    found = [*read_events_of("f", BytesIO(text))]
    assert [
        each.location if isinstance(each, ImportItem) else f"{each.location} {each.outcome}" for each in found
    ] == places


def test_files_are_read_in_order(tmp_path: Path) -> None:
    """A list follows lines; a file that is absent ends the import."""
    (tmp_path / "a").write_text('{"n": 1}')
    (tmp_path / "b").write_text('[{"n": 2}]')
    found = [*read_event_files([tmp_path / "a", tmp_path / "b"])]
    assert [each.value["n"] for each in found if isinstance(each, ImportItem)] == [1, 2]
    with pytest.raises(OSError, match="absent"):
        [*read_event_files([tmp_path / "absent"])]
