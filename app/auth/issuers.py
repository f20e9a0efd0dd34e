"""The trusted issuers of ``MLG_ISSUERS``, each with its claim map; docs/identity.md describes the setting."""

import ipaddress
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from graphql_schema.catalog.urn import make_urn
from policies.errors import ConfigurationError, InvalidError

ALGORITHMS = frozenset({"RS256", "PS256", "ES256", "EdDSA", "Ed25519"})
"""Signature algorithms that an issuer may use; its configuration can only narrow the set.

All are asymmetric: with a symmetric algorithm, the published keys could sign forged tokens.
"""

ANY_TENANT = "*"
"""In ``Issuer.tenants``: tokens of the issuer may name any tenant."""


@dataclass(frozen=True, slots=True)
class ClaimMap:
    """The claims that hold each property of a caller, in order of preference: the first one that a token has is read.

    A name is a claim, or a dotted path into nested objects (``realm_access.roles``).
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
    """One authorization server. Raises `ConfigurationError` if URL, audience, algorithms or teams are invalid.

    ``url`` must equal the claim ``iss`` of its tokens and the ``issuer`` of its discovery document, byte for byte.
    ``audience`` must be in the claim ``aud``. ``tenant`` applies to tokens without a tenant claim. ``tenants`` are
    further tenants that a token may name, ``*`` means any. ``team_source`` and ``team_namespace`` are the source and
    the namespace of the URNs of teams, made from groups, and of users, made from subjects. ``subject_prefix`` is put
    before each subject, so that equal subjects of several issuers differ. ``allow_http`` permits plain http for hosts
    other than loopback.
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
            raise ConfigurationError(
                f"The issuer {self.url} has no audience. Set `audience` in MLG_ISSUERS, or MLG_AUDIENCE, "
                "to the `aud` of its tokens."
            )
        if not self.algorithms or self.algorithms - ALGORITHMS:
            allowed = ", ".join(sorted(ALGORITHMS))
            raise ConfigurationError(
                f"MLG_ISSUERS: the issuer {self.url} has the algorithms {sorted(self.algorithms)}. "
                f"Use one or more of {allowed}."
            )
        try:
            make_urn("team", self.team_source, self.team_namespace, "x")
        except InvalidError as error:
            raise ConfigurationError(
                f"MLG_ISSUERS: the issuer {self.url} has the `team_source` {self.team_source[:80]!r} and the "
                f"`team_namespace` {self.team_namespace[:80]!r}, with which no id of a team can be made. Omit them, or "
                "use short texts that are not empty."
            ) from error

    def may_issue_for(self, tenant: str) -> bool:
        """Return whether a token of this issuer may name ``tenant``."""
        return tenant == self.tenant or tenant in self.tenants or ANY_TENANT in self.tenants

    @classmethod
    def from_json(cls, entry: dict[str, object], *, audience: str, tenant: str) -> Self:
        """Return the issuer of one entry of ``MLG_ISSUERS``.

        Only ``issuer`` is required. ``audience`` and ``tenant`` are the defaults. Raises `ConfigurationError` if a key
        is unknown or a value is invalid.
        """
        if unknown := sorted(entry.keys() - {"issuer", *_READERS}):
            known = ", ".join(["issuer", *sorted(_READERS)])
            raise ConfigurationError(f"MLG_ISSUERS: an issuer has the unknown key {unknown[0]!r}. Use {known}.")
        values: dict[str, Any] = {"url": _read_string(entry, "issuer"), "audience": audience, "tenant": tenant}
        values |= {key: _READERS[key](entry, key) for key in entry.keys() - {"issuer"}}
        return cls(**values)


def read_issuers(text: str, *, audience: str, tenant: str) -> tuple[Issuer, ...]:
    """Return the issuers of ``text``, the value of ``MLG_ISSUERS``: a JSON list, or empty.

    ``audience`` and ``tenant`` are the defaults of the entries. Raises `ConfigurationError` if the value is invalid.
    """
    try:
        entries = json.loads(text or "[]")
    except ValueError as error:
        raise ConfigurationError(
            f"MLG_ISSUERS is not valid JSON ({error}). Set it to a list of objects; see docs/identity.md."
        ) from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigurationError(
            "MLG_ISSUERS is JSON and not a list of objects. Set it to a list of objects; see docs/identity.md."
        )
    return tuple(Issuer.from_json(entry, audience=audience, tenant=tenant) for entry in entries)


def check_distinct(issuers: tuple[Issuer, ...]) -> None:
    """Raise `ConfigurationError` if two issuers have the same URL or the same ``subject_prefix``.

    With the same prefix, equal subjects of two issuers would be one caller.
    """
    urls, prefixes = [issuer.url for issuer in issuers], [issuer.subject_prefix for issuer in issuers]
    if url := next((url for url in urls if urls.count(url) > 1), None):
        raise ConfigurationError(
            f"Two trusted issuers have the same `issuer` {url!r}. List each issuer once in MLG_ISSUERS. "
            "With MLG_ENV=dev, omit the URL of this server, which is that of the development issuer."
        )
    repeated = [prefix for prefix in prefixes if prefixes.count(prefix) > 1]
    if repeated:
        raise ConfigurationError(
            f"Two trusted issuers have the same `subject_prefix` {repeated[0]!r}; absent means empty. "
            "Set a different one on each issuer in MLG_ISSUERS. "
            "With MLG_ENV=dev, the development issuer has the empty one."
        )


def foreign_prefixes(issuer: Issuer, issuers: Iterable[Issuer]) -> tuple[str, ...]:
    """Return the prefixes of other issuers with which no subject of ``issuer`` may begin, once it has its own prefix.

    They begin with its own prefix, such as each one does with the empty prefix. Its subject ``b:x`` would be the
    subject ``x`` of the issuer with the prefix ``b:``.
    """
    own, prefixes = issuer.subject_prefix, {each.subject_prefix for each in issuers}
    return tuple(sorted(each for each in prefixes if each != own and each.startswith(own)))


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is ``localhost`` or a loopback address, so only this machine can reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split_url(url: str) -> SplitResult | None:
    """Return the parts of an absolute URL; None if it has no host, or its host or port is invalid."""
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and parts.port != 0
    except ValueError:  # such as `https://[x`
        return None
    return parts if valid else None


def require_url(url: str, title: str, *, allow_http: bool = False) -> None:
    """Raise `ConfigurationError` unless ``url`` is absolute, without credentials, query and fragment, and https.

    Plain http is accepted for loopback hosts, and for every host with ``allow_http``. ``title`` names the URL in the
    error.
    """
    parts = split_url(url)
    if parts is None or "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError(
            f"{title} must be an absolute URL, without credentials, query and fragment. Use one like https://host/path."
        )
    if parts.scheme != "https" and not (parts.scheme == "http" and (allow_http or is_loopback(parts.hostname or ""))):
        raise ConfigurationError(
            f"{title} is not https. Use https, or set `allow_http` on the issuer if the network is closed."
        )


def _read_string(entry: dict[str, object], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str):
        raise ConfigurationError(
            f"MLG_ISSUERS: an issuer has the value {value!r} for `{key}`. Use a string; see docs/identity.md."
        )
    return value


def _read_bool(entry: dict[str, object], key: str) -> bool:
    value = entry[key]
    if not isinstance(value, bool):
        raise ConfigurationError(f"MLG_ISSUERS: an issuer has the value {value!r} for `{key}`. Use true or false.")
    return value


def _read_strings(entry: dict[str, object], key: str) -> tuple[str, ...]:
    value = entry[key]
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(item, str) and item for item in values):
        raise ConfigurationError(
            f"MLG_ISSUERS: an issuer has the value {value!r} for `{key}`. Use a string or a list of "
            "strings, none of them empty."
        )
    return tuple(values)


def _read_claim_map(entry: dict[str, object], key: str) -> ClaimMap:
    value = entry[key]
    known = {item.name for item in fields(ClaimMap)}
    if not isinstance(value, dict) or set(value) - known:
        raise ConfigurationError(
            f"MLG_ISSUERS: an issuer has the value {value!r} for `{key}`. "
            f"Use an object with some of {', '.join(sorted(known))}."
        )
    return ClaimMap(**{name: _read_strings(value, name) for name in value})


def _read_string_set(entry: dict[str, object], key: str) -> frozenset[str]:
    return frozenset(_read_strings(entry, key))


_READERS: dict[str, Callable[[dict[str, object], str], object]] = {
    "audience": _read_string,
    "tenant": _read_string,
    "algorithms": _read_string_set,
    "claims": _read_claim_map,
    "tenants": _read_string_set,
    "team_source": _read_string,
    "team_namespace": _read_string,
    "subject_prefix": _read_string,
    "allow_http": _read_bool,
}
