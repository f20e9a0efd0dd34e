"""Files that are not DataHub metadata; what is read from others is proven by test_mapping.py."""

from pathlib import Path

import orjson
import pytest

from app.ingest.sources.datahub.aspect_files import read_estate
from policies.errors import InvalidError


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"files": [{"path": "a.json"}, {"name": "b.json"}]}, "index.json, file 1: the entry has no `path`"),
        ({"files": ["a.json"]}, "index.json, file 0: the entry has no `path`"),
        ({"files": [{"path": None}]}, "index.json, file 0: the entry has no `path`"),
        ({"files": [{"path": "a\0.json"}]}, "index.json, file 0: the entry has no `path`"),
        ({"entities": []}, "index.json must be a JSON array"),
        ({"files": [{"path": "a.json"}, {"path": "other.json"}]}, "index.json names itself, also through other files"),
        ([{"entityUrn": "urn:li:tag:a"}], "index.json, record 0: not an aspect of an entity"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, content: object, message: str) -> None:
    """The error names the file and the entry; an index without a path once ended with a KeyError."""
    (tmp_path / "a.json").write_bytes(b"[]")
    (tmp_path / "other.json").write_bytes(orjson.dumps({"files": [{"path": "index.json"}]}))
    index = tmp_path / "index.json"
    index.write_bytes(orjson.dumps(content))
    with pytest.raises(InvalidError, match=message):
        read_estate([index])


@pytest.mark.parametrize("path", ["../secret.json", "/dev/zero", "a/../../secret.json", "a/.."])
def test_an_index_names_no_file_elsewhere(tmp_path: Path, path: str) -> None:
    """Who writes an index does not choose which files of this machine are read."""
    (tmp_path / "secret.json").write_bytes(b"[]")
    (tmp_path / "export" / "a").mkdir(parents=True)
    index = tmp_path / "export" / "index.json"
    index.write_bytes(orjson.dumps({"files": [{"path": path}]}))
    with pytest.raises(InvalidError, match=r"index.json, file 0: .* may be outside of the folder"):
        read_estate([index])


@pytest.mark.parametrize("path", ["a.json", "./a.json", "parts/a..json"])
def test_an_index_names_files_beside_it(tmp_path: Path, path: str) -> None:
    """Paths of an index are relative to its folder, or to one in it."""
    record = {"entityUrn": "urn:li:tag:a", "entityType": "tag", "aspectName": "tagProperties", "aspect": {"json": {}}}
    (tmp_path / "parts").mkdir()
    (tmp_path / path).write_bytes(orjson.dumps([record]))
    index = tmp_path / "index.json"
    index.write_bytes(orjson.dumps({"files": [{"path": path}]}))
    assert [*read_estate([index]).entities] == ["urn:li:tag:a"]
