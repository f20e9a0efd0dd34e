"""Maps imported teams onto the teams of the identity provider, which are those in the tokens of callers.

A mapped team is not imported with its own values: the identity provider says who is in it, and its members have rights.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from app.ingest.load.batches import ImportItem, ItemResult
from graphql_schema.catalog.urn import make_urn, parse_urn
from graphql_schema.ports.record import Json, Record
from policies.errors import InvalidError

_TEAM: Final = "mlg://team/"
_ANY: Final = "*"
_OF_MEMBERS: Final = {"MEMBER_OF": "to", "PART_OF": "from"}
"""Relations that say who is in a team, or above it, with the end that must not be a mapped team."""


@dataclass(slots=True)
class TeamMap:
    """The teams that replace imported teams, called targets.

    ``exact`` has the id of the target by the id of the imported team. ``begins`` has the begin of the ids of targets by
    that of imported teams. ``used`` collects the ids and patterns of the file that matched a team of an item.
    """

    exact: Mapping[str, str] = field(default_factory=dict)
    begins: Mapping[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def entries(self, entries: Iterable[ImportItem | ItemResult]) -> Iterator[ImportItem | ItemResult]:
        """Yield the entries with mapped teams; items of mapped teams register each target once, without further values.

        A link is left out if it adds a member to a mapped team, or makes a mapped team a part of another one.
        """
        registered: set[str] = set()
        for entry in entries:
            target = self._team(entry) if isinstance(entry, ImportItem) else None
            mapped = self._entry(entry, target) if isinstance(entry, ImportItem) else entry
            if mapped is not None and target not in registered:
                yield mapped
            registered.update([] if target is None else [target])

    @property
    def unused(self) -> list[str]:
        """The ids and patterns of the file that no item read so far matched, which may be misspelt."""
        return sorted({*self.exact, *(begin + _ANY for begin in self.begins)} - self.used)

    def target(self, urn: str) -> str:
        """Return the team that replaces an id: that of its entry, else that of the longest pattern, else itself."""
        if urn in self.exact:
            self.used.add(urn)
            return self.exact[urn]
        begin = max((each for each in self.begins if urn.startswith(each)), key=len, default=None)
        if begin is None:
            return urn
        self.used.add(begin + _ANY)
        return self.begins[begin] + urn.removeprefix(begin)

    def _team(self, item: ImportItem) -> str | None:
        """Return the target of an item that registers a mapped team, None for any other item."""
        team = item.value.get("team")
        urn = _id_of(team) if isinstance(team, Mapping) else None
        return self.target(urn) if urn is not None and self._is_mapped(urn) else None

    def _entry(self, item: ImportItem, target: str | None) -> ImportItem | None:
        """Return the item with mapped teams, None if it is left out; the item itself if nothing is mapped.

        With a target, the item registers a mapped team.
        """
        if target is not None:
            return ImportItem(item.location, {"team": {"id": target, "name": unquote(target.rpartition("/")[2])}})
        ((kind, body),) = item.value.items()
        if not isinstance(body, Mapping):
            return item
        end = _OF_MEMBERS.get(str(body.get("relation"))) if kind == "link" else None
        if end is not None and self._is_mapped(body.get(end)):
            return None
        value = self._mapped(body)
        return item if value == body else ImportItem(item.location, {kind: value})

    def _is_mapped(self, urn: Json) -> bool:
        return isinstance(urn, str) and urn.startswith(_TEAM) and self.target(urn) != urn

    def _mapped(self, value: Json) -> Json:
        """Return a value of an item with the id of each team replaced."""
        if isinstance(value, str):
            return self.target(value) if value.startswith(_TEAM) else value
        if isinstance(value, list):
            return [self._mapped(each) for each in value]
        if isinstance(value, Mapping):
            return {key: self._mapped(each) for key, each in value.items()}
        return value


def read_team_map(file: Path) -> TeamMap:
    """Return the map in a TOML file, whose table ``teams`` has a team for each imported id or pattern.

    Raises InvalidError if the file is no TOML, has anything but this table, or has a wrong entry. Raises OSError if
    the file cannot be read.
    """
    try:
        document = tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"{file} is no TOML: {error}. Write a table [teams].") from error
    teams = document.pop("teams", None)
    if document or not isinstance(teams, dict) or not teams:
        raise InvalidError(
            f'{file} needs one table [teams], and nothing else. Write lines such as "{_TEAM}datahub/default/x" = '
            '"ranking" in the table.'
        )
    exact: dict[str, str] = {}
    begins: dict[str, str] = {}
    for key, value in teams.items():
        _refuse_other_than_team(file, key)
        target = _target_of(file, key, value)
        if key.endswith(_ANY):
            begins[key.removesuffix(_ANY)] = target.removesuffix(_ANY)
        else:
            exact[key] = target
    return TeamMap(exact, begins)


def _refuse_other_than_team(file: Path, key: str) -> None:
    if not key.startswith(_TEAM) or _ANY in key[:-1]:
        raise InvalidError(
            f"{file}: {key!r} is no id of a team. Give the id of a team, or the begin of such ids followed by `*`."
        )


def _target_of(file: Path, key: str, value: object) -> str:
    """Return the id of a target; a name alone is a team with the source ``catalog`` and the namespace ``default``."""
    if not isinstance(value, str) or not value or key.endswith(_ANY) != value.endswith(_ANY):
        raise InvalidError(
            f"{file}: the target of {key!r} is {value!r}. Give the id or the name of a team; end it with `*` if and "
            "only if the key ends with `*`."
        )
    name = value.removesuffix(_ANY)
    if not value.startswith("mlg://"):
        urn = make_urn("team", "catalog", "", name or "x")
        return (urn if name else urn[:-1]) + (_ANY if value.endswith(_ANY) else "")
    if not value.startswith(_TEAM):
        raise InvalidError(f"{file}: the team of {key!r} is {value!r}, which is no team; give the id of a team.")
    if not value.endswith(_ANY):
        parse_urn(value)
    return value


def _id_of(team: Record) -> str:
    """Return the id of a team item, derived from its name as in the API if it has none; an empty text if invalid."""
    if team.get("id"):
        return str(team["id"])
    parts = (team.get("source") or "catalog", team.get("namespace") or "", team.get("name") or "")
    try:
        return make_urn("team", *map(str, parts))
    except InvalidError:
        return ""  # the API rejects the item and says why
