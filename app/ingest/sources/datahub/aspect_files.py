"""Reads DataHub files: JSON arrays of records, each one aspect of one entity, or an index that names such files."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Final

import orjson

from app.ingest.sources.source_file import SourceFiles
from graphql_schema.ports.record import Json, Record
from policies.errors import InvalidError

MAX_FILES: Final = 10_000
"""Maximal number of files that one import reads."""

MAX_NESTED: Final = 10
"""Maximal number of indexes that lead to a file, each named by the one before."""


@dataclass(slots=True)
class Entity:
    """One foreign entity; aspects that were not taken are reported as skipped by :meth:`Estate.coverage`."""

    type: str
    urn: str
    aspects: dict[str, Record] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def take(self, aspect: str) -> Record:
        """Return the body of an aspect, empty if the entity has none, and mark the aspect as mapped."""
        self.taken.add(aspect)
        return self.aspects.get(aspect, {})


@dataclass(slots=True)
class Estate:
    """All entities by foreign id, and the number of skipped parts of mapped aspects."""

    entities: dict[str, Entity] = field(default_factory=dict)
    skipped_parts: Counter[str] = field(default_factory=Counter)
    by_type: dict[str, list[Entity]] = field(default_factory=dict)

    def entity(self, entity_type: str, urn: str) -> Entity:
        """Return the entity with the id ``urn``, a new one of this type if there is none."""
        if urn not in self.entities:
            self.entities[urn] = Entity(entity_type, urn)
            self.by_type.setdefault(entity_type, []).append(self.entities[urn])
        return self.entities[urn]

    def of_type(self, entity_type: str) -> list[Entity]:
        """Return the entities of one type in the order of the files."""
        return self.by_type.get(entity_type, [])

    def identified(self, entity_type: str) -> Iterator[Entity]:
        """Yield the entities whose id has a type, also those to which a record gave another one, which fail."""
        return (each for urn, each in self.entities.items() if str(urn).startswith(f"urn:li:{entity_type}:"))

    def count_skipped(self, entity_type: str, part: str, number: int = 1) -> None:
        """Count values of a mapped aspect that are left out; ``part`` names them, such as ``schemaMetadata.tags``."""
        if number:
            self.skipped_parts[f"{entity_type}/{part}"] += number

    def coverage(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the numbers of mapped aspects, and of skipped aspects and parts, by ``entityType/aspect``."""
        mapped, skipped = Counter[str](), Counter(self.skipped_parts)
        for entity in self.entities.values():
            for aspect in entity.aspects:
                (mapped if aspect in entity.taken else skipped)[f"{entity.type}/{aspect}"] += 1
        return dict(sorted(mapped.items())), dict(sorted(skipped.items()))


def read_estate(files: Iterable[Path]) -> Estate:
    """Read the files in order; a later record of the same entity and aspect replaces the earlier one.

    Raises InvalidError if a file has another form. It names the first record that is not DataHub metadata, by its
    number from 0; the records of all files in an index are counted together. It also does if the files are too large,
    too many, or behind too many indexes. Raises OSError if a file cannot be read.
    """
    estate, read = Estate(), _Files()
    for file in files:
        for number, record in enumerate(_records(file, read)):
            try:
                urn, body = record["entityUrn"], _body(record["aspect"])
                estate.entity(record["entityType"], urn).aspects[record["aspectName"]] = body
            except (KeyError, TypeError, orjson.JSONDecodeError) as error:
                raise InvalidError(
                    f"{file}, record {number}: not an aspect of an entity ({error!r}); write entityType, "
                    "entityUrn, aspectName and aspect.json or aspect.value."
                ) from error
    return estate


@dataclass(slots=True)
class _Files:
    """The files of one import; ``count`` is the number of those that were read, a file that is named twice as two."""

    source: SourceFiles = field(default_factory=SourceFiles)
    count: int = 0

    def content(self, file: Path, indexes: Collection[Path]) -> Json:
        """Return the content of a file; ``indexes`` are those that led to it. Raises InvalidError if it is too much."""
        if file.resolve() in indexes:
            raise InvalidError(f"{file} names itself, also through other files; remove it from the index.")
        if len(indexes) > MAX_NESTED:
            raise InvalidError(f"{file} is behind more than {MAX_NESTED} indexes; name it in the first one.")
        self.count += 1
        if self.count > MAX_FILES:
            raise InvalidError(
                f"{file} is not read: the import has read {MAX_FILES} files. Name each file once, and import parts of "
                "the metadata one after the other."
            )
        return self.source.read_json(file, "export the metadata again")


def _records(file: Path, files: _Files, indexes: frozenset[Path] = frozenset()) -> Iterator[Record]:
    """Yield the records of a file, or of the files in an index; ``indexes`` are those that led to the file."""
    content = files.content(file, indexes)
    if isinstance(content, list):
        yield from content
    elif isinstance(content, dict) and isinstance(content.get("files"), list):
        for number, entry in enumerate(content["files"]):
            given = entry.get("path") if isinstance(entry, dict) else None
            if not isinstance(given, str) or "\0" in given:
                raise InvalidError(f"{file}, file {number}: the entry has no `path`; write the path of a file.")
            path = PurePath(given)
            if path.is_absolute() or ".." in path.parts:
                raise InvalidError(
                    f"{file}, file {number}: {given} may be outside of the folder of the index; write the path "
                    "of a file in it, or give that file itself."
                )
            yield from _records(file.parent / path, files, indexes | {file.resolve()})
    else:
        raise InvalidError(f"{file} must be a JSON array of records, or an index with `files`; give another file.")


def _body(aspect: Record) -> Record:
    body = aspect["json"] if "json" in aspect else orjson.loads(aspect["value"])
    if not isinstance(body, dict):
        raise TypeError("the aspect is not an object")
    return body
