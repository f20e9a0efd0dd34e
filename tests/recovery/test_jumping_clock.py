"""The clock of the machine jumps under a load, for the API and for its JVM: nothing is lost, and the order remains.

The jump is real for both processes: a library that is loaded before libc adds seconds to the time of day.
"""

import shutil
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time
from typing import Any

import httpx2
import pytest
from recovery.fault_load import loaded
from support.servers.server_process import Serving
from support.stores.janusgraph import store_settings

from app.auth.dev_issuer import DevIssuer
from app.auth.personas import persona

pytestmark = pytest.mark.long

HOUR, DAY = 3_600, 86_400
UNAUTHENTICATED = "401 UNAUTHENTICATED"
CHANGES = """query ($after: Cursor) { changes(first: 100, after: $after) {
  totalCount nodes { subjectId at } pageInfo { hasNextPage endCursor } } }"""


@dataclass
class JumpingServer:
    """A server whose time of day is that of the machine and ``ahead`` seconds."""

    serving: Serving
    file: Path
    ahead: int = 0

    def jump(self, ahead: int) -> None:
        """Set the clock."""
        self.ahead = ahead
        with self.file.open("r+b") as file:
            file.write(ahead.to_bytes(8, "little", signed=True))

    def headers(self) -> dict[str, str]:
        """Return those of root, with a token of an issuer that has the same clock."""
        issuer = DevIssuer(store_settings(self.serving.folder, MLG_PORT=str(self.serving.port)))
        return {"Authorization": f"Bearer {issuer.mint(persona('root'), now=time() + self.ahead)}"}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile the library of the clock."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("the clock needs a C compiler, `cc`")
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    source = Path(__file__).with_name("jumping_clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source], check=True)  # noqa: S603 - our file
    return library


@pytest.fixture
async def server(library: Path, tmp_path: Path) -> AsyncIterator[JumpingServer]:
    """Run the server with a clock that the test sets."""
    file = tmp_path / "ahead"
    file.write_bytes(bytes(8))
    serving = Serving(tmp_path / "data", {"LD_PRELOAD": str(library), "JUMPING_CLOCK": str(file)})
    await serving.start()
    try:
        yield JumpingServer(serving, file)
    finally:
        await serving.stop()


async def changes(server: JumpingServer) -> list[dict[str, Any]]:
    """Return all changes that the API lists, the newest first."""
    found: list[dict[str, Any]] = []
    page: dict[str, Any] = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
    async with httpx2.AsyncClient(base_url=server.serving.url, timeout=60, trust_env=False) as http:
        while page["pageInfo"]["hasNextPage"]:
            body = {"query": CHANGES, "variables": {"after": page["pageInfo"]["endCursor"]}}
            page = (await http.post("/graphql", json=body, headers=server.headers())).json()["data"]["changes"]
            found += page["nodes"]
    assert len(found) == page["totalCount"]
    return found


@pytest.mark.parametrize("jump", [2 * HOUR, -2 * HOUR, 400 * DAY], ids=["ahead", "back", "far ahead"])
async def test_a_clock_that_jumps_and_returns(server: JumpingServer, jump: int) -> None:
    """A client gets data, or a 401 for a token of another time; each change is listed once, dated by the clock."""
    serving = server.serving
    async with loaded(serving, "clock", server.headers) as load:
        server.jump(jump)
        (jvm,) = await serving.graph.run("System.currentTimeMillis()")
        assert abs(float(str(jvm)) / 1000 - time() - jump) < 600
        await load.confirm(30)
        moved = len(load.confirmed)
        server.jump(0)
        await load.confirm(30)
    assert set(load.writes) | set(load.reads) <= {"OK", UNAUTHENTICATED}
    listed = await changes(server)
    assert sorted(each["subjectId"] for each in listed) == sorted(load.confirmed)
    dates = [datetime.fromisoformat(each["at"]) for each in listed]
    there = datetime.now(UTC) + timedelta(seconds=jump)  # the first writes after the jump were dated before it
    assert 20 <= sum(abs(date - there) < timedelta(minutes=10) for date in dates) <= moved
