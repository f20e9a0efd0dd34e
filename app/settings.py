"""All settings of the server, read once from the environment. A test compares ``docs/settings.md`` with this module."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from policies.errors import ConfigurationError

Network = IPv4Network | IPv6Network

MAX_PORT: Final = 65_535
"""The largest port of TCP."""

FILE_SUFFIX: Final = "_FILE"
"""Ends the name of the variable that names the file of a secret setting."""


def setting(key: str, default: str, about: str, *, secret: bool = False) -> Any:  # noqa: ANN401 - a dataclass field specifier, as in dataclasses
    """Declare one setting: its environment variable, its default as text, and its description.

    A ``secret`` value is in no representation of the settings, and may be in a file, whose name is in another variable:
    the key and `FILE_SUFFIX`.
    """
    return field(metadata={"key": key, "default": default, "about": about, "secret": secret}, repr=not secret)


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of one process."""

    env: str = setting(
        "MLG_ENV", "dev", "`dev` or `production`. `dev` has the development issuer, and needs a loopback address."
    )
    host: str = setting("MLG_HOST", "127.0.0.1", "Address that the API listens on.")
    port: int = setting("MLG_PORT", "8000", "Port that the API listens on.")
    workers: int = setting(
        "MLG_WORKERS", "1", "Number of processes of `mlg serve`; more than one need `MLG_STORE_URL`."
    )
    metrics_port: int = setting(
        "MLG_METRICS_PORT",
        "0",
        "Port of `/metrics`, without authentication; 0: none. Workers of MLG_WORKERS use it, the next one, and so on.",
    )
    metrics_host: str = setting("MLG_METRICS_HOST", "127.0.0.1", "Address that the port of the metrics listens on.")
    otlp_endpoint: str = setting(
        "MLG_OTLP_ENDPOINT",
        "",
        "Address of an OpenTelemetry collector, to which `/v1/traces` is added; empty: that of the standard variables, "
        "or no traces.",
    )
    data_dir: Path = setting(
        "MLG_DATA_DIR", ".data", "Folder of the embedded store, the access log, and the keys that `dev` generates."
    )
    demo: bool = setting(
        "MLG_DEMO",
        "1",
        "`1`: `mlg dev` loads the demo estate into an empty store, except with MLG_DOCUMENT_MODE=require; `0`: never.",
    )
    enrichment: bool = setting(
        "MLG_ENRICHMENT",
        "1",
        "`1` derives inferred edges by the rules of docs/enrichment.md; `0` removes the inferred edges.",
    )
    cache_dir: Path = setting(
        "MLG_CACHE_DIR",
        "~/.cache/mlgraph",
        "Folder of the downloaded jars, the files of GraphiQL and the built explorer, shared by checkouts.",
    )
    maven_repository: str = setting(
        "MLG_MAVEN_REPOSITORY",
        "",
        "URL of a Maven repository for the jars; empty: the one that jgo is configured with.",
    )
    store_url: str = setting(
        "MLG_STORE_URL",
        "",
        "Gremlin HTTP endpoints of an existing JanusGraph, comma-separated, with user and password or without; "
        "empty: embedded.",
        secret=True,
    )
    store_user: str = setting("MLG_STORE_USER", "", "User of HTTP Basic authentication at `MLG_STORE_URL`.")
    store_password: str = setting("MLG_STORE_PASSWORD", "", "Password of `MLG_STORE_USER`.", secret=True)
    allow_embedded_store: bool = setting(
        "MLG_ALLOW_EMBEDDED_STORE", "0", "`1` permits the embedded store with `MLG_ENV=production`."
    )
    store_port: int = setting("MLG_STORE_PORT", "0", "Loopback port of the embedded store; 0 picks a free one.")
    store_heap: str = setting("MLG_STORE_HEAP", "1g", "Maximum heap of the embedded store's JVM.")
    store_profile: str = setting(
        "MLG_STORE_PROFILE",
        "serve",
        "Options of the store's JVM: `serve` for speed, `test` for a fast start.",
    )
    store_free_bytes: int = setting(
        "MLG_STORE_FREE_BYTES", "536870912", "Bytes of free disk that the embedded store needs for writes; 0: none."
    )
    store_in_flight: int = setting(
        "MLG_STORE_IN_FLIGHT",
        "8",
        "Concurrent requests of a process to the store, times the number of servers; of one caller 3/8, rounded up.",
    )
    store_deadline: float = setting(
        "MLG_STORE_DEADLINE", "30", "Seconds for one request to the store, from the wait for a slot to the response."
    )
    store_silent_seconds: float = setting(
        "MLG_STORE_SILENT_SECONDS",
        "120",
        "Seconds without any response after which the embedded store is restarted; 0: never.",
    )
    cache_mb: int = setting(
        "MLG_CACHE_MB",
        "256",
        "Maximum size of the graph cache of each process, in MiB by estimate; 0: everything is read from the store.",
    )
    operations_mb: int = setting(
        "MLG_OPERATIONS_MB",
        "1024",
        "MiB by estimate that running operations hold at most, beyond 16 of each; those of one caller half of it.",
    )
    walk_nodes: int = setting(
        "MLG_WALK_NODES",
        "10000",
        "Number of vertices after which one lineage query ends; a path search first completes its level.",
    )
    walk_seconds: float = setting(
        "MLG_WALK_SECONDS",
        "8",
        "Seconds from the first lineage query of a request until all of them end; after a write the time starts anew.",
    )
    query_seconds: float = setting("MLG_QUERY_SECONDS", "15", "Seconds after which a query over HTTP is cancelled.")
    mutation_seconds: float = setting(
        "MLG_MUTATION_SECONDS", "60", "Seconds after which a mutation over HTTP begins no further transaction."
    )
    vectored: bool = setting(
        "MLG_VECTORED",
        "1",
        "`1` executes queries over vectors; `0` executes them by graphql-core, with the same results, only slower.",
    )
    tenant: str = setting(
        "MLG_TENANT", "default", "Tenant of tokens without a tenant claim, for issuers without `tenant`."
    )
    issuers: str = setting(
        "MLG_ISSUERS", "", "JSON list of trusted issuers; see docs/identity.md. May be empty in `dev`."
    )
    audience: str = setting("MLG_AUDIENCE", "mlgraph", "The `aud` of tokens, for issuers without `audience`.")
    public_url: str = setting("MLG_PUBLIC_URL", "", "URL that clients use for this server; empty: http://host:port.")
    secret: str = setting(
        "MLG_SECRET",
        "",
        "Secret of at least 32 characters that seals cursors; required in production, generated in `dev`.",
        secret=True,
    )
    sign_in_client: str = setting(
        "MLG_SIGN_IN_CLIENT",
        "",
        "Client id of this server at its issuer, for sign-in; empty: in `dev` the development issuer, else no sign-in.",
    )
    sign_in_secret: str = setting(
        "MLG_SIGN_IN_SECRET", "", "Secret of `MLG_SIGN_IN_CLIENT`; empty for a public client.", secret=True
    )
    sign_in_issuer: str = setting(
        "MLG_SIGN_IN_ISSUER", "", "The `issuer` of `MLG_ISSUERS` at which people sign in; empty: the first one."
    )
    sign_in_scopes: str = setting(
        "MLG_SIGN_IN_SCOPES",
        "openid profile graph:read graph:write",
        "Scopes that a sign-in requests, separated by spaces; some issuers refresh tokens only with `offline_access`.",
    )
    session_secrets: str = setting(
        "MLG_SESSION_SECRETS",
        "",
        "Secret that encrypts the cookie of a sign-in, or the new and the old one, comma-separated; each of at least "
        "32 characters; generated in `dev`.",
        secret=True,
    )
    access_log: Path | None = setting(
        "MLG_ACCESS_LOG", "", "File of the access log; empty: `access.jsonl` in the data folder."
    )

    documents: tuple[Path, ...] = setting(
        "MLG_DOCUMENTS", "", "Comma-separated files of persisted documents, as Relay, Codegen or Apollo write them."
    )
    document_mode: str = setting(
        "MLG_DOCUMENT_MODE",
        "open",
        "`open` runs any document; `prefer` also logs those that are neither in `MLG_DOCUMENTS` nor of the explorer; "
        "`require` refuses these.",
    )
    max_connections: int = setting(
        "MLG_MAX_CONNECTIONS",
        "800",
        "Maximum number of open connections of a process, WebSockets included; fewer if it has few descriptors.",
    )
    max_connections_per_address: int = setting(
        "MLG_MAX_CONNECTIONS_PER_ADDRESS",
        "200",
        "Maximum number of open connections of one address to a process; never more than half of the maximum in all.",
    )
    max_subscriptions_per_caller: int = setting(
        "MLG_MAX_SUBSCRIPTIONS_PER_CALLER",
        "100",
        "Maximum number of subscriptions of one caller in a process, over all connections.",
    )
    allowed_origins: tuple[str, ...] = setting(
        "MLG_ALLOWED_ORIGINS",
        "",
        "Comma-separated origins of other servers whose pages may use the API; empty: in `dev` the usual local ports, "
        "else none.",
    )
    trusted_proxies: tuple[Network, ...] = setting(
        "MLG_TRUSTED_PROXIES",
        "",
        "Comma-separated addresses and networks of proxies; the maximum per address does not apply to them.",
    )
    request_seconds: float = setting(
        "MLG_REQUEST_SECONDS", "10", "Seconds for the head of a request, and again for its body."
    )
    idle_seconds: int = setting("MLG_IDLE_SECONDS", "5", "Seconds that a connection stays open between two requests.")
    namespaces: str = setting(
        "MLG_NAMESPACES",
        "",
        "Comma-separated replacements of OpenLineage namespaces, such as `s3a://* => s3://*`; the first match counts.",
    )
    webhook_hosts: tuple[str, ...] = setting(
        "MLG_WEBHOOK_HOSTS", "", "Comma-separated hosts or origins that may receive webhooks; empty: no webhooks."
    )
    reader_seconds: float = setting(
        "MLG_READER_SECONDS", "30", "Seconds in which a client must take the next 16 KiB of what it is sent."
    )

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Return the settings in ``env``, or in the environment of the process if None.

        A variable that is not set has its default. Raises ConfigurationError that names a variable whose value is
        invalid.
        """
        source = os.environ if env is None else env
        values: dict[str, Any] = {f.name: _read(f.name, f.metadata, source) for f in fields(cls)}
        settings = cls(**values)
        if settings.env not in {"dev", "production"}:
            raise ConfigurationError(f"MLG_ENV is {settings.env!r}; set it to `dev` or `production`.")
        if settings.document_mode not in {"open", "prefer", "require"}:
            raise ConfigurationError(
                f"MLG_DOCUMENT_MODE is {settings.document_mode!r}; set it to `open`, `prefer` or `require`."
            )
        if settings.mutation_seconds < settings.query_seconds:
            raise ConfigurationError(
                f"MLG_MUTATION_SECONDS is {settings.mutation_seconds:g}, less than MLG_QUERY_SECONDS, which is "
                f"{settings.query_seconds:g}; set it to the same or more."
            )
        if settings.store_profile not in {"serve", "test"}:
            raise ConfigurationError(f"MLG_STORE_PROFILE is {settings.store_profile!r}; set it to `serve` or `test`.")
        return settings


def _flag(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError(text)
    return text == "1"


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value


def _from_zero(text: str) -> float:
    value = float(text)
    if not 0 <= value < math.inf:
        raise ValueError(text)
    return value


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _origins(text: str) -> tuple[str, ...]:
    return tuple(_origin(part.strip()) for part in text.split(",") if part.strip())


def _origin(text: str) -> str:
    """Return ``text``; raises ValueError unless it is an origin as browsers send it, unlike `*` or one with a path."""
    parts = urlsplit(text)
    default_port = {"http": 80, "https": 443}.get(parts.scheme)
    as_sent = f"{parts.scheme}://{parts.netloc}".lower()
    if default_port is None or not parts.hostname or parts.port == default_port or "@" in text or text != as_sent:
        raise ValueError(text)
    return text


def _count(text: str) -> int:
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def _number(text: str) -> int:
    if not 0 <= int(text) < 1 << 63:
        raise ValueError(text)
    return int(text)


def _port(text: str) -> int:
    if not 1 <= int(text) <= MAX_PORT:
        raise ValueError(text)
    return int(text)


def _port_or_zero(text: str) -> int:
    return 0 if int(text) == 0 else _port(text)


_READERS: dict[str, Callable[[str], object]] = {
    "port": _port,
    "workers": _count,
    "metrics_port": _port_or_zero,
    "store_port": _port_or_zero,
    "store_free_bytes": _number,
    "store_in_flight": _count,
    "cache_mb": _number,
    "operations_mb": _count,
    "store_deadline": _positive,
    "store_silent_seconds": _from_zero,
    "walk_nodes": _count,
    "walk_seconds": _from_zero,
    "query_seconds": _positive,
    "mutation_seconds": _positive,
    "trusted_proxies": _networks,
    "allowed_origins": _origins,
    "max_connections": _count,
    "max_connections_per_address": _count,
    "max_subscriptions_per_caller": _count,
    "request_seconds": _positive,
    "idle_seconds": _count,
    "reader_seconds": _positive,
    "webhook_hosts": lambda text: tuple(part.strip() for part in text.split(",") if part.strip()),
    "vectored": _flag,
    "demo": _flag,
    "enrichment": _flag,
    "allow_embedded_store": _flag,
    "documents": lambda text: tuple(Path(part.strip()).expanduser() for part in text.split(",") if part.strip()),
    "data_dir": lambda text: Path(text).expanduser(),
    "access_log": lambda text: Path(text).expanduser() if text else None,
    "cache_dir": lambda text: Path(text).expanduser(),
}

_EXPECTED: dict[Callable[[str], object], str] = {
    _flag: "`0` or `1`",
    _networks: "addresses or networks, such as `10.0.0.5,172.18.0.0/16`",
    _origins: "origins as browsers send them, such as `https://app.example.com,http://localhost:5173`",
    _count: "a whole number from 1",
    _port: f"a whole number from 1 to {MAX_PORT}",
    _port_or_zero: f"a whole number from 0 to {MAX_PORT}",
    _number: "a whole number from 0",
    _positive: "a number above 0",
    _from_zero: "a number from 0",
}


def _read(name: str, meta: Mapping[str, Any], source: Mapping[str, str]) -> object:
    text = _text_in_file(meta["key"], source) if meta["secret"] else None
    if text is None:
        text = source.get(meta["key"], meta["default"])
    read = _READERS.get(name, str)
    try:
        return read(text)
    except (ValueError, RuntimeError):  # the latter for `~name` of an unknown user
        expected = _EXPECTED.get(read, "a valid value")
        raise ConfigurationError(f"{meta['key']} is {text!r}; set it to {expected}. {meta['about']}") from None


def _text_in_file(key: str, source: Mapping[str, str]) -> str | None:
    """Return the content of the file of a secret, without the line break at its end; None if no file is named."""
    path = source.get(key + FILE_SUFFIX)
    if not path:
        return None
    if source.get(key):
        raise ConfigurationError(f"{key} and {key}{FILE_SUFFIX} are both set; unset one of them.")
    try:
        text = Path(path).expanduser().read_text("utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError, RuntimeError) as error:
        reason = "it is not UTF-8" if isinstance(error, ValueError) else getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"{key}{FILE_SUFFIX} is {path!r}, which cannot be read ({reason}); set it to a file that the user of this "
            "process can read."
        ) from None
    if not text:
        raise ConfigurationError(f"{key}{FILE_SUFFIX} is {path!r}, which is empty; write the secret into this file.")
    return text
