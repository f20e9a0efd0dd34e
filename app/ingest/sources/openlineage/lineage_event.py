"""Checks an event: a JSON object of the specification becomes a frozen value, or an error that says what to correct.

The check is as wide as real senders need: `producer` and `schemaURL` may be absent, an instant without an offset is in
UTC, and an unknown `eventType` counts as OTHER. Facets are checked when they are mapped, so that a malformed facet does
not reject the event.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from graphql_schema.catalog.instants import known_instant
from graphql_schema.ports.record import Json, JsonObject, Record
from policies.errors import InvalidError

MAX_DATASETS: Final = 1_000
"""Maximal number of inputs of an event, and of its outputs."""

MAX_FACETS: Final = 500
"""Maximal number of facets of a run, a job or a dataset; `inputFacets` and `outputFacets` are counted apart."""

MAX_NAME_LENGTH: Final = 1_024
"""Maximal number of characters of a namespace, and of a name."""

MAX_RUN_ID_LENGTH: Final = 200
"""Maximal number of characters of the id of a run; the specification requires a UUID, which has 36."""

MAX_INSTANT_LENGTH: Final = 64
"""Maximal number of characters of an instant; the time to read it grows with its length."""

MAX_AHEAD_MS: Final = 24 * 3_600_000
"""Milliseconds that `eventTime` may be in the future; a later one would outrank all events until then."""

EVENT_TYPES: Final = ("START", "RUNNING", "COMPLETE", "FAIL", "ABORT")
"""The event types that are states of a run; every other one, also none, is OTHER."""

_SHOWN: Final = 80
"""Maximal number of characters of a value in a message."""

_FRACTION: Final = re.compile(r"(\.\d{1,6})\d*")


class EventError(InvalidError):
    """An event that does not follow the specification; the message says what to write.

    ``member`` is the path of the malformed member, without its value.
    """

    def __init__(self, message: str, member: str) -> None:
        super().__init__(message)
        self.member = member


@dataclass(frozen=True, slots=True)
class Named:
    """A job or a dataset: its namespace, its name, and its facets by name."""

    namespace: str
    name: str
    facets: Record


@dataclass(frozen=True, slots=True)
class LineageEvent:
    """A checked event; ``at`` is its instant in epoch milliseconds.

    A run event has a ``run_id`` and a ``job``, a job event a ``job``, a dataset event a ``dataset``. A `dataset` of a
    run event is no member of the specification, and is not read. ``event_type`` is one of EVENT_TYPES, else OTHER.
    ``producer`` is "" if absent. The facets of an input include its ``inputFacets``, those of an output its
    ``outputFacets``.
    """

    at: int
    event_type: str
    producer: str
    run_id: str | None = None
    run_facets: Record | None = None
    job: Named | None = None
    dataset: Named | None = None
    inputs: tuple[Named, ...] = ()
    outputs: tuple[Named, ...] = ()


def checked_event(value: Json, now: int) -> LineageEvent:
    """Return the event in a JSON value; raises EventError if it is none. ``now`` is in epoch milliseconds."""
    event = _object(value, "")
    at = _instant(event.get("eventTime"), now)
    kinds = [name for name in ("run", "job", "dataset") if event.get(name) is not None]
    if kinds[:2] != ["run", "job"] and kinds not in (["job"], ["dataset"]):
        found = f"with {' and '.join(f'`{each}`' for each in kinds)}" if kinds else "without these members"
        raise EventError(
            f"An event has `run` and `job`, or `job` alone, or `dataset` alone; this one is {found}. Send one of them.",
            "run",
        )
    event_type = event.get("eventType")
    run = _object(event["run"], "run") if "run" in kinds else {}
    return LineageEvent(
        at,
        event_type if event_type in EVENT_TYPES else "OTHER",
        _producer(event.get("producer")),
        _run_id(run.get("runId"), "run.runId") if "run" in kinds else None,
        _facets(run),
        _named(event["job"], "job") if "job" in kinds else None,
        _named(event["dataset"], "dataset") if kinds == ["dataset"] else None,
        tuple(_datasets(event.get("inputs"), "inputs", "inputFacets")),
        tuple(_datasets(event.get("outputs"), "outputs", "outputFacets")),
    )


def run_id_of(value: Json, path: str) -> str:
    """Return the id of a run: a UUID in its canonical form, another text as it is.

    Raises EventError, with the ``path`` of the member, unless it is a text of 1 to MAX_RUN_ID_LENGTH characters.
    """
    return _run_id(value, path)


def instant_of(text: Json) -> int | None:
    """Return the instant of an ISO 8601 text in epoch milliseconds; a text without an offset is in UTC.

    Return None for another value, for a text of more than MAX_INSTANT_LENGTH characters, and for an instant that no
    record may have.
    """
    if not isinstance(text, str) or len(text) > MAX_INSTANT_LENGTH or not text[:4].isdecimal():
        return None
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", text.strip().upper()))
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        seconds = int(moment.replace(microsecond=0).timestamp())
    except (OverflowError, ValueError):
        return None
    return known_instant(seconds * 1000 + moment.microsecond // 1000)


def _instant(text: Json, now: int) -> int:
    at = instant_of(text)
    if at is None:
        raise EventError(f"`eventTime` is {_shown(text)}; write an instant such as 2026-11-24T09:30:00Z.", "eventTime")
    if at > now + MAX_AHEAD_MS:
        raise EventError(
            f"`eventTime` is {_shown(text)}, more than a day in the future; check the clock of the sender.",
            "eventTime",
        )
    return at


def _producer(value: Json) -> str:
    """Return the producer of an event, cut to MAX_NAME_LENGTH characters; "" for a value that is no text."""
    return value[:MAX_NAME_LENGTH] if isinstance(value, str) else ""


def _object(value: Json, path: str) -> JsonObject:
    if not isinstance(value, dict):
        shown = f"`{path}`" if path else "The event"
        raise EventError(f"{shown} is {_shown(value)}; send a JSON object.", path or "event")
    return value


def _run_id(value: Json, path: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_RUN_ID_LENGTH:
        raise EventError(f"`{path}` is {_shown(value)}; send the UUID of the run.", path)
    try:
        return str(UUID(value))
    except ValueError:
        return value


def _named(value: Json, path: str, more: str = "") -> Named:
    given = _object(value, path)
    for key in ("namespace", "name"):
        text = given.get(key)
        if not isinstance(text, str) or not text.strip() or len(text) > MAX_NAME_LENGTH:
            member = f"{path}.{key}"
            raise EventError(f"`{member}` is {_shown(text)}; send a text of 1 to {MAX_NAME_LENGTH} characters.", member)
    return Named(given["namespace"], given["name"], {**_facets(given), **_facets(given, more)})


def _datasets(value: Json, path: str, more: str) -> Iterator[Named]:
    """Yield the inputs or outputs of an event; null and an absent member are an empty list."""
    if value is None:
        return
    if not isinstance(value, list):
        raise EventError(f"`{path}` is {_shown(value)}; send a list of datasets.", path)
    if len(value) > MAX_DATASETS:
        raise EventError(f"`{path}` has {len(value)} datasets; send at most {MAX_DATASETS} in one event.", path)
    for index, each in enumerate(value):
        yield _named(each, f"{path}.{index}", more)


def _facets(given: Mapping[str, Json], key: str = "facets") -> JsonObject:
    """Return the facets of a member that are objects; null and every other value count as absent.

    Raises EventError if there are more than MAX_FACETS, or if the name of one has more than MAX_NAME_LENGTH characters.
    """
    facets = given.get(key) if key else None
    if not isinstance(facets, dict):
        return {}
    if len(facets) > MAX_FACETS:
        raise EventError(
            f"`{key}` has {len(facets)} facets; send at most {MAX_FACETS} of a run, a job or a dataset.", key
        )
    max_length = max(map(len, facets), default=0)
    if max_length > MAX_NAME_LENGTH:
        raise EventError(
            f"`{key}` has a facet whose name has {max_length} characters; send at most {MAX_NAME_LENGTH}.", key
        )
    return {name: body for name, body in facets.items() if isinstance(body, dict)}


def _shown(value: Json) -> str:
    """Return a value for a message, cut before it is written: an event may have a value of many megabytes."""
    if value is None:
        return "absent"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return repr(value[:_SHOWN] if isinstance(value, str) else value)[:_SHOWN]
