"""Checks of events: what senders really send is accepted, and everything else is refused with a sentence of advice."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.ingest.sources.openlineage.lineage_event import EventError, checked_event, instant_of

DATA = Path(__file__).parents[5] / "data" / "openlineage"
NOW = 1_800_000_000_000
AT = "2026-11-24T09:00:00Z"
RUN = {"runId": "3F5E83FA-3480-44FF-99C5-FF943904E5E8"}
JOB = {"namespace": "n", "name": "j"}


@pytest.mark.parametrize("folder", ["dbt_recorded_build", "dbt_churn", "feast_churn"])
def test_recorded_events_are_accepted(folder: str) -> None:
    """Events of real senders, also without `producer` and `schemaURL`, have the members of their JSON."""
    for line in (DATA / folder / "events.jsonl").read_text().splitlines():
        given, event = json.loads(line), checked_event(json.loads(line), NOW)
        assert event.job is not None
        assert (event.job.namespace, event.job.name) == (given["job"]["namespace"], given["job"]["name"])
        assert (event.run_id, event.event_type) == (given["run"]["runId"].lower(), given["eventType"])
        assert len(event.inputs) == len(given.get("inputs") or [])


@pytest.mark.parametrize(
    ("text", "millis"),
    [
        ("1970-01-01T00:00:01Z", 1_000),
        ("1970-01-01T00:00:01.5", 1_500),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:00.123456789Z", 123),
        ("1970-01-02", 86_400_000),
        ("1969-12-31T23:59:59Z", None),
        ("yesterday", None),
        ("", None),
        (5, None),
        ("9999-99-99T00:00:00Z", None),
        ("9999-12-31T23:59:59.998Z", 253_402_300_799_998),
        ("9999-12-31T23:59:59.999Z", None),
        ("9999-12-31T23:59:59-23:59", None),
    ],
)
def test_instants_without_an_offset_are_in_utc(text: Any, millis: int | None) -> None:
    """Digits beyond milliseconds are cut; what is no instant from 1970 to 9999 is None."""
    assert instant_of(text) == millis


def test_a_run_id_is_one_id_in_every_spelling() -> None:
    """A UUID is in lower case; another text, which some senders use, is unchanged."""
    event = {"eventTime": AT, "run": RUN, "job": JOB}
    assert checked_event(event, NOW).run_id == RUN["runId"].lower()
    assert checked_event({**event, "run": {"runId": "Run 7"}}, NOW).run_id == "Run 7"
    assert checked_event({**event, "eventType": "HEARTBEAT"}, NOW).event_type == "OTHER"


def test_facets_of_an_input_are_those_of_both_members() -> None:
    """`inputFacets` are read beside `facets`; values that are no objects count as absent."""
    data = {**JOB, "facets": {"schema": {}, "odd": 1}, "inputFacets": {"statistics": {}}}
    event = checked_event({"eventTime": AT, "job": JOB, "inputs": [data], "outputs": None}, NOW)
    assert [*event.inputs[0].facets] == ["schema", "statistics"]
    assert checked_event({"eventTime": AT, "dataset": {**JOB, "facets": None}}, NOW).dataset is not None


@pytest.mark.parametrize(
    ("event", "message", "member"),
    [
        ([], "The event is a list; send a JSON object.", "event"),
        ({"job": JOB}, "`eventTime` is absent; write an instant such as 2026-11-24T09:30:00Z.", "eventTime"),
        (
            {"eventTime": "2030-01-01T00:00:00Z", "job": JOB},
            "more than a day in the future; check the clock",
            "eventTime",
        ),
        (
            {"eventTime": "2026-" + "x" * 1_000_000, "job": JOB},
            f"`eventTime` is '2026-{'x' * 74}; write an instant",
            "eventTime",
        ),
        ({"eventTime": {"x": ["x"] * 9}, "job": JOB}, "`eventTime` is an object; write an instant", "eventTime"),
        ({"eventTime": AT}, "this one is without these members. Send one of them.", "run"),
        ({"eventTime": AT, "run": RUN}, "this one is with `run`.", "run"),
        ({"eventTime": AT, "job": JOB, "dataset": JOB}, "this one is with `job` and `dataset`.", "run"),
        (
            {"eventTime": AT, "run": {"runId": 7}, "job": JOB},
            "`run.runId` is 7; send the UUID of the run.",
            "run.runId",
        ),
        ({"eventTime": AT, "run": {}, "job": JOB}, "`run.runId` is absent; send the UUID of the run.", "run.runId"),
        ({"eventTime": AT, "run": "r", "job": JOB}, "`run` is 'r'; send a JSON object.", "run"),
        (
            {"eventTime": AT, "job": {"namespace": " ", "name": "x"}},
            "`job.namespace` is ' '; send a text of 1 to",
            "job.namespace",
        ),
        ({"eventTime": AT, "job": JOB, "inputs": {}}, "`inputs` is an object; send a list of datasets.", "inputs"),
        (
            {"eventTime": AT, "job": JOB, "outputs": [JOB, {}]},
            "`outputs.1.namespace` is absent; send a text",
            "outputs.1.namespace",
        ),
        (
            {"eventTime": AT, "job": JOB, "inputs": [JOB] * 1001},
            "`inputs` has 1001 datasets; send at most 1000",
            "inputs",
        ),
        (
            {"eventTime": AT, "job": {**JOB, "facets": {str(number): {} for number in range(501)}}},
            "`facets` has 501 facets; send at most 500 of a run, a job or a dataset.",
            "facets",
        ),
        (
            {"eventTime": AT, "job": {**JOB, "facets": {"x" * 1025: {}}}},
            "`facets` has a facet whose name has 1025 characters; send at most 1024.",
            "facets",
        ),
    ],
)
def test_a_malformed_event_is_refused_with_advice(event: Any, message: str, member: str) -> None:
    """The message names the member, its value, and what to send; the path of the member is there without its value."""
    with pytest.raises(EventError) as refused:
        checked_event(event, NOW)
    assert message in refused.value.message
    assert refused.value.member == member
