"""A caller as stored with work that the server does later with the rights of this caller."""

from typing import Final

from graphql_schema.ports.record import JsonObject
from policies.principal import Principal, PrincipalKind

_SETS: Final = ("teams", "acts_for", "roles", "scopes")


def stored_principal(who: Principal) -> JsonObject:
    """Return the values of a caller that decide about rights, without tenant and break-glass."""
    sets = {name: sorted(getattr(who, name)) for name in _SETS}
    return {"subject": who.subject, "kind": who.kind.value, "user": who.user, **sets}


def principal_of(tenant: str, stored: JsonObject) -> Principal:
    """Return the caller of a tenant from its stored values."""
    teams, acts_for, roles, scopes = (frozenset(stored[name]) for name in _SETS)
    kind = PrincipalKind(stored["kind"])
    return Principal(stored["subject"], kind, tenant, None, teams, stored["user"], acts_for, roles=roles, scopes=scopes)
