"""Personas: the example callers of ``policies/personas.toml``, for documentation, demo and tests."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from policies.errors import InvalidError
from policies.principal import PrincipalKind


@dataclass(frozen=True, slots=True)
class Persona:
    """An example caller. The development issuer copies ``groups`` and ``roles`` into the token unchanged.

    Every token contains ``scopes``. ``on_request`` lists scopes that a token contains only on request; only break-glass
    can be requested. Without ``tenant`` the token names the tenant of the settings.
    """

    name: str
    about: str
    kind: PrincipalKind
    display_name: str
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    on_request: tuple[str, ...] = ()
    tenant: str | None = None


@cache
def personas() -> dict[str, Persona]:
    """Return all personas by name, in the order of the file."""
    document = tomllib.loads((files("policies") / "personas.toml").read_text("utf-8"))
    return {
        name: Persona(
            name=name,
            about=entry["about"],
            kind=PrincipalKind(entry["kind"]),
            display_name=entry["display_name"],
            groups=tuple(entry.get("groups", ())),
            roles=tuple(entry.get("roles", ())),
            scopes=tuple(entry["scopes"]),
            on_request=tuple(entry.get("on_request", ())),
            tenant=entry.get("tenant"),
        )
        for name, entry in document.items()
    }


def persona(name: str) -> Persona:
    """Return the persona called ``name``; raises `InvalidError` if there is none."""
    try:
        return personas()[name]
    except KeyError:
        raise InvalidError(f"There is no persona {name!r}. Choose one of {', '.join(personas())}.") from None
