"""The roles of ``policies/roles.toml``, and the grants, which give roles in addition to those of a token."""

import tomllib
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Self

from policies.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Grant:
    """Grants ``role`` to the caller with ``subject``, or to callers whose token names the team ``team`` (a URN).

    Either ``subject``, which includes the prefix of its issuer, or ``team`` is None.
    """

    role: str
    subject: str | None = None
    team: str | None = None


@dataclass(frozen=True, slots=True)
class Roles:
    """The declared roles, each with a sentence on its purpose, and the grants."""

    meanings: dict[str, str]
    grants: tuple[Grant, ...] = ()

    def of(self, subject: str, teams: AbstractSet[str], claimed: AbstractSet[str]) -> frozenset[str]:
        """Return the roles of a caller: the granted roles, and those of ``claimed`` that are declared.

        ``claimed`` are the roles of the token. ``teams`` are the team URNs of the token, without the teams above them:
        otherwise a caller who may write PART_OF edges could grant roles.
        """
        granted = {grant.role for grant in self.grants if grant.subject == subject or grant.team in teams}
        return frozenset(granted | (claimed & self.meanings.keys()))

    @classmethod
    def load(cls, text: str | None = None) -> Self:
        """Return the roles and grants in ``text`` (TOML), by default in ``policies/roles.toml``.

        Raises `ConfigurationError` if the text is not TOML or a grant is invalid.
        """
        source = (files("policies") / "roles.toml").read_text("utf-8") if text is None else text
        try:
            document = tomllib.loads(source)
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"policies/roles.toml is not valid TOML: {error}. Correct the file.") from None
        meanings = document.get("roles", {})
        return cls(meanings, tuple(_grant(entry, meanings) for entry in document.get("grants", [])))


def _grant(entry: dict[str, Any], meanings: dict[str, str]) -> Grant:
    if entry.get("role") not in meanings or len(entry.keys() & {"subject", "team"}) != 1:
        raise ConfigurationError(
            f"policies/roles.toml: the grant {entry} is invalid. Use a declared `role`, and either `subject` or `team`."
        )
    try:
        return Grant(**entry)
    except TypeError:
        raise ConfigurationError(
            f"policies/roles.toml: the grant {entry} has an unknown key. Use `role`, and either `subject` or `team`."
        ) from None
