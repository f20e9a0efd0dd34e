"""The schema document of the store, and the schema stamp: the copy kept beside the data, checked at every start.

JanusGraph's JSON schema initialisation adds missing elements at every start, with one trap: a key added to an existing
mixed index is ignored without an error. Within one version, the document may therefore only gain labels, keys and
composite indexes. The stamp makes any other change an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, TypeAlias

import orjson

from app.store.errors import SchemaMismatchError

SELF_CHECK_LABEL: Final = "SelfCheck"
SELF_CHECK_KEY: Final = "selfCheck"
"""Vertex label and property key of the readiness check (`app.store.self_check`), added to every schema."""
STAMP_FILE: Final = "stamp.json"
DATA_FOLDER: Final = "je"
"""The folder of BerkeleyJE's files, within the store's folder."""
_NAME_FIELDS: Final = {"vertexLabels": "label", "edgeLabels": "label", "propertyKeys": "key"}
_EXTENSIBLE_SECTIONS: Final = {"vertexLabels", "edgeLabels", "propertyKeys", "compositeIndexes"}

SchemaDocument: TypeAlias = Mapping[str, Sequence[Mapping[str, object]]]
"""A schema document by section; every element of a section has a name."""


@dataclass(frozen=True, slots=True)
class StoreSchema:
    """A JanusGraph JSON schema document (`schema.init.strategy=json`) and its version in this program."""

    version: int
    init_json: bytes

    @property
    def digest(self) -> str:
        """The SHA-256 of the document in hex."""
        return sha256(self.init_json).hexdigest()

    def with_self_check(self) -> bytes:
        """Return the document with the vertex label and the property key of the readiness check added."""
        document = orjson.loads(self.init_json)
        key = {"key": SELF_CHECK_KEY, "className": "java.lang.String", "cardinality": "SINGLE"}
        document["vertexLabels"] = [*document.get("vertexLabels", []), {"label": SELF_CHECK_LABEL}]
        document["propertyKeys"] = [*document.get("propertyKeys", []), key]
        return orjson.dumps(document)


def write_stamp(folder: Path, schema: StoreSchema) -> None:
    """Write the stamp of ``schema`` into the store's folder.

    Raises `SchemaMismatchError` if the stored stamp is missing beside data, has another version, or differs in more
    than new labels, keys and composite indexes.
    """
    path = folder / STAMP_FILE
    _refuse_other_version(folder, path, schema)
    fresh = {"version": schema.version, "digest": schema.digest, "schema": orjson.loads(schema.init_json)}
    scratch = path.with_suffix(".new")
    scratch.write_bytes(orjson.dumps(fresh, option=orjson.OPT_INDENT_2))
    scratch.replace(path)


def _refuse_other_version(folder: Path, path: Path, schema: StoreSchema) -> None:
    if not path.exists():
        if (folder / DATA_FOLDER).exists():
            raise SchemaMismatchError(
                f"The data in {folder} have no schema stamp ({STAMP_FILE}), so their schema is unknown. "
                "Restore the folder from a backup, or move it away to start with an empty store."
            )
        return
    known = orjson.loads(path.read_bytes())
    if known["version"] != schema.version:
        raise SchemaMismatchError(
            f"The data in {folder} have schema version {known['version']}; "
            f"this program uses version {schema.version}. "
            "Export them with the release that wrote them and import them into an empty store (docs/import.md lists "
            "the values that are lost), or set MLG_DATA_DIR to another folder.",
            found=known["version"],
            expected=schema.version,
        )
    if known["digest"] != schema.digest:
        _refuse_unsupported_changes(folder, schema.version, known["schema"], orjson.loads(schema.init_json))


def _refuse_unsupported_changes(folder: Path, version: int, old: SchemaDocument, new: SchemaDocument) -> None:
    changed = sorted(
        f"{section} {name}" for section in old.keys() | new.keys() for name in _unsupported_changes(section, old, new)
    )
    if changed:
        raise SchemaMismatchError(
            f"The data in {folder} and this program have schema version {version}, but differ in more than new labels, "
            f"keys and composite indexes: {', '.join(changed)}. JanusGraph would not apply the change. "
            "Raise the schema version, and migrate the data by export and import (docs/import.md lists the values "
            "that are lost).",
            changed=changed,
        )


def _unsupported_changes(section: str, old: SchemaDocument, new: SchemaDocument) -> set[object]:
    """Return the names of elements in ``section`` that are altered, removed, or added to a section that is fixed."""
    name = _NAME_FIELDS.get(section, "name")
    before = {element[name]: element for element in old.get(section, [])}
    after = {element[name]: element for element in new.get(section, [])}
    altered = {key for key, element in before.items() if after.get(key) != element}
    return altered if section in _EXTENSIBLE_SECTIONS else altered | (after.keys() - before.keys())
