"""The ports of a running server: each is known, and refuses a client without the right to use it.

A real `mlg serve` with its JVM and the port of the metrics. The ports are those that its processes listen on, read from
the kernel, so that a port which is opened by an oversight fails the test.
"""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import replace
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.servers.in_process import REGISTER
from support.servers.server_process import Serving, free_port
from support.stores.janusgraph import store_settings

from app.auth.dev_issuer import LIFETIME_SECONDS, DevIssuer
from app.auth.personas import persona
from app.http.without_token import WITHOUT_TOKEN, OpenKind

LISTENING = "0A"
"""The state of a socket that listens, in `/proc/net/tcp`."""

QUERY = {"query": "{ assets(first: 5) { nodes { id } } }"}
RESTRICTED = {"id": "mlg://model/ports/default/hidden", "visibility": "TEAM"}


@pytest.fixture(scope="module")
async def serving(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Serving]:
    """Run the server with the port of the metrics."""
    serving = Serving(tmp_path_factory.mktemp("ports"), {"MLG_METRICS_PORT": str(free_port())})
    await serving.start()
    try:
        yield serving
    finally:
        await serving.stop()


def issuer(serving: Serving, **settings: str) -> DevIssuer:
    """Return the issuer that the server trusts, or one with other settings and the same key."""
    return DevIssuer(store_settings(serving.folder, MLG_PORT=str(serving.port), **settings))


def bad_tokens(serving: Serving, folder: Path) -> dict[str, str]:
    """Return tokens without the right to any request, the first of them empty."""
    root, own = persona("root"), issuer(serving)
    stranger = DevIssuer(store_settings(folder, MLG_PORT=str(serving.port)))
    return {
        "none": "",
        "of a stranger's key": stranger.mint(root),
        "expired": own.mint(root, now=time.time() - 2 * LIFETIME_SECONDS),
        "for another audience": issuer(serving, MLG_AUDIENCE="other").mint(root),
        "without a scope": own.mint(replace(root, scopes=())),
    }


async def status(url: str, token: str, body: Any = None) -> int:
    """Return the status of a GET, or of a POST with a body."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(trust_env=False, headers=headers) as http:
        response = await (http.get(url) if body is None else http.post(url, json=body))
    return response.status_code


def descendants(pid: int) -> Iterator[int]:
    """Yield a process and all processes below it."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from descendants(int(child))


def listening(pid: int) -> Iterator[tuple[int, bool]]:
    """Yield each port that a process listens on, and whether only this machine reaches it."""
    links = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            links.append(str(descriptor.readlink()))
    inodes = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:[")}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == LISTENING and inode in inodes:
                address, port = local.split(":")
                # The kernel writes an address as words of 32 bits in the byte order of the machine.
                words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
                found = ip_address(b"".join(words))
                mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
                yield int(port, 16), (mapped or found).is_loopback


async def test_every_port_of_the_processes_is_known_and_local(serving: Serving) -> None:
    """The server and its children listen on the API, the metrics and the store, all on this machine only."""
    found = {each for pid in descendants(serving.pid) for each in listening(pid)}
    metrics = int(serving.environment["MLG_METRICS_PORT"])
    assert found == {(serving.port, True), (serving.store_port, True), (metrics, True)}


async def test_the_port_of_the_api_refuses_bad_tokens(serving: Serving, tmp_path: Path) -> None:
    """A query, a mutation and an unknown path are refused over the network for each bad token."""
    for name, token in bad_tokens(serving, tmp_path).items():
        expected = 403 if name == "without a scope" else 401
        for path, body in (("/graphql", QUERY), ("/graphql", {"query": REGISTER}), ("/metrics", None), ("/x", None)):
            assert await status(serving.url + path, token, body) == expected, (name, path)


async def test_a_token_without_roles_and_teams_gets_what_everyone_gets(serving: Serving) -> None:
    """A caller without roles and teams finds what is open to the organisation, and changes nothing."""
    own, root = issuer(serving), persona("root")
    weak = own.mint(replace(root, name="weak", roles=(), groups=()))
    open_one = {"id": "mlg://model/ports/default/open"}
    async with httpx2.AsyncClient(base_url=serving.url, trust_env=False, timeout=60) as http:

        async def send(token: str, query: str, **variables: Any) -> Any:
            headers = {"Authorization": f"Bearer {token}"}
            body = {"query": query, "variables": variables}
            return (await http.post("/graphql", json=body, headers=headers)).json()

        items = [{"model": RESTRICTED}, {"model": open_one}]
        stored = await send(own.mint(root), REGISTER, input={"items": items})
        assert [each["outcome"] for each in stored["data"]["registerAssets"]["results"]] == ["CREATED", "CREATED"]
        assert (await send(weak, QUERY["query"]))["data"] == {"assets": {"nodes": [open_one]}}
        changes = [{"model": {**each, "task": "x"}} for each in (RESTRICTED, open_one)]
        refused = await send(weak, REGISTER, input={"items": changes})
        assert [each["outcome"] for each in refused["data"]["registerAssets"]["results"]] == ["DENIED", "DENIED"]


async def test_the_port_of_the_store_refuses_the_tokens_of_the_api(serving: Serving, tmp_path: Path) -> None:
    """The port of the embedded store runs no Groovy for any token, because it accepts only the secret of its start."""
    tokens = bad_tokens(serving, tmp_path) | {"good": issuer(serving).mint(persona("root"))}
    url = f"http://127.0.0.1:{serving.store_port}/gremlin"
    assert {await status(url, token, {"gremlin": "1"}) for token in tokens.values()} == {401}


async def test_the_port_of_the_metrics_is_declared_open_and_serves_numbers_only(serving: Serving) -> None:
    """Each path of the port returns metrics without a token or an id, and no other method changes anything."""
    assert "MLG_METRICS_PORT" in {each.name for each in WITHOUT_TOKEN if each.kind is OpenKind.PORT}
    url = f"http://127.0.0.1:{serving.environment['MLG_METRICS_PORT']}"
    async with httpx2.AsyncClient(trust_env=False) as http:
        text = (await http.get(f"{url}/metrics")).text
        assert (await http.post(f"{url}/metrics", content=b"x")).status_code == 405
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines
    assert all(line.startswith(("mlg_", "process_")) and float(line.rsplit(" ", 1)[1]) >= 0 for line in lines)
    assert "mlg://" not in text
