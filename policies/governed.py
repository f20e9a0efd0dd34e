"""The types and fields of the GraphQL schema that the policy governs; policies use nothing else of the schema."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

Fields = Mapping[str, Collection[str]]
"""The field names of each type, by type name; in `Governed.derived`, coordinates by coordinate."""


@dataclass(frozen=True)
class Governed:
    """The governed fields of a GraphQL schema.

    ``assets`` are the types of rows, ``edges`` the types of edges between two rows. ``fixed`` are the coordinates
    (``Type.field``) of non-null fields, which cannot be hidden without hiding the row. ``derived`` maps the coordinate
    of a computed field to the coordinates of its inputs.
    """

    assets: Fields
    edges: Fields = field(default_factory=dict)
    fixed: Collection[str] = frozenset()
    derived: Fields = field(default_factory=dict)

    @property
    def fields(self) -> Fields:
        """All governed types with their fields."""
        return {**self.assets, **self.edges}


def kind_code(type_name: str) -> str:
    """Return the value of ``resource.kind`` for a type of rows: ``MODEL_VERSION`` for ``ModelVersion``."""
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in type_name).lstrip("_").upper()
