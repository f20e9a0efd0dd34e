"""A manifest of a backup: each of its values is checked when it is read."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from support.stores.sample_schema import SAMPLE_STAMP

from app.graph.admin.elements.store_digest import StoreDigest
from app.graph.admin.store_schema import store_schema
from app.store.embedded.backup_manifest import Backup, BackupFile
from app.store.errors import BackupError
from app.store.schema_stamp import write_stamp

HASH = "0" * 64
BACKUP = Backup(
    "a",
    "1.0",
    "1.1.0",
    SAMPLE_STAMP,
    index=True,
    files={"je/00000000.jdb": BackupFile(HASH, 5, HASH)},
    digest={"Model": [2, "af"], "-FEEDS->": [0, "0"]},
)

RELEASES: list[Any] = [None, [], "", "1.0\x1b[2J", "1 0", "1" * 101]
VERSIONS: list[Any] = ["5", None, True, 5.0, [5]]
ELEMENTS: list[Any] = [None, {}, "x", [5], [None], ["label"], [{}], [{"label": []}], [{"name": "x"}]]
COUNTS: list[Any] = [[], [1], [1, "a", 2], ["1", "a"], [-1, "a"], [True, "a"], [1.5, "a"], [1, 10], [1, None], "x", 5]
FILES: list[Any] = [None, 5, "abc", {}, [], [HASH, 5], [HASH, 5, HASH, 5]]
BAD_VALUES: dict[str, list[Any]] = {
    "name": [None, 5, [], {}, "b"],
    "release": RELEASES,
    "storage": RELEASES,
    "schema": [
        *(None, [], {}, {"version": 5}, {"version": 5, "digest": HASH}),
        *(SAMPLE_STAMP | {"version": value} for value in VERSIONS),
        *(SAMPLE_STAMP | {"digest": None}, SAMPLE_STAMP | {"digest": {}}),
        *(SAMPLE_STAMP | {"schema": None}, SAMPLE_STAMP | {"schema": []}),
        *(SAMPLE_STAMP | {"schema": {"vertexLabels": value}} for value in ELEMENTS),
    ],
    "index": [None, 0, "true"],
    "files": [None, [], "x", *({"je/00000000.jdb": value} for value in FILES)],
    "digest": [
        *([], "x", 5, {"\x1b[2J": [1, "a"]}, {"Model": None}),
        *({"Model": value} for value in COUNTS),
        *({"Model": [1, value]} for value in ("", "x", "-a", "0xa", "a_a", "a" * 65)),
    ],
}


def written(folder: Path, **changed: Any) -> Path:
    """Write the manifest with other values; return its path."""
    path = folder / "a.json"
    path.write_bytes(orjson.dumps(orjson.loads(BACKUP.stored()) | changed))
    return path


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in BAD_VALUES for value in BAD_VALUES[name]])
def test_a_damaged_value_is_reported(tmp_path: Path, name: str, value: object) -> None:
    """A value of another form is a damaged manifest, and no unexpected error when it is used."""
    with pytest.raises(BackupError, match=r"The manifest .* is damaged; delete it, and use another backup"):
        Backup.of(written(tmp_path, **{name: value}))


@pytest.mark.parametrize("name", ["name", "release", "storage", "schema", "index", "files", "digest", "format"])
def test_an_absent_value_is_reported(tmp_path: Path, name: str) -> None:
    """A manifest without one of its values is damaged."""
    path = tmp_path / "a.json"
    path.write_bytes(orjson.dumps({key: value for key, value in orjson.loads(BACKUP.stored()).items() if key != name}))
    with pytest.raises(BackupError, match="is damaged"):
        Backup.of(path)


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    """The values of a backup, also without a digest, and with the schema of this program."""
    assert Backup.of(written(tmp_path)) == BACKUP
    assert Backup.of(written(tmp_path, digest=None)).digest is None
    write_stamp(tmp_path, store_schema())
    stamp = orjson.loads((tmp_path / "stamp.json").read_bytes())
    assert Backup.of(written(tmp_path, schema=stamp)).schema == stamp


def test_the_digest_of_a_manifest_is_one_of_a_store(tmp_path: Path) -> None:
    """The form of a digest is that which a store returns."""
    digest = Backup.of(written(tmp_path)).digest
    assert digest is not None
    assert StoreDigest.of(digest).stored() == {"Model": [2, "af"], "-FEEDS->": [0, "0"]}
