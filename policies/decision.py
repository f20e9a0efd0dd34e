"""What the policy answers: a grade for a row, a decision for a write, a mask for the fields of a record."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class Grade(IntEnum):
    """How much of an asset a caller sees; a higher grade includes the lower ones."""

    HIDDEN = 0
    """It does not exist for this caller."""
    DISCOVER = 1
    """Its existence and its public fields: enough to ask for access."""
    READ = 2
    """Every field that no label withholds."""


@dataclass(frozen=True)
class Decision:
    """Yes or no, with the ids of the policies that decided and a sentence for each reason.

    ``policies`` is empty when nothing permits the action; ``reasons`` then lists what would.
    """

    allowed: bool
    policies: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Denial:
    """Why a field is hidden.

    ``policies`` are the ids of the forbidding policies that hold, empty when nothing permits the field.
    ``needs`` are the ids of the policies one of which would have to hold, or ``scope:<name>``.
    """

    policies: tuple[str, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True)
class FieldMask:
    """The fields of one type that a caller may not see on one class of assets. Test membership in ``hidden``.

    ``logged`` are fields that the caller sees and whose reading belongs into the access log.
    """

    hidden: frozenset[str]
    why: Mapping[str, Denial]
    logged: frozenset[str] = frozenset()
