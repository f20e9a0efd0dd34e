"""Whom we trust: the issuers of ``MLG_ISSUERS``, and how the claims of each are read. Described in docs/identity.md."""

import ipaddress
import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Self
from urllib.parse import urlsplit

from policies.errors import ConfigurationError

ALGORITHMS = frozenset({"RS256", "PS256", "ES256", "EdDSA", "Ed25519"})
"""Signatures with a public key, and nothing else: an allow-list that no issuer can extend."""

ANY_TENANT = "*"


@dataclass(frozen=True, slots=True)
class ClaimMap:
    """Where an issuer keeps what we need: for each fact the claims to try, first one present wins.

    A name is a claim, or a path through nested objects with dots (``realm_access.roles``).
    """

    client: tuple[str, ...] = ("client_id", "azp")
    scopes: tuple[str, ...] = ("scope",)
    groups: tuple[str, ...] = ("groups",)
    roles: tuple[str, ...] = ("roles", "realm_access.roles")
    tenant: tuple[str, ...] = ("tenant",)
    kind: tuple[str, ...] = ("principal_kind",)
    display_name: tuple[str, ...] = ("name", "preferred_username")
    break_glass_reason: tuple[str, ...] = ("break_glass_reason",)


@dataclass(frozen=True, slots=True)
class Issuer:
    """One authorization server. ``url`` must equal the ``iss`` of its tokens and of its discovery, byte for byte.

    ``tenants`` are those it may speak for beside ``tenant``, its default; ``*`` is any.
    ``subject_prefix`` keeps the subjects of several issuers apart.
    """

    url: str
    audience: str
    tenant: str
    algorithms: frozenset[str] = ALGORITHMS
    claims: ClaimMap = field(default_factory=ClaimMap)
    tenants: frozenset[str] = frozenset()
    team_source: str = "catalog"
    team_namespace: str = "default"
    subject_prefix: str = ""
    allow_http: bool = False

    def __post_init__(self) -> None:
        require_url(self.url, f"MLG_ISSUERS: the issuer {self.url!r}", allow_http=self.allow_http)
        if not self.audience:
            raise ConfigurationError(f"MLG_ISSUERS: {self.url} has no audience; name the `aud` of its tokens.")
        if not self.algorithms or self.algorithms - ALGORITHMS:
            allowed = ", ".join(sorted(ALGORITHMS))
            raise ConfigurationError(f"MLG_ISSUERS: the algorithms of {self.url} must be some of {allowed}.")

    def may_issue_for(self, tenant: str) -> bool:
        """Whether a token of this issuer may carry ``tenant``."""
        return tenant == self.tenant or tenant in self.tenants or ANY_TENANT in self.tenants

    @classmethod
    def from_json(cls, entry: dict[str, Any], *, audience: str, tenant: str) -> Self:
        """Read one entry of ``MLG_ISSUERS``; ``issuer`` is required, the rest has defaults."""
        if unknown := sorted(entry.keys() - {"issuer", *_READERS}):
            known = ", ".join(["issuer", *sorted(_READERS)])
            raise ConfigurationError(f"MLG_ISSUERS: unknown key {unknown[0]!r}; known are {known}.")
        values: dict[str, Any] = {"url": _text(entry, "issuer"), "audience": audience, "tenant": tenant}
        values |= {key: _READERS[key](entry, key) for key in entry.keys() - {"issuer"}}
        return cls(**values)


def read_issuers(text: str, *, audience: str, tenant: str) -> tuple[Issuer, ...]:
    """Parse ``MLG_ISSUERS`` (a JSON list, or nothing); raises ConfigurationError saying what does not fit."""
    try:
        entries = json.loads(text or "[]")
    except ValueError as error:
        raise ConfigurationError(f"MLG_ISSUERS is not JSON ({error}); see docs/identity.md.") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigurationError("MLG_ISSUERS must be a JSON list of objects; see docs/identity.md.")
    return tuple(Issuer.from_json(entry, audience=audience, tenant=tenant) for entry in entries)


def check_distinct(issuers: tuple[Issuer, ...]) -> None:
    """Refuse issuers that could speak in each other's name: the same URL twice, or subjects that may collide."""
    for what, values in (
        ("issuer", [issuer.url for issuer in issuers]),
        ("subject_prefix", [issuer.subject_prefix for issuer in issuers]),
    ):
        if len(set(values)) < len(values):
            raise ConfigurationError(f"MLG_ISSUERS: give each issuer its own `{what}`; two share one.")


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine and nothing else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_url(url: str, what: str, *, allow_http: bool = False) -> None:
    """Refuse a URL that is not absolute, carries credentials, query or fragment, or is plain HTTP off this machine."""
    parts = urlsplit(url)
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ConfigurationError(f"{what} is not an absolute URL without credentials, query and fragment.")
    if parts.scheme != "https" and not (parts.scheme == "http" and (allow_http or is_loopback(parts.hostname))):
        raise ConfigurationError(f"{what} must be https (set `allow_http` on an issuer in a closed network).")


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise ConfigurationError(f"MLG_ISSUERS: `{key}` must be a text; see docs/identity.md.")
    return value


def _flag(entry: dict[str, Any], key: str) -> bool:
    value = entry[key]
    if not isinstance(value, bool):
        raise ConfigurationError(f"MLG_ISSUERS: `{key}` must be true or false.")
    return value


def _texts(entry: dict[str, Any], key: str) -> tuple[str, ...]:
    value = entry[key]
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(item, str) and item for item in values):
        raise ConfigurationError(f"MLG_ISSUERS: `{key}` must be a text or a list of texts.")
    return tuple(values)


def _claim_map(entry: dict[str, Any], key: str) -> ClaimMap:
    value = entry[key]
    known = {item.name for item in fields(ClaimMap)}
    if not isinstance(value, dict) or set(value) - known:
        raise ConfigurationError(f"MLG_ISSUERS: `{key}` must be an object with some of {', '.join(sorted(known))}.")
    return ClaimMap(**{name: _texts(value, name) for name in value})


def _text_set(entry: dict[str, Any], key: str) -> frozenset[str]:
    return frozenset(_texts(entry, key))


_READERS: dict[str, Callable[[dict[str, Any], str], object]] = {
    "audience": _text,
    "tenant": _text,
    "algorithms": _text_set,
    "claims": _claim_map,
    "tenants": _text_set,
    "team_source": _text,
    "team_namespace": _text,
    "subject_prefix": _text,
    "allow_http": _flag,
}
