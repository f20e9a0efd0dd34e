"""The schema of the store, and the stamp beside the data that keeps one schema from opening the data of another.

JanusGraph's JSON schema initialisation adds what is missing at every start, with one trap: a key added to an
existing mixed index is ignored without a word. So the document is kept with the data, and within one version
it may only gain labels, keys and composite indexes.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import orjson

from app.store.errors import SchemaMismatchError

SELF_CHECK: Final = "SelfCheck"
SELF_CHECK_KEY: Final = "selfCheck"
"""Vertex label and property key that the store adds to every schema for its readiness check."""
STAMP: Final = "stamp.json"
DATA: Final = "je"
"""The folder in which BerkeleyJE keeps the data."""
_NAMED_BY: Final = {"vertexLabels": "label", "edgeLabels": "label", "propertyKeys": "key"}
_MAY_GROW: Final = {"vertexLabels", "edgeLabels", "propertyKeys", "compositeIndexes"}


@dataclass(frozen=True, slots=True)
class StoreSchema:
    """A JanusGraph JSON schema document (`schema.init.strategy=json`) and the version that we gave it."""

    version: int
    init_json: bytes

    @property
    def digest(self) -> str:
        """SHA-256 of the document, in hex."""
        return sha256(self.init_json).hexdigest()

    def with_self_check(self) -> bytes:
        """Return the document with the label and the key of the readiness check added."""
        document = orjson.loads(self.init_json)
        key = {"key": SELF_CHECK_KEY, "className": "java.lang.String", "cardinality": "SINGLE"}
        document["vertexLabels"] = [*document.get("vertexLabels", []), {"label": SELF_CHECK}]
        document["propertyKeys"] = [*document.get("propertyKeys", []), key]
        return orjson.dumps(document)


def stamp(folder: Path, schema: StoreSchema) -> None:
    """Record the schema beside the data in `folder`; raises SchemaMismatchError when the data have another one."""
    path = folder / STAMP
    _refuse_other_version(folder, path, schema)
    fresh = {"version": schema.version, "digest": schema.digest, "schema": orjson.loads(schema.init_json)}
    scratch = path.with_suffix(".new")
    scratch.write_bytes(orjson.dumps(fresh, option=orjson.OPT_INDENT_2))
    scratch.replace(path)


def _refuse_other_version(folder: Path, path: Path, schema: StoreSchema) -> None:
    if not path.exists():
        if (folder / DATA).exists():
            raise SchemaMismatchError(
                f"The data in {folder} carry no schema stamp ({STAMP}), so nobody knows what wrote them. "
                "Restore the folder from a backup, or move it away to start with an empty store."
            )
        return
    known = orjson.loads(path.read_bytes())
    if known["version"] != schema.version:
        raise SchemaMismatchError(
            f"The data in {folder} have schema version {known['version']}; "
            f"this program knows version {schema.version}. "
            "Export them with the release that wrote them and import them into an empty store, "
            "or set MLG_DATA_DIR to another folder.",
            found=known["version"],
            expected=schema.version,
        )
    if known["digest"] != schema.digest:
        _refuse_other_than_growth(folder, schema.version, known["schema"], orjson.loads(schema.init_json))


def _refuse_other_than_growth(folder: Path, version: int, old: dict[str, Any], new: dict[str, Any]) -> None:
    changed = sorted(f"{section} {name}" for section in old.keys() | new.keys() for name in _changes(section, old, new))
    if changed:
        raise SchemaMismatchError(
            f"The schema differs from the one that wrote the data in {folder} in more than new labels, keys and "
            f"composite indexes, and both are version {version}: {', '.join(changed)}. "
            "JanusGraph would not apply this: raise the schema version and migrate by export and import.",
            changed=changed,
        )


def _changes(section: str, old: dict[str, Any], new: dict[str, Any]) -> set[str]:
    """Name the elements of a section that were altered, dropped, or added where the section may not grow."""
    name = _NAMED_BY.get(section, "name")
    before = {element[name]: element for element in old.get(section, [])}
    after = {element[name]: element for element in new.get(section, [])}
    altered = {key for key, element in before.items() if after.get(key) != element}
    return altered if section in _MAY_GROW else altered | (after.keys() - before.keys())
