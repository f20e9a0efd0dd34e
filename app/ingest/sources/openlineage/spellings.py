"""Other spellings of an id: what the rules of namespaces make of it, and the ids of which they would make it.

The rules are those of :class:`app.ingest.sources.openlineage.event_names.EventNames`. An asset of an event that arrived
before a pattern was set still has the former id.
"""

from collections.abc import Iterator, Sequence

from app.ingest.sources.openlineage.event_names import SCHEMES, SOURCE, EventNames, NameRule, NamespacePattern
from graphql_schema.catalog.kinds import KINDS
from graphql_schema.catalog.urn import Urn, make_urn, parse_urn, version_urn
from policies.errors import InvalidError

_NAMED_BY_EVENTS = frozenset({"Dataset", "DatasetVersion", "Workflow"})


class Spellings:
    """The other spellings of ids: by schemes that mean the same, such as `s3a`, and by ``patterns`` of the settings.

    ``patterns`` are those of ``MLG_NAMESPACES``.
    """

    def __init__(self, patterns: Sequence[NamespacePattern] = ()) -> None:
        self._patterns = tuple(patterns)

    def of(self, urn: str) -> list[tuple[str, str]]:
        """Return the other ids of a dataset, a dataset version or a job, each with the rule; no ids for another asset.

        Raises InvalidError if the id is no URN.
        """
        parts = parse_urn(urn)
        if parts.kind not in _NAMED_BY_EVENTS or (parts.kind == "Workflow" and parts.source != SOURCE):
            return []
        found: dict[str, str] = {}
        for namespace, patterns in self._namespaces(parts):
            try:
                other, rule = _named(parts, namespace, EventNames(patterns))
            except InvalidError:  # the namespace leaves no space for the name
                continue
            found.setdefault(other, NameRule.NAMESPACE if rule is NameRule.EXACT else rule)
        for source in _schemes(parts):
            other = make_urn(KINDS[parts.kind].slug, source, parts.namespace, parts.name, parts.version)
            found.setdefault(other, NameRule.SPELLING)
        found.pop(urn, None)
        return [*found.items()]

    def _namespaces(self, parts: Urn) -> Iterator[tuple[str, tuple[NamespacePattern, ...]]]:
        """Yield the namespace of an id with all patterns, then each that a pattern replaces by it, with no pattern."""
        given = parts.namespace if parts.source == SOURCE else f"{parts.source}://{parts.namespace}"
        yield given, self._patterns
        for pattern in self._patterns:
            former = pattern.undone(given)
            if former is not None:
                yield former, ()


def _named(parts: Urn, namespace: str, names: EventNames) -> tuple[str, NameRule]:
    """Return the id that an event with this namespace makes, and the rule; raises InvalidError as ``names`` does."""
    match = (names.job if parts.kind == "Workflow" else names.dataset)(namespace, parts.name)
    return match.urn if parts.version is None else version_urn(match.urn, parts.version), match.rule


def _schemes(parts: Urn) -> Iterator[str]:
    """Yield the schemes that senders write for that of a dataset, and the one that is used."""
    used = SCHEMES.get(parts.source, parts.source)
    if parts.kind != "Workflow":
        yield used
        yield from (other for other, target in SCHEMES.items() if target == used)
