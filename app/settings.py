"""Every setting, read once from the environment and frozen. A test compares ``docs/settings.md`` with this file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from policies.errors import ConfigurationError


def setting(key: str, default: str, about: str) -> Any:  # noqa: ANN401 - a dataclass field specifier, as in dataclasses
    """Declare one setting: its environment variable, its default as text, and what it does."""
    return field(metadata={"key": key, "default": default, "about": about})


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of one process."""

    env: str = setting("MLG_ENV", "dev", "`dev` or `production`. Only `dev` on loopback serves the development issuer.")
    host: str = setting("MLG_HOST", "127.0.0.1", "Address the API listens on.")
    port: int = setting("MLG_PORT", "8000", "Port the API listens on.")
    data_dir: Path = setting("MLG_DATA_DIR", ".data", "Folder of the embedded store, its log and the development key.")
    demo: bool = setting("MLG_DEMO", "1", "`1` loads the demo estate into an empty store at `mlg dev`.")
    enrichment: bool = setting(
        "MLG_ENRICHMENT", "1", "`1` infers edges by the rules of docs/enrichment.md; `0` takes back those it has."
    )
    cache_dir: Path = setting(
        "MLG_CACHE_DIR", "~/.cache/mlgraph", "Folder of the downloaded jars, shared by checkouts."
    )
    maven_repository: str = setting(
        "MLG_MAVEN_REPOSITORY", "", "Another Maven repository; empty means Maven's default."
    )
    store_url: str = setting("MLG_STORE_URL", "", "Gremlin HTTP endpoint of an existing JanusGraph; empty: embedded.")
    store_port: int = setting("MLG_STORE_PORT", "0", "Loopback port of the embedded store; 0 picks a free one.")
    store_heap: str = setting("MLG_STORE_HEAP", "1g", "Maximum heap of the embedded store's JVM.")
    store_profile: str = setting("MLG_STORE_PROFILE", "serve", "`serve` for the fastest JVM, `test` for the smallest.")
    store_in_flight: int = setting("MLG_STORE_IN_FLIGHT", "8", "Requests to the store that may run at once.")
    store_deadline: float = setting("MLG_STORE_DEADLINE", "30", "Seconds to wait for one answer of the store.")
    walk_nodes: int = setting("MLG_WALK_NODES", "10000", "Vertices that one walk along lineage may visit.")
    walk_seconds: float = setting("MLG_WALK_SECONDS", "8", "Seconds that all the walks of a request may take together.")
    tenant: str = setting("MLG_TENANT", "default", "Tenant of tokens that carry no tenant claim.")
    issuers: str = setting("MLG_ISSUERS", "", "JSON list of trusted issuers; see docs/identity.md. Empty in `dev`.")
    audience: str = setting("MLG_AUDIENCE", "mlgraph", "The `aud` that a token must carry.")
    public_url: str = setting("MLG_PUBLIC_URL", "", "URL by which clients know this server; empty: http://host:port.")
    secret: str = setting("MLG_SECRET", "", "Key that seals cursors; required in production, made up and kept in dev.")

    access_log: Path | None = setting(
        "MLG_ACCESS_LOG", "", "File of the access log; empty: `access.jsonl` in the data folder."
    )

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; raises ConfigurationError naming the key when a value does not fit."""
        source = os.environ if env is None else env
        values: dict[str, Any] = {f.name: _read(f.name, f.metadata, source) for f in fields(cls)}
        settings = cls(**values)
        if settings.env not in {"dev", "production"}:
            raise ConfigurationError(f"MLG_ENV is {settings.env!r}; set it to `dev` or `production`.")
        if settings.store_profile not in {"serve", "test"}:
            raise ConfigurationError(f"MLG_STORE_PROFILE is {settings.store_profile!r}; set it to `serve` or `test`.")
        return settings


def _flag(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError(text)
    return text == "1"


_READERS: dict[str, Any] = {
    "port": int,
    "store_port": int,
    "store_in_flight": int,
    "store_deadline": float,
    "walk_nodes": int,
    "walk_seconds": float,
    "demo": _flag,
    "enrichment": _flag,
    "data_dir": lambda text: Path(text).expanduser(),
    "access_log": lambda text: Path(text).expanduser() if text else None,
    "cache_dir": lambda text: Path(text).expanduser(),
}


def _read(name: str, meta: Mapping[str, Any], source: Mapping[str, str]) -> object:
    text = source.get(meta["key"], meta["default"])
    try:
        return _READERS.get(name, str)(text)
    except ValueError:
        raise ConfigurationError(f"{meta['key']} is {text!r}, which does not fit: {meta['about']}") from None
