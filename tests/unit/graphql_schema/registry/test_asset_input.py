"""Items of a bulk call, which are converted when they are used."""

from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY
from strawberry.types.arguments import InputContext

from graphql_schema.inputs.input_size import LONG_INPUT
from graphql_schema.registry.asset_input import GivenItem


def test_an_item_is_converted_into_its_class() -> None:
    """The input of an item has the values that were sent, and no value for the fields that were not."""
    context = InputContext(None, StrawberryConfig(), DEFAULT_SCALAR_REGISTRY, ("input", "items", 0))
    item: Any = GivenItem({"model": {"name": "churn", "source": "test"}}, context).converted()
    assert type(item.model).__name__ == "ModelInput"
    assert (item.model.name, item.model.source) == ("churn", "test")
    assert item.model.display_name is item.dataset is strawberry.UNSET


def test_an_item_with_long_lists_is_long() -> None:
    """The elements of all its lists count; texts do not."""
    context = InputContext(None, StrawberryConfig(), DEFAULT_SCALAR_REGISTRY, ("input", "items", 0))
    lists = {"tags": [""] * LONG_INPUT, "description": "long " * LONG_INPUT}
    items = [GivenItem({"dataset": {**lists, "derivedFrom": more}}, context) for more in ([], [""])]
    assert [item.is_long for item in items] == [False, True]
