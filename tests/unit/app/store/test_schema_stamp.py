"""The schema stamp beside the data: additions within a version are accepted, all other changes are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.stores.sample_schema import VERTEX, sample_document, sample_schema

from app.store.errors import SchemaMismatchError
from app.store.schema_stamp import StoreSchema, write_stamp

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
    write_stamp(tmp_path, sample_schema())
    write_stamp(tmp_path, changed(growth))
    write_stamp(tmp_path, changed(growth))
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
    write_stamp(tmp_path, sample_schema())
    with pytest.raises(SchemaMismatchError, match=named):
        write_stamp(tmp_path, changed(change))
    assert orjson.loads((tmp_path / "stamp.json").read_bytes())["digest"] == sample_schema().digest


def test_data_without_a_stamp_are_refused(tmp_path: Path) -> None:
    """A data folder without a stamp is refused."""
    (tmp_path / "je").mkdir()
    with pytest.raises(SchemaMismatchError, match="no schema stamp"):
        write_stamp(tmp_path, sample_schema())


def test_another_version_is_refused(tmp_path: Path) -> None:
    """Data of another schema version are refused, and the message names the command to export them."""
    write_stamp(tmp_path, sample_schema())
    with pytest.raises(SchemaMismatchError, match=r"version 1; this program uses version 2\. Export"):
        write_stamp(tmp_path, sample_schema(2))
