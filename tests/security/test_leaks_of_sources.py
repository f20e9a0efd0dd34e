"""The sources of an asset disclose as little of hidden runs and their events as if these were absent."""

import json
from typing import Any

import pytest
from support.servers.in_process import Api
from support.stores.observed_requests import ObservedRequests
from support.stores.writers import person

from app.graph.writing.writer import PolicedWriter
from graphql_schema.ports.events.event_commands import RecordIngestionCommand

TEAM = "mlg://team/catalog/default/ranking"
WITH, WITHOUT = (f"mlg://dataset/test/default/{name}" for name in ("with-hidden", "without"))
VEILED = "veiled-jobs"
SOURCES = """query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Asset { sources {
  source producer ingestion { subject { id } } alarms { reason ingestion { subject { id } } } } } } }"""


def run_of(name: str) -> str:
    """Return the id of a run."""
    return f"mlg://run/test/default/{name}"


@pytest.fixture(scope="module")
async def estate(api: Api) -> Api:
    """Two open tables with a visible run each; a hidden run of ranking makes one of them, and its events are newer."""
    owners = [{"owner": TEAM}]
    runs = [("seen-with", WITH, "ORG"), ("seen-without", WITHOUT, "ORG"), ("veiled", WITH, "TEAM")]
    await api.load(
        {"team": {"name": "ranking"}},
        *({"dataset": {"id": urn, "owners": owners}} for urn in (WITH, WITHOUT)),
        *(
            {
                "run": {
                    "id": run_of(name),
                    "state": "COMPLETE",
                    "outputs": [urn],
                    "visibility": open_to,
                    "owners": owners,
                }
            }
            for name, urn, open_to in runs
        ),
    )
    nothing: dict[str, Any] = {"names": [], "assets": [], "edges": [], "ignored": [], "eventType": "START"}
    events = [("seen-with", "jobs", "NO_EDGES"), ("seen-without", "jobs", "NO_EDGES")]
    events += [("veiled", VEILED, "WRITTEN"), ("veiled", "jobs", "NO_EDGES"), ("veiled", "jobs", "REJECTED")]
    writer = PolicedWriter(api.client, api.coordinator, api.process.policy.access(person("root", roles="admin")))
    for number, (name, source, state) in enumerate(events):
        values = {**nothing, "producer": f"{VEILED} {number}" if name == "veiled" else "airflow"}
        command = RecordIngestionCommand(run_of(name), f"e{number}", source, state, changed=True, values=values)
        (outcome,) = await writer.write([command], dry_run=False, atomic=False)
        assert not outcome.errors
    return api


async def observed(api: Api, who: str, *urns: str) -> tuple[Any, int]:
    """Return the sources of assets as a caller sees them, and the number of store requests of a warm read."""
    await api.ask(who, SOURCES, ids=urns)
    requests = ObservedRequests()
    api.client.observers.append(requests)
    try:
        return (await api.ask(who, SOURCES, ids=urns))["nodes"], requests.of_operations.total()
    finally:
        api.client.observers.remove(requests)


async def test_a_hidden_run_is_as_if_it_were_absent(estate: Api) -> None:
    """Sources, newest events and alarms of both tables are equal for bo, and so is the work; ada reads the run."""
    (full,), _ = await observed(estate, "ada", WITH)
    assert {each["source"] for each in full["sources"]} == {"jobs", VEILED}
    (shown,), work = await observed(estate, "bo", WITH)
    (other,), other_work = await observed(estate, "bo", WITHOUT)
    text = json.dumps(shown["sources"])
    assert "veiled" not in text
    assert text.replace("seen-without", "seen-with") == json.dumps(other["sources"]).replace(
        "seen-without", "seen-with"
    )
    (source,) = shown["sources"]
    assert (source["source"], source["producer"]) == ("jobs", "airflow")
    assert [each["reason"] for each in source["alarms"]] == ["NO_EDGES"]
    assert work == other_work


async def test_many_assets_take_the_requests_of_one(estate: Api) -> None:
    """The listings of all assets and sources of a level travel together."""
    _, work = await observed(estate, "ada", WITH)
    _, of_both = await observed(estate, "ada", WITH, WITHOUT)
    assert of_both == work
