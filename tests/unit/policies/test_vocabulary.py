"""The committed Cedar schema: what the GraphQL schema makes of it, and what Cedar itself holds the rules to."""

from cedarpy import Schema, validate_policies

from graphql_schema.schema import CEDAR, cedar_sdl
from policies.governed import Governed


def test_the_committed_cedar_schema_is_current() -> None:
    """The committed file is what the code makes; `python -m graphql_schema.schema` writes it."""
    assert CEDAR.read_text() == cedar_sdl()


def test_it_names_every_governed_field() -> None:
    """Cedar reads the committed file, and each coordinate of the GraphQL schema is an action in it."""
    schema = Schema.from_str(CEDAR.read_text())
    rule = 'permit(principal, action == Action::"Run.error", resource) when {{ resource.{0} == "x" }};'
    assert validate_policies(rule.format("stage"), schema).validation_passed
    assert not validate_policies(rule.format("stag"), schema).validation_passed


def test_nothing_governed_is_missing(governed: Governed) -> None:
    """The actions of the committed file are the coordinates of the schema, the row and write actions and the labels."""
    text = CEDAR.read_text()
    assert [each for each in governed.coordinates() if f'"{each}"' not in text] == []
