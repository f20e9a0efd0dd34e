"""From an issuer's name to its public keys, believing nothing on the way.

Sources: OpenID Connect Discovery 1.0 section 4 and RFC 8414 section 3 (where the document is, and that its ``issuer``
must equal the one we asked for), RFC 7517 section 5 (ignore keys that are not understood).
"""

import asyncio
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import httpx2
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet, OctKey, RSAKey

from app.auth.issuers import Issuer, require_url
from policies.errors import ConfigurationError

MAX_DOCUMENT = 1 << 20
"""Bytes of a discovery document or a key set; more is refused."""
MIN_RSA_BITS = 2048
DEADLINE = 15.0
"""Seconds for discovery and keys together."""


class DiscoveryError(Exception):
    """The issuer's keys cannot be had now; the text says why, for the log."""


async def fetch_keys(client: httpx2.AsyncClient, issuer: Issuer, within: float = DEADLINE) -> KeySet:
    """Fetch and import the issuer's signing keys, once, in ``within`` seconds; raises DiscoveryError."""
    try:
        # Whoever waits for keys waits for this: an issuer that sends a byte now and then must not hold them for ever.
        async with asyncio.timeout(within):
            return await _fetch_keys(client, issuer)
    except TimeoutError as error:
        raise DiscoveryError(f"{issuer.url} does not come to an end within {within} s") from error


async def _fetch_keys(client: httpx2.AsyncClient, issuer: Issuer) -> KeySet:
    document = await _discover(client, issuer)
    if document.get("issuer") != issuer.url:
        raise DiscoveryError(f"the discovery of {issuer.url} names another issuer")
    jwks_uri = document.get("jwks_uri")
    if not isinstance(jwks_uri, str):
        raise DiscoveryError(f"the discovery of {issuer.url} has no jwks_uri")
    try:
        require_url(jwks_uri, "jwks_uri", allow_http=issuer.allow_http)
    except ConfigurationError as error:
        raise DiscoveryError(f"the discovery of {issuer.url}: {error.message}") from None
    return import_keys(await _get_object(client, jwks_uri))


def import_keys(document: dict[str, Any]) -> KeySet:
    """Import a JWK set, leaving out symmetric, encryption, short RSA and unintelligible keys."""
    entries = document.get("keys")
    keys = [key for entry in entries if (key := _import_key(entry))] if isinstance(entries, list) else []
    if not keys:
        raise DiscoveryError("the key set holds no key that may sign access tokens")
    return KeySet(keys)


def _import_key(entry: object) -> Key | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    try:
        key = JWKRegistry.import_key(entry)
        key.ensure_kid()
    except (JoseError, ValueError, TypeError):
        return None
    if isinstance(key, OctKey) or (isinstance(key, RSAKey) and key.raw_value.key_size < MIN_RSA_BITS):
        return None
    return key


async def _discover(client: httpx2.AsyncClient, issuer: Issuer) -> dict[str, Any]:
    base = issuer.url.rstrip("/")
    parts = urlsplit(base)
    oauth = f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{parts.path}"
    try:
        return await _get_object(client, f"{base}/.well-known/openid-configuration")
    except _NotFoundError:
        return await _get_object(client, oauth)


class _NotFoundError(DiscoveryError):
    pass


async def _get_object(client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    try:
        async with client.stream("GET", url, follow_redirects=False) as response:
            body = await _read(response, url)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise DiscoveryError(f"{url} does not answer: {error or type(error).__name__}") from error
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise _NotFoundError(f"{url} answers 404")
    if response.status_code != HTTPStatus.OK:
        raise DiscoveryError(f"{url} answers {response.status_code}")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise DiscoveryError(f"{url} is not JSON") from error
    if not isinstance(document, dict):
        raise DiscoveryError(f"{url} is not a JSON object")
    return document


async def _read(response: httpx2.Response, url: str) -> bytes:
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_DOCUMENT:
            raise DiscoveryError(f"{url} is larger than {MAX_DOCUMENT} bytes")
    return body
