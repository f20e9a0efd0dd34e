"""The asset that a malformed event is about: found wherever the event names it, and never guessed."""

from typing import Any

import pytest

from app.ingest.sources.openlineage.event_names import EventNames
from app.ingest.sources.openlineage.event_subject import EventSubject, subject_of
from app.ingest.sources.openlineage.lineage_event import MAX_NAME_LENGTH

JOB = {"namespace": "n", "name": "j"}
TABLE = {"namespace": "pg://db", "name": "t"}
RUN = EventSubject("mlg://run/openlineage/default/r", "n")


@pytest.mark.parametrize(
    ("event", "subject"),
    [
        ({"run": {"runId": "r"}, "job": JOB, "inputs": 5}, RUN),
        ({"job": JOB}, EventSubject("mlg://workflow/openlineage/n/j", "n")),
        ({"dataset": TABLE}, EventSubject("mlg://dataset/pg/db/t", "pg://db")),
        ({"run": {"runId": 5}, "job": JOB}, None),
        ({"run": {"runId": "r"}}, None),
        ({"run": "r", "job": JOB}, None),
        ({"run": {"runId": "r"}, "job": {"namespace": "n", "name": ""}}, None),
        ({"run": {"runId": "r"}, "job": {"namespace": "n", "name": "j" * MAX_NAME_LENGTH}}, RUN),
        ({"run": {"runId": "r"}, "job": {"namespace": "n", "name": "j" * (MAX_NAME_LENGTH + 1)}}, None),
        ({"run": {"runId": "r"}, "job": {"namespace": "n" * (MAX_NAME_LENGTH + 1), "name": "j"}}, None),
        ({"dataset": {"namespace": "n"}}, None),
        ({"dataset": {"namespace": "n" * 600, "name": "t"}}, None),
        ({}, None),
        ([], None),
        ("event", None),
    ],
)
def test_the_named_asset_is_found(event: Any, subject: EventSubject | None) -> None:
    """A run needs a job, as in a valid event; a name that is too long, or fits into no id, is none."""
    assert subject_of(event, EventNames()) == subject
