"""Reserved names: ids that belong to a team before anything is registered under them.

``reserved_names.toml`` lists them; docs/policy.md describes its fields. The owner of a reserved name follows from the
id alone, so it does not matter which caller uses the id first. An unknown field or value is an error at start-up: an
entry that is misspelt would otherwise reserve nothing.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from pathlib import Path
from typing import Final

from policies.errors import ConfigurationError
from policies.policy_file import read_toml

SHIPPED: Final = Path(__file__).parent.parent / "reserved_names.toml"
"""The file of the reserved names that the program ships with; it has none."""

_TEXTS: Final = ("id", "doc", "owner")
_PATTERNS: Final = ("sources", "namespaces")
_FIELDS: Final = frozenset({*_TEXTS, "kinds", *_PATTERNS})


@dataclass(frozen=True, slots=True)
class Reservation:
    """One entry: the URN of the team that owns all names that match.

    ``kinds`` are names of kinds, such as ``Model``. ``sources`` and ``namespaces`` are patterns as in
    `fnmatch` of Python; without patterns every value matches.
    """

    owner: str
    kinds: frozenset[str]
    sources: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReservedNames:
    """All reserved names of an installation, in the order of the file.

    A transaction may name thousands of ids, and a file may have hundreds of entries. So all entries of a kind are
    compared by one regular expression.
    """

    entries: tuple[Reservation, ...] = ()
    _patterns: Mapping[str, re.Pattern[str]] = field(init=False, repr=False, compare=False)
    """By kind: the expression of all entries. The number of the last group of a match is the place of the entry."""

    def __post_init__(self) -> None:
        kinds = frozenset[str]().union(*(each.kinds for each in self.entries))
        object.__setattr__(self, "_patterns", {kind: _joined(self.entries, kind) for kind in kinds})

    def owner(self, kind: str, source: str, namespace: str) -> str:
        """Return the URN of the team that owns an id with these decoded parts; "" if the id is not reserved."""
        pattern = self._patterns.get(kind)
        found = pattern.match(f"{source}{_BETWEEN}{namespace}") if pattern is not None else None
        return self.entries[found.lastindex - 1].owner if found is not None and found.lastindex else ""


_BETWEEN: Final = "\ud800"
"""The character between source and namespace: a part of an id is UTF-8, which has no such surrogate."""


def _joined(entries: Sequence[Reservation], kind: str) -> re.Pattern[str]:
    """Return an expression of the entries: one that is not of this kind matches nothing, and the first one counts."""
    return re.compile("|".join(_expression(each) if kind in each.kinds else "(?!)()" for each in entries))


def _expression(entry: Reservation) -> str:
    """Return the expression of one entry, which ends with an empty group."""
    return f"{_any_of(entry.sources)}{_BETWEEN}{_any_of(entry.namespaces)}\\Z()"


def _any_of(patterns: Sequence[str]) -> str:
    """Return the expression that matches one of these patterns; without patterns, every text."""
    texts = [translate(each).removesuffix(r"\Z") for each in patterns or ("*",)]
    return f"(?:{'|'.join(texts)})"


NOTHING_RESERVED: Final = ReservedNames()


def load_reserved_names(kinds: Collection[str], is_team: Callable[[str], bool], path: Path = SHIPPED) -> ReservedNames:
    """Return the reserved names in a file.

    ``kinds`` are the kinds that an entry may name: an entry without `kinds` has them all. ``is_team`` returns whether a
    text is the id of a team. Raises `ConfigurationError` if the file is unreadable or an entry is invalid.
    """
    document = read_toml(path)
    tables = document.pop("reserved", [])
    if document or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigurationError(f"{path} has content that is not under [[reserved]]. Write each entry under it.")
    entries = [_read_entry(table, kinds, is_team, path) for table in tables]
    ids = [table["id"] for table in tables]
    if repeated := sorted({name for name in ids if ids.count(name) > 1}):
        raise ConfigurationError(f"{path} has several entries with the `id` {repeated[0]}. Give each its own `id`.")
    return ReservedNames(tuple(entries))


def _read_entry(
    table: Mapping[str, object], kinds: Collection[str], is_team: Callable[[str], bool], path: Path
) -> Reservation:
    """Return the entry of a table of the file; raises `ConfigurationError` for an invalid one."""
    if missing := [name for name in _TEXTS if not isinstance(table.get(name), str) or not table[name]]:
        raise ConfigurationError(f"{path} has an entry without {missing[0]!r}. Give each `id`, `doc` and `owner`.")
    place = f"{path}: entry {table['id']}"
    if unknown := sorted(table.keys() - _FIELDS):
        raise ConfigurationError(f"{place} has the unknown fields {unknown}. Use {sorted(_FIELDS)}.")
    if not is_team(str(table["owner"])):
        raise ConfigurationError(
            f"{place}: `owner` is not the id of a team. Use mlg://team/<source>/<namespace>/<name>."
        )
    if not table.keys() & {*_PATTERNS}:
        raise ConfigurationError(f"{place} would reserve all ids. Give it `sources`, `namespaces` or both.")
    named = _read_strings(table, "kinds", place)
    if wrong := sorted({*named} - {*kinds}):
        raise ConfigurationError(
            f"{place}: `kinds` has {wrong}. Use some of {', '.join(sorted(kinds))}; a version belongs to its parent."
        )
    sources = _read_strings(table, "sources", place)
    if upper := [each for each in sources if each != each.lower()]:
        raise ConfigurationError(f"{place}: `sources` has {upper}. Sources of ids are in lower case; write them so.")
    namespaces = _read_strings(table, "namespaces", place)
    return Reservation(str(table["owner"]), frozenset(named or kinds), sources, namespaces)


def _read_strings(table: Mapping[str, object], field: str, place: str) -> tuple[str, ...]:
    """Return the strings in a field, none if it is absent; raises `ConfigurationError` for any other value."""
    values = table.get(field, ())
    if field in table and not (isinstance(values, list) and values and all(isinstance(v, str) and v for v in values)):
        raise ConfigurationError(f"{place}: `{field}` is not a list of one or more strings. Write one, or remove it.")
    return tuple(values)  # type: ignore[arg-type]
