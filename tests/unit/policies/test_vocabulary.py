"""The Cedar schema that is made from the GraphQL schema and the labels, and its committed file."""

from cedarpy import Schema, validate_policies

from graphql_schema.schema import CEDAR, cedar_sdl
from policies.governed import Governed


def test_the_committed_cedar_schema_is_current() -> None:
    """The committed file equals the generated schema; `python -m graphql_schema.schema` writes it."""
    assert CEDAR.read_text() == cedar_sdl()


def test_cedar_validates_rules_against_it() -> None:
    """Cedar parses the committed file, accepts a rule about a known attribute and refuses a misspelt attribute."""
    schema = Schema.from_str(CEDAR.read_text())
    rule = 'permit(principal, action == Action::"Run.error", resource) when {{ resource.{0} == "x" }};'
    assert validate_policies(rule.format("stage"), schema).validation_passed
    assert not validate_policies(rule.format("stag"), schema).validation_passed


def test_every_governed_field_is_an_action(governed: Governed) -> None:
    """The committed file contains the coordinate of every governed field of the GraphQL schema."""
    text = CEDAR.read_text()
    coordinates = [f"{name}.{field}" for name, fields in governed.fields.items() for field in fields]
    assert [each for each in coordinates if f'"{each}"' not in text] == []
