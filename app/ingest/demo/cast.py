"""Who acts in the chronicle: the example callers, and those who do for other teams what these do for team ranking."""

from dataclasses import replace

from app.auth.personas import Persona, persona


def _as(like: str, name: str, group: str) -> Persona:
    """One who may do for a team what a persona may do for its own."""
    return replace(persona(like), name=name, display_name=name.capitalize(), groups=(group,))


CAST: dict[str, Persona] = {
    one.name: one
    for one in (
        *(persona(name) for name in ("ada", "eli", "cy", "ci-ranking", "root")),
        _as("eli", "finn", "content-understanding"),
        _as("eli", "gus", "ads"),
        _as("eli", "hana", "growth"),
        _as("eli", "juno", "risk"),
        _as("ada", "bo", "ads"),
        _as("ada", "ivo", "growth"),
        _as("ci-ranking", "ci-platform", "platform"),
    )
}
"""By name. The development issuer vouches for any of them, as it does for the personas."""
