"""The stamp beside the data: growth within a version passes, anything else is refused."""

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
    """Return the sample schema after a change, in the same version."""
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
def test_growth_within_a_version_is_accepted_and_recorded(tmp_path: Path, growth: Change) -> None:
    """New labels, keys and composite indexes pass, and afterwards belong to what must not be lost."""
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
    """What JanusGraph would ignore or refuse is named, and the stamp stays what it was."""
    write_stamp(tmp_path, sample_schema())
    with pytest.raises(SchemaMismatchError, match=named):
        write_stamp(tmp_path, changed(change))
    assert orjson.loads((tmp_path / "stamp.json").read_bytes())["digest"] == sample_schema().digest


def test_data_without_a_stamp_are_refused(tmp_path: Path) -> None:
    """A store of unknown origin is not opened."""
    (tmp_path / "je").mkdir()
    with pytest.raises(SchemaMismatchError, match="no schema stamp"):
        write_stamp(tmp_path, sample_schema())


def test_another_version_is_refused(tmp_path: Path) -> None:
    """A newer program refuses older data and says what to do."""
    write_stamp(tmp_path, sample_schema())
    with pytest.raises(SchemaMismatchError, match=r"version 1; this program uses version 2\. Export"):
        write_stamp(tmp_path, sample_schema(2))
