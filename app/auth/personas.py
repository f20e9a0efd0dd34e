"""The example callers of ``policies/personas.toml``."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from policies.errors import InvalidError
from policies.principal import PrincipalKind


@dataclass(frozen=True, slots=True)
class Persona:
    """A caller that the development issuer vouches for. ``groups`` and ``roles`` go into the token as they are.

    ``scopes`` are in every token, those ``on_request`` only in one that was asked for by name.
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
    """Every persona by name, in the order of the file."""
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
    """Return one persona; raises InvalidError naming the known ones."""
    try:
        return personas()[name]
    except KeyError:
        raise InvalidError(f"There is no persona {name!r}; known are {', '.join(personas())}.") from None
