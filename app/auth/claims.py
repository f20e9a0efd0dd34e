"""From validated claims to what we know of a caller, by the claim map of the issuer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc.errors import InvalidClaimError

from app.auth.break_glass import checked_reason
from app.auth.issuers import Issuer
from policies.principal import PrincipalKind, Scope

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller as the issuer describes it: groups and roles still in the issuer's words."""

    subject: str
    kind: PrincipalKind
    tenant: str
    display_name: str | None
    groups: frozenset[str]
    roles: frozenset[str]
    scopes: frozenset[str]
    expires_at: int
    break_glass: str | None


def first_present(claims: Mapping[str, Any], names: Sequence[str]) -> Any:  # noqa: ANN401 - a claim may hold any JSON
    """Return the first claim of ``names`` that is there, None when none is; a null claim counts as there."""
    value = _first(claims, names)
    return None if value is _ABSENT else value


def read_identity(claims: Mapping[str, Any], issuer: Issuer) -> Identity:
    """Read validated ``claims``; raises InvalidClaimError where one has a type or value that we do not expect.

    Raises BreakGlassError for a token that asks for break-glass as it may not: ignoring the scope would leave somebody
    in an emergency with less than they were given, and without a word.
    """
    where = issuer.claims
    display_name = _first(claims, where.display_name)
    scopes = _words(claims, where.scopes, "scope", separated=True) & frozenset(Scope)
    return Identity(
        subject=issuer.subject_prefix + claims["sub"],
        kind=_kind(claims, where.kind),
        tenant=_tenant(claims, issuer),
        display_name=display_name if isinstance(display_name, str) and display_name.isprintable() else None,
        groups=_words(claims, where.groups, "groups"),
        roles=_words(claims, where.roles, "roles"),
        scopes=scopes,
        expires_at=int(claims["exp"]),
        break_glass=_break_glass(claims, where.break_glass_reason) if Scope.BREAK_GLASS in scopes else None,
    )


def _first(claims: Mapping[str, Any], names: Sequence[str]) -> object:
    return next((value for name in names if (value := _at(claims, name)) is not _ABSENT), _ABSENT)


def _at(claims: Mapping[str, Any], name: str) -> object:
    # The literal name first: claims that are URLs have dots of their own.
    if name in claims:
        return claims[name]
    value: object = claims
    for step in name.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return _ABSENT
        value = value[step]
    return value


def _words(claims: Mapping[str, Any], names: Sequence[str], what: str, *, separated: bool = False) -> frozenset[str]:
    value = _first(claims, names)
    if value is _ABSENT:
        return frozenset()
    if separated and isinstance(value, str):
        return frozenset(value.split(" "))
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise InvalidClaimError(what)
    return frozenset(value)


def _break_glass(claims: Mapping[str, Any], names: Sequence[str]) -> str:
    return checked_reason(_first(claims, names), claims["exp"] - claims["iat"])


def _tenant(claims: Mapping[str, Any], issuer: Issuer) -> str:
    tenant = _first(claims, issuer.claims.tenant)
    if tenant is _ABSENT:
        return issuer.tenant
    if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant) or not issuer.may_issue_for(tenant):
        raise InvalidClaimError("tenant")
    return tenant


def _kind(claims: Mapping[str, Any], names: Sequence[str]) -> PrincipalKind:
    """Return the kind a token names; without that claim, who is its own client is a program (RFC 9068 section 2.2)."""
    kind = _first(claims, names)
    if kind is _ABSENT:
        return PrincipalKind.SERVICE_ACCOUNT if claims["sub"] == claims["client_id"] else PrincipalKind.PERSON
    if not isinstance(kind, str) or kind not in frozenset(PrincipalKind):
        raise InvalidClaimError("principal_kind")
    return PrincipalKind(kind)
