"""The port of the embedded store evaluates nothing for a client without the secret of this start.

Attacks: another user or program of the machine, a page open in a browser, and a page whose host name was bound to
127.0.0.1. Each sends a script that would leave a mark in the JVM.
"""

import asyncio
import socket
import subprocess
from contextlib import ExitStack
from urllib.parse import quote, urlsplit
from uuid import uuid4

import orjson
import pytest
from structlog.testing import capture_logs
from support.stores.janusgraph import StoreGraph, store_settings, url_with_user_info
from support.stores.sample_schema import sample_schema
from support.waiting import until

from app.graph.admin.store_probe import StoreProbe
from app.graph.driver.errors import StoreFailedError
from app.graph.driver.gremlin_client import GremlinClient
from app.runtime.process import open_store
from app.settings import Settings
from app.store.embedded.embedded_store import EmbeddedStore
from app.store.embedded.secret_file import SECRET_FILE
from app.store.store_endpoint import StoreEndpoint

TYPES = {"json": "application/json", "page": "text/plain;charset=UTF-8", "form": "application/x-www-form-urlencoded"}
STRANGERS = 200
WAITING = 64
YOUNG = 2048
"""The limits of `channel_guard.groovy` for connections without a permitted request, and for young ones of these."""
HALF_A_HEAD = b"POST /gremlin HTTP/1.1\r\n"
BURST = """
def channels = (1..number).collect { new io.netty.channel.embedded.EmbeddedChannel() }
channels*.freezeTime()
def made = channels.collect { new org.apache.tinkerpop.gremlin.server.channel.UnprovenConnection(it) }
def open = [channels*.open]
for (milliseconds in [100, 9999, 1]) {
    channels.each {
        it.advanceTimeBy(milliseconds, java.util.concurrent.TimeUnit.MILLISECONDS)
        it.runScheduledPendingTasks()
    }
    open << channels*.open
}
made*.leave()
open
"""
"""Returns which of some connections are open at once, after the time of a young one, and at the end of the wait."""
SILENCE = {"nothing": b"", "half-a-head": HALF_A_HEAD}


def script(mark: str) -> str:
    """Return a script that leaves a mark in the JVM."""
    return f"System.setProperty('{mark}', 'evaluated'); 1"


def message(mark: str, host: str, *lines: str, method: str = "POST") -> bytes:
    """Return an HTTP request with a script, as a client writes it; ``lines`` are further headers."""
    body = orjson.dumps({"gremlin": script(mark)}) if method == "POST" else b""
    path = "/gremlin" if method == "POST" else f"/gremlin?gremlin={quote(script(mark))}"
    head = [f"{method} {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join([*head, "", ""]).encode() + body


async def statuses(store: EmbeddedStore, *messages: bytes) -> list[int]:
    """Send requests over one connection, and return the status of each response until the store closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(store.endpoint.url).port)
    writer.write(b"".join(messages))
    found = []
    for _ in messages:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
        except asyncio.IncompleteReadError:
            break
        found.append(int(head.split(maxsplit=2)[1]))
        await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
    writer.close()
    return found


async def evaluated(store: EmbeddedStore, mark: str) -> bool:
    """Return whether a script has left its mark."""
    graph = StoreGraph(url_with_user_info(store.endpoint), "g")
    return await graph.run("System.getProperty(mark)", mark=mark) == ["evaluated"]


def local(store: EmbeddedStore) -> str:
    """Return the host and port of the store."""
    return urlsplit(store.endpoint.url).netloc


def permitted(store: EmbeddedStore) -> bytes:
    """Return a request of the store's client."""
    return message("permitted", local(store), f"Authorization: {store.endpoint.authorization}")


def connected(store: EmbeddedStore, sent: bytes = b"") -> socket.socket:
    """Return a connection over which the store got only ``sent``."""
    connection = socket.create_connection(("127.0.0.1", urlsplit(store.endpoint.url).port or 0))
    connection.sendall(sent)
    return connection


async def status(connection: socket.socket, request: bytes) -> int:
    """Send a request, or the rest of one, and return the status of its response."""
    connection.settimeout(0)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, request)
    return int((await loop.sock_recv(connection, 65_536)).split(maxsplit=2)[1])


def is_open(connection: socket.socket) -> bool:
    """Return whether the store has not closed a connection over which it has sent nothing."""
    try:
        return bool(connection.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK))
    except BlockingIOError:
        return True
    except ConnectionResetError:
        return False


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("content", TYPES)
@pytest.mark.parametrize("claim", ["none", "guess", "prefix", "lower", "user", "bearer", "two"])
async def test_a_client_without_the_secret_is_refused(
    janusgraph: EmbeddedStore, claim: str, content: str, method: str
) -> None:
    """Without exactly the secret of this start, 401 is the response and the script is not evaluated."""
    endpoint, mark = janusgraph.endpoint, uuid4().hex
    guess = StoreEndpoint(endpoint.url, endpoint.user, "guess").authorization
    claims: dict[str, list[str]] = {
        "none": [],
        "guess": [guess],
        "prefix": [endpoint.authorization[:-4]],
        "lower": [endpoint.authorization.lower()],
        "user": [StoreEndpoint(endpoint.url, "admin", endpoint.password).authorization],
        "bearer": [f"Bearer {endpoint.password}"],
        "two": [guess, endpoint.authorization],
    }
    lines = [f"Content-Type: {TYPES[content]}", *(f"Authorization: {each}" for each in claims[claim])]
    assert await statuses(janusgraph, message(mark, local(janusgraph), *lines, method=method)) == [401]
    assert not await evaluated(janusgraph, mark)


@pytest.mark.parametrize("known", [True, False], ids=["secret", "no-secret"])
@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("", "http://evil.example"),
        ("", "null"),
        ("", "http://127.0.0.1:8000"),
        ("evil.example", ""),
        ("127.0.0.1.evil.example", ""),
    ],
)
async def test_a_page_in_a_browser_is_refused(janusgraph: EmbeddedStore, host: str, origin: str, known: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A request with an `Origin`, or for the name of another host, is refused with 403, even with the secret."""
    mark = uuid4().hex
    lines = [
        "Content-Type: text/plain",
        *([f"Origin: {origin}"] if origin else []),
        *([f"Authorization: {janusgraph.endpoint.authorization}"] if known else []),
    ]
    assert await statuses(janusgraph, message(mark, host or local(janusgraph), *lines)) == [403]
    assert not await evaluated(janusgraph, mark)


async def test_each_request_of_a_connection_is_checked(janusgraph: EmbeddedStore) -> None:
    """A connection with a permitted request permits no other one; after a refusal nothing is evaluated any more."""
    marks = [uuid4().hex for _ in range(3)]
    known = f"Authorization: {janusgraph.endpoint.authorization}"
    sent = [message(mark, local(janusgraph), *lines) for mark, lines in zip(marks, ([known], [], [known]), strict=True)]
    assert await statuses(janusgraph, *sent[:1]) == [200]
    assert await statuses(janusgraph, *sent[1:]) == [401]
    assert [await evaluated(janusgraph, mark) for mark in marks] == [True, False, False]


async def test_a_refused_body_is_not_kept(janusgraph: EmbeddedStore) -> None:
    """A refused body may be larger than the limit of a request: it is discarded as it arrives."""
    size = 64 * 1024 * 1024
    head = f"POST /gremlin HTTP/1.1\r\nHost: {local(janusgraph)}\r\nContent-Length: {size}\r\n\r\n".encode()
    assert await statuses(janusgraph, head + bytes(size)) == [401]


@pytest.mark.parametrize("sent", SILENCE)
async def test_few_connections_wait_without_a_request(janusgraph: EmbeddedStore, sent: str) -> None:
    """Of many connections without a permitted request only the last ones stay, and they are served if they send one."""
    with ExitStack() as stack:
        strangers = [stack.enter_context(connected(janusgraph, SILENCE[sent])) for _ in range(STRANGERS)]
        assert await statuses(janusgraph, permitted(janusgraph)) == [200]
        await until(lambda: sum(map(is_open, strangers)) <= WAITING)
        assert await status(strangers[-1], permitted(janusgraph).removeprefix(SILENCE[sent])) == 200


async def test_a_burst_of_connections_takes_few_descriptors(janusgraph: EmbeddedStore) -> None:
    """Of a burst, the last ones stay: a larger number while they are young, then a small one, and none after the wait.

    A script makes the connections in the JVM, without a network, and moves their time on.
    """
    graph = StoreGraph(url_with_user_info(janusgraph.endpoint), "g")
    number = YOUNG + 3
    kept = [[index >= number - limit for index in range(number)] for limit in (YOUNG, WAITING, WAITING, 0)]
    assert await graph.run(BURST, number=number) == kept


async def test_a_silent_connection_ends_and_a_proven_one_stays(janusgraph: EmbeddedStore) -> None:
    """A connection without a permitted request ends; an older one with such a request waits longer for the next one."""
    with connected(janusgraph) as proven, connected(janusgraph) as silent:
        assert await status(proven, permitted(janusgraph)) == 200
        await until(lambda: not is_open(silent))
        assert await status(proven, permitted(janusgraph)) == 200


async def test_the_secret_is_in_one_file_of_the_owner(janusgraph: EmbeddedStore) -> None:
    """The secret is in a file with mode 0600, and in no other file of the store, command line, environment or log."""
    secret = janusgraph.endpoint.password
    files = [path for path in janusgraph.folder.rglob("*") if path.is_file()]
    assert [path.name for path in files if secret.encode() in path.read_bytes()] == [SECRET_FILE]
    assert (janusgraph.folder / SECRET_FILE).stat().st_mode & 0o777 == 0o600
    shown = await asyncio.to_thread(subprocess.check_output, ["ps", "axeww"], text=True)
    assert str(janusgraph.jvm_pid) in shown
    assert secret not in shown
    assert janusgraph.endpoint.authorization not in shown
    assert secret not in repr(janusgraph.endpoint)


async def test_each_start_has_a_secret_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A second start has another secret, no log event contains either, and no file keeps it after the stop."""
    folder = tmp_path_factory.mktemp("starts")
    secrets = set()
    with capture_logs() as events:
        for _ in range(2):
            async with EmbeddedStore(store_settings(folder), sample_schema()) as store:
                secrets.add(store.endpoint.password)
            assert not (store.folder / SECRET_FILE).exists()
    assert len(secrets) == 2
    assert "store_ready" in str(events)
    assert not [secret for secret in secrets if secret in str(events)]


async def test_the_driver_reports_refused_credentials(janusgraph: EmbeddedStore) -> None:
    """A wrong password is an error that names the settings and not the password; the right one is accepted."""
    wrong = StoreEndpoint(janusgraph.endpoint.url, "mlgraph", "hunter2")
    async with GremlinClient(wrong) as client:
        with pytest.raises(StoreFailedError, match="MLG_STORE_USER and MLG_STORE_PASSWORD") as refused:
            await StoreProbe(client).check_index()
    assert "hunter2" not in refused.value.message


async def test_a_server_authenticates_at_an_external_store(janusgraph: EmbeddedStore) -> None:
    """A server whose settings contain URL, user and password of a store that demands them reads and writes there."""
    endpoint = janusgraph.endpoint
    given = {"MLG_STORE_URL": endpoint.url, "MLG_STORE_USER": endpoint.user, "MLG_STORE_PASSWORD": endpoint.password}
    for env in (given, {"MLG_STORE_URL": url_with_user_info(endpoint)}):
        async with open_store(Settings.from_env(env)) as client:
            await StoreProbe(client).check()
            assert client.urls == endpoint.url
