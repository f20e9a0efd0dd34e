"""Facets of runs: each becomes the values that the table promises."""

from typing import Any

from support.documents.lineage_events import mapped

from graphql_schema.ports.commands import ObserveCommand


def values(**facets: Any) -> dict[str, Any]:
    """Return the values of the run by field or part, without its state and instants."""
    command = mapped(run=facets).commands[2]
    assert isinstance(command, ObserveCommand)
    found = {each.part or each.field: each.value for each in command.values}
    return {key: value for key, value in found.items() if key not in {"state", "startedAt", "endedAt"}}


def test_facets_of_a_run_become_values() -> None:
    """Error, engine, interval, query, parameters and unread tasks, each at its place."""
    found = values(
        nominalTime={"nominalStartTime": "2026-11-24T00:00:00Z"},
        errorMessage={"message": "Out of memory.", "programmingLanguage": "JAVA", "stackTrace": "at x"},
        processing_engine={"name": "Spark", "version": "3.5.1"},
        externalQuery={"externalQueryId": "q7", "source": "bigquery"},
        environmentVariables={"environmentVariables": [{"name": "STAGE", "value": "prod"}, {"value": "x"}]},
        extractionError={"failedTasks": 1, "totalTasks": 4},
    )
    assert {key: each["value"] if isinstance(each, dict) else each for key, each in found.items()} == {
        "error": "Out of memory.",
        "STAGE": "prod",
        "openlineage.nominalStart": "2026-11-24T00:00:00Z",
        "openlineage.programmingLanguage": "JAVA",
        "openlineage.engine": "spark 3.5.1",
        "openlineage.externalQuery": "bigquery q7",
        "openlineage.extractionErrors": "1 of 4 tasks",
    }


def test_the_parts_that_are_left_out_have_a_reason() -> None:
    """A stack trace, variables without a name or with a long one, and facets without what they need."""
    facets = {
        "errorMessage": {"message": "x", "stackTrace": "y"},
        "environmentVariables": {"environmentVariables": [{"value": "x"}, {"name": "N" * 501, "value": "x"}]},
        "extractionError": {},
        "nominalTime": {"nominalEndTime": 1},
    }
    assert [each.facet for each in mapped(run=facets).ignored] == [
        "run.errorMessage.stackTrace",
        "run.environmentVariables.environmentVariables.0",
        "run.environmentVariables.environmentVariables.1",
        "run.extractionError",
        "run.nominalTime",
    ]
    (ignored,) = mapped(run={"errorMessage": {}}).ignored
    assert (ignored.facet, ignored.reason) == ("run.errorMessage", "`message` is absent")
