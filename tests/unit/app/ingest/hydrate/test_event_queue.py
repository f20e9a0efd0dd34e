"""The requests of a worker to the queue: only what was taken is returned, and a refusal ends the work."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from app.ingest.hydrate.event_queue import MAX_TAKEN, Attempt, EventQueue, NamedObject, QueueError
from app.ingest.load.api_client import ApiClient, Retry

NAMED = NamedObject("e1", 3, "run", "r1")
DENIED = {"code": "DENIED", "message": "not yours", "inputPath": ["events", "0"]}


def queue(respond: Callable[[dict[str, Any]], Any]) -> EventQueue:
    """Return a queue over an API whose data a function makes of the body of a request."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={"data": respond(json.loads(request.content))})

    return EventQueue(ApiClient("http://api", "t", Retry(tries=1), transport=httpx2.MockTransport(answer)))


def taken(*events: dict[str, Any], due: int = 2, errors: Any = ()) -> EventQueue:
    """Return a queue with due events, of which some are taken."""

    def respond(body: dict[str, Any]) -> Any:
        if "DueEvents" in body["query"]:
            workflow = "mlg://workflow/ingest/default/prod"
            given = {"source": "prod", "workflow": workflow, "now": "1970-01-01T00:00:01Z", "first": MAX_TAKEN}
            assert body["variables"] == given
            return {
                "workflow": {"viewerAccess": {"canUpdate": True}},
                "thinEvents": {"nodes": [{"id": f"e{number}"} for number in range(due)]},
            }
        return {"takeThinEvents": {"events": [*events], "errors": [*errors]}}

    return queue(respond)


def event(state: str = "PENDING") -> dict[str, Any]:
    """Return an event of the response."""
    return {"id": "e1", "attempts": 3, "objectType": "run", "objectId": "r1", "state": state}


async def test_what_was_taken_is_returned() -> None:
    """An event that is dead now is no object to read; without a due event, or with all taken by others, it is None."""
    assert await taken(event(), event("DEAD")).take("prod", 1000) == [NAMED]
    assert await taken(event("DEAD")).take("prod", 1000) == []
    assert await taken(due=0).take("prod", 1000) is None
    assert await taken().take("prod", 1000) is None


async def test_a_refusal_ends_the_work() -> None:
    """The account is not the right one, so that no further request would help."""
    with pytest.raises(QueueError, match="DENIED: not yours"):
        await taken(errors=[DENIED]).take("prod", 1000)
    with pytest.raises(QueueError, match="not yours"):
        await queue(lambda _: {"replayThinEvents": {"events": [], "errors": [DENIED]}}).replay(["e1"])


async def test_a_source_that_the_account_may_not_update_ends_the_work() -> None:
    """Its events are hidden from the account, so that none would ever be due; a source without events has no asset."""
    empty = {"nodes": [], "pageInfo": {"hasNextPage": False}}
    refusing = queue(lambda _: {"workflow": {"viewerAccess": {"canUpdate": False}}, "thinEvents": empty})
    with pytest.raises(QueueError, match="may not update mlg://workflow/ingest/default/prod"):
        await refusing.take("prod", 1000)
    with pytest.raises(QueueError, match="may not update"):
        [each async for each in refusing.dead("prod")]
    unknown = queue(lambda _: {"workflow": None, "thinEvents": empty})
    assert await unknown.take("prod", 1000) is None
    assert [each async for each in unknown.dead(None)] == []


@pytest.mark.parametrize(
    ("attempt", "sent"),
    [
        (Attempt(reason="NOT_FOUND", messages=("secret",)), {"reason": "NOT_FOUND"}),
        (Attempt(outcome="CREATED", asset="a"), {"outcome": "CREATED", "asset": "a"}),
    ],
)
async def test_a_result_is_reported_without_messages(attempt: Attempt, sent: dict[str, Any]) -> None:
    """Messages are for the terminal; a result that is not accepted any more is returned with its reason."""
    bodies: list[Any] = []

    def respond(body: Any) -> Any:
        bodies.append(body["variables"])
        return {"finishThinEvent": {"changed": False, "errors": [{**DENIED, "code": "CONFLICT", "inputPath": []}]}}

    assert await queue(respond).finish(NAMED, attempt) == ("CONFLICT: not yours",)
    assert bodies == [{"input": {"event": "e1", "attempt": 3, **sent}}]


async def test_all_pages_of_dead_events_are_read_and_replayed_in_parts() -> None:
    """Each page continues after the last one, and a request replays at most a hundred events."""
    sizes: list[int] = []

    def respond(body: Any) -> Any:
        given = body["variables"]
        if "events" in given:
            sizes.append(len(given["events"]))
            return {"replayThinEvents": {"events": [{"id": each} for each in given["events"]], "errors": []}}
        page = {"hasNextPage": given["after"] is None, "endCursor": "next"}
        nodes = [{"id": f"{given['after']}{number}"} for number in range(100)]
        return {"thinEvents": {"nodes": nodes, "pageInfo": page}}

    found = [each["id"] async for each in queue(respond).dead("prod")]
    assert (len({*found}), found[0], found[-1]) == (200, "None0", "next99")
    assert await queue(respond).replay([*found, "last"]) == 201
    assert sizes == [100, 100, 1]
