"""The resolvers that the schema gives to its fields: a reader of the source, and a guard around a resolver."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from graphql_schema.fields.field import Resolved
from graphql_schema.ports.record import Json
from graphql_schema.ports.row import MaskedRecord

Resolve = Callable[..., Resolved]


@dataclass(frozen=True, slots=True)
class RecordReader:
    """Reads a row, a masked record or a mapping by the GraphQL name, and any other object by its attribute.

    It does not have the call path of Strawberry, which is slower.
    """

    name: str
    attribute: str

    def __call__(self, source: Resolved, _info: object = None) -> Resolved:
        """Return the value of the field; of a masked record as `MaskedRecord.read` does, with its report and error."""
        if isinstance(source, MaskedRecord):
            return source.read(self.name)
        if isinstance(source, dict):
            return source.get(self.name)
        return getattr(source, self.attribute)


@dataclass(frozen=True, slots=True)
class GuardedResolver:
    """Yields null where the policy hides the field on the source, and else what ``resolve`` returns."""

    name: str
    resolve: Resolve

    def __call__(self, source: MaskedRecord, info: object, **arguments: Json) -> Resolved:
        """Return what ``resolve`` returns, None for a hidden field; reports and raises as `MaskedRecord.is_shown`."""
        return self.resolve(source, info, **arguments) if source.is_shown(self.name) else None


@dataclass(frozen=True, slots=True)
class OneSource:
    """Calls ``resolve``, which takes the list of all sources, for a single one."""

    resolve: Callable[..., Awaitable[list[Resolved]]]

    async def __call__(self, source: Resolved, info: object, **arguments: Json) -> Resolved:
        """Return the value of the field; raises what the resolver raises."""
        (value,) = await self.resolve([source], info, **arguments)
        return value
