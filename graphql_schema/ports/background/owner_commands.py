"""The command of the writer about an owner team that a child inherits."""

from collections.abc import Callable
from dataclasses import dataclass

from policies.attributes import PolicyAttributes
from policies.decision import Decision


@dataclass(frozen=True, slots=True)
class HandOver:
    """A caller has given a parent the ``owner``, "" for none; if it is not known, None for the present one.

    ``may`` decides about the rights of this caller, as :meth:`policies.access.Access.may` does.
    """

    may: Callable[[str, PolicyAttributes], Decision]
    owner: str | None


@dataclass(frozen=True, slots=True)
class InheritOwnerCommand:
    """Gives a child of ``parent`` the owner team that it has now by its own owners and its parent.

    Background work writes it with the rights of the caller who changed the parent last. Changes nothing if the child
    has that owner team, or is not stored. ``hand_overs`` are the changes of the parent that its children may not have
    followed yet, in order. The child follows also if the caller of each of these may update it with the owner that the
    ones before have given it.
    """

    urn: str
    parent: str
    hand_overs: tuple[HandOver, ...] = ()
