"""Every code block of the pages is run: here against the demo estate, or by the test that the table names."""

import asyncio
import json
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.page_blocks import Block, page_blocks
from support.servers.in_process import Api
from support.servers.websocket_client import serving
from support.source_tree import ROOT, files

LANGUAGES = {"graphql", "json", "jsonl", "sh", "bash", "python"}
PAGES = [name for name in files() if name.endswith(".md") and not name.startswith("docs/recipes/")]
BLOCKS = [block for page in PAGES for block in page_blocks(page) if block.language in LANGUAGES]

MARK = "=== end of block"

RUN_BY = {
    ("README.md", "graphql"): "tests/journeys/test_readme.py",
    ("clients/python/README.md", "python"): "tests/contract/clients/test_python_client.py",
    ("clients/typescript/README.md", "json"): "tests/contract/clients/test_typescript_client.py",
    ("README.md", "json"): "tests/journeys/test_readme.py",
    ("README.md", "jsonl"): "tests/journeys/test_readme.py",
    ("docs/change-plans.md", "graphql"): "tests/journeys/test_changed_files.py",
    ("docs/changed-files.md", "sh"): "tests/journeys/test_changed_files.py",
    ("docs/dbt.md", "graphql"): "tests/journeys/test_dbt_import.py",
    ("docs/dbt.md", "sh"): "tests/journeys/test_dbt_import.py",
    ("docs/enrichment.md", "graphql"): "tests/journeys/test_demo.py",
    ("docs/enrichment.md", "json"): "tests/journeys/test_demo.py",
    ("docs/feast.md", "graphql"): "tests/journeys/test_feast_import.py",
    ("docs/feast.md", "sh"): "tests/journeys/test_feast_import.py",
    ("docs/http.md", "python"): "tests/journeys/test_change_subscription.py",
    ("docs/mlflow.md", "graphql"): "tests/journeys/test_mlflow_import.py",
    ("docs/mlflow.md", "sh"): "tests/journeys/test_mlflow_import.py",
    ("docs/openlineage.md", "graphql"): "tests/journeys/test_lineage_events.py",
    ("docs/openlineage.md", "python"): "tests/journeys/test_lineage_events.py",
    ("docs/operations.md", "sh"): "tests/journeys/test_operations_page.py",
    ("docs/ownership.md", "graphql"): "tests/journeys/test_ownership_page.py",
    ("docs/ownership.md", "json"): "tests/journeys/test_ownership_page.py",
    ("docs/reading.md", "graphql"): "tests/contract/clients/test_first_hour.py",
    ("docs/reading.md", "json"): "tests/contract/clients/test_first_hour.py",
    ("docs/reading.md", "sh"): "tests/contract/clients/test_first_hour.py",
    ("docs/thin-events.md", "graphql"): "tests/journeys/test_thin_events.py",
    ("docs/thin-events.md", "sh"): "tests/journeys/test_thin_events.py",
    ("docs/tutorial.md", "graphql"): "tests/journeys/test_pages.py",
    ("docs/tutorial.md", "json"): "tests/journeys/test_pages.py",
    ("docs/tutorial.md", "sh"): "tests/journeys/test_pages.py",
    ("docs/webhooks.md", "graphql"): "tests/journeys/test_webhooks_page.py",
    ("docs/webhooks.md", "python"): "tests/journeys/test_webhooks_page.py",
}
"""The tests that run all blocks of one language on one page, other than those below for a single block."""

NOT_RUN = {
    ("CONTRIBUTING.md", "make test-fast"): "runs all tests",
    ("README.md", "make dev"): "a server until Ctrl-C; tests/recovery starts it",
    (
        "docs/backup.md",
        "# stop the API",
    ): "stores of its own; tests/integration/app/cli runs it",
    ("docs/backup.md", "MLG_DATA_DIR=/var/lib/mlg mlg store restore"): "tests/integration/app/cli runs it",
    ("docs/backup.md", "mlg store backup"): "tests/integration/app/cli and tests/upgrade run it",
    ("docs/backup.md", "mlg store digest"): "tests/integration/app/cli runs it",
    ("docs/backup.md", "nodetool snapshot"): "Cassandra; tests/distributed/test_restored_store.py runs it",
    ("docs/backup.md", "cqlsh --file"): "Cassandra; tests/distributed/test_restored_store.py runs it",
    ("docs/backup.md", "mlg store repair"): "Cassandra; tests/distributed/test_restored_store.py runs it",
    ("docs/backup.md", "curl -fsS -X DELETE"): "Elasticsearch; tests/distributed/test_restored_store.py runs it",
    ("docs/explorer.md", "cd web"): "needs npm; tests/contract/browser/test_explorer_sources.py runs the commands",
    ("docs/metrics.md", "MLG_METRICS_PORT=9464 make dev"): "a server until Ctrl-C; tests/journeys/test_metrics.py",
    ("docs/policy.md", "policy = Policy.load("): "a part of a program, with the names of the text around it",
    ("docs/production.md", "openssl rand -hex 32 > mlg_secret"): "a distributed store in containers",
    ("docs/production.md", "MLG_STORE_URL="): "two servers of JanusGraph; tests/distributed runs the command",
    ("docs/request-flow.md", '{ asset(id: "mlg://model-version/…'): "ids are shortened, because only the code matters",
    ("docs/request-flow.md", "mutation { setOwners"): "ids are shortened, because only the code matters",
    ("docs/store.md", "async with EmbeddedStore"): "a part of a program, with the names of the text around it",
    ("docs/traces.md", "MLG_OTLP_ENDPOINT="): "a server until Ctrl-C; tests/journeys/test_traces.py has a collector",
    (
        "docs/webhooks.md",
        "MLG_WEBHOOK_HOSTS=",
    ): "a server until Ctrl-C; tests/journeys/test_webhooks_page.py has the setting",
    ("tests/README.md", "make test-fast"): "runs all tests",
}
"""Reasons of blocks that are not run, by page and begin of the block."""


def _reason(block: Block) -> str:
    """Return the reason that a block is not run, or empty."""
    found = (why for (page, begin), why in NOT_RUN.items() if block.page == page and block.text.startswith(begin))
    return next(found, "")


def _here(*languages: str) -> list[Any]:
    """Return the blocks that this file runs, as parameters."""
    chosen = (block for block in BLOCKS if block.language in languages)
    run = (block for block in chosen if (block.page, block.language) not in RUN_BY and not _reason(block))
    return [pytest.param(block, id=f"{block.page}:{block.line}") for block in run]


def _refusals(data: dict[str, Any]) -> list[Any]:
    """Return the errors in the payloads of mutations."""
    return [error for payload in data.values() if isinstance(payload, dict) for error in payload.get("errors", [])]


async def _printed(script: str, folder: Path, demo: Api) -> str:
    """Return what a script prints in a folder, with the commands and the keys of the API; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script),
        cwd=folder,
        env={
            "PATH": f"{folder / '.venv' / 'bin'}:{os.environ['PATH']}",
            "MLG_DATA_DIR": str(demo.process.settings.data_dir),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder like the repository for a shell: the commands, and the file that README.md imports."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    items = next(block for block in BLOCKS if (block.page, block.language) == ("README.md", "jsonl"))
    (tmp_path / "assets.jsonl").write_text(items.text)
    return tmp_path


def _tutorial_steps(blocks: list[Block]) -> str:
    """Return the script of the tutorial: files are saved, and a line with a mark is printed after each command."""
    steps = ["set -eu"]
    for block in blocks:
        if block.file:
            steps.append(f"cat > {block.file} <<'FILE'\n{block.text}FILE")
        elif block.language == "sh" and block.text != "make dev\n":
            steps.append(f"{block.text}printf '\\n{MARK}\\n'")
    return "\n".join(steps)


async def test_the_tutorial_prints_what_it_shows(demo: Api, folder: Path) -> None:
    """The commands of docs/tutorial.md, in one shell, print the blocks below them; JSON may have another layout."""
    blocks = page_blocks("docs/tutorial.md")
    async with serving(demo.app) as address:
        server = address.removesuffix("/graphql")
        script = _tutorial_steps(blocks).replace("127.0.0.1:8000", server)
        printed = await _printed(script.replace("mlg query", f"mlg query --url http://{server}"), folder, demo)
    commands = [block for block in blocks if block.language == "sh" and block.text != "make dev\n"]
    outputs = dict(zip((block.line for block in commands), printed.split(f"\n{MARK}\n"), strict=False))
    shown = [(block, output) for block, output in pairwise(blocks) if block.language == "sh" and not output.file]
    compared = [(block, output) for block, output in shown if output.language in {"json", "text"}]
    for block, output in compared:
        if output.language == "json":
            assert json.loads(outputs[block.line]) == json.loads(output.text), block.text
        else:
            assert outputs[block.line].split() == output.text.split(), block.text
    assert len(compared) >= 8


@pytest.mark.parametrize("block", _here("graphql"))
async def test_an_operation_of_a_page_succeeds(demo: Api, block: Block) -> None:
    """Each GraphQL block is one operation with a value and no error, for ada or the caller in its first line."""
    data = await demo.ask(block.caller, block.text)
    assert None not in data.values()
    assert _refusals(data) == []


@pytest.mark.parametrize("block", _here("json"))
def test_json_of_a_page_is_valid(block: Block) -> None:
    """Each JSON block can be parsed."""
    assert json.loads(block.text)


@pytest.mark.parametrize("block", _here("jsonl"))
async def test_items_of_a_page_can_be_registered(demo: Api, block: Block) -> None:
    """Ada registers the items of each block without an error."""
    payload = await demo.register("ada", *map(json.loads, block.text.splitlines()))
    assert [result["errors"] for result in payload["results"] if result["errors"]] == []


@pytest.mark.parametrize("block", _here("sh", "bash"))
async def test_commands_of_a_page_succeed(demo: Api, folder: Path, block: Block) -> None:
    """Each shell block ends with exit code 0 and prints no error of GraphQL."""
    async with serving(demo.app) as address:
        server = address.removesuffix("/graphql")
        text = block.text.replace("127.0.0.1:8000", server).replace(
            "import jsonl", f"import jsonl --url http://{server}"
        )
        assert '"message"' not in await _printed(f"set -eu\n{text}", folder, demo)


@pytest.mark.parametrize("block", _here("python"))
async def test_python_of_a_page_runs(demo: Api, block: Block) -> None:
    """Each Python block is a complete module; a test in it passes."""
    names: dict[str, Any] = {}
    exec(compile(block.text, block.page, "exec"), names)  # noqa: S102 - the text of our own page
    tests = [function for name, function in names.items() if name.startswith("test_")]
    assert tests
    for test in tests:
        await test(demo)


def test_every_reason_is_needed() -> None:
    """Each entry of the tables is for a block that exists, and names a test file that reads the page."""
    assert {(block.page, block.language) for block in BLOCKS} >= RUN_BY.keys()
    begins = {
        entry for entry in NOT_RUN for block in BLOCKS if entry[0] == block.page and block.text.startswith(entry[1])
    }
    assert begins == NOT_RUN.keys()
    assert [path for (page, _), path in RUN_BY.items() if page not in (ROOT / path).read_text()] == []
