"""`mlg ingest report` and `mlg import openlineage` against a server: files go in, and their report comes out."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.servers.in_process import Api, api
from support.servers.websocket_client import serving
from typer.testing import CliRunner

from app.cli.command_line import commands

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
