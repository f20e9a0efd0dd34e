"""The caller of a request: a frozen value, and the policy's only input about the caller."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class PrincipalKind(StrEnum):
    """A person, or a program that acts under its own name."""

    PERSON = "PERSON"
    SERVICE_ACCOUNT = "SERVICE_ACCOUNT"


class Scope(StrEnum):
    """OAuth scopes. They are upper limits: no policy can permit an action whose scope is not in the token."""

    READ = "graph:read"
    WRITE = "graph:write"
    ADMIN = "graph:admin"
    BREAK_GLASS = "graph:break-glass"


@dataclass(frozen=True)
class Principal:
    """An authenticated caller.

    ``token_teams`` are the URNs of the teams in the token, ``teams`` these and the teams above them. ``user`` is the
    URN of the caller's own user, None if no URN can have this subject as its name. ``acts_for`` are the URNs of further
    owners whose assets count as the caller's own: members of the teams, and domains. ``expires_at`` is in epoch
    seconds. ``break_glass`` is the reason for emergency access to restricted and secret fields; it is None unless
    ``scopes`` contains ``graph:break-glass``.
    """

    subject: str
    kind: PrincipalKind
    tenant: str
    display_name: str | None = None
    teams: frozenset[str] = frozenset()
    user: str | None = None
    acts_for: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    expires_at: int | None = None
    break_glass: str | None = None
    token_teams: frozenset[str] = frozenset()

    @cached_property
    def fingerprint(self) -> tuple[object, ...]:
        """All values on which decisions depend: callers with equal fingerprints have equal rights."""
        own = (self.subject, self.kind, self.user)
        return (self.tenant, *own, self.teams, self.acts_for, self.roles, self.scopes, self.break_glass)

    @property
    def owners(self) -> frozenset[str]:
        """The URNs of all owners whose assets count as the caller's own: teams, user and ``acts_for``."""
        return frozenset(filter(None, (*self.teams, *self.acts_for, self.user)))

    @property
    def author(self) -> str | None:
        """The subject as the author of own links, None if the token may not write.

        A token that only reads has its own rights, not those of its account, and could not end these links.
        """
        return self.subject if self.may(Scope.WRITE) else None

    def may(self, scope: Scope) -> bool:
        """Return whether the token has ``scope``."""
        return scope in self.scopes
