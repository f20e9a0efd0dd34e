"""The keys of the issuer change or are unavailable under a load: callers with good tokens are served, others are not.

A real `mlg serve` in production over its embedded store, and an issuer that it reaches over HTTP.
"""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from joserfc.jwk import ECKey
from recovery.fault_load import loaded, result_of
from support.servers.issuer import AUDIENCE, Clock, LiveIssuer
from support.servers.server_process import Serving
from support.servers.websocket_client import serving as served
from support.waiting import until

pytestmark = pytest.mark.long

REFUSED, NO_KEYS = "401 UNAUTHENTICATED", "503 KEYS_UNAVAILABLE"
FIRST, SECOND, THIRD, NEVER = (
    ECKey.generate_key("P-256", {"kid": kid, "use": "sig"}) for kid in ("first", "second", "third", "never")
)


@dataclass
class Setup:
    """The server, its issuer, and the key that tokens are signed with from now on."""

    serving: Serving
    issuer: LiveIssuer
    key: ECKey = field(default_factory=lambda: FIRST)

    def mint(self, key: ECKey, **changes: object) -> dict[str, str]:
        """Return the headers of an administrator with a token of a key."""
        self.issuer.clock.epoch = time.time()
        token = self.issuer.mint(key, None, sub="root", roles=["admin"], **changes)
        return {"Authorization": f"Bearer {token}"}

    def headers(self) -> dict[str, str]:
        """Return the headers of a client that gets a new token for each request."""
        return self.mint(self.key)

    async def result(self, headers: dict[str, str]) -> str:
        """Return the result of a query."""
        async with httpx2.AsyncClient(base_url=self.serving.url, trust_env=False, timeout=60) as http:
            return result_of(await http.post("/graphql", json={"query": "{ __typename }"}, headers=headers))

    async def becomes(self, result: str, headers: dict[str, str]) -> None:
        """Wait until a query with these headers has a result."""

        async def reached() -> bool:
            return await self.result(headers) == result

        await until(reached)


@pytest.fixture
async def setup(tmp_path: Path) -> AsyncIterator[Setup]:
    """Run an issuer, and a server in production that trusts it."""
    issuer = LiveIssuer(Clock(), keys=[FIRST])
    async with served(issuer.app()) as address:
        issuer.url = f"http://{address.partition('/')[0]}"
        environment = {
            "MLG_ENV": "production",
            "MLG_ALLOW_EMBEDDED_STORE": "1",
            "MLG_SECRET": "x" * 32,
            "MLG_PUBLIC_URL": AUDIENCE,
            "MLG_ISSUERS": json.dumps([{"issuer": issuer.url, "audience": AUDIENCE}]),
        }
        serving = Serving(tmp_path / "data", environment)
        await serving.start()
        try:
            yield Setup(serving, issuer)
        finally:
            await serving.stop()


async def test_a_key_that_is_rotated_under_a_load(setup: Setup) -> None:
    """Tokens of a new key are accepted without a restart, and those of a withdrawn key are not any more.

    Until the server fetches the keys again, at most every 10 s, a token of the new key is a 401.
    """
    issuer = setup.issuer
    async with loaded(setup.serving, "rotated", setup.headers) as load:
        issuer.keys = [FIRST, SECOND]
        setup.key = SECOND
        await load.confirm(10)
        assert await setup.result(setup.mint(FIRST)) == "OK"
        issuer.keys = [SECOND]
        old, unknown = setup.mint(FIRST), setup.mint(NEVER)

        async def withdrawn() -> bool:
            assert await setup.result(unknown) == REFUSED  # an unknown key is a cause to fetch the keys
            return await setup.result(old) == REFUSED

        await until(withdrawn)
        assert await setup.result(setup.mint(SECOND, exp=int(time.time()) - 31)) == REFUSED
    assert set(load.writes) | set(load.reads) <= {"OK", REFUSED}


async def test_an_issuer_that_is_down_under_a_load(setup: Setup) -> None:
    """While the issuer is down, known keys go on, and an unknown one is a 503 that a client repeats, never a 401."""
    issuer = setup.issuer
    async with loaded(setup.serving, "down", setup.headers) as load:
        issuer.down = True
        await setup.becomes(NO_KEYS, setup.mint(THIRD))
        await load.confirm(30)
        assert set(load.writes) | set(load.reads) == {"OK"}
        issuer.keys, issuer.down, setup.key = [THIRD], False, THIRD
        await load.confirm(10)
    assert set(load.writes) | set(load.reads) <= {"OK", NO_KEYS, REFUSED}
