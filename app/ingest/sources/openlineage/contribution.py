"""What one event says about one asset, while its facets are mapped."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

import orjson

from app.ingest.sources.openlineage.lineage_event import MAX_NAME_LENGTH
from graphql_schema.catalog.relations import OWNED_BY, TAGGED, Hop
from graphql_schema.ports.commands import DeclaredEdges, ObserveCommand, ObservedValue, ReportCheckCommand
from graphql_schema.ports.record import Json, JsonObject, Record
from graphql_schema.rules.observation.observed_columns import COLUMNS, SCHEMA
from policies.errors import InvalidError

PREFIX: Final = "openlineage."
"""The begin of the key of each property that an event sets."""

MAX_TEXT: Final = 4_000
"""Maximal number of characters of a text such as a description; a longer one is cut."""

MAX_PROPERTY: Final = 2_000
"""Maximal number of characters of the value of a property; a facet with a longer one is ignored."""

MAX_PART_NAME: Final = 500
"""Maximal number of characters of the key of a property and of the name of a parameter; one with more is ignored."""

MAX_SCHEMA_BYTES: Final = 40 * 1024
"""Maximal size of the columns that one facet gives, as JSON."""

MAX_SOURCES_BYTES: Final = 16 * 1024
"""Maximal size of the sources of columns that one facet gives, as JSON."""

MAX_CHECKS: Final = 100
"""Maximal number of check results that one event reports of one dataset."""

MAX_ELEMENTS: Final = 10_000
"""Maximal number of elements of one facet, those of nested lists and objects included; a larger facet is ignored."""

MAX_IGNORED: Final = 1_000
"""Maximal number of facets and parts of one event that are reported as ignored, each with its path and reason."""

MAX_PATH_NAME: Final = 200
"""Maximal number of characters of a name of the sender in a path, which each ignored part below it has in full."""

MAX_TARGETS: Final = 200
"""Maximal number of owners, and of tags, that one event gives an asset: all writers wait while they are written."""

UNFIT: Final = "a namespace, name or version does not fit into an id; shorten it"
"""The reason for a facet with such a name. It repeats no part of the name, because others may read the reason."""

TOO_LONG: Final = f"`namespace` or `name` has more than {MAX_NAME_LENGTH} characters"
"""The reason for a part of a facet with such a name; it is found before the name is read."""

_LISTS: Final = {"owners": OWNED_BY.out(), "tags": TAGGED.out()}
"""The fields that are lists of edges, which the latest event replaces."""

Order = tuple[int, ...]


class FacetError(Exception):
    """A facet, or a part of one, that is not mapped; the message is the reason."""


@dataclass(frozen=True, slots=True)
class IgnoredPart:
    """A facet or a part of one without an effect: its path, the reason, and the id of the asset that it is about."""

    facet: str
    reason: str
    urn: str


@dataclass(slots=True)
class IgnoredCount:
    """The number of ignored parts of an event, of which ``maximum`` are kept."""

    maximum: int = MAX_IGNORED
    count: int = 0


@dataclass(slots=True)
class IgnoredParts:
    """The ignored parts about one asset, each as path and reason; ``of_event`` counts those about all of its assets."""

    of_event: IgnoredCount = field(default_factory=IgnoredCount)
    kept: list[tuple[str, str]] = field(default_factory=list)

    def add(self, reason: str, *path: str) -> None:
        """Count a part. Beyond the maximum it is not kept, and the pieces of its path are not joined."""
        self.of_event.count += 1
        if self.of_event.count <= self.of_event.maximum:
            self.kept.append((".".join(path), reason))


def ignored_parts(
    count: IgnoredCount, assets: Iterable[tuple[str, IgnoredParts]], subject: str
) -> Iterator[IgnoredPart]:
    """Yield the kept parts by asset. If there were more, yield one more part, about the subject, with their number."""
    yield from (IgnoredPart(*part, urn) for urn, ignored in assets for part in ignored.kept)
    if count.count > count.maximum:
        yield IgnoredPart("", f"{count.count - count.maximum} further parts", subject)


@dataclass(slots=True)
class EventFacet:
    """A facet with checked access to its members; ``ignored`` collects the parts that are not mapped, with reasons."""

    path: str
    body: Record
    ignored: IgnoredParts = field(default_factory=IgnoredParts)

    def text(self, key: str, *, required: bool = False) -> str | None:
        """Return a text, cut after MAX_TEXT characters; None for an absent or empty one.

        Raises FacetError for another value, and for an absent or empty text that is ``required``.
        """
        return _text(self.body, key, required=required)

    def number(self, key: str) -> float | None:
        """Return a number; None for an absent one, and FacetError for another value."""
        return number_in(self.body, key)

    def elements(self, key: str) -> Iterator["EventFacet"]:
        """Yield the objects of a list, each as a facet; raises FacetError if the member is no list.

        Elements that are no objects are reported as ignored.
        """
        value = self.body.get(key)
        if not isinstance(value, list):
            raise FacetError(f"`{key}` is no list")
        for index, each in enumerate(value):
            if isinstance(each, dict):
                yield EventFacet(f"{self.path}.{key}.{index}", each, self.ignored)
            else:
                self.ignored.add("no JSON object", self.path, key, str(index))

    def members(self, key: str) -> Iterator[tuple[str, "EventFacet"]]:
        """Yield the objects in an object by name; raises FacetError if the member is no object.

        Values that are no objects are reported as ignored. Paths have the first MAX_PATH_NAME characters of a name.
        """
        value = self.body.get(key)
        if not isinstance(value, dict):
            raise FacetError(f"`{key}` is no object")
        for name, each in value.items():
            if isinstance(each, dict):
                yield name, EventFacet(f"{self.path}.{key}.{name[:MAX_PATH_NAME]}", each, self.ignored)
            else:
                self.ignored.add("no JSON object", self.path, key, name[:MAX_PATH_NAME])

    def require_few_elements(self) -> None:
        """Raise FacetError if the facet has more than MAX_ELEMENTS elements."""
        count, stack = 0, [*self.body.values()]
        while stack:
            count += len(stack)
            if count > MAX_ELEMENTS:
                raise FacetError(f"more than {MAX_ELEMENTS} elements")
            parents = [each for each in stack if isinstance(each, dict | list)]
            stack = [child for each in parents for child in (each.values() if isinstance(each, dict) else each)]

    def ignore(self, reason: str) -> None:
        """Report this part as ignored."""
        self.ignored.add(reason, self.path)


@dataclass(slots=True)
class Contribution:
    """What an event of the instant ``at`` says about the asset ``urn``, whose full name is ``name``.

    ``ignored`` are the facets and parts of facets about the asset that are not mapped, with reasons. ``reported`` is
    the number of check results that the event reports of the asset apart from ``checks``.
    """

    urn: str
    name: str
    at: int
    values: dict[tuple[str, str], ObservedValue] = field(default_factory=dict)
    added: dict[Hop, dict[str, JsonObject]] = field(default_factory=dict)
    fields: dict[Hop, tuple[str, str]] = field(default_factory=dict)
    apart: list[ObserveCommand] = field(default_factory=list)
    checks: list[ReportCheckCommand] = field(default_factory=list)
    ignored: IgnoredParts = field(default_factory=IgnoredParts)
    reported: int = 0

    def draft(self) -> "Contribution":
        """Return what one facet gives, empty at first, for :meth:`accept`: an ignored facet changes nothing."""
        reported = self.reported + len(self.checks)
        return Contribution(self.urn, self.name, self.at, ignored=self.ignored, reported=reported)

    def accept(self, draft: "Contribution") -> None:
        """Add all that a mapped facet gives."""
        self.values |= draft.values
        for hop, targets in draft.added.items():
            self.added.setdefault(hop, {}).update(targets)
        self.fields |= draft.fields
        self.apart += draft.apart
        self.checks += draft.checks

    def give(self, name: str, value: Json, order: Order | None = None, part: str = "") -> None:
        """Add the value of a field or part; nothing for None. Its order is the instant of the event by default."""
        if value is not None:
            self.values[name, part] = ObservedValue(name, value, (self.at,) if order is None else order, part)

    def give_property(self, key: str, value: Json) -> None:
        """Add a property: a text as it is, every other value as JSON; nothing for None and an empty text.

        Raises FacetError if the key or the value is too long.
        """
        if value is None or value == "":
            return
        if len(key) > MAX_PART_NAME:
            raise FacetError(f"the key of a property with {len(key)} characters; it has at most {MAX_PART_NAME}")
        text = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
        if len(text) > MAX_PROPERTY:
            raise FacetError(f"{len(text)} characters; a property holds at most {MAX_PROPERTY}")
        self.give("properties", {"key": PREFIX + key, "value": text}, part=PREFIX + key)

    def remove(self, name: str) -> None:
        """Remove what earlier events gave: a property by its key, the columns of the schema, a list, or a field."""
        if name.startswith(PREFIX):
            self.values["properties", name] = ObservedValue("properties", None, (self.at,), name)
        elif name in _LISTS:
            self.replace_list(_LISTS[name], name, {})
        elif name == COLUMNS:
            self.give(COLUMNS, [], part=SCHEMA)
        else:
            self.values[name, ""] = ObservedValue(name, None, (self.at,))

    def join(self, hop: Hop, field_name: str, urn: str, origin: str = "OBSERVED") -> None:
        """Add an edge over a hop to those that other events have declared.

        An edge from the asset to itself is added only if its relation is lineage.
        """
        if urn != self.urn or hop.relation.lineage:
            self.fields[hop] = (field_name, origin)
            self.added.setdefault(hop, {})[urn] = {}

    def replace_list(self, hop: Hop, field_name: str, targets: Mapping[str, JsonObject]) -> None:
        """Replace the edges of a field that earlier events have declared, as a command of its own.

        Its refusal then does not affect the other values. The order of the targets counts. Raises FacetError if there
        are more than MAX_TARGETS.
        """
        if len(targets) > MAX_TARGETS:
            raise FacetError(f"more than {MAX_TARGETS} {field_name}; an event may give at most {MAX_TARGETS}")
        edges = DeclaredEdges(hop, f"OpenLineage.{field_name}", dict(targets))
        value = ObservedValue(field_name, [[urn, values] for urn, values in targets.items()], (self.at,))
        self.apart.append(ObserveCommand(self.urn, self.name, (value,), (edges,)))

    def give_apart(self, name: str, value: Json) -> None:
        """Add the value of a field that needs a right of its own, as a command of its own."""
        self.apart.append(ObserveCommand(self.urn, self.name, (ObservedValue(name, value, (self.at,)),)))

    def report(self, check: str, kind: str, status: str, value: float | None = None) -> None:
        """Add the result of a check at the instant of the event; raises FacetError if there are MAX_CHECKS already.

        A name is cut after 200 characters.
        """
        if self.reported + len(self.checks) >= MAX_CHECKS:
            raise FacetError(f"an event reports at most {MAX_CHECKS} check results of a dataset")
        values = {"value": value, "window": None, "threshold": None}
        self.checks.append(ReportCheckCommand(self.urn, check[:200], kind, status, self.at, values))

    def command(self) -> ObserveCommand:
        """Return the command about the asset, without what is a command of its own."""
        edges = tuple(
            DeclaredEdges(hop, f"OpenLineage.{name}", targets, adds=True, origin=origin)
            for hop, targets in self.added.items()
            for name, origin in (self.fields[hop],)
        )
        return ObserveCommand(self.urn, self.name, tuple(self.values.values()), edges)


@contextmanager
def by_itself(part: EventFacet) -> Iterator[None]:
    """Map a part of a facet inside; a malformed one is reported as ignored, and the other parts count."""
    try:
        yield
    except FacetError as error:
        part.ignore(str(error))
    except InvalidError:
        part.ignore(UNFIT)


def number_in(body: Record, key: str) -> float | None:
    """Return a number of an object; None for an absent one, and FacetError for another value."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise FacetError(f"`{key}` is no number")
    if not isfinite(value):
        raise FacetError(f"`{key}` is too large")
    return float(value)


def bounded(value: Json, maximum: int) -> Json:
    """Return a JSON value; raises FacetError if it takes more than ``maximum`` bytes."""
    size = len(orjson.dumps(value))
    if size > maximum:
        raise FacetError(f"{size} bytes; an event may give at most {maximum}")
    return value


def _text(body: Record, key: str, *, required: bool) -> str | None:
    value = body.get(key)
    if value is not None and not isinstance(value, str):
        raise FacetError(f"`{key}` is no text")
    if required and not value:
        raise FacetError(f"`{key}` is absent")
    return value[:MAX_TEXT] if value else None
