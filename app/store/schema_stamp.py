"""The schema document of the store, and the schema stamp: the copy kept beside the data, checked at every start.

JanusGraph's JSON schema initialisation adds missing elements at every start, with one trap: a key added to an existing
mixed index is ignored without an error. Within one version, the document may therefore only gain labels, keys and
composite indexes. Other changes need a step to a new version (:mod:`app.graph.admin.schema_steps`), and the stamp makes
any change without one an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import orjson

from app.store.errors import SchemaMismatchError

if TYPE_CHECKING:
    from app.store.store_endpoint import StoreEndpoint
    from graphql_schema.ports.record import JsonObject

SELF_CHECK_LABEL: Final = "SelfCheck"
SELF_CHECK_KEY: Final = "selfCheck"
"""Vertex label and property key of the readiness check (`app.store.self_check`), added to every schema."""
STAMP_FILE: Final = "stamp.json"
DATA_FOLDER: Final = "je"
"""The folder of BerkeleyJE's files, within the store's folder."""
_NAME_FIELDS: Final = {"vertexLabels": "label", "edgeLabels": "label", "propertyKeys": "key"}
_EXTENSIBLE_SECTIONS: Final = frozenset({"vertexLabels", "edgeLabels", "propertyKeys", "compositeIndexes"})
_INDEXES: Final = {"mixedIndexes"}
"""The section whose elements a step changes."""
_CHANGED_BY_STEPS: Final = _EXTENSIBLE_SECTIONS | {"vertexCentricEdgeIndexes"}
"""Sections to which a new version may add elements, beside what its step adds to the mixed index."""

SchemaDocument: TypeAlias = Mapping[str, Sequence[Mapping[str, object]]]
"""A schema document by section; every element of a section has a name."""


@dataclass(frozen=True, slots=True)
class StoreSchema:
    """A JanusGraph JSON schema document (`schema.init.strategy=json`) and its version in this program.

    ``upgrades`` are the older versions that this program upgrades, and ``at_start`` those of them that it upgrades
    when it starts, without the command `mlg store upgrade`.
    """

    version: int
    init_json: bytes
    upgrades: frozenset[int] = frozenset()
    at_start: frozenset[int] = frozenset()

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


class SchemaKeeper(Protocol):
    """Upgrades the schema of a store; no request is served meanwhile."""

    @property
    def commanded(self) -> bool:
        """Whether this is `mlg store upgrade`, which also takes steps that no start takes."""

    async def change(self, endpoint: StoreEndpoint) -> None:
        """Bring the schema of the store to that of the program, without the values of new keys.

        Raises a CodedError if that fails.
        """

    async def upgrade(self, endpoint: StoreEndpoint) -> None:
        """Bring the schema and the values of the store to those of the program. Raises a CodedError if that fails."""


def accept_stamp(folder: Path, schema: StoreSchema, *, upgrading: bool = False) -> bool:
    """Write the stamp of ``schema`` into the store's folder, and return True, unless the data have another version.

    Return False, and leave the stamp, if the data have an older version that is upgraded now. ``upgrading`` states
    that the caller is `mlg store upgrade`.

    Raises `SchemaMismatchError` if the stored stamp is damaged, is missing beside data, or has a version that is not
    upgraded now. Also raises it for a difference that neither JanusGraph nor a step to a new version applies.
    """
    path = folder / STAMP_FILE
    if not path.exists() and (folder / DATA_FOLDER).exists():
        raise SchemaMismatchError(
            f"The data in {folder} have no schema stamp ({STAMP_FILE}), so their schema is unknown. "
            "Restore the folder from a backup, or move it away to start with an empty store."
        )
    if path.exists():
        stamp = _read_stamp(path)
        refuse_other_schema(f"the data in {folder}", stamp, schema, upgrading=upgrading)
        if stamp["version"] != schema.version:
            return False
    write_stamp(folder, schema)
    return True


def _read_stamp(path: Path) -> JsonObject:
    try:
        return checked_stamp(orjson.loads(path.read_bytes()))
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise SchemaMismatchError(
            f"The schema stamp {path} is damaged or cannot be read ({error!r}), so the schema of the data is unknown. "
            "Restore the folder from a backup, or move it away to start with an empty store."
        ) from error


def write_stamp(folder: Path, schema: StoreSchema) -> None:
    """Write the stamp of ``schema`` into the store's folder, without a check."""
    fresh = {"version": schema.version, "digest": schema.digest, "schema": orjson.loads(schema.init_json)}
    path = folder / STAMP_FILE
    scratch = path.with_suffix(".new")
    scratch.write_bytes(orjson.dumps(fresh, option=orjson.OPT_INDENT_2))
    scratch.replace(path)


def checked_stamp(value: object) -> JsonObject:
    """Return a stamp that was read; raises AttributeError, KeyError, TypeError or ValueError if it is none."""
    if not isinstance(value, dict) or type(value["version"]) is not int or not isinstance(value["digest"], str):
        raise TypeError("A stamp has a version, a digest and a schema.")
    for section, elements in value["schema"].items():
        name = _NAME_FIELDS.get(section, "name")
        if not isinstance(elements, list) or not all(isinstance(element[name], str) for element in elements):
            raise TypeError(section)
    return value


def refuse_other_schema(what: str, stamp: JsonObject, schema: StoreSchema, *, upgrading: bool = False) -> None:
    """Raise `SchemaMismatchError` unless ``schema`` can be used with data of a stamp, at once or by an upgrade now.

    ``what`` names the data in the message.

    ``upgrading`` states that the caller is `mlg store upgrade`.
    """
    found, expected = stamp["version"], schema.version
    start = f"{what[0].upper()}{what[1:]} have schema version {found}; this program uses version {expected}."
    if found == expected:
        if stamp["digest"] != schema.digest:
            _refuse_unsupported_changes(start, stamp["schema"], schema, _EXTENSIBLE_SECTIONS)
        return
    versions = {"found": found, "expected": expected}
    if found > expected:
        raise SchemaMismatchError(f"{start} Use the release of `mlg` that wrote them, or a later one.", **versions)
    if found not in schema.upgrades:
        raise SchemaMismatchError(
            f"{start} Export them with the release that wrote them and import them into an empty store (docs/import.md "
            "lists the values that are lost), or set MLG_DATA_DIR to another folder.",
            **versions,
        )
    if found not in schema.at_start and not upgrading:
        raise SchemaMismatchError(
            f"{start} Stop all processes of the store, write a backup, and run `mlg store upgrade`.", **versions
        )
    _refuse_unsupported_changes(start, stamp["schema"], schema, _CHANGED_BY_STEPS)


def _refuse_unsupported_changes(
    start: str, stored: SchemaDocument, schema: StoreSchema, extensible: frozenset[str]
) -> None:
    """Raise `SchemaMismatchError` if the stored document differs in more than additions to ``extensible`` sections."""
    own: SchemaDocument = orjson.loads(schema.init_json)
    sections = (stored.keys() | own.keys()) - (_INDEXES if extensible is _CHANGED_BY_STEPS else set())
    changed = sorted(
        f"{section} {name}" for section in sections for name in _unsupported_changes(section, stored, own, extensible)
    )
    if changed:
        raise SchemaMismatchError(
            f"{start} They differ in more than new labels, keys and composite indexes: {', '.join(changed)}. "
            "JanusGraph would not apply the change. Raise the version by a step in app/graph/admin/schema_steps.py.",
            changed=changed,
        )


def _unsupported_changes(
    section: str, old: SchemaDocument, new: SchemaDocument, extensible: frozenset[str]
) -> set[object]:
    """Return the names of elements in ``section`` that are altered, removed, or added to a section that is fixed."""
    name = _NAME_FIELDS.get(section, "name")
    before = {element[name]: element for element in old.get(section, [])}
    after = {element[name]: element for element in new.get(section, [])}
    altered = {key for key, element in before.items() if after.get(key) != element}
    return altered if section in extensible else altered | (after.keys() - before.keys())
