"""Facts over a draft: how every handler names, begins and amends what it records about something.

A fact is put on its subject with :meth:`app.graph.writing.unit.item_unit.ItemUnit.attach`.
"""

from hashlib import blake2b
from typing import Any

from app.graph.records.vertex_record import Record, attached_record
from app.graph.writing.unit.item_unit import ItemUnit
from graphql_schema.catalog.urn import make_urn


def attached_urn(unit: ItemUnit, slug: str, *marks: str, prefix: str = "") -> str:
    """The id of a fact, made of what identifies it in the tenant; ``prefix`` orders those of one instant."""
    identity = "\0".join([unit.author.tenant, *marks])
    return make_urn(slug, "catalog", "", prefix + blake2b(identity.encode(), digest_size=16).hexdigest())


def new_attached_record(unit: ItemUnit, urn: str, at: int, **values: Any) -> Record:  # noqa: ANN401 - JSON values
    """The record of a fact by the author, as of ``at``; what is None is left out."""
    author = unit.author
    return attached_record(author.tenant, urn, author.subject, at, **values)


def amended(unit: ItemUnit, record: Record, **values: Any) -> Record:  # noqa: ANN401 - JSON values
    """The record of a fact with other values, by the author and as of now."""
    return {**record, **values, "updatedAt": unit.now, "updatedBy": unit.author.subject}
