"""The type of a highlight, and the resolver of the highlights of hits."""

from collections.abc import Awaitable, Callable

import strawberry

from graphql_schema.fields.context import Info
from graphql_schema.fields.field import Parents, ResolvedForAll, stored_field


@strawberry.type(description="A field of a hit with words that match the search text.")
class Highlight:
    """A field of a hit with words that match the search text."""

    field: str = stored_field(
        "The name of the field, such as `displayName`. `namespace`, `source` and `version` are parts of the id, also "
        "of a type without such a field."
    )
    text: str = stored_field("The text of the field, an extract if it is long; matched words are between `**`.")


def marked_in(key: str) -> Callable[..., Awaitable[ResolvedForAll]]:
    """Return the resolver of the highlights of all hits of a page; ``key`` is that of the row in the source of a hit.

    They are made one after the other, with pauses, because each text can be long.
    """

    async def resolve(roots: Parents, info: Info) -> ResolvedForAll:
        return [await hit["search"].marked(hit[key], info.context.budget) for hit in roots]

    return resolve
