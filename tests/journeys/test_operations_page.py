"""Every command of docs/operations.md is run against a server that has an incident behind it."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.page_blocks import Block, page_blocks
from support.servers.server_process import Serving, free_port

BLOCKS = [block for block in page_blocks("docs/operations.md") if block.language == "sh"]
NAMES, COMMANDS = BLOCKS[0], BLOCKS[1:]
"""The block that names the server, and those that use the names."""


@pytest.fixture(scope="module")
async def environment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, str]]:
    """Run a server with metrics; return the variables of the page for it."""
    port, folder = free_port(), tmp_path_factory.mktemp("served") / "data"
    server = Serving(folder, {"MLG_METRICS_PORT": str(port)})
    await server.start()
    (folder / "access.jsonl").touch()
    yield {
        "API": server.url,
        "METRICS": f"http://127.0.0.1:{port}",
        "LOG": str(server.output),
        "ACCESS_LOG": str(folder / "access.jsonl"),
        "MLG_DATA_DIR": str(folder),
    }
    await server.stop()


def test_the_first_block_names_the_server() -> None:
    """The variables of the page are those that its commands use, and each is explained."""
    named = re.findall(r"(?m)^export (\w+)=\S+ +# \S", NAMES.text)
    used = {name for block in COMMANDS for name in re.findall(r"\$(\w+)", block.text)}
    assert used == {*named}


@pytest.mark.parametrize("block", COMMANDS, ids=[f"line {block.line}" for block in COMMANDS])
async def test_the_commands_of_a_section_work(environment: dict[str, str], tmp_path: Path, block: Block) -> None:
    """Each block ends with exit code 0, and none of its commands reports an error of its own."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-uc", f"set -e\n{block.text}"),
        cwd=tmp_path,
        env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, errors = await process.communicate()
    assert (process.returncode, errors.decode()) == (0, ""), printed.decode()
    assert printed or "grep" in block.text


def test_the_log_is_what_the_commands_read(environment: dict[str, str]) -> None:
    """Each line of the server is a JSON object with a time, a level and an event."""
    lines = [json.loads(line) for line in Path(environment["LOG"]).read_bytes().splitlines()]
    assert lines
    assert [line for line in lines if not {"time", "level", "event"} <= line.keys()] == []
