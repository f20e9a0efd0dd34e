"""The attributes of an asset and of a caller that rules can use.

Those of an asset have the same names in the Cedar schema, the index and the records.
"""

from collections.abc import Mapping
from operator import itemgetter
from typing import Final, NamedTuple, Self

from policies.errors import CodedError
from policies.principal import Principal

ATTRIBUTES = ("kind", "ownerTeam", "visibility", "sensitivity", "stage", "confirmedSensitivity")
"""The names of an asset's attributes in rules, records and the index, in the order of `PolicyAttributes`."""

OWNER_FIELDS: Final = frozenset({"owners", "domain"})
"""The fields that show an owner who is not a team; the field ``ownerTeam`` shows teams only."""

_TEXT = {str}

_values_of: Final = itemgetter(*ATTRIBUTES[:-1])

POSITION = {name: position for position, name in enumerate(ATTRIBUTES)}
"""Index of each attribute within `PolicyAttributes`."""

CALLER_ATTRIBUTES: dict[str, type[str | frozenset[str] | bool]] = {
    "subject": str,
    "kind": str,
    "teams": frozenset,
    "owners": frozenset,
    "roles": frozenset,
    "breakGlass": bool,
}
"""The attributes of a caller that rules can use, with their types.

Scopes are not among the attributes: they are upper limits that no rule can extend.
"""


class PolicyAttributes(NamedTuple):
    """The attributes of an asset on which a decision depends: equal ones give a caller equal decisions.

    ``kind`` is the code of a kind, such as ``MODEL_VERSION``. ``owner_team`` is the URN of the team, user or domain
    that owns the asset, ``""`` without an owner. ``visibility``, ``stage`` and both sensitivities are names of GraphQL
    enum values. ``sensitivity`` is the effective one. ``confirmed_sensitivity`` leaves out raises by callers without
    rights on the asset. All teams, users, domains and tags have the same visibility, stage and sensitivities.
    """

    kind: str
    owner_team: str
    visibility: str
    sensitivity: str
    stage: str
    confirmed_sensitivity: str

    @classmethod
    def of(cls, record: Mapping[str, str], confirmed_sensitivity: str) -> Self:
        """Return the attributes in ``record``, which must have a string for each other name in `ATTRIBUTES`.

        Raises `CodedError` (a defect) if an attribute is missing or no string: a default could make an asset visible.
        """
        try:
            found = cls._make((*_values_of(record), confirmed_sensitivity))
        except KeyError:
            found = None
        if found is None or not set(map(type, found)) <= _TEXT:
            given = {**record, ATTRIBUTES[-1]: confirmed_sensitivity}
            missing = [name for name in ATTRIBUTES if not isinstance(given.get(name), str)]
            raise CodedError(
                f"A record has no policy attributes {missing}, so the policy cannot be evaluated. "
                "Every write of a record must store all attributes.",
            )
        return found

    def named(self) -> dict[str, str]:
        """Return the attributes by the names that rules use."""
        return dict(zip(ATTRIBUTES, self, strict=True))


Caller = Mapping[str, str | frozenset[str] | bool]
"""The attributes of a caller by name; the names are those of `CALLER_ATTRIBUTES`."""


def caller_attributes(principal: Principal) -> Caller:
    """Return the attributes of a caller that rules can use.

    ``""`` is removed from teams and owners. ``ownerTeam`` is ``""`` for an asset without an owner, so a caller with
    the team ``""`` would own all such assets.
    """
    return {
        "subject": principal.subject,
        "kind": principal.kind.value,
        "teams": principal.teams - {""},
        "owners": principal.owners,
        "roles": principal.roles,
        "breakGlass": principal.break_glass is not None,
    }
