"""`mlg ingest` and `mlg import openlineage` against a server: events are reported, and dead ones are replayed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.servers.in_process import Api, api
from support.servers.websocket_client import serving
from support.stores.writers import person
from typer.testing import CliRunner

from app.cli.command_line import commands
from app.graph.records.clock import epoch_milliseconds
from app.graph.writing.writer import PolicedWriter
from graphql_schema.catalog.thin_event_rules import MAX_ATTEMPTS, MAX_PAUSE_MS
from graphql_schema.ports.events.event_commands import FinishThinEventCommand, TakeThinEventCommand

__all__ = ["api"]


@pytest.fixture(scope="module")
async def url(api: Api) -> AsyncIterator[str]:
    """Return the address of a server of the API."""
    async with serving(api.app) as address:
        yield f"http://{address.removesuffix('/graphql')}"


async def run(api: Api, url: str, *words: str) -> Any:
    """Run a command with the token of the pipelines of team ranking."""
    given = [*words, "--url", url, "--token", api.tokens["ci-ranking"]]
    return await asyncio.to_thread(CliRunner(env={"COLUMNS": "160"}).invoke, commands, given)


def event(run_id: str, kind: str, **more: Any) -> bytes:
    """Return a line with an event."""
    job = {"namespace": "jobs", "name": "nightly"}
    return orjson.dumps(
        {"eventTime": "2026-11-24T09:00:00Z", "eventType": kind, "run": {"runId": run_id}, "job": job, **more}
    )


async def test_a_file_is_sent_and_reported(api: Api, url: str, tmp_path: Path) -> None:
    """Good lines are written and counted, the bad one is a failure, and the report has an alarm for missing edges."""
    team, table = "mlg://team/catalog/default/ads", "mlg://dataset/pg/db/theirs"
    await api.load({"team": {"name": "ads"}}, {"dataset": {"id": table, "owners": [{"owner": team}]}})
    theirs = [{"namespace": "pg://db", "name": "theirs"}]
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join([event("a", "COMPLETE"), b"{}", event("b", "COMPLETE", outputs=theirs)]))
    sent = await run(api, url, "import", "openlineage", str(file), "--json")
    assert sent.exit_code == 1
    assert orjson.loads(sent.stdout.splitlines()[-1]) == {
        "created": 2, "updated": 0, "unchanged": 0, "failed": 1, "skipped": 0
    }  # fmt: skip
    assert f"{file}:2: INVALID: `eventTime` is absent" in sent.stderr
    found = await run(api, url, "ingest", "report", "--json", "--check")
    assert found.exit_code == 1
    (report,) = orjson.loads(found.stdout)
    assert (report["source"], report["events"], report["withoutEdges"]) == ("jobs", 2, 1)
    assert report["alarms"] == ["1 events made no edge to the inputs and outputs that they name"]
    shown = await run(api, url, "ingest", "report")
    assert (shown.exit_code, "jobs" in shown.stdout) == (0, True)


async def test_a_source_is_no_markup(api: Api, url: str, tmp_path: Path) -> None:
    """A sender chooses the name of the source: a closing tag does not end the report, and no escape is printed."""
    file = tmp_path / "events.jsonl"
    file.write_bytes(event("c", "COMPLETE", job={"namespace": "[/]\x1b", "name": "j"}))
    assert (await run(api, url, "import", "openlineage", str(file))).exit_code == 0
    shown = await run(api, url, "ingest", "report")
    assert shown.exit_code == 0
    assert "[/]\\x1b" in shown.stdout
    assert "\x1b" not in shown.stdout


async def test_dead_events_are_listed_and_replayed(api: Api, url: str) -> None:
    """An event whose attempts all failed is listed with its reason until it is replayed, by its id or its source."""
    team = "mlg://team/catalog/default/ranking"
    source = {"id": "mlg://workflow/ingest/default/prod", "workflowKind": "mlflow", "owners": [{"owner": team}]}
    await api.load({"team": {"name": "ranking"}}, {"workflow": source})
    headers = {"Authorization": f"Bearer {api.tokens['ci-ranking']}"}
    event = {"source": "prod", "type": "run", "id": "[/]\x1b"}
    urn = (await api.http.post("/ingest/events", json=event, headers=headers)).json()["id"]
    for former, words in enumerate((("prod",), (urn,))):
        await _die(api, urn, after=former * MAX_ATTEMPTS)
        listed = await run(api, url, "ingest", "dead", "--source", "prod", "--json")
        (dead,) = orjson.loads(listed.stdout.splitlines()[-1])
        assert {name: dead[name] for name in ("id", "objectId", "reason")} == {
            "id": urn, "objectId": "[/]\x1b", "reason": "NOT_FOUND"
        }  # fmt: skip
        shown = await run(api, url, "ingest", "dead")
        assert (shown.exit_code, "\\x1b" in shown.stdout, "\x1b" in shown.stdout) == (0, True, False)
        option = ["--source", *words] if words == ("prod",) else [*words]
        replayed = await run(api, url, "ingest", "replay", *option)
        assert (replayed.exit_code, replayed.stdout.splitlines()[-1]) == (0, "1 replayed")
        assert (await run(api, url, "ingest", "dead", "--json")).stdout.splitlines()[-1] == "[]"


async def _die(api: Api, urn: str, *, after: int) -> None:
    """Let the last attempt of an event fail, which had some attempts before."""
    writer = PolicedWriter(
        api.client,
        api.coordinator,
        api.process.policy.access(person("root", roles="admin")),
        clock=lambda: clock[0],
    )
    clock = [epoch_milliseconds()]
    for attempt in range(after + 1, after + MAX_ATTEMPTS + 1):
        failing = FinishThinEventCommand(urn, attempt, "NOT_FOUND")
        outcomes = await writer.write([TakeThinEventCommand(urn), failing], dry_run=False, atomic=False)
        assert not [each.errors for each in outcomes if each.errors]
        clock[0] += MAX_PAUSE_MS


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "prod"), "Write NAME=KIND:ADDRESS; the kinds are dbt, feast, mlflow."),
        (("run", "prod=excel:file"), "Write NAME=KIND:ADDRESS; the kinds are dbt, feast, mlflow."),
        (("run", "prod=dbt:"), "Write NAME=KIND:ADDRESS; the kinds are dbt, feast, mlflow."),
        (("run", "=mlflow:sqlite:///x.db"), "Write NAME=KIND:ADDRESS; the kinds are dbt, feast, mlflow."),
        (("replay",), "Give either ids of events, or --source NAME"),
        (("replay", "id", "--source", "prod"), "Give either ids of events, or --source NAME"),
    ],
)
async def test_wrong_arguments_of_thin_events_are_refused(
    api: Api, url: str, words: tuple[str, ...], message: str
) -> None:
    """Nothing is read or replayed, and the exit code is that of a misuse."""
    result = await run(api, url, "ingest", *words)
    assert (result.exit_code, message in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("mlflow:sqlite:///none.db", "There is no file"),
        ("dbt:none", "has no manifest.json"),
        ("feast:none.json", "No such file"),
    ],
)
async def test_a_worker_needs_a_source(api: Api, url: str, address: str, message: str) -> None:
    """A source that is absent is a failure with its reason."""
    result = await run(api, url, "ingest", "run", f"prod={address}", "--once")
    assert (result.exit_code, message in result.stderr) == (1, True)
