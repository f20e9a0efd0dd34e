"""Which roles there are, and who has them beside what the token says: ``policies/roles.toml``."""

import tomllib
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Self

from policies.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Grant:
    """``role`` for whoever is ``subject``, or whose token names the team ``team`` (a URN)."""

    role: str
    subject: str | None = None
    team: str | None = None


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles with their meanings, and the grants."""

    meanings: dict[str, str]
    grants: tuple[Grant, ...] = ()

    def of(self, subject: str, teams: AbstractSet[str], claimed: AbstractSet[str]) -> frozenset[str]:
        """Return the roles of a caller; what a token claims and nobody declared is no role.

        ``teams`` are those of the token, not their closure: who may write PART_OF must not be able to hand out roles.
        """
        granted = {grant.role for grant in self.grants if grant.subject == subject or grant.team in teams}
        return frozenset(granted | (claimed & self.meanings.keys()))

    @classmethod
    def load(cls, text: str | None = None) -> Self:
        """Read ``roles.toml``, the packaged one by default; raises ConfigurationError."""
        source = (files("policies") / "roles.toml").read_text("utf-8") if text is None else text
        try:
            document = tomllib.loads(source)
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"policies/roles.toml does not parse: {error}.") from None
        meanings = document.get("roles", {})
        return cls(meanings, tuple(_grant(entry, meanings) for entry in document.get("grants", [])))


def _grant(entry: dict[str, Any], meanings: dict[str, str]) -> Grant:
    if entry.get("role") not in meanings or len(entry.keys() & {"subject", "team"}) != 1:
        raise ConfigurationError(f"policies/roles.toml: the grant {entry} needs a known role and a subject or a team.")
    try:
        return Grant(**entry)
    except TypeError:
        raise ConfigurationError(f"policies/roles.toml: the grant {entry} has an unknown key.") from None
