"""Facets of jobs and runs: each becomes the values that the table promises."""

from typing import Any

from support.documents.lineage_events import mapped

from graphql_schema.ports.commands import ObserveCommand


def values(command: Any) -> dict[str, Any]:
    """Return the values of a command by field, and its properties by key."""
    assert isinstance(command, ObserveCommand)
    pairs = {each.part: each.value["value"] for each in command.values if each.part}
    return {**{each.field: each.value for each in command.values if not each.part}, **pairs}


def test_facets_of_a_job_become_values_of_the_workflow() -> None:
    """Description, kind, code and query; the version of the code is that of the run."""
    location = {"url": "https://git/x", "path": "jobs/daily.py", "version": "abc", "branch": "main"}
    found = mapped(
        job={
            "documentation": {"description": "Builds the day."},
            "jobType": {"integration": "DBT", "jobType": "MODEL", "processingType": "BATCH"},
            "sourceCodeLocation": location,
            "sourceCode": {"language": "sql", "sourceCode": "select 1"},
            "sql": {"query": "select 2", "dialect": "postgres"},
        }
    )
    assert values(found.commands[1]) == {
        "description": "Builds the day.",
        "workflowKind": "dbt",
        "codeRef": "https://git/x#jobs/daily.py",
        "openlineage.jobType": "MODEL",
        "openlineage.processingType": "BATCH",
        "openlineage.code.branch": "main",
        "openlineage.code.version": "abc",
        "openlineage.code.language": "sql",
        "openlineage.code.text": "select 1",
        "openlineage.sql": "select 2",
        "openlineage.sql.dialect": "postgres",
    }
    assert values(found.commands[2])["codeVersion"] == "abc"
    alone = mapped(job={"sourceCodeLocation": {"path": "x.py"}, "jobType": {}})
    assert values(alone.commands[1]) == {"codeRef": "x.py"}


def test_the_address_of_the_code_has_no_credentials() -> None:
    """A sender may clone with a token in the address, and each reader of the workflow sees its code reference."""
    for key in ("url", "repoUrl"):
        found = mapped(job={"sourceCodeLocation": {key: "https://u:secret@git/x?token=secret", "path": "a.py"}})
        assert values(found.commands[1]) == {"codeRef": "https://git/x#a.py"}
    alone = mapped(job={"sourceCodeLocation": {"path": "https://u:secret@git/a.py"}})
    assert values(alone.commands[1]) == {"codeRef": "https://git/a.py"}
    assert values(mapped(job={"sourceCodeLocation": {"type": "git"}}).commands[1]) == {}
