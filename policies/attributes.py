"""What a decision may depend on: the policy attributes of an asset and those of a caller.

Rules speak of these names and of nothing else; the Cedar schema, the index and the records carry the same ones.
"""

from collections.abc import Mapping
from typing import NamedTuple, Self

from policies.errors import CodedError
from policies.principal import Principal

ATTRIBUTES = ("kind", "ownerTeam", "visibility", "sensitivity", "stage")
"""The attributes of an asset as rules, records and the index spell them, in the order of :class:`PolicyAttributes`."""

POSITION = {name: position for position, name in enumerate(ATTRIBUTES)}
"""Where :class:`PolicyAttributes` holds an attribute."""

CALLER_ATTRIBUTES: dict[str, type[str | frozenset[str] | bool]] = {
    "subject": str,
    "kind": str,
    "teams": frozenset,
    "roles": frozenset,
    "breakGlass": bool,
}
"""The attributes of a caller that rules may name, with their types. Scopes are ceilings and stay outside the rules."""


class PolicyAttributes(NamedTuple):
    """One class of assets as the policy sees it: hashable, and all that a decision depends on.

    ``kind``, ``visibility``, ``sensitivity`` and ``stage`` hold the names of the GraphQL enum values,
    ``owner_team`` a Team URN or ``""`` when nobody owns the asset.
    """

    kind: str
    owner_team: str
    visibility: str
    sensitivity: str
    stage: str

    @classmethod
    def of(cls, record: Mapping[str, str]) -> Self:
        """Take the attributes out of a record; one that is missing is a defect, never a default."""
        missing = [name for name in ATTRIBUTES if not isinstance(record.get(name), str)]
        if missing:
            raise CodedError(
                f"A record came without the policy attributes {missing}, so nothing can be decided about it. "
                "Whoever writes records must store all of them.",
            )
        return cls(*(record[name] for name in ATTRIBUTES))

    def named(self) -> dict[str, str]:
        """Give the attributes by the names that rules use."""
        return dict(zip(ATTRIBUTES, self, strict=True))


Caller = Mapping[str, str | frozenset[str] | bool]
"""What rules may know about a caller, by the names of :data:`CALLER_ATTRIBUTES`."""


def caller_attributes(principal: Principal) -> Caller:
    """Say what rules may know about a caller.

    An empty team name is dropped: ``ownerTeam`` is ``""`` for an asset without owner, and nobody is a member of that.
    """
    return {
        "subject": principal.subject,
        "kind": principal.kind.value,
        "teams": principal.teams - {""},
        "roles": principal.roles,
        "breakGlass": principal.break_glass is not None,
    }
