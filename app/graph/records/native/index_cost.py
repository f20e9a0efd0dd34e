"""What the index has to do when an asset is written, as a number of characters that it analyses."""

from typing import Final

from app.graph.records.native.vertex_values import sets_of_asset
from graphql_schema.ports.record import Record
from graphql_schema.rules.index_terms import has_new_names, indexed_length, max_name_words

MEMBER_LENGTH: Final = 100
"""Number of characters as which a member of a set counts that is added or removed.

The store takes some 40 µs for it.
"""


def index_cost(record: Record, before: Record | None) -> int:
    """Return the number of characters of the texts of an asset, and what counts for the changed members of its sets.

    ``before`` is the stored record, None for a new asset. The words of a name are members as well; if a name differs,
    all of both names count.
    """
    if record is before:  # only a mark is written
        return indexed_length(record)
    sets, stored = sets_of_asset(record), {} if before is None else sets_of_asset(before)
    changed = sum(len({*members} ^ {*stored.get(name, ())}) for name, members in sets.items())
    if has_new_names(record, before):
        changed += max_name_words(record) + (0 if before is None else max_name_words(before))
    return indexed_length(record) + MEMBER_LENGTH * changed
