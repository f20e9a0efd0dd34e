"""Reads the identity of a caller from the validated claims of a token, by the claim map of the issuer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from joserfc.errors import InvalidClaimError

from app.auth.break_glass import checked_reason
from app.auth.issuers import Issuer
from policies.principal import PrincipalKind, Scope

ValidClaims: TypeAlias = Mapping[str, Any]
"""The claims of a token after `app.auth.token` has validated the token: the required claims have the right types."""

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_ABSENT = object()
"""Marks a claim that is not in the token, as opposed to a claim with the value null."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller as described by the token, before teams and roles are resolved.

    ``subject`` has the issuer's prefix. ``groups`` and ``roles`` are the names in the token. ``scopes`` holds only
    scopes of this API. ``expires_at`` is in epoch seconds. ``break_glass`` is the reason, None unless ``scopes``
    contains ``graph:break-glass``.
    """

    subject: str
    kind: PrincipalKind
    tenant: str
    display_name: str | None
    groups: frozenset[str]
    roles: frozenset[str]
    scopes: frozenset[str]
    expires_at: int
    break_glass: str | None


def first_present(claims: Mapping[str, object], names: Sequence[str]) -> object:
    """Return the value of the first claim of ``names`` that is in ``claims``, None if there is none.

    A name is a claim, or a dotted path into nested objects. A claim with the value null ends the search with None.
    """
    value = _find(claims, names)
    return None if value is _ABSENT else value


def read_identity(claims: ValidClaims, issuer: Issuer) -> Identity:
    """Return the identity in ``claims``, which `app.auth.token` has validated.

    A display name that is not a printable string is left out. Raises `InvalidClaimError` if another claim has an
    unexpected type or value. Raises `BreakGlassError` if the token has the break-glass scope with an invalid reason or
    lifetime: dropping the scope would take away emergency access without notice.
    """
    claim_map = issuer.claims
    display_name = _find(claims, claim_map.display_name)
    scopes = _strings(claims, claim_map.scopes, "scope", space_separated=True) & frozenset(Scope)
    return Identity(
        subject=issuer.subject_prefix + claims["sub"],
        kind=_kind(claims, claim_map.kind),
        tenant=_tenant(claims, issuer),
        display_name=display_name if isinstance(display_name, str) and display_name.isprintable() else None,
        groups=_strings(claims, claim_map.groups, "groups"),
        roles=_strings(claims, claim_map.roles, "roles"),
        scopes=scopes,
        expires_at=int(claims["exp"]),
        break_glass=_break_glass(claims, claim_map.break_glass_reason) if Scope.BREAK_GLASS in scopes else None,
    )


def _find(claims: Mapping[str, object], names: Sequence[str]) -> object:
    return next((value for name in names if (value := _resolve(claims, name)) is not _ABSENT), _ABSENT)


def _resolve(claims: Mapping[str, object], name: str) -> object:
    # The literal name comes first: names of claims can be URLs, which contain dots.
    if name in claims:
        return claims[name]
    value: object = claims
    for step in name.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return _ABSENT
        value = value[step]
    return value


def _strings(
    claims: Mapping[str, object], names: Sequence[str], title: str, *, space_separated: bool = False
) -> frozenset[str]:
    """Return the strings that a claim lists, none if the claim is absent; ``title`` names the claim in the error.

    With ``space_separated``, the claim may also be one string with spaces between the values. Raises InvalidClaimError
    for any other value.
    """
    value = _find(claims, names)
    if value is _ABSENT:
        return frozenset()
    if space_separated and isinstance(value, str):
        return frozenset(value.split(" "))
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise InvalidClaimError(title)
    return frozenset(value)


def _break_glass(claims: ValidClaims, names: Sequence[str]) -> str:
    return checked_reason(_find(claims, names), claims["exp"] - claims["iat"])


def _tenant(claims: Mapping[str, object], issuer: Issuer) -> str:
    tenant = _find(claims, issuer.claims.tenant)
    if tenant is _ABSENT:
        return issuer.tenant
    if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant) or not issuer.may_issue_for(tenant):
        raise InvalidClaimError("tenant")
    return tenant


def _kind(claims: Mapping[str, object], names: Sequence[str]) -> PrincipalKind:
    """Return the kind in the token's claim; raises InvalidClaimError if it is unknown.

    Without the claim, a subject that equals the client is a service account (RFC 9068 section 2.2), any other a person.
    """
    kind = _find(claims, names)
    if kind is _ABSENT:
        return PrincipalKind.SERVICE_ACCOUNT if claims["sub"] == claims["client_id"] else PrincipalKind.PERSON
    if not isinstance(kind, str) or kind not in frozenset(PrincipalKind):
        raise InvalidClaimError("principal_kind")
    return PrincipalKind(kind)
