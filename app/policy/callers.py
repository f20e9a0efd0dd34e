"""Callers whose access is analysed: the personas, a caller without scopes, and callers that a JSON file describes."""

from pathlib import Path

import orjson

from app.auth.break_glass import BreakGlassError, checked_reason
from app.auth.personas import Persona, persona, personas
from app.auth.roles import Roles
from graphql_schema.catalog.urn import make_urn
from graphql_schema.ports.record import Record
from policies.errors import InvalidError
from policies.principal import Principal, PrincipalKind, Scope

ANONYMOUS = "anonymous"
GLASS = "+break-glass"
"""Suffix of the name of a persona with break-glass."""
_KEYS = frozenset({"subject", "kind", "tenant", "groups", "roles", "scopes", "breakGlass"})
_OWN_SCOPES = "graph:"
"""The begin of all scopes of this API; the issuer may add others, such as ``openid``, which mean nothing here."""


def callers() -> dict[str, tuple[str, Principal]]:
    """Return every caller by name, with a sentence about the caller.

    These are the personas, and a caller without any scope. A persona that may request break-glass is listed a second
    time, with break-glass.
    """
    known: dict[str, tuple[str, Principal]] = {}
    for name, each in personas().items():
        known[name] = (each.about, subject(name))
        if Scope.BREAK_GLASS in each.on_request:
            known[name + GLASS] = (f"{each.about}, with break-glass", subject(name + GLASS))
    known[ANONYMOUS] = ("A caller without any scope", subject(ANONYMOUS))
    return known


def subject(name: str) -> Principal:
    """Return the caller with a name: a persona, a persona with the suffix ``+break-glass``, or ``anonymous``.

    Raises InvalidError if there is no such persona, or if the persona may not request break-glass.
    """
    if name == ANONYMOUS:
        return Principal(name, PrincipalKind.PERSON, "default")
    known = persona(name.removesuffix(GLASS))
    if name.endswith(GLASS) and Scope.BREAK_GLASS not in known.on_request:
        raise InvalidError(f"{known.name} has no break-glass in `on_request` of personas.toml; use another persona.")
    return _of_persona(known, glass=name.endswith(GLASS))


def _of_persona(known: Persona, *, glass: bool) -> Principal:
    claims = {
        "subject": known.name,
        "kind": known.kind,
        "groups": known.groups,
        "roles": known.roles,
        "scopes": known.scopes + (known.on_request if glass else ()),
        "tenant": known.tenant or "default",
        "breakGlass": "requested by `mlg policy`" if glass else None,
    }
    return _principal(claims)


def read_caller(path: Path) -> Principal:
    """Return the caller that a JSON file describes by ``subject``, ``groups``, ``roles`` and ``scopes``.

    ``groups`` become teams of source ``catalog`` and namespace ``default``, whatever the issuers in MLG_ISSUERS set.
    ``kind``, ``tenant`` and ``breakGlass`` (a reason) are optional. Raises InvalidError if the file is unreadable or
    describes no caller that a token could have.
    """
    try:
        claims = orjson.loads(path.read_bytes())
        _require_claims(claims)
        return _principal({"kind": PrincipalKind.PERSON, "tenant": "default", **claims})
    except (OSError, TypeError, ValueError, KeyError, AttributeError, BreakGlassError) as error:
        raise InvalidError(
            f"{path} does not describe a caller ({error}); write "
            '{"subject": "ada", "groups": ["ranking"], "roles": ["engineer"], "scopes": ["graph:read"]}.'
        ) from error


def _require_claims(claims: Record) -> None:
    """Raise TypeError or ValueError for values that no token has: a text in place of a list would be its letters."""
    for key in ("groups", "roles", "scopes"):
        if not (isinstance(claims[key], list) and all(isinstance(each, str) for each in claims[key])):
            raise TypeError(f"`{key}` is no list of texts")
    if unknown := {each for each in claims["scopes"] if each.startswith(_OWN_SCOPES)} - set(Scope):
        raise ValueError(f"unknown scope {min(unknown)!r}")
    if unknown := claims.keys() - _KEYS:
        raise ValueError(f"unknown key {min(unknown)!r}")
    tenant = claims.get("tenant", "default")
    if not (isinstance(tenant, str) and tenant):
        raise TypeError("`tenant` is no name")
    if Scope.BREAK_GLASS in claims["scopes"]:
        checked_reason(claims.get("breakGlass"), 0)
    elif claims.get("breakGlass") is not None:
        raise ValueError(f"`breakGlass` needs the scope {Scope.BREAK_GLASS}")


def _principal(claims: Record) -> Principal:
    teams = frozenset(make_urn("team", "catalog", "default", group) for group in claims["groups"])
    return Principal(
        claims["subject"],
        PrincipalKind(claims["kind"]),
        claims["tenant"],
        teams=teams,
        user=make_urn("user", "catalog", "default", claims["subject"]),
        roles=Roles.load().of(claims["subject"], teams, frozenset(claims["roles"])),
        scopes=frozenset(claims["scopes"]),
        break_glass=claims.get("breakGlass"),
    )
