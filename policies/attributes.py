"""The attributes of an asset and of a caller on which decisions depend.

Rules can use only these attributes. Those of an asset have the same names in Cedar schema, index and records.
"""

from collections.abc import Mapping
from typing import NamedTuple, Self

from policies.errors import CodedError
from policies.principal import Principal

ATTRIBUTES = ("kind", "ownerTeam", "visibility", "sensitivity", "stage", "confirmedSensitivity")
"""The names of an asset's attributes in rules, records and the index, in the order of `PolicyAttributes`."""

_TEXT = {str}

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
    """The attributes of an asset on which a decision depends; assets with equal attributes get equal decisions.

    ``kind``, ``visibility``, ``sensitivity`` and ``stage`` are names of GraphQL enum values. ``owner_team`` is the
    URN of the owner: a team, else a user, else the domain; ``""`` without any. ``sensitivity`` is the effective one.
    ``confirmed_sensitivity`` is the effective one without raises by callers without rights on the asset.
    """

    kind: str
    owner_team: str
    visibility: str
    sensitivity: str
    stage: str
    confirmed_sensitivity: str

    @classmethod
    def of(cls, record: Mapping[str, str]) -> Self:
        """Return the attributes in ``record``, whose keys are `ATTRIBUTES`.

        Raises `CodedError` (a defect) if an attribute is missing: a default could make an asset visible.
        """
        values = [record.get(name) for name in ATTRIBUTES]
        if not set(map(type, values)) <= _TEXT:
            missing = [name for name, value in zip(ATTRIBUTES, values, strict=True) if not isinstance(value, str)]
            raise CodedError(
                f"A record has no policy attributes {missing}, so the policy cannot be evaluated. "
                "Every write of a record must store all attributes.",
            )
        return cls._make(values)

    def named(self) -> dict[str, str]:
        """Return the attributes by the names that rules use."""
        return dict(zip(ATTRIBUTES, self, strict=True))


Caller = Mapping[str, str | frozenset[str] | bool]
"""The attributes of a caller by name; the names are those of `CALLER_ATTRIBUTES`."""


def caller_attributes(principal: Principal) -> Caller:
    """Return the attributes of a caller that rules can use.

    An empty name is dropped: ``ownerTeam`` is ``""`` for an asset without owner, so a token with an empty group
    would own all such assets.
    """
    return {
        "subject": principal.subject,
        "kind": principal.kind.value,
        "teams": principal.teams - {""},
        "owners": principal.owners,
        "roles": principal.roles,
        "breakGlass": principal.break_glass is not None,
    }
