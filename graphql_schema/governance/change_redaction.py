"""Redaction of audit entries: values that the viewer may not see are left out."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from graphql_schema.fields.scalars import instant_text
from graphql_schema.ports.row import Row

Known = Mapping[str, Row]
"""The rows that the caller may know of, by id."""


FREE_TEXT = frozenset({"properties", "params"})
"""Fields of free keys and values: an id in there is text."""


INSTANT = "At"
"""How the names of fields end that hold an instant."""


_INSTANTS = frozenset({"validFrom", "validTo", "since"})


def _ids(entry: Mapping[str, Any]) -> Iterator[str]:
    """The ids in an entry whose existence it would tell."""
    yield from entry.get("edge", ())[1:]
    for side in ("before", "after"):
        if entry["field"] not in FREE_TEXT and not isinstance(entry[side], str):
            yield from _walked(entry[side])


def _walked(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith("mlg://"):
            yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _walked(each)
    elif isinstance(value, list):
        for each in value:
            yield from _walked(each)


def _told(entry: Mapping[str, Any], subject: Row, known: Known) -> bool:
    """Whether an entry is told: not where its field is hidden, nor where it is an edge or a name for what is hidden."""
    if entry["field"] in subject.access.hidden:
        return False
    return not ("edge" in entry or "part" in entry) or all(urn in known for urn in _ids(entry))


def _shown(entry: Mapping[str, Any], subject: Row, known: Known) -> dict[str, Any]:
    field = entry["field"]
    subject.is_shown(field)  # the access log hears of what is held closely
    sides = {side: entry[side] for side in ("before", "after")}
    if "edge" in entry:
        sides = {side: _of_edge(value, subject, known) for side, value in sides.items()}
    return {"field": field, **{side: _text(field, value, known) for side, value in sides.items()}}


def _of_edge(value: Mapping[str, Any] | None, subject: Row, known: Known) -> Mapping[str, Any] | None:
    """What an edge said, as far as both of its ends show it."""
    if value is None:
        return None
    hidden = subject.access.of_edge("Neighbour", known[value["id"]].access).hidden
    return {name: each for name, each in value.items() if name not in hidden}


def _text(field: str, value: Any, known: Known) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int) and field.endswith(INSTANT):
        return instant_text(value)
    shown = value if field in FREE_TEXT else _scrubbed(value, known)
    return orjson.dumps(shown).decode()


def _scrubbed(value: Any, known: Known) -> Any:
    """The value without what is about an id that the caller may not know of, instants as the schema writes them."""
    if isinstance(value, Mapping):
        kept = {key: _part(key, each, known) for key, each in value.items() if not _secret(each, known)}
        return {key: each for key, each in kept.items() if each != []}  # a list of secrets is as none
    if isinstance(value, list):
        return [_scrubbed(each, known) for each in value if not _about_secret(each, known)]
    return value


def _part(key: str, value: Any, known: Known) -> Any:
    return instant_text(value) if key in _INSTANTS else _scrubbed(value, known)


def _secret(value: Any, known: Known) -> bool:
    return isinstance(value, str) and value.startswith("mlg://") and value not in known


def _about_secret(value: Any, known: Known) -> bool:
    """Whether an element of a list is, or is about, something that the caller may not know of."""
    return any(_secret(each, known) for each in (value.values() if isinstance(value, Mapping) else [value]))
