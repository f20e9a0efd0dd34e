"""Who asks: a frozen value made from a validated token, and the only thing policies know about a caller."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class PrincipalKind(StrEnum):
    """A person, or a program that acts under its own name."""

    PERSON = "PERSON"
    SERVICE_ACCOUNT = "SERVICE_ACCOUNT"


class Scope(StrEnum):
    """OAuth scopes. They are ceilings: what a token does not carry, no policy can give."""

    READ = "graph:read"
    WRITE = "graph:write"
    ADMIN = "graph:admin"
    BREAK_GLASS = "graph:break-glass"


@dataclass(frozen=True)
class Principal:
    """A caller. ``teams`` are Team URNs, ``expires_at`` is in epoch seconds.

    ``break_glass`` is the reason that the caller gave for opening secrets for at most an hour, None in everyday use;
    there is one exactly when the scopes hold ``graph:break-glass``.
    """

    subject: str
    kind: PrincipalKind
    tenant: str
    display_name: str | None = None
    teams: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    expires_at: int | None = None
    break_glass: str | None = None

    @cached_property
    def fingerprint(self) -> tuple[object, ...]:
        """What decisions depend on: two principals with the same fingerprint see the same."""
        return (self.tenant, self.subject, self.kind, self.teams, self.roles, self.scopes, self.break_glass)

    def may(self, scope: Scope) -> bool:
        """Whether the token's ceiling reaches ``scope``."""
        return scope in self.scopes
