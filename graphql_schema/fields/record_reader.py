"""The resolver of a field that is read from its source, without the call path of Strawberry, which is slower."""

from dataclasses import dataclass

from graphql_schema.fields.field import Resolved
from graphql_schema.ports.row import MaskedRecord


@dataclass(frozen=True, slots=True)
class RecordReader:
    """Reads a row, a masked record or a mapping by the GraphQL name, and any other object by its attribute."""

    name: str
    attribute: str

    def __call__(self, source: Resolved, _info: object = None) -> Resolved:
        """Return the value of the field, None for a hidden one; reports and raises as `MaskedRecord.is_shown`."""
        if isinstance(source, MaskedRecord):
            return source.read(self.name)
        if isinstance(source, dict):
            return source.get(self.name)
        return getattr(source, self.attribute)
