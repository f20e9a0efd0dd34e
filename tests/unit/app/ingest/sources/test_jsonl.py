"""`mlg import jsonl`: lines read, requests sent, responses reported, and the exit code."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.servers.contract_server import ContractServer
from typer.testing import CliRunner

from app.cli.command_line import commands
from app.ingest.load.api_client import ApiClient, Retry
from app.ingest.load.batches import ImportItem, ItemResult, register

FAST = Retry(tries=4, first_pause=0.001, max_pause=0.002)


def dataset(number: int) -> dict[str, Any]:
    """One small item."""
    return {"dataset": {"source": "test", "name": f"table-{number}"}}


async def send(server: ContractServer, items: Iterator[ImportItem], batch: int = 250) -> list[ItemResult]:
    """Register the items and collect what was answered."""
    async with ApiClient(server.url, "t0ken", FAST) as client:
        return [result async for results in register(client, items, batch) for result in results]


def lines(tmp_path: Path, *values: object) -> Path:
    """Write a file of JSON lines."""
    file = tmp_path / "assets.jsonl"
    file.write_text("".join(value if isinstance(value, str) else json.dumps(value) + "\n" for value in values))
    return file


def test_every_line_becomes_an_item_of_the_contract(server: ContractServer, tmp_path: Path) -> None:
    """Assets and links arrive as written, the summary is the last line of stdout, a second load changes nothing."""
    link = {"link": {"relation": "DERIVES", "from": "mlg://dataset/t/default/a", "to": "mlg://dataset/t/default/b"}}
    command = ["import", "jsonl", str(lines(tmp_path, dataset(1), link)), "--url", server.url, "--token", "t", "--json"]
    first, second = (CliRunner().invoke(commands, command) for _ in range(2))
    assert first.exit_code == second.exit_code == 0
    assert json.loads(first.stdout.splitlines()[-1]) == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "failed": 0,
        "skipped": 0,
    }
    assert json.loads(second.stdout.splitlines()[-1])["unchanged"] == 2
    assert [next(iter(item)) for item in server.items] == ["dataset", "link"]
    assert server.tokens == {"Bearer t"}


LARGE = '{"dataset": {"name": "large", "rowCount": 1e999}}\n'


def test_lines_that_are_no_items_are_named_and_counted(server: ContractServer, tmp_path: Path) -> None:
    """A bad line is reported with its file and number, the good ones are loaded, and the exit code is not 0."""
    file = lines(tmp_path, dataset(1), "{oops\n", "\n", '{"dataset": {}, "link": {}}\n', dataset(2), LARGE)
    result = CliRunner().invoke(commands, ["import", "jsonl", str(file), "--url", server.url, "--token", "t", "--json"])
    assert result.exit_code == 1
    assert json.loads(result.stdout.splitlines()[-1]) == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "failed": 3,
        "skipped": 0,
    }
    assert f"{file}:2: INVALID: not JSON" in result.stderr
    assert f"{file}:6: INVALID: not JSON: number is infinity" in result.stderr
    assert f"{file}:4: INVALID: not an item" in result.stderr


def test_standard_input_and_the_token_of_the_environment(server: ContractServer) -> None:
    """`-` reads standard input and MLG_TOKEN is the token, in a process of its own; stdout holds the summary only."""
    result = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "app", "import", "jsonl", "-", "--url", server.url, "--json"],
        input=json.dumps(dataset(7)).encode(),
        env={"MLG_TOKEN": "from-env"},
        capture_output=True,
        check=True,
    )
    assert json.loads(result.stdout)["created"] == 1
    assert server.tokens == {"Bearer from-env"}


def test_an_item_that_the_api_turns_down_is_explained(server: ContractServer, tmp_path: Path) -> None:
    """A per-item outcome comes out with its line, code, message and input path, and fails the command."""
    server.outcomes["table-2"] = {
        "outcome": "DENIED",
        "errors": [{"code": "DENIED", "message": "not yours", "inputPath": ["items", "1", "dataset"]}],
    }
    file = lines(tmp_path, dataset(1), dataset(2))
    result = CliRunner().invoke(commands, ["import", "jsonl", str(file), "--url", server.url, "--token", "t"])
    assert result.exit_code == 1
    assert f"{file}:2: DENIED: DENIED: not yours (at items.1.dataset)" in result.stderr
    assert result.stdout == "1 created, 0 updated, 0 unchanged, 1 failed\n"
