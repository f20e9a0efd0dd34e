"""Small values inside of assets, and their inputs."""

from typing import ClassVar

import strawberry

from graphql_schema.fields.field import stored_field


@strawberry.type(description="A key with a text value, chosen freely.")
class Property:
    """A key with a text value, chosen freely."""

    key: str = stored_field("The key, unique within the list.")
    value: str = stored_field("The value.")


@strawberry.input(description="A key with a text value, chosen freely.")
class PropertyInput:
    """A key with a text value, chosen freely."""

    UNIQUE: ClassVar = ("key",)

    key: str = strawberry.field(description="The key, unique within the list.")
    value: str = strawberry.field(description="The value.")


@strawberry.type(description="A measured number.")
class Metric:
    """A measured number."""

    name: str = stored_field("The name of the measure, such as `auc`.")
    value: float = stored_field("The number.")
    slice: str | None = stored_field("The part of the data that was measured; null for all data.")


@strawberry.input(description="A measured number.")
class MetricInput:
    """A measured number."""

    UNIQUE: ClassVar = ("name", "slice")

    name: str = strawberry.field(description="The name of the measure, such as `auc`.")
    value: float = strawberry.field(description="The number.")
    slice: str | None = strawberry.field(
        description="The part of the data that was measured; null for all data.", default=None
    )
