"""What the schema has that the policy decides about: the one thing that policies are told of GraphQL."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from policies.vocabulary import field_action

Fields = Mapping[str, Collection[str]]
"""Type names with their fields."""


@dataclass(frozen=True)
class Governed:
    """The governed fields of a schema, and what is known about them.

    ``assets`` are types of rows, ``edges`` types of what joins two rows. ``fixed`` are coordinates that can never be
    null, so that nothing can hide them, and ``derived`` names for a coordinate those that its value is made from.
    """

    assets: Fields
    edges: Fields = field(default_factory=dict)
    fixed: Collection[str] = frozenset()
    derived: Fields = field(default_factory=dict)

    @property
    def fields(self) -> Fields:
        """Every governed type with its fields."""
        return {**self.assets, **self.edges}

    def coordinates(self) -> frozenset[str]:
        """Every governed field as ``Type.field``."""
        return frozenset(field_action(name, each) for name, fields in self.fields.items() for each in fields)


def kind_code(type_name: str) -> str:
    """The ``resource.kind`` of a type of rows: ``MODEL_VERSION`` for ``ModelVersion``."""
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in type_name).lstrip("_").upper()
