"""The type of a highlight."""

import strawberry

from graphql_schema.fields.field import stored_field


@strawberry.type(description="A field of a hit with words that match the search text.")
class Highlight:
    """A field of a hit with words that match the search text."""

    field: str = stored_field(
        "The name of the field, such as `displayName`. `namespace`, `source` and `version` are parts of the id, also "
        "of a type without such a field."
    )
    text: str = stored_field("The text of the field, an extract if it is long; matched words are between `**`.")
