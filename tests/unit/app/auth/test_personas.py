"""The personas: every entry of the file can be read, and an unknown name is refused."""

import tomllib
from pathlib import Path

import pytest

import policies
from app.auth.personas import Persona, persona, personas
from policies.errors import Code, InvalidError
from policies.principal import PrincipalKind


def test_a_persona_has_the_values_of_the_file() -> None:
    """Optional values are empty: most personas request nothing more and have the tenant of the settings."""
    assert persona("ada") == Persona(
        name="ada",
        about="ML engineer of team ranking",
        kind=PrincipalKind.PERSON,
        display_name="Ada",
        groups=("ranking",),
        roles=("engineer",),
        scopes=("graph:read", "graph:write"),
    )
    assert persona("root").on_request == ("graph:break-glass",)
    assert persona("ci-ranking").kind is PrincipalKind.SERVICE_ACCOUNT


def test_personas_are_in_the_order_of_the_file() -> None:
    """No entry is left out, and lists for people keep the order in which people wrote them."""
    text = (Path(policies.__file__).parent / "personas.toml").read_text()
    assert [*personas()] == [*tomllib.loads(text)]


@pytest.mark.parametrize("name", ["zed", "", "Ada"])
def test_an_unknown_name_is_refused_with_the_known_ones(name: str) -> None:
    """Names are exact, and the message lists those that exist."""
    with pytest.raises(InvalidError) as error:
        persona(name)
    assert error.value.code is Code.INVALID
    known = "ada, bo, cy, ci-ranking, eli, root"
    assert error.value.message == f"There is no persona {name!r}. Choose one of {known}."
