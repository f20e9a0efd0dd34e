"""The callers of the scenario: personas, and callers with the roles of a persona in another team."""

from dataclasses import replace

from app.auth.personas import Persona, persona


def _like(role_model: str, name: str, group: str) -> Persona:
    """Return a caller with the roles and scopes of the persona ``role_model``, in the team ``group``."""
    return replace(persona(role_model), name=name, display_name=name.capitalize(), groups=(group,))


CAST: dict[str, Persona] = {
    one.name: one
    for one in (
        *(persona(name) for name in ("ada", "eli", "cy", "ci-ranking", "root")),
        _like("eli", "finn", "content-understanding"),
        _like("eli", "gus", "ads"),
        _like("eli", "hana", "growth"),
        _like("eli", "juno", "risk"),
        _like("ada", "bo", "ads"),
        _like("ada", "ivo", "growth"),
        _like("ci-ranking", "ci-platform", "platform"),
    )
}
"""Callers by name; the development issuer issues tokens for all of them.

Here ``bo`` is an engineer of team ads, unlike the persona ``bo``, who is a reader.
"""
