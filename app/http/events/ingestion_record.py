"""The record of an event: its names, its effect on each asset and edge, and its facets without an effect.

The record of a rejected event has the reason as a code. The message of the error is for the sender alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Final

import orjson

from app.http.events.event_result import EventResult, about
from app.ingest.sources.openlineage.event_subject import EventSubject
from app.ingest.sources.openlineage.lineage_event import EVENT_TYPES, MAX_NAME_LENGTH, EventError, instant_of
from app.ingest.sources.openlineage.mapping import MappedEvent
from graphql_schema.observability.ingestions import IngestionState
from graphql_schema.ports.commands import ObserveCommand
from graphql_schema.ports.events.event_commands import RecordIngestionCommand
from graphql_schema.ports.outcomes import Outcome
from graphql_schema.ports.record import Json, JsonObject
from policies.blurred_limit import blurred
from policies.errors import Code

MAX_ENTRIES: Final = 200
"""Maximal number of entries of each list of a record, within MAX_LIST_BYTES; others are in the response only.

Each list has both limits, or up to a quarter less.
"""

MAX_LIST_BYTES: Final = 24 * 1024
"""Maximal bytes of each list of a record as JSON: a page of 500 records must be within the limit of an operation."""

_ENDS: Final = ("inputs", "outputs")

_LINEAGE: Final = (*_ENDS, "derivedFrom")

_WITHOUT_RIGHT: Final = frozenset({Code.DENIED, Code.NOT_FOUND})
"""The codes of errors after which the caller may not record anything about the subject either."""


def digest_of(event: Json, secret: bytes) -> str:
    """Return the hash of an event as it was sent, by which a repetition finds its record.

    Its key is derived from the ``secret`` of the server, because the id of the record is made of the hash. Without a
    key, readers of the record could guess a hidden input of the event by trying names.
    """
    key = blake2b(secret, person=b"mlg events").digest()
    return blake2b(orjson.dumps(event, option=orjson.OPT_SORT_KEYS), digest_size=16, key=key).hexdigest()


def ingestion_of(result: EventResult, digest: str) -> RecordIngestionCommand:
    """Return the command that records an accepted event with this digest."""
    assert result.mapped is not None  # noqa: S101 - an accepted event has a mapping
    mapped = result.mapped
    edges = [*_edges(result)]
    changed = result.outcome is not Outcome.UNCHANGED
    values = _values(result, mapped, edges)
    return RecordIngestionCommand(
        mapped.subject, digest, mapped.source, _state(result, mapped, edges).name, changed, values
    )


def rejection_of(result: EventResult, digest: str, given: Json = None) -> RecordIngestionCommand | None:
    """Return the command that records a rejected event; None if its subject is unknown, or the caller has no right.

    ``given`` is a malformed event as it was sent.
    """
    error = result.error
    if error is None or error.code in _WITHOUT_RIGHT:
        return None
    reason = f"{error.code}: {error.member}" if isinstance(error, EventError) else str(error.code)
    mapped, subject = result.mapped, result.about
    if mapped is not None:
        values = _values(result, mapped, [*_edges(result)])
        subject = EventSubject(mapped.subject, mapped.source)
    elif subject is not None and isinstance(given, dict):
        values = _values_of_malformed(given)
    else:
        return None
    values["reason"] = reason
    state = IngestionState.REJECTED.name
    return RecordIngestionCommand(subject.urn, digest, subject.source, state, changed=False, values=values)


def _values(result: EventResult, mapped: MappedEvent, edges: Sequence[JsonObject]) -> JsonObject:
    """Return the values of the record of a mapped event."""
    return {
        "eventAt": mapped.event.at,
        "eventType": mapped.event.event_type,
        "producer": mapped.event.producer or None,
        "names": _bounded(_names(mapped)),
        "assets": _bounded(_assets(result)),
        "edges": _bounded(edges),
        "ignored": _bounded(
            {"facet": each.facet[:200], "reason": each.reason, "asset": each.urn} for each in mapped.ignored
        ),
    }


def _values_of_malformed(given: JsonObject) -> JsonObject:
    """Return the values of the record of a malformed event: those that can be read."""
    kind, producer = given.get("eventType"), given.get("producer")
    return {
        "eventAt": instant_of(given.get("eventTime")),
        "eventType": kind if kind in EVENT_TYPES else "OTHER",
        "producer": producer[:MAX_NAME_LENGTH] if isinstance(producer, str) and producer else None,
        "names": [],
        "assets": [],
        "edges": [],
        "ignored": [],
    }


def _bounded(entries: Iterable[JsonObject]) -> list[JsonObject]:
    """Return the first entries, as many as a list of a record may have, or up to a quarter fewer by chance.

    Readers see only some of these entries. If all lists had as many, they would count those that they do not see.
    """
    found: list[JsonObject] = []
    left, size = blurred(MAX_ENTRIES), blurred(MAX_LIST_BYTES)
    for each in entries:
        size -= len(orjson.dumps(each))
        if len(found) == left or size < 0:
            break
        found.append(each)
    return found


def _state(result: EventResult, mapped: MappedEvent, edges: Sequence[JsonObject]) -> IngestionState:
    """Return NO_EDGES if all inputs and outputs of the event were refused, PARTIAL if anything was, else WRITTEN."""
    refused = [each for each in edges if each["effect"] == "REFUSED"]
    named = {each.urn for each in mapped.resolved if each.role in {"input", "output"}}
    without = {each["target"] for each in refused if each["field"] in _ENDS and each["source"] == mapped.subject}
    if named and named <= without:
        return IngestionState.NO_EDGES
    if refused or any(outcome.errors for _, outcome in result.written):
        return IngestionState.PARTIAL
    return IngestionState.WRITTEN


def _names(mapped: MappedEvent) -> list[JsonObject]:
    return [
        {"role": each.role, "namespace": each.namespace, "name": each.name, "rule": each.rule.value, "asset": each.urn}
        for each in mapped.resolved
    ]


def _assets(result: EventResult) -> Iterator[JsonObject]:
    """Yield the effect on each asset; an asset that nothing changed is left out."""
    for command, outcome in result.written:
        refusal = outcome.errors[0].code.value if outcome.errors else None
        observed = outcome.observed
        entry: JsonObject = {
            "asset": about(command),
            "outcome": refusal or outcome.outcome.name,
            "changed": list(observed.changed) if observed else [],
            "kept": list(observed.kept) if observed else [],
            "outdated": list(observed.outdated) if observed else [],
        }
        if entry["outcome"] != Outcome.UNCHANGED.name or entry["kept"] or entry["outdated"]:
            yield entry


def _edges(result: EventResult) -> Iterator[JsonObject]:
    """Yield the edges that the event began or ended, and those that were refused."""
    for command, outcome in result.written:
        observed = outcome.observed
        if not isinstance(command, ObserveCommand) or observed is None:
            continue
        effects = (
            *(("BEGAN", field, far) for field, far in observed.linked),
            *(("ENDED", field, far) for field, far in observed.ended),
            *(("REFUSED", field, far) for field, far, _ in observed.refused),
        )
        for effect, field, far in effects:
            yield {"field": field, "effect": effect, "source": command.urn, "target": far}
    yield from _edges_not_begun(result)


def _edges_not_begun(result: EventResult) -> Iterator[JsonObject]:
    """Yield the lineage that the event names for assets that were not written, as refused edges."""
    for command, outcome in result.written:
        if isinstance(command, ObserveCommand) and outcome.errors:
            for edges in command.edges:
                if edges.field in _LINEAGE:
                    for far in edges.targets:
                        yield {"field": edges.field, "effect": "REFUSED", "source": command.urn, "target": far}
