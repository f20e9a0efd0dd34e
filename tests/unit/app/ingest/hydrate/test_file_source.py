"""Files are read again after they have changed, and only then."""

from pathlib import Path

import pytest

from app.ingest.hydrate.file_source import FileSource
from policies.errors import Code, CodedError


def test_files_are_read_when_one_has_changed(tmp_path: Path) -> None:
    """A repetition reads nothing; a changed, a new and a removed file are each noticed."""
    files = [tmp_path / "manifest.json", tmp_path / "catalog.json"]
    reads: list[int] = []

    def read() -> list[str]:
        reads.append(1)
        return [each.read_text() for each in files if each.exists()]

    source = FileSource(files, read)
    files[0].write_text("one")
    assert (source.content(), source.content(), len(reads)) == (["one"], ["one"], 1)
    files[0].write_text("other")
    assert source.content() == ["other"]
    files[1].write_text("more")
    assert source.content() == ["other", "more"]
    files[1].unlink()
    assert (source.content(), source.content(), len(reads)) == (["other"], ["other"], 4)


def test_a_file_that_cannot_be_read_has_a_code(tmp_path: Path) -> None:
    """The reason of the event says that the source was away; it is read when it is back."""
    file = tmp_path / "registry.json"
    source = FileSource([file], file.read_text)
    with pytest.raises(CodedError) as raised:
        source.content()
    assert raised.value.code is Code.STORE_UNAVAILABLE
    file.write_text("here")
    assert source.content() == "here"
