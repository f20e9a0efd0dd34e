"""Results of the policy: the access grade of a row, the decision on a write, the field mask of a row."""

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
    """The existence and the public fields of the asset, so that the caller can request access from its owner."""
    READ = 2
    """All fields, except those that the rules for fields hide."""


@dataclass(frozen=True)
class Decision:
    """Whether an action is allowed, with the ids of the deciding policies and a sentence for each reason.

    ``policies`` is empty for a denial that no ``forbid`` made; ``reasons`` then states the cause. Causes are: no policy
    permits the action, a scope is missing, the caller may not read the asset, or a rule raised an error.
    """

    allowed: bool
    policies: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def cause(self) -> str:
        """The cause of a denial as sentences: rules that forbid it, a missing scope, or rules that could permit it."""
        if self.policies:
            return f"A rule forbids it: {'; '.join(self.reasons)}"
        needs = [each.removeprefix(NEEDS) for each in self.reasons if each.startswith(NEEDS)]
        if not needs:
            return " ".join(self.reasons)
        scopes = [each.removeprefix(SCOPE) for each in needs if each.startswith(SCOPE)]
        if scopes:
            return f"The token needs the scope {' and '.join(scopes)}."
        return f"One of these rules must permit it: {'; '.join(each.rstrip('.') for each in needs)}."


@dataclass(frozen=True, order=True)
class Denial:
    """The reasons why a field is hidden, in the order of ``policies``, then ``needs``.

    ``policies`` are the ids of the policies that forbid the field or the reading of its row, empty if none does.
    ``needs`` are the ids of the policies of which one must permit the field, or the reading of its row. For a missing
    scope, it is ``scope:<name>``.
    """

    policies: tuple[str, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True)
class FieldMask:
    """The fields of a type that a caller may not see on assets with the same policy attributes.

    ``hidden`` are these fields, ``why`` the reasons by field. ``logged`` are fields that the caller may see and whose
    every read goes to the access log.
    """

    hidden: frozenset[str]
    why: Mapping[str, Denial]
    logged: frozenset[str] = frozenset()
