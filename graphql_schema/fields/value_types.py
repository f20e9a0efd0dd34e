"""Small values inside of assets, and their inputs."""

from typing import ClassVar

import strawberry

from graphql_schema.fields.field import Parent, Resolved, stored_field
from policies.errors import Code, CodedError


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


def _measured(root: Parent) -> Resolved:
    """Return the number of a metric.

    Raises CodedError without one: earlier versions stored null for a number that was not finite.
    """
    if root["value"] is None:
        raise CodedError(
            f"The metric {root['name']!r} was stored with a number that is not finite, which cannot be returned. "
            "Register the metrics of the asset again.",
            Code.UNREADABLE,
        )
    return root["value"]


@strawberry.type(description="A measured number.")
class Metric:
    """A measured number."""

    name: str = stored_field("The name of the measure, such as `auc`.")
    value: float = strawberry.field(description="The number.", resolver=_measured)
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
