"""Discovery of an issuer: only its own document and a usable key set, without redirects, of limited size and time."""

import asyncio
import gzip
from collections.abc import AsyncIterator

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from joserfc.jwk import OctKey, RSAKey
from starlette.responses import RedirectResponse
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs
from support.servers.issuer import (
    AUDIENCE,
    EC,
    ENCRYPTION,
    RSA,
    SYMMETRIC,
    URL,
    LiveIssuer,
    authenticator,
    status_of,
)

from app.auth.authenticator import Authenticator, trust
from app.auth.discovery import (
    MAX_DOCUMENT_BYTES,
    MAX_KEYS,
    DiscoveryError,
    fetch_keys,
    read_body_of,
)
from app.auth.issuers import Issuer
from graphql_schema.ports.turns import loop_turns


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.example"},
        {"issuer": "https://issuer.example/"},
        {"issuer": None},
        {"jwks_uri": None},
        {"jwks_uri": "http://issuer.example/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://user:secret@issuer.example/jwks"},
        {"jwks_uri": "https://:secret@issuer.example/jwks"},
        {"jwks_uri": "https://[x"},
        {"jwks_uri": "https://issuer.example:port/jwks"},
        {"jwks_uri": "https://issuer.example/elsewhere"},
    ],
    ids=str,
)
async def test_an_invalid_discovery_document_is_an_outage(
    issuer: LiveIssuer, auth: Authenticator, changed: dict[str, object]
) -> None:
    """A document with another issuer, or with an unsafe address of keys, is refused as if the issuer were down."""
    issuer.discovery = changed
    assert (await status_of(auth, issuer.mint()), issuer.fetches) == (503, 0)


@pytest.mark.parametrize("jwks", [{}, {"keys": []}, {"keys": "x"}, {"keys": [5, {"kty": "EC"}]}, [], "x"], ids=str)
async def test_a_key_set_without_keys_is_an_outage(issuer: LiveIssuer, auth: Authenticator, jwks: object) -> None:
    """A key set without a usable key gets status 503 and does not replace known keys."""
    issuer.jwks = jwks
    assert await status_of(auth, issuer.mint()) == 503


async def test_a_key_set_of_thousands_is_an_outage(issuer: LiveIssuer, auth: Authenticator) -> None:
    """Importing many keys would hold up all callers; the keys that are known stay."""
    issuer.jwks = {"keys": [EC.as_dict(private=False)] * (MAX_KEYS + 1)}
    assert await status_of(auth, issuer.mint()) == 503
    issuer.jwks = {"keys": [EC.as_dict(private=False)] * MAX_KEYS}
    assert len(list(await fetch_keys(issuer.client(), Issuer(URL, AUDIENCE, "acme")))) == MAX_KEYS


async def test_unknown_keys_of_a_set_are_ignored(issuer: LiveIssuer, auth: Authenticator) -> None:
    """Keys of unknown types or curves and invalid keys are ignored, and the others are used (RFC 7517 section 5)."""
    unknown = [{"kty": "AKP", "kid": "pq"}, {"kty": "OKP", "crv": "X9", "x": "AA"}, {"kty": "EC", "crv": "P-9"}]
    issuer.jwks = {"keys": [*unknown, {"kty": "EC", "crv": "P-256"}, EC.as_dict(private=False)]}
    assert await status_of(auth, issuer.mint()) == 200


async def test_a_symmetric_key_is_dropped_when_the_set_loads(issuer: LiveIssuer) -> None:
    """Only public keys for signatures are kept, even if a symmetric key declares use and algorithm of one."""
    symmetric = OctKey.generate_key(256, {"kid": "sly", "use": "sig", "alg": "ES256"})
    issuer.keys = [EC, RSA, SYMMETRIC, ENCRYPTION, symmetric]
    keys = await fetch_keys(issuer.client(), Issuer(URL, AUDIENCE, "acme"))
    assert {key.kid for key in keys} == {"ec", "rsa"}
    issuer.keys = [SYMMETRIC]
    with pytest.raises(DiscoveryError, match="no asymmetric, public signing key"):
        await fetch_keys(issuer.client(), Issuer(URL, AUDIENCE, "acme"))


@pytest.mark.parametrize("left_out", [set(), {"p", "q", "dp", "dq", "qi"}, {"d"}], ids=["all", "d", "primes"])
async def test_a_published_private_key_is_not_trusted(issuer: LiveIssuer, left_out: set[str]) -> None:
    """A key with any private member is left out and logged: all can sign with it, and its import may take seconds."""
    private = {name: value for name, value in RSA.as_dict(private=True).items() if name not in left_out}
    issuer.jwks = {"keys": [private, EC.as_dict(private=False)]}
    with capture_logs() as logs:
        keys = await fetch_keys(issuer.client(), Issuer(URL, AUDIENCE, "acme"))
    assert {key.kid for key in keys} == {"ec"}
    assert [(line["event"], line["issuer"], line["keys"]) for line in logs] == [
        ("private_signing_keys_ignored", URL, 1)
    ]
    issuer.jwks = {"keys": [private]}
    with pytest.raises(DiscoveryError, match="no asymmetric, public signing key"):
        await fetch_keys(issuer.client(), Issuer(URL, AUDIENCE, "acme"))


@pytest.mark.parametrize(("bits", "exponent", "usable"), [(8192, 3, True), (8193, 3, False), (2048, 1 << 300, False)])
async def test_a_huge_public_key_is_dropped(issuer: LiveIssuer, bits: int, exponent: int, *, usable: bool) -> None:
    """RSA keys of more than 8,192 bits, or with a huge exponent, are left out: their use would hold up all callers."""
    numbers = RSAPublicNumbers(exponent | 1, (1 << bits) - 1)
    huge = RSAKey.import_key(numbers.public_key(), {"kid": "huge"}).as_dict(private=False)
    issuer.jwks = {"keys": [huge, EC.as_dict(private=False)]}
    keys = await fetch_keys(issuer.client(), Issuer(URL, AUDIENCE, "acme"))
    assert {key.kid for key in keys} == ({"ec", "huge"} if usable else {"ec"})


async def test_other_members_of_a_key_are_not_imported(issuer: LiveIssuer) -> None:
    """Members that no verification needs are left out, so that they can neither fail nor cost anything."""
    issuer.jwks = {"keys": [{**EC.as_dict(private=False), "x5u": 5, "n": "A" * 9_000, "e": "AQAB"}]}
    (key,) = await fetch_keys(issuer.client(), Issuer(URL, AUDIENCE, "acme"))
    assert key.as_dict().keys() <= {"kty", "kid", "use", "alg", "crv", "x", "y"}


@pytest.mark.parametrize("status_code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks"])
async def test_a_redirect_is_not_followed(issuer: LiveIssuer, path: str, status_code: int) -> None:
    """A redirect gets status 503 and is not followed, because its target could provide other keys."""
    issuer_app, followed = issuer.app(), []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == path:
            await RedirectResponse(f"{URL}/moved", status_code)(scope, receive, send)
        elif scope["path"] == "/moved":
            followed.append(path)
            await issuer_app({**scope, "path": path}, receive, send)
        else:
            await issuer_app(scope, receive, send)

    client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), follow_redirects=True)
    async with authenticator([trust(Issuer(URL, AUDIENCE, "acme"), client)]) as auth:
        assert await status_of(auth, issuer.mint()) == 503
    assert followed == []


async def test_an_endless_response_is_an_outage(issuer: LiveIssuer) -> None:
    """A fetch that exceeds its deadline raises an error, so that requests do not wait for ever."""

    async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.Event().wait()

    client = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), timeout=None)
    with pytest.raises(DiscoveryError, match="did not complete"):
        await fetch_keys(client, Issuer(issuer.url, AUDIENCE, "acme"), deadline=0.01)


async def test_a_huge_discovery_is_refused(issuer: LiveIssuer, auth: Authenticator) -> None:
    """A discovery document over one MiB is refused."""
    issuer.discovery = {"filler": "x" * (1 << 20)}
    assert (await status_of(auth, issuer.mint()), issuer.fetches) == (503, 0)


async def test_a_huge_key_set_is_refused(issuer: LiveIssuer, auth: Authenticator) -> None:
    """A key set over one MiB is refused."""
    issuer.jwks = {"keys": [EC.as_dict(private=False)], "filler": "x" * (1 << 20)}
    assert await status_of(auth, issuer.mint()) == 503


async def test_a_failure_without_a_text_names_its_class() -> None:
    """The reason of an outage in the log is never empty: an exception without a text is named by its class."""

    def fail(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("")

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(fail))
    with pytest.raises(DiscoveryError, match=r"failed \(ReadTimeout\); check"):
        await fetch_keys(client, Issuer(url=URL, audience=AUDIENCE, tenant="acme"))


class SingleBytes(httpx2.AsyncByteStream):
    """A body that has arrived, each byte in a chunk of its own."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the chunks, none of which waits: of gzip with a long file name, which is decompressed to nothing."""
        yield b"\x1f\x8b\x08\x08" + bytes(6)
        for _ in range(1_000):
            yield b"x"


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_other_tasks_run_while_a_body_of_small_chunks_is_read(
    monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """They get turns between the chunks, although all have arrived."""
    monkeypatch.setattr(loop_turns, "TURN_SECONDS", -1.0)
    response = httpx2.Response(200, headers={"content-encoding": encoding}, stream=SingleBytes())
    turns, reading = 0, asyncio.create_task(read_body_of(response, URL))
    while not reading.done():
        turns += 1
        await asyncio.sleep(0)
    assert len(await reading) == (10 + 1_000 if encoding == "identity" else 0)
    assert turns >= 10


@pytest.mark.parametrize(
    ("body", "encoding", "message"),
    [
        (gzip.compress(bytes(MAX_DOCUMENT_BYTES + 1)), "gzip", "larger than"),
        (bytes(MAX_DOCUMENT_BYTES + 1), "identity", "larger than"),
        (b"plain", "gzip", "not in gzip"),
        (b"plain", "br", "not requested"),
    ],
    ids=["long when decompressed", "long", "plain", "brotli"],
)
async def test_a_body_that_cannot_be_read_is_refused(body: bytes, encoding: str, message: str) -> None:
    """It is too long, or compressed in another way than its header says, or than this server reads."""
    response = httpx2.Response(200, headers={"content-encoding": encoding}, stream=httpx2.ByteStream(body))
    with pytest.raises(DiscoveryError, match=message):
        await read_body_of(response, URL)


async def test_a_body_in_gzip_is_read() -> None:
    """An issuer may compress although that was not requested."""
    stream = httpx2.ByteStream(gzip.compress(b"{}" * 1_000))
    response = httpx2.Response(200, headers={"content-encoding": "gzip"}, stream=stream)
    assert await read_body_of(response, URL) == b"{}" * 1_000
