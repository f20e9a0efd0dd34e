"""The roles of ``policies/roles.toml``, and the grants, which give roles in addition to those of a token."""

import tomllib
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final, Self

from graphql_schema.catalog.urn import is_urn
from policies.errors import ConfigurationError

_FILE: Final = "policies/roles.toml"
_HOLDERS: Final = frozenset({"subject", "team"})


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

        Raises `ConfigurationError` if the text is not readable TOML, or with the key if its content is invalid:
        misspelt roles and grants would give no rights.
        """
        try:
            document = tomllib.loads((files("policies") / "roles.toml").read_text("utf-8") if text is None else text)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationError(f"{_FILE} is not readable TOML: {error}. Correct the file.") from None
        meanings, grants = document.pop("roles", {}), document.pop("grants", [])
        if document:
            raise ConfigurationError(
                f"{_FILE} has {sorted(document)} at its top. Write roles under [roles] and grants under [[grants]]."
            )
        if not isinstance(meanings, dict) or not all(isinstance(each, str) for each in meanings.values()):
            raise ConfigurationError(
                f"{_FILE}: `roles` is not a table of texts. Give each role under [roles] a sentence."
            )
        if not isinstance(grants, list) or not all(isinstance(each, dict) for each in grants):
            raise ConfigurationError(f"{_FILE}: `grants` is not a list of tables. Write each grant under [[grants]].")
        return cls(meanings, tuple(_grant(entry, meanings) for entry in grants))


def _grant(entry: dict[str, Any], meanings: dict[str, str]) -> Grant:
    place = f"{_FILE}: the grant {entry}"
    if unknown := sorted(entry.keys() - {"role", *_HOLDERS}):
        raise ConfigurationError(f"{place} has the unknown keys {unknown}. Use `role`, and either `subject` or `team`.")
    if wrong := sorted(key for key, value in entry.items() if not isinstance(value, str) or not value):
        raise ConfigurationError(f"{place} has no text as its `{wrong[0]}`. Write one in quotation marks.")
    if entry.get("role") not in meanings:
        raise ConfigurationError(f"{place} has no declared `role`. Use one of {sorted(meanings)}.")
    if len(entry.keys() & _HOLDERS) != 1:
        raise ConfigurationError(f"{place} needs either `subject` or `team`. Give it one of them.")
    if "team" in entry and not is_urn(entry["team"], "Team"):
        raise ConfigurationError(
            f"{place} has a `team` that is not the id of one. Use mlg://team/<source>/<namespace>/<name>."
        )
    return Grant(**entry)
