"""Assets and aliases of models, as an importer reads them from a source to register them."""

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

import orjson

from graphql_schema.ports.record import Json, JsonObject, Record
from policies.errors import Code, CodedError

_OF: Final = " of "


class AbsentObjectError(CodedError):
    """The source does not have an object, or not yet."""

    code = Code.NOT_FOUND


@dataclass(frozen=True, slots=True)
class SourceAsset:
    """One asset of a source: its item ``value``, and the items ``parts`` that are registered before it.

    ``location`` names it in messages, and ``foreign_id`` in the source. ``deleted`` means that the source has it as
    deleted. ``basis`` are further values of the source that are no part of the item, such as the steps of metrics.
    """

    location: str
    foreign_id: str
    value: Record
    parts: tuple[Record, ...] = ()
    deleted: bool = False
    basis: Json = None

    @property
    def kind(self) -> str:
        """The key of the item, such as ``modelVersion``."""
        return next(iter(self.value))

    @property
    def id(self) -> str:
        """The id of the asset."""
        return str(self.value[self.kind]["id"])

    @property
    def digest(self) -> bytes:
        """A digest of the item, its parts, ``deleted`` and ``basis``."""
        content = [self.value, self.parts, self.deleted, self.basis]
        return sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()

    def with_values(self, **values: Json) -> "SourceAsset":
        """Return the asset with further values of its item."""
        body: JsonObject = {**self.value[self.kind], **values}
        return replace(self, value={self.kind: body})


@dataclass(frozen=True, slots=True)
class AliasTarget:
    """An alias of a model, and the version that it points at, by their ids; ``foreign_id`` names it in the source."""

    model: str
    alias: str
    version: str
    foreign_id: str

    @property
    def key(self) -> str:
        """A text that identifies the alias among those of all models."""
        return f"{self.alias}{_OF}{self.model}"


def alias_of(key: str) -> tuple[str, str]:
    """Return the name of an alias and the id of its model, by the key of an :class:`AliasTarget`."""
    alias, _, model = key.partition(_OF)
    return alias, model
