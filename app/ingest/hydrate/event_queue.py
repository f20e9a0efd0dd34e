"""The queue of thin events of one source, through the API: due events, the results of attempts, dead events."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.ingest.load.api_client import ApiClient
from app.ingest.load.batches import reasons_of
from graphql_schema.catalog.thin_event_rules import source_urn
from graphql_schema.fields.scalars import instant_text
from graphql_schema.ports.record import JsonObject
from policies.errors import Code, CodedError

MAX_TAKEN: Final = 5
"""Maximal number of events that a worker takes at once: it reads them one after the other, within their lease."""

MAX_REPLAYED: Final = 100
"""Maximal number of events in one request to replay them."""

_EVENT: Final = "id source objectType objectId state attempts reason finishedAt"
_RIGHT: Final = "workflow: asset(id: $workflow) { viewerAccess { canUpdate } }"
_DUE: Final = f"""query DueEvents($source: String!, $workflow: ID!, $now: DateTime!, $first: Int!) {{ {_RIGHT}
  thinEvents(filter: {{sources: [$source], states: [PENDING], dueBefore: $now}}, first: $first) {{
    nodes {{ id }} }} }}"""
_DEAD: Final = f"""query DeadEvents($sources: [String!], $workflow: ID!, $known: Boolean!, $after: Cursor) {{
  {_RIGHT.replace("{", "@include(if: $known) {", 1)}
  thinEvents(filter: {{sources: $sources, states: [DEAD]}}, first: 100, after: $after) {{
    nodes {{ {_EVENT} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
_TAKE: Final = f"""mutation TakeEvents($events: [ID!]!) {{ takeThinEvents(input: {{events: $events}}) {{
  events {{ {_EVENT} }} errors {{ code message inputPath }} }} }}"""
_REPLAY: Final = """mutation ReplayEvents($events: [ID!]!) { replayThinEvents(input: {events: $events}) {
  events { id } errors { code message inputPath } } }"""
_FINISH: Final = """mutation FinishEvent($input: FinishThinEventInput!) { finishThinEvent(input: $input) {
  changed errors { code message inputPath } } }"""


class QueueError(CodedError):
    """The API does not let this account work on the events: the message says why."""

    code = Code.DENIED


@dataclass(frozen=True, slots=True)
class NamedObject:
    """An object that an event names: the id of the event, the number of the attempt, type and id in the source."""

    event: str
    attempt: int
    object_type: str
    object_id: str

    @property
    def location(self) -> str:
        """The name of the object in messages."""
        return f"{self.object_type} {self.object_id}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of an attempt: the code of the error, or the outcome of the object and the id of its asset.

    ``messages`` are for the terminal of the worker, and are not stored.
    """

    reason: str | None = None
    outcome: str | None = None
    asset: str | None = None
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EventQueue:
    """The events of sources, with the rights of a ``client``. Methods raise the errors of `ApiClient.execute`."""

    client: ApiClient

    async def take(self, source: str, now: int) -> list[NamedObject] | None:
        """Take events of a source that are due at ``now`` (epoch milliseconds), and return their objects.

        Return None if no event was due, or other workers took all of them. Events whose attempts are used up become
        dead, and are not among the objects. Raises QueueError if the account may not take them.
        """
        given = {"source": source, "workflow": source_urn(source), "now": instant_text(now), "first": MAX_TAKEN}
        found = await self.client.execute(_DUE, given)
        _require_right(found, source)
        due = found["thinEvents"]["nodes"]
        if not due:
            return None
        payload = (await self.client.execute(_TAKE, {"events": [each["id"] for each in due]}))["takeThinEvents"]
        _refuse_errors(payload)
        if not payload["events"]:
            return None
        return [
            NamedObject(each["id"], each["attempts"], each["objectType"], each["objectId"])
            for each in payload["events"]
            if each["state"] == "PENDING"
        ]

    async def finish(self, named: NamedObject, attempt: Attempt) -> tuple[str, ...]:
        """Report the result of an attempt; return why it was not accepted, nothing if it was."""
        given = {"event": named.event, "attempt": named.attempt}
        given |= {"reason": attempt.reason} if attempt.reason else {"outcome": attempt.outcome, "asset": attempt.asset}
        payload = (await self.client.execute(_FINISH, {"input": given}))["finishThinEvent"]
        return reasons_of(payload)

    async def dead(self, source: str | None) -> AsyncIterator[JsonObject]:
        """Yield the dead events of a source, or of all that the account sees, the oldest first.

        Raises QueueError if the account may not see those of the source.
        """
        after = None
        while True:
            sources = None if source is None else [source]
            of_source = {"workflow": source_urn(source or "all"), "known": source is not None}
            given: JsonObject = {"sources": sources, "after": after, **of_source}
            found = await self.client.execute(_DEAD, given)
            _require_right(found, source)
            page = found["thinEvents"]
            for each in page["nodes"]:
                yield each
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    async def replay(self, events: Sequence[str]) -> int:
        """Make dead events pending; return the number of those that were dead. Raises QueueError for a rejected one."""
        replayed = 0
        for begin in range(0, len(events), MAX_REPLAYED):
            given = {"events": events[begin : begin + MAX_REPLAYED]}
            payload = (await self.client.execute(_REPLAY, given))["replayThinEvents"]
            _refuse_errors(payload)
            replayed += len(payload["events"])
        return replayed


def _refuse_errors(payload: JsonObject) -> None:
    """Raise QueueError if a payload has errors."""
    reasons = reasons_of(payload)
    if reasons:
        raise QueueError("; ".join(dict.fromkeys(reasons)))


def _require_right(found: JsonObject, source: str | None) -> None:
    """Raise QueueError for a registered source that the account may not update: its events are hidden from it."""
    workflow = found.get("workflow")
    if workflow is not None and not workflow["viewerAccess"]["canUpdate"]:
        raise QueueError(
            f"The account may not update {source_urn(source or '')}, so it sees none of its events. Use an account of "
            "a team that owns it, with the scope graph:write."
        )
