"""No argument, input field or member of an event fails as a defect for an extreme value, or needs many requests.

A few of the extreme values of each place are sent, other ones with another seed: ``VALUES=20 SEED=2``. The time that
they take is measured by ``make bench-extremes``.
"""

import asyncio
import os
from collections.abc import Iterator
from random import Random
from typing import Any, TypeVar

import pytest
from graphql import GraphQLInputObjectType
from structlog.testing import capture_logs
from support.documents.extremes.extreme_events import extreme_events, plain_event
from support.documents.extremes.extreme_operations import Extremes
from support.documents.extremes.extreme_values import INSTANTS
from support.estates.known_of_each_kind import known_items
from support.servers.in_process import Api, observes_one_process
from support.servers.odd_requests import CODES, faults, posted, response_to
from support.servers.websocket_client import connected, serving
from support.stores.observed_requests import BESIDE, ObservedRequests
from support.waiting import until
from websockets.exceptions import ConnectionClosed

pytestmark = [pytest.mark.long, pytest.mark.timeout(1_800), observes_one_process]

VALUES = int(os.environ.get("VALUES", "2"))
"""Number of values of each place."""

RANDOM = Random(int(os.environ.get("SEED", "1")))

MAX_REQUESTS = 40
"""Store requests of one operation; each walk over lineage has one for each of its levels."""

MAX_MESSAGE = 1_000
"""Characters of a message, which repeats no long value."""

T = TypeVar("T")


@pytest.fixture(scope="module")
async def api(api: Api) -> Api:
    """Return the API over one asset of each kind."""
    await api.load(*known_items().values())
    return api


def some(values: Iterator[T]) -> list[T]:
    """Return VALUES of the values, in their order."""
    found = [*values]
    return [found[place] for place in sorted(RANDOM.sample(range(len(found)), min(VALUES, len(found))))]


def messages(value: Any) -> Iterator[str]:
    """Yield the messages of all errors in a response, those in payloads too."""
    if isinstance(value, dict):
        if isinstance(value.get("message"), str) and value.keys() & {"code", "extensions"}:
            yield value["message"]
        for each in value.values():
            yield from messages(each)
    elif isinstance(value, list):
        for each in value:
            yield from messages(each)


async def test_no_extreme_value_is_a_defect(api: Api) -> None:
    """Each argument and input field: every error has a code and a short message, with few requests to the store."""
    schema = api.process.schema.core
    extremes = Extremes(schema, [*known_items()])
    requests, wrong = ObservedRequests(), list[str]()
    api.client.observers.append(requests)
    places = [place for place in extremes.places() if place.owner != "Subscription"]
    for place in places:
        for operation in some(extremes.operations(place)):
            requests.reports.clear()
            with capture_logs() as lines:
                response = await response_to(api, RANDOM.choice(("ada", "root")), operation.text, operation.variables)
            found = faults(response, lines)
            found += [text[:200] for text in messages(response.json()) if not 0 < len(text) <= MAX_MESSAGE]
            count = sum(report.prepared.name not in BESIDE for report in requests.reports)
            found += [f"{count} requests"] if count > MAX_REQUESTS else []
            wrong += [f"{place}, {operation.value}: {each}" for each in found]
    api.client.observers.remove(requests)
    assert not wrong, "\n".join(wrong)
    for root in (schema.query_type, schema.mutation_type):
        assert root is not None
        arguments = {(root.name, name, each) for name, field in root.fields.items() for each in field.args}
        assert arguments <= {(place.owner, place.field, place.argument) for place in places}
    named = {place.path[-1] for place in places if place.path} | {"dryRun"}
    inputs = [each for each in schema.type_map.values() if isinstance(each, GraphQLInputObjectType)]
    assert {name for each in inputs for name in each.fields} <= named


async def test_no_extreme_value_of_a_subscription_is_a_defect(api: Api) -> None:
    """Each argument and filter of a subscription: it is refused with a code, or waits for the next change."""
    extremes, wrong, refused = Extremes(api.process.schema.core, [*known_items()]), list[str](), 0
    log = api.coordinator.commit_log
    places = [place for place in extremes.places() if place.owner == "Subscription"]
    async with serving(api.app) as address:
        for place in places:
            for operation in some(extremes.operations(place)):
                async with connected(address, api.tokens["ada"]) as talk:
                    await talk.subscribe(operation.text, **operation.variables)
                    received = asyncio.create_task(talk.receive())
                    await until(lambda received=received: received.done() or log.waiting == 1)  # type: ignore[misc]
                    found = _faults_of(received)
                    refused += received.done()
                    received.cancel()
                wrong += [f"{place}, {operation.value}: {each}" for each in found]
                await until(lambda: log.waiting == 0)
    assert not wrong, "\n".join(wrong)
    assert len(places) > 5
    assert refused > len(places)


def _faults_of(received: asyncio.Task[dict[str, Any]]) -> list[str]:
    """Return what is a defect in the first message of a subscription, if it has come."""
    if not received.done():
        return []
    if isinstance(error := received.exception(), ConnectionClosed):
        code = error.rcvd and error.rcvd.code
        return [] if code in {4400, 1009} else [f"closed with {code}"]
    message = received.result()
    errors = message["payload"] if message["type"] == "error" else message["payload"].get("errors", [])
    return [str(each)[:200] for each in errors if each["extensions"].get("code") not in CODES]


async def test_no_extreme_event_is_a_defect(api: Api) -> None:
    """Each member of an event and of its facets: the status is never 500, and an error has a code."""
    by_place: dict[str, list[Any]] = {}
    for event in extreme_events((4_000,)):
        by_place.setdefault(f"{event.path} {event.place}", []).append(event)
    wrong = list[str]()
    for place, events in by_place.items():
        for event in some(iter(events)):
            with capture_logs() as lines:
                response = await posted(api, "root", event.path, event.event)
            found = faults(response, lines) + [f"status {response.status_code}"] * (response.status_code >= 500)
            wrong += [f"{place}, {event.value}: {each}" for each in found]
    assert not wrong, "\n".join(wrong)
    assert len(by_place) > 200


async def test_no_extreme_instant_prevents_a_list_of_events(api: Api) -> None:
    """What became of events with each extreme `eventTime` is shown, also of those that were refused."""
    event = plain_event()
    for instant in (event["eventTime"], *INSTANTS.values()):
        await posted(api, "root", "/api/v1/lineage", {**event, "eventTime": instant})
    with capture_logs() as lines:
        response = await response_to(api, "root", "{ ingestions(first: 500) { nodes { eventAt state reason } } }", {})
    assert not faults(response, lines)
    shown = [each for each in response.json()["data"]["ingestions"]["nodes"] if each["reason"] == "INVALID: eventTime"]
    assert len(shown) > 1
    assert all(each["eventAt"] is None or each["eventAt"] < "9999-12-31T23:59:59.999Z" for each in shown)
