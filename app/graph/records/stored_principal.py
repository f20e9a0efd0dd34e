"""A caller as stored with work that the server does later with the rights of this caller."""

from dataclasses import replace
from typing import Final

from graphql_schema.ports.record import JsonObject
from policies.principal import Principal, PrincipalKind

_SETS: Final = ("teams", "token_teams", "acts_for", "roles", "scopes")


def stored_principal(who: Principal) -> JsonObject:
    """Return the values of a caller that decide about rights, without tenant and break-glass."""
    sets = {name: sorted(getattr(who, name)) for name in _SETS}
    return {"subject": who.subject, "kind": who.kind.value, "user": who.user, **sets}


def principal_of(tenant: str, stored: JsonObject) -> Principal:
    """Return the caller of a tenant from its stored values.

    One that an earlier release stored has no teams of the token: these are then all of its teams.
    """
    stored = {"token_teams": stored["teams"], **stored}
    teams, named, acts_for, roles, scopes = (frozenset(stored[name]) for name in _SETS)
    caller = Principal(stored["subject"], PrincipalKind(stored["kind"]), tenant, None, teams, stored["user"], acts_for)
    return replace(caller, roles=roles, scopes=scopes, token_teams=named)
