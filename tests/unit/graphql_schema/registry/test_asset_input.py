"""Items of a bulk call, which are converted when they are used."""

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY
from strawberry.types.arguments import InputContext

from graphql_schema.registry.asset_input import GivenItem


def test_an_item_is_converted_into_its_class() -> None:
    """The input of an item has the values that were sent, and no value for the fields that were not."""
    context = InputContext(None, StrawberryConfig(), DEFAULT_SCALAR_REGISTRY, ("input", "items", 0))
    given = GivenItem("model", {"name": "churn", "source": "test"}, context).input()
    assert type(given).__name__ == "ModelInput"
    assert (given.name, given.source) == ("churn", "test")
    assert given.display_name is strawberry.UNSET
