"""Small values inside assets, and their inputs."""

from typing import ClassVar

import strawberry

from graphql_schema.fields.field import stored_field


@strawberry.type(description="A free key and value.")
class Property:
    """A free key and value."""

    key: str = stored_field("The key, unique within the asset.")
    value: str = stored_field("The value.")


@strawberry.input(description="A free key and value.")
class PropertyInput:
    """A free key and value."""

    UNIQUE: ClassVar = ("key",)

    key: str = strawberry.field(description="The key, unique within the list.")
    value: str = strawberry.field(description="The value.")


@strawberry.type(description="A measured number.")
class Metric:
    """A measured number."""

    name: str = stored_field("What was measured.")
    value: float = stored_field("The number.")
    slice: str | None = stored_field("The part of the data it was measured on; null for all.")


@strawberry.input(description="A measured number.")
class MetricInput:
    """A measured number."""

    UNIQUE: ClassVar = ("name", "slice")

    name: str = strawberry.field(description="What was measured.")
    value: float = strawberry.field(description="The number.")
    slice: str | None = strawberry.field(description="The part of the data it was measured on.", default=None)
