"""The mutation that registers one item of a kind."""

from typing import Annotated, Any

import strawberry

from graphql_schema.fields.context import Info
from graphql_schema.inputs.payloads import RegisterPayload, payload
from graphql_schema.inputs.registration import registration_of
from graphql_schema.inputs.submit import submit_one


def register_field(input_type: type, description: str) -> Any:
    """Return the mutation field that registers one ``input_type``; the name is given by the class that it is put in."""

    async def resolve(info: Info, input: Any) -> Any:
        return payload(await submit_one(info, lambda: registration_of(input)))

    resolve.__annotations__["input"] = Annotated[input_type, strawberry.argument(description="What to register.")]
    return strawberry.field(resolver=resolve, graphql_type=RegisterPayload, description=description)
