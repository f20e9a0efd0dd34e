"""Limits of break-glass: emergency access with the scope ``graph:break-glass``, a reason and a short lifetime.

The policy decides which fields break-glass discloses (``policies/fields.cedar``).
"""

from policies.principal import Scope

MAX_BREAK_GLASS_SECONDS = 3_600
"""Longest time in seconds between ``iat`` and ``exp`` of a token with the scope ``graph:break-glass``."""
MIN_REASON, MAX_REASON = 10, 500
"""Minimum and maximum length of a reason in characters, without surrounding white space."""


class BreakGlassError(Exception):
    """The reason or the lifetime of a break-glass token is invalid; the text quotes nothing from the token."""


def checked_reason(reason: object, lifetime: float) -> str:
    """Return ``reason`` without surrounding white space.

    Raises `BreakGlassError` unless the reason is `MIN_REASON` to `MAX_REASON` printable characters and ``lifetime``,
    in seconds, is at most `MAX_BREAK_GLASS_SECONDS`.
    """
    stripped = reason.strip() if isinstance(reason, str) else ""
    if not MIN_REASON <= len(stripped) <= MAX_REASON or not stripped.isprintable():
        raise BreakGlassError(
            f"{Scope.BREAK_GLASS} needs a reason of {MIN_REASON} to {MAX_REASON} printable characters"
        )
    if lifetime > MAX_BREAK_GLASS_SECONDS:
        minutes = MAX_BREAK_GLASS_SECONDS // 60
        raise BreakGlassError(f"{Scope.BREAK_GLASS} needs a token that is valid for at most {minutes} minutes")
    return stripped
