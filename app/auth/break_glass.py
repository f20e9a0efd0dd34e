"""Break-glass: more than the usual rules give, for an hour and for a reason. What it opens is the policy's part."""

from policies.principal import Scope

MAX_LIFETIME = 3_600
"""Seconds between ``iat`` and ``exp`` of a token that carries the scope."""
MIN_REASON, MAX_REASON = 10, 500
"""Characters of a reason, without the white space around it."""


class BreakGlassError(Exception):
    """Break-glass was asked for in a way that is not allowed; the text says what is missing and quotes nothing."""


def checked_reason(reason: object, lifetime: float) -> str:
    """Return the reason of a token or request that lives ``lifetime`` seconds; raises BreakGlassError."""
    stripped = reason.strip() if isinstance(reason, str) else ""
    if not MIN_REASON <= len(stripped) <= MAX_REASON or not stripped.isprintable():
        raise BreakGlassError(
            f"{Scope.BREAK_GLASS} needs a reason of {MIN_REASON} to {MAX_REASON} printable characters"
        )
    if lifetime > MAX_LIFETIME:
        raise BreakGlassError(f"{Scope.BREAK_GLASS} may last {MAX_LIFETIME // 60} minutes at most")
    return stripped
