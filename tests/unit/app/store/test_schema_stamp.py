"""The schema stamp beside the data: additions within a version are accepted, all other changes are refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.stores.sample_schema import VERTEX, sample_document, sample_schema

from app.store.errors import SchemaMismatchError
from app.store.schema_stamp import StoreSchema, accept_stamp, write_stamp

Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> StoreSchema:
    """Return the sample schema after a change, with the same version."""
    document = sample_document()
    change(document)
    return StoreSchema(1, orjson.dumps(document))


@pytest.mark.parametrize(
    "growth",
    [
        lambda d: d["vertexLabels"].append({"label": "Dataset"}),
        lambda d: d["edgeLabels"].append({"label": "BASE_OF", "multiplicity": "SIMPLE"}),
        lambda d: d["propertyKeys"].append({"key": "kind", "className": "java.lang.String"}),
        lambda d: d["compositeIndexes"].append({"name": "byName", "typeClass": VERTEX, "keys": []}),
        lambda d: d["vertexLabels"].reverse(),
    ],
)
def test_additions_within_a_version_are_recorded(tmp_path: Path, growth: Change) -> None:
    """New labels, keys and composite indexes are accepted, and the stamp then has the digest of the new schema."""
    accept_stamp(tmp_path, sample_schema())
    accept_stamp(tmp_path, changed(growth))
    accept_stamp(tmp_path, changed(growth))
    assert orjson.loads((tmp_path / "stamp.json").read_bytes())["digest"] == changed(growth).digest


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda d: d["mixedIndexes"][0]["keys"].append({"propertyKey": "urn"}), "mixedIndexes assets"),
        (lambda d: d["mixedIndexes"].append({"name": "more", "keys": []}), "mixedIndexes more"),
        (lambda d: d["edgeLabels"][0].update(multiplicity="MULTI"), "edgeLabels FEEDS"),
        (lambda d: d["propertyKeys"].pop(), "propertyKeys name"),
        (lambda d: d.pop("compositeIndexes"), "compositeIndexes byUrn"),
    ],
)
def test_other_changes_within_a_version_are_refused(tmp_path: Path, change: Change, named: str) -> None:
    """A change that JanusGraph would ignore or refuse is refused by name, and the stamp is unchanged."""
    accept_stamp(tmp_path, sample_schema())
    with pytest.raises(SchemaMismatchError, match=named):
        accept_stamp(tmp_path, changed(change))
    assert orjson.loads((tmp_path / "stamp.json").read_bytes())["digest"] == sample_schema().digest


def test_data_without_a_stamp_are_refused(tmp_path: Path) -> None:
    """A data folder without a stamp is refused."""
    (tmp_path / "je").mkdir()
    with pytest.raises(SchemaMismatchError, match="no schema stamp"):
        accept_stamp(tmp_path, sample_schema())


def test_another_version_is_refused(tmp_path: Path) -> None:
    """Data of an older version without steps are refused, and the message names the command to export them."""
    accept_stamp(tmp_path, sample_schema())
    with pytest.raises(SchemaMismatchError, match=r"version 1; this program uses version 2\. Export"):
        accept_stamp(tmp_path, sample_schema(2))


def test_a_newer_version_is_refused(tmp_path: Path) -> None:
    """Data of a newer version are refused, also if this program upgrades older ones."""
    accept_stamp(tmp_path, sample_schema(3))
    with pytest.raises(SchemaMismatchError, match=r"version 3; this program uses version 2\. Use the release"):
        accept_stamp(tmp_path, upgrading(sample_schema(2)), upgrading=True)


def upgrading(schema: StoreSchema, at_start: frozenset[int] = frozenset({1})) -> StoreSchema:
    """Return a schema to which version 1 is upgraded."""
    return replace(schema, upgrades=frozenset({1}), at_start=at_start)


def test_a_version_with_steps_is_accepted_and_its_stamp_kept(tmp_path: Path) -> None:
    """The stamp of older data remains until they are upgraded, and new keys of the index are no mismatch."""
    accept_stamp(tmp_path, sample_schema())
    more: Any = sample_document()
    more["propertyKeys"].append({"key": "vendor"})
    more["mixedIndexes"][0]["keys"].append({"propertyKey": "vendor"})
    newer = upgrading(StoreSchema(2, orjson.dumps(more)))
    assert not accept_stamp(tmp_path, newer)
    assert orjson.loads((tmp_path / "stamp.json").read_bytes())["version"] == 1
    write_stamp(tmp_path, newer)
    assert accept_stamp(tmp_path, newer)


def test_steps_that_need_the_command_are_refused_without_it(tmp_path: Path) -> None:
    """A start names the command, and the command goes on."""
    accept_stamp(tmp_path, sample_schema())
    newer = upgrading(sample_schema(2), frozenset())
    with pytest.raises(SchemaMismatchError, match="write a backup, and run `mlg store upgrade`"):
        accept_stamp(tmp_path, newer)
    assert not accept_stamp(tmp_path, newer, upgrading=True)


def test_a_change_that_no_step_makes_is_refused(tmp_path: Path) -> None:
    """A new version may add keys and entries of the index, and alter nothing else."""
    accept_stamp(tmp_path, sample_schema())
    altered = sample_document()
    altered["edgeLabels"][0].update(multiplicity="MULTI")
    with pytest.raises(SchemaMismatchError, match="edgeLabels FEEDS"):
        accept_stamp(tmp_path, upgrading(StoreSchema(2, orjson.dumps(altered))))


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{}", b'{"version": "1", "digest": "", "schema": {}}'])
def test_a_damaged_stamp_is_refused_by_its_name(tmp_path: Path, content: bytes) -> None:
    """The schema of the data is unknown then, so the program does not start, and the message has what to do."""
    accept_stamp(tmp_path, sample_schema())
    (tmp_path / "stamp.json").write_bytes(content)
    with pytest.raises(SchemaMismatchError, match=r"stamp\.json is damaged .* Restore the folder from a backup"):
        accept_stamp(tmp_path, sample_schema())
