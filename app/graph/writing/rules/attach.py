"""Facts over a draft: how every handler names, begins and amends what it records about something.

A fact is put on its subject with :meth:`app.graph.writing.unit.item_unit.Draft.hang`.
"""

from hashlib import blake2b
from typing import Any

from app.graph.records.vertex_record import Record, fact
from app.graph.writing.unit.item_unit import Draft
from graphql_schema.catalog.urn import make_urn


def fact_urn(draft: Draft, slug: str, *marks: str, prefix: str = "") -> str:
    """The id of a fact, made of what identifies it in the tenant; ``prefix`` orders those of one instant."""
    identity = "\0".join([draft.author.tenant, *marks])
    return make_urn(slug, "catalog", "", prefix + blake2b(identity.encode(), digest_size=16).hexdigest())


def new_fact(draft: Draft, urn: str, at: int, **values: Any) -> Record:  # noqa: ANN401 - JSON values
    """The record of a fact by the author, as of ``at``; what is None is left out."""
    author = draft.author
    return fact(author.tenant, urn, author.subject, at, **values)


def amended(draft: Draft, record: Record, **values: Any) -> Record:  # noqa: ANN401 - JSON values
    """The record of a fact with other values, by the author and as of now."""
    return {**record, **values, "updatedAt": draft.now, "updatedBy": draft.author.subject}
