"""The command of the writer about an owner team that a child inherits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InheritOwnerCommand:
    """Gives a child of ``parent`` the owner team that it has now by its own owners and its parent.

    Background work writes it with the rights of the caller who changed the parent. Changes nothing if the child has
    that owner team, or is not stored.
    """

    urn: str
    parent: str
