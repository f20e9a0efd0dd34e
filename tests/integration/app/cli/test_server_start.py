"""A server that cannot start: one line that says what to do, and no traceback."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest
from support.servers.server_process import free_port


@pytest.mark.parametrize("command", ["serve", "dev"])
async def test_an_unreachable_store_is_one_line(tmp_path: Path, command: str) -> None:
    """The line names the store and the setting, and the exit code is 1."""
    port = str(free_port())
    env = {"MLG_DATA_DIR": str(tmp_path), "MLG_PORT": port, "MLG_STORE_URL": f"http://127.0.0.1:{free_port()}/gremlin"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", command), stdout=PIPE, stderr=STDOUT, env=os.environ | env
    )
    output, _ = await process.communicate()
    assert output.decode().splitlines() == [
        f"mlg: The store at {env['MLG_STORE_URL']} cannot be reached; start JanusGraph there, or correct MLG_STORE_URL."
    ]
    assert process.returncode == 1
