"""The type of a highlight."""

import strawberry

from graphql_schema.fields.field import stored_field


@strawberry.type(description="A field of a hit that contains words of the search text.")
class Highlight:
    """A field of a hit that contains words of the search text."""

    field: str = stored_field(
        "The name of the field, such as `displayName`; of teams, users, domains and tags also `namespace` and "
        "`source`, which are parts of their ids."
    )
    text: str = stored_field("The text of the field, an extract if it is long; matched words are between `**`.")
