"""Fetches the discovery document of an issuer, and through it the public signing keys.

Sources: OpenID Connect Discovery 1.0 section 4 and RFC 8414 section 3 for the URL of the document, whose ``issuer``
must equal the configured issuer. RFC 7517 section 5: keys of an unknown type are ignored. RFC 7518 section 6 names the
members of a key, public and private.
"""

import asyncio
import zlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import httpx2
import orjson
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet, RSAKey

from app.auth.issuers import Issuer, require_url
from graphql_schema.ports.operation_budget import OperationBudget
from graphql_schema.ports.record import JsonObject
from policies.errors import ConfigurationError

log = structlog.get_logger(__name__)

MAX_DOCUMENT_BYTES = 1 << 20
"""Maximum size in bytes of the body of any response of an issuer; a larger one is refused."""
PLAIN_BODY: Final = {"Accept-Encoding": "identity"}
"""Headers of a request to an issuer: the library would decompress any number of chunks without a turn of others."""
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
MAX_KEYS = 100
"""Maximum number of keys in a key set; importing 100 takes up to 20 ms, in which nothing else is done."""
DEADLINE_SECONDS = 15.0
"""Time limit in seconds for fetching discovery document and keys together, and for one exchange of a sign-in."""

_PUBLIC_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
"""The members of a public key, by its type."""
_COMMON_MEMBERS: Final = ("kty", "kid", "use", "key_ops", "alg")
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
_MAX_TEXT: Final = {"n": 1_368, "e": 44, "x": 88, "y": 88}
"""Maximum length in characters of numbers in base64url: 8,192 bits, 256 bits (FIPS 186-5), 521 bits."""


class DiscoveryError(Exception):
    """A request to an issuer failed, or its response is unusable; the text gives the reason, for the log."""


async def fetch_keys(client: httpx2.AsyncClient, issuer: Issuer, deadline: float = DEADLINE_SECONDS) -> KeySet:
    """Fetch the issuer's signing keys, without retries.

    Raises `DiscoveryError` if an HTTP request fails, a document is invalid, no key is usable, or ``deadline`` seconds
    are over.
    """
    async with _limited(issuer, deadline):
        jwks_uri = endpoint(await _discover(client, issuer), "jwks_uri", issuer)
        document = await _get_json_object(client, jwks_uri)
    try:
        return import_keys(document, issuer)
    except DiscoveryError as error:
        raise DiscoveryError(f"{issuer.url}: {error}") from None


async def fetch_metadata(
    client: httpx2.AsyncClient, issuer: Issuer, deadline: float = DEADLINE_SECONDS
) -> Mapping[str, object]:
    """Fetch the issuer's discovery document.

    Raises `DiscoveryError` if the request fails, the document is invalid or names another issuer, or ``deadline``
    seconds are over.
    """
    async with _limited(issuer, deadline):
        return await _discover(client, issuer)


def endpoint(document: Mapping[str, object], name: str, issuer: Issuer) -> str:
    """Return the URL of an endpoint in the discovery document of ``issuer``.

    Raises `DiscoveryError` if the endpoint is absent, or its URL is invalid or plain http that is not allowed.
    """
    url = document.get(name)
    if not isinstance(url, str):
        raise DiscoveryError(f"the discovery document of {issuer.url} has no {name}; check the issuer")
    try:
        require_url(url, name, allow_http=issuer.allow_http)
    except ConfigurationError as error:
        raise DiscoveryError(f"the discovery document of {issuer.url}: {error.message}") from None
    return url


@asynccontextmanager
async def _limited(issuer: Issuer, deadline: float) -> AsyncIterator[None]:
    try:
        # The client's timeouts apply to single reads: an issuer that sends one byte at a time would pass them for ever,
        # and all requests with tokens of this issuer would wait.
        async with asyncio.timeout(deadline):
            yield
    except TimeoutError as error:
        raise DiscoveryError(
            f"{issuer.url} did not complete its response within {deadline} s; check the issuer and the network"
        ) from error


def import_keys(document: dict[str, object], issuer: Issuer) -> KeySet:
    """Return the usable keys of a JWK set.

    Leaves out keys with a ``use`` other than ``sig``, symmetric keys, RSA keys under `MIN_RSA_BITS` or over
    `MAX_RSA_BITS`, invalid keys, and keys of unknown types. Keys with private members are left out and logged. Raises
    `DiscoveryError` if no key remains, or the set has more than `MAX_KEYS` keys.
    """
    given = document.get("keys")
    entries = given if isinstance(given, list) else []
    if len(entries) > MAX_KEYS:
        raise DiscoveryError(f"the key set has {len(entries)} keys; remove old ones there, {MAX_KEYS} are the limit")
    for_signatures = [entry for entry in entries if isinstance(entry, dict) and entry.get("use", "sig") == "sig"]
    public = [entry for entry in for_signatures if not _PRIVATE_MEMBERS & entry.keys()]
    if private := len(for_signatures) - len(public):
        # Everyone can sign with a private key that is published. The import of one without its primes also searches
        # for them, for 0.1 s (4,096 bits) to 7 s (16,384 bits).
        log.warning("private_signing_keys_ignored", issuer=issuer.url, keys=private)
    keys = [key for entry in public if (key := _import_key(entry))]
    if not keys:
        raise DiscoveryError(
            "the key set has no asymmetric, public signing key that is valid "
            f"(RSA: {MIN_RSA_BITS} to {MAX_RSA_BITS} bits); add one there"
        )
    return KeySet(keys)


def _import_key(entry: JsonObject) -> Key | None:
    """Return the key of a JWK without private members; None if it is not usable."""
    kind = entry.get("kty")
    if not isinstance(kind, str) or kind not in _PUBLIC_MEMBERS:
        return None
    used = {name: entry[name] for name in (*_COMMON_MEMBERS, *_PUBLIC_MEMBERS[kind]) if name in entry}
    if any(len(str(used.get(name, ""))) > size for name, size in _MAX_TEXT.items()):
        return None
    try:
        key = JWKRegistry.import_key(used)
        key.ensure_kid()
    except (JoseError, LookupError, ValueError, TypeError):  # LookupError: a curve that the library does not know
        return None
    if isinstance(key, RSAKey) and not MIN_RSA_BITS <= key.raw_value.key_size <= MAX_RSA_BITS:
        return None
    return key


async def _discover(client: httpx2.AsyncClient, issuer: Issuer) -> dict[str, object]:
    base = issuer.url.rstrip("/")
    parts = urlsplit(base)
    oauth = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}"
    try:
        document = await _get_json_object(client, f"{base}/.well-known/openid-configuration")
    except _NotFoundError:
        document = await _get_json_object(client, oauth)
    if document.get("issuer") != issuer.url:
        raise DiscoveryError(
            f"the discovery document of {issuer.url} names another issuer, or none; correct `issuer` in MLG_ISSUERS"
        )
    return document


class _NotFoundError(DiscoveryError):
    pass


async def _get_json_object(client: httpx2.AsyncClient, url: str) -> dict[str, object]:
    try:
        async with client.stream("GET", url, headers=PLAIN_BODY, follow_redirects=False) as response:
            body = await read_body_of(response, url)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise DiscoveryError(
            f"the request to {url} failed ({str(error) or type(error).__name__}); check the issuer and the network"
        ) from error
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise _NotFoundError(
            f"{url} returned status 404; check the `issuer` in MLG_ISSUERS, or `jwks_uri` in its discovery document"
        )
    if response.status_code != HTTPStatus.OK:
        raise DiscoveryError(f"{url} returned status {response.status_code} instead of 200; check the issuer")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise DiscoveryError(f"{url} is not JSON; check the issuer") from error
    if not isinstance(document, dict):
        raise DiscoveryError(f"{url} is not a JSON object; check the issuer")
    return document


async def read_body_of(response: httpx2.Response, url: str) -> bytes:
    """Return the body of a streamed response; raises `DiscoveryError` if it exceeds `MAX_DOCUMENT_BYTES`.

    Chunks are read in turns with other tasks: each may be a single byte. A body that is compressed although
    `PLAIN_BODY` was sent is decompressed as it arrives if it is in gzip, and refused otherwise.
    """
    encoding = response.headers.get("content-encoding", "identity").lower()
    if encoding not in {"identity", "gzip", "x-gzip"}:
        raise DiscoveryError(f"{url} has the content encoding {encoding!r}, which was not requested; check the issuer")
    unpacking = None if encoding == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 16)
    received, body, turns = 0, bytearray(), OperationBudget()
    try:
        async for chunk in response.aiter_raw():
            received += len(chunk)
            body += unpacking.decompress(chunk, MAX_DOCUMENT_BYTES + 1 - len(body)) if unpacking else chunk
            if max(received, len(body)) > MAX_DOCUMENT_BYTES:
                raise DiscoveryError(f"{url} is larger than {MAX_DOCUMENT_BYTES} bytes; check the issuer")
            await turns.pause()
    except zlib.error as error:
        raise DiscoveryError(f"{url} is not in gzip, as its header says; check the issuer") from error
    return bytes(body)
