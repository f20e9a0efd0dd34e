"""The mutation that registers one thing of a kind, as each type file declares it beside its input."""

from typing import Annotated, Any

import strawberry

from graphql_schema.fields.context import Info
from graphql_schema.inputs.payloads import payload
from graphql_schema.inputs.registration import registration_of
from graphql_schema.inputs.submit import submit_one


def register_field(input_type: type, description: str) -> Any:
    """The mutation field that registers what ``input_type`` gives; its payload is a ``RegisterPayload``."""

    async def resolve(info: Info, input: Any) -> Any:
        return payload(await submit_one(info, lambda: registration_of(input)))

    resolve.__annotations__["input"] = Annotated[input_type, strawberry.argument(description="What to register.")]
    return strawberry.field(resolver=resolve, description=description)
