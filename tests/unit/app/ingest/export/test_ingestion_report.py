"""Reports of ingestions by source: plain counts, and an alarm for each pattern that hides missing lineage."""

from typing import Any

import httpx2
import orjson

from app.ingest.export.ingestion_report import by_source, read_ingestions
from app.ingest.load.api_client import ApiClient
from graphql_schema.fields.scalars import instant_text
from graphql_schema.rules.observation.source_alarms import HOUR_MS, MIN_EVENTS

NOW = 1_795_600_000_000
RUN = "mlg://run/openlineage/default/r"


def node(hours: float = 1, kind: str = "COMPLETE", state: str = "WRITTEN", **more: Any) -> dict[str, Any]:
    """Return an ingestion that arrived some hours ago."""
    return {
        "source": "jobs",
        "actor": "ci",
        "state": state,
        "eventType": kind,
        "receivedAt": instant_text(NOW - int(hours * HOUR_MS)),
        "subject": {"id": RUN},
        "names": [],
        "assets": [],
        "ignored": [],
        **more,
    }


def alarms(*nodes: dict[str, Any]) -> list[str]:
    """Return the alarms of the only source."""
    (found,) = by_source(nodes)
    return found.alarms(NOW)


def test_sources_are_counted_apart() -> None:
    """Counts, senders and the last arrival are those of each source."""
    nodes = [
        node(2, state="PARTIAL", ignored=[{"facet": "x"}]),
        node(3, state="NO_EDGES", actor="other"),
        node(4, state="REJECTED"),
        node(5, source="another", subject=None),
    ]
    other, jobs = by_source(nodes)
    assert jobs.summary(NOW) == {
        "source": "jobs",
        "senders": ["ci", "other"],
        "events": 3,
        "rejected": 1,
        "partial": 1,
        "withoutEdges": 1,
        "ignoredFacets": 1,
        "newDatasets": 0,
        "hoursSinceLast": 2.0,
        "alarms": [
            "1 events were rejected; `ingestions` has the reasons",
            "1 events made no edge to the inputs and outputs that they name",
        ],
    }
    assert (other.source, other.events, other.alarms(NOW)) == ("another", 1, [])


def test_a_silent_source_has_an_alarm() -> None:
    """The last event of any kind counts."""
    assert alarms(node(25), node(30)) == ["silent for 25 hours"]
    assert alarms(node(23), node(30)) == []


def test_a_run_without_an_end_has_an_alarm() -> None:
    """A final state before or after the start ends a run, and a recent event keeps it open; a rejected one does not."""
    busy = node(1, subject={"id": f"{RUN}2"})
    assert alarms(node(40, "RUNNING"), node(50, "START"), busy) == [f"1 runs have no end after 24 hours, such as {RUN}"]
    assert alarms(node(40, "FAIL"), node(50, "START"), busy) == []
    assert alarms(node(50, "START"), node(60, "COMPLETE"), busy) == []
    assert alarms(node(2, "RUNNING"), node(50, "START")) == []
    ended = node(40, "FAIL", state="REJECTED")
    assert len(alarms(ended, node(50, "START"), busy)) == 2


def test_many_new_datasets_have_an_alarm() -> None:
    """Known datasets in another spelling are new ones; a few events are no pattern."""
    table = {"id": "mlg://dataset/pg/db/t"}
    fresh = node(names=[{"role": "input", "asset": table}], assets=[{"outcome": "CREATED", "asset": table}])
    known = node(names=[{"role": "output", "asset": table}], assets=[{"outcome": "UPDATED", "asset": table}])
    assert alarms(*[fresh] * MIN_EVENTS) == ["20 of 20 datasets are new; check the spelling of their namespaces"]
    assert alarms(*[fresh] * (MIN_EVENTS - 1)) == []
    assert alarms(*[fresh] * 10, *[known] * 10) == []


async def test_all_pages_are_read() -> None:
    """The second request has the cursor of the first page."""
    requests: list[Any] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        requests.append(orjson.loads(request.content)["variables"])
        page = {"hasNextPage": len(requests) == 1, "endCursor": "next"}
        found = {"nodes": [{"number": len(requests)}], "pageInfo": page}
        return httpx2.Response(200, json={"data": {"ingestions": found}})

    async with ApiClient("http://api", "token", transport=httpx2.MockTransport(respond)) as client:
        assert [each["number"] async for each in read_ingestions(client, "since")] == [1, 2]
    assert requests == [{"since": "since", "after": None}, {"since": "since", "after": "next"}]
