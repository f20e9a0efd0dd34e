"""Turns the namespaces and names of events into ids, and says by which rule.

Two names that differ share an id only by a rule of :class:`NameRule`. A dataset has the scheme of its namespace as
source, such as `postgres`. A dataset whose namespace has no scheme, each job and each run have the source
`openlineage`.
"""

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.ingest.sources.openlineage.lineage_event import MAX_NAME_LENGTH, LineageEvent, Named
from graphql_schema.catalog.urn import make_urn
from graphql_schema.ports.record import Json
from policies.errors import ConfigurationError

SOURCE: Final = "openlineage"
"""The source of jobs and runs, and of datasets whose namespace has no scheme."""

SCHEMES: Final = {"s3a": "s3", "s3n": "s3", "postgresql": "postgres", "gcs": "gs"}
"""Schemes that senders write for another one, and the scheme that the naming rules of OpenLineage prescribe."""

MAX_SYMLINKS: Final = 100
"""Maximal number of symlinks of a dataset; of one with more, none counts, so that their order decides nothing."""

_TABLE: Final = "TABLE"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)


class NameRule(StrEnum):
    """The rule by which a name became an id."""

    EXACT = "EXACT"
    """The name is used as it is."""
    SPELLING = "SPELLING"
    """The scheme has another spelling, or the namespace ends in a slash."""
    NAMESPACE = "NAMESPACE"
    """A pattern of ``MLG_NAMESPACES`` names another namespace."""
    SYMLINK = "SYMLINK"
    """The event says that the dataset is a table of a catalog: the name of the table is used."""
    MERGED = "MERGED"
    """The dataset of this name was merged into another one, which is used."""


@dataclass(frozen=True, slots=True)
class Match:
    """An id, and the rule by which a name became this id."""

    urn: str
    rule: NameRule


@dataclass(frozen=True, slots=True)
class NamespacePattern:
    """A namespace, or all that a ``*`` covers, and the namespace that is used instead.

    A ``*`` in ``used`` becomes the text that the ``*`` of ``given`` covers.
    """

    given: str
    used: str

    def applied(self, namespace: str) -> str | None:
        """Return the namespace to use; None if the pattern does not cover ``namespace``."""
        covered = _covered(self.given, namespace)
        return None if covered is None else self.used.replace("*", covered)

    def undone(self, namespace: str) -> str | None:
        """Return the namespace for which the pattern uses ``namespace``; None if there is none, or may be several."""
        covered = _covered(self.used, namespace)
        return (
            None
            if covered is None or self.given.count("*") > self.used.count("*")
            else self.given.replace("*", covered)
        )


def _covered(pattern: str, namespace: str) -> str | None:
    """Return the text that the ``*`` of a pattern covers, "" without one; None if the namespace does not fit."""
    before, star, after = pattern.partition("*")
    if not star:
        return "" if namespace == pattern else None
    covered = len(namespace) - len(before) - len(after)
    if covered < 0 or not namespace.startswith(before) or not namespace.endswith(after):
        return None
    return namespace[len(before) : len(before) + covered]


def namespace_patterns(text: str) -> tuple[NamespacePattern, ...]:
    """Return the patterns of a setting, such as ``s3a://* => s3://*, pg://old => postgres://db:5432``.

    Raises ConfigurationError with the faulty part.
    """
    found = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        given, arrow, used = (each.strip() for each in part.partition("=>"))
        if not arrow or not given or not used or given.count("*") > 1 or used.count("*") > given.count("*"):
            raise ConfigurationError(
                f"MLG_NAMESPACES or --namespaces has {part!r}; write `namespace => namespace`, with at most one * on "
                "the left, and one on the right only if there is one on the left."
            )
        found.append(NamespacePattern(given, used))
    return tuple(found)


def _tables_of(dataset: Named) -> list[tuple[str, str]]:
    """Return namespace and name of each symlink that is a table; a malformed symlink, or a long one, is left out."""
    identifiers = dataset.facets.get("symlinks", {}).get("identifiers")
    if not isinstance(identifiers, list) or len(identifiers) > MAX_SYMLINKS:
        return []
    tables = [each for each in identifiers if isinstance(each, dict) and _is_table(each.get("type"))]
    names = [(each.get("namespace"), each.get("name")) for each in tables]
    return [(a, b) for a, b in names if isinstance(a, str) and isinstance(b, str) and a and b and not is_long(a, b)]


def _is_table(kind: Json) -> bool:
    """Return whether the type of a symlink is TABLE, in any case; a long text is not read."""
    return isinstance(kind, str) and len(kind) == len(_TABLE) and kind.upper() == _TABLE


def is_long(namespace: str, name: str) -> bool:
    """Return whether a namespace or a name has more than MAX_NAME_LENGTH characters, and so makes no id."""
    return len(namespace) > MAX_NAME_LENGTH or len(name) > MAX_NAME_LENGTH


class EventNames:
    """Makes the ids of datasets, jobs and runs; of several ``patterns`` that cover a namespace, the first is used."""

    def __init__(self, patterns: Sequence[NamespacePattern] = ()) -> None:
        self._patterns = tuple(patterns)
        self._tables: Mapping[tuple[str, str], Match] = {}

    def within(self, event: LineageEvent) -> Generator[None, None, "EventNames"]:
        """Return the names of one event: a dataset with a symlink of the type TABLE has the id of the table.

        Of several tables, the id that comes first in the order of texts is used, so that every event chooses alike.
        Pauses after each symlink: an event may have 23,000 with long names, 70 µs each.
        """
        names = EventNames(self._patterns)
        datasets = (*event.inputs, *event.outputs, *((event.dataset,) if event.dataset else ()))
        tables: dict[tuple[str, str], Match] = {}
        for each in datasets:
            found = list[str]()
            for table in _tables_of(each):
                found.append(names.dataset(*table).urn)
                yield
            if found and min(found) != names.dataset(each.namespace, each.name).urn:
                tables[each.namespace, each.name] = Match(min(found), NameRule.SYMLINK)
        names._tables = tables
        return names

    def without_symlinks(self) -> "EventNames":
        """Return the names without the symlinks of an event."""
        return EventNames(self._patterns)

    def dataset(self, namespace: str, name: str) -> Match:
        """Return the id of a dataset; raises InvalidError if the namespace leaves no space for a name."""
        table = self._tables.get((namespace, name))
        if table is not None:
            return table
        used, rule = self._used(namespace)
        found = _SCHEME.fullmatch(used)
        if found is None or found[1].lower() == SOURCE:
            return Match(make_urn("dataset", SOURCE, used, name), rule)
        given, rest = found.groups()
        scheme = SCHEMES.get(given.lower(), given.lower())
        place = rest.rstrip("/") or "/"
        if rule is NameRule.EXACT and f"{scheme}://{place}" != used:
            rule = NameRule.SPELLING
        return Match(make_urn("dataset", scheme, place, name), rule)

    def job(self, namespace: str, name: str) -> Match:
        """Return the id of a job; raises InvalidError if the namespace leaves no space for a name."""
        used, rule = self._used(namespace)
        return Match(make_urn("workflow", SOURCE, used, name), rule)

    def run(self, run_id: str) -> str:
        """Return the id of a run."""
        return make_urn("run", SOURCE, "", run_id)

    def _used(self, namespace: str) -> tuple[str, NameRule]:
        for pattern in self._patterns:
            used = pattern.applied(namespace)
            if used is not None:
                return used, NameRule.NAMESPACE if used != namespace else NameRule.EXACT
        return namespace, NameRule.EXACT
