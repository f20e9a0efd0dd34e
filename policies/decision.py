"""Results of the policy: the access grade of a row, its field mask, the decision on a write, and explained rights."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

NEEDS: Final = "needs "
"""The prefix of a reason that names a missing scope, or one of the rules that could permit the action."""

SCOPE: Final = "scope:"
"""The prefix of the name of a missing scope."""


class Grade(IntEnum):
    """How much of an asset a caller may see; a higher grade includes the lower grades."""

    HIDDEN = 0
    """Nothing: for the caller, the asset does not exist."""
    DISCOVER = 1
    """The existence of the asset and its public fields, except those that the rules for fields hide."""
    READ = 2
    """All fields, except those that the rules for fields hide."""


@dataclass(frozen=True)
class Decision:
    """Whether an action is allowed, and why.

    ``policies`` are the sorted ids of the rules that permitted or forbade the action, and ``reasons`` has
    ``<id>: <doc>`` for each. For another denial, ``policies`` is empty, and ``reasons`` has one of these:

    - ``needs scope:<name>`` for each missing scope;
    - ``needs <id>: <doc>`` for each rule that could permit the action;
    - one sentence: no rule can permit it, the caller may not read the asset, or a rule raised an error.
    """

    allowed: bool
    policies: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """The missing scopes, or the rules that could permit the action; empty for other reasons."""
        return tuple(each.removeprefix(NEEDS) for each in self.reasons if each.startswith(NEEDS))

    @property
    def cause(self) -> str:
        """The ``reasons`` of a denial as text for the caller."""
        if self.policies:
            return f"A rule forbids it: {'; '.join(self.reasons)}"
        if not self.needs:
            return " ".join(self.reasons)
        scopes = [each.removeprefix(SCOPE) for each in self.needs if each.startswith(SCOPE)]
        if scopes:
            return f"The token needs the scope {' and '.join(scopes)}."
        return f"One of these rules must permit it: {'; '.join(each.rstrip('.') for each in self.needs)}."


@dataclass(frozen=True, order=True)
class Denial:
    """The reasons why a field is hidden; denials are ordered by ``policies``, then by ``needs``.

    If the field needs a higher grade than the caller has on the row, ``policies`` are the ids of the rules that forbid
    to read the row. ``needs`` are those of the rules of which one must permit to read it. Otherwise, both are ids of
    rules for the field. If the token lacks ``graph:read``, ``policies`` is empty and ``needs`` is
    ``("scope:graph:read",)``.
    """

    policies: tuple[str, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True)
class FieldMask:
    """The fields of one asset or edge that a caller may not see.

    ``hidden`` are their names, and ``why`` has a denial for each of these names. ``logged`` are the restricted and
    secret fields that the caller may see; a read of one goes to the access log.
    """

    hidden: frozenset[str]
    why: Mapping[str, Denial]
    logged: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Right:
    """The right to one action, which is the name of a member of `RowAction` or `WriteAction`, such as ``UPDATE``.

    ``permitted_by``, ``forbidden_by`` and the rules in ``needs`` have the form ``<id>: <condition>``. ``needs`` has
    also ``scope:<name>`` for each missing scope. ``denial`` is the text of the decision on the action, None if it is
    allowed. ``restriction`` is what applies although the rules allow the action, None without one.
    """

    action: str
    allowed: bool
    permitted_by: tuple[str, ...] = ()
    forbidden_by: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    denial: str | None = None
    restriction: str | None = None


@dataclass(frozen=True, slots=True)
class Rights:
    """The rules by which a caller has an access grade, and the rights: to read, then to write."""

    because: tuple[str, ...] = ()
    rights: tuple[Right, ...] = ()
