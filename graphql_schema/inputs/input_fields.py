"""Declarations of input fields: own values, and edges as data that one function reads.

An absent field keeps the stored value. An explicit null removes the value, or restores the default of a new asset,
which for `visibility` is ORG; a required field refuses null. A list of ids replaces the edges that the same field
declared before. With ``adds`` these remain, also if null is given.
"""

from dataclasses import dataclass
from math import inf
from typing import Any, TypeAlias

import strawberry

from graphql_schema.catalog.enums import LifecycleStage, OwnershipKind, References, Sensitivity, Visibility
from graphql_schema.catalog.relations import CONTAINS, OWNED_BY, TAGGED, Hop
from graphql_schema.fields.field import SchemaField
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import PropertyInput

InputValue: TypeAlias = Any
"""An instance of an input class, or the value of a field of one.

Inputs of all kinds are read by the metadata of their fields, so no type is common to them.
"""

EDGE = "edge"
"""Metadata key of the :class:`EdgeField` of an input field."""


VALUE = "value"
"""Metadata key of the :class:`ValueField` of an input field."""


@dataclass(frozen=True, slots=True)
class ValueField:
    """An input field that becomes a value of the record.

    ``stored`` is its record key, None for the name of the field. ``within`` are the smallest and the largest number.
    ``required``, a flag: the first registration needs the field, and no registration may set it to null. ``duration``,
    a flag: the text is an ISO 8601 duration in weeks, days, hours, minutes and seconds.
    """

    stored: str | None = None
    within: tuple[float, float] | None = None
    required: bool = False
    duration: bool = False


@dataclass(frozen=True, slots=True)
class EdgeField:
    """An input field that declares edges of the registered asset, with the given ``origin``.

    ``adds``, a flag: earlier edges of the field remain. ``required``, a flag: the first registration needs the field,
    and no registration may give null or an empty list for it.
    """

    hop: Hop
    adds: bool = False
    origin: str = "DECLARED"
    required: bool = False


REFERS = "refers"
"""Metadata key of an id in a nested input: the kinds that it may have."""


SHARE = (0.0, 1.0)
"""Bounds of a share or a confidence."""


COUNT = (0.0, inf)
"""Bounds of a count or a cost."""


def attribute(
    description: str,
    *,
    stored: str | None = None,
    within: tuple[float, float] | None = None,
    required: bool = False,
    duration: bool = False,
) -> SchemaField:
    """Return a field with a value of the record; for the arguments see :class:`ValueField`."""
    return strawberry.field(
        description=description,
        default=strawberry.UNSET,
        metadata={VALUE: ValueField(stored, within, required, duration)},
    )


def id_part(description: str) -> SchemaField:
    """Return a field with the id or a part of it."""
    return strawberry.field(description=description, default=strawberry.UNSET)


def needed(description: str) -> SchemaField:
    """Return a field with a value that every registration needs."""
    return strawberry.field(description=description, metadata={VALUE: ValueField()})


def refers(description: str, *kinds: str) -> SchemaField:
    """Return a field of a nested input with an id of one of these kinds."""
    return strawberry.field(description=description, metadata={REFERS: kinds})


def reference(
    hop: Hop, description: str, *, adds: bool = False, origin: str = "DECLARED", required: bool = False
) -> SchemaField:
    """Return a field that declares edges over a hop; for flags see :class:`EdgeField`.

    The annotation of the attribute makes it one id, a list of ids, or a list of input objects.
    """
    return strawberry.field(
        description=description,
        default=strawberry.UNSET,
        metadata={EDGE: EdgeField(hop, adds, origin, required)},
    )


def key_field() -> SchemaField:
    """Return the input field of an idempotency key."""
    return strawberry.field(
        description="A key of 1 to 255 characters that you choose, such as a build number. For 24 hours after the item "
        "was accepted, the same key from the same caller returns the first result and writes nothing; with another "
        "payload it is rejected. A rejected item and a dry run leave no key.",
        default=None,
    )


def revision_field() -> SchemaField:
    """Return the input field of the expected revision."""
    return strawberry.field(
        description="The revision that the stored asset must have; with another one the result is CONFLICT. A "
        "registration may expect 0, the revision of an absent or hidden asset. Default: no condition.",
        default=None,
    )


def dry_run_field() -> SchemaField:
    """Return the input field of a dry run; unset if absent, so that digests of inputs without it do not change."""
    return strawberry.field(
        description="Whether to return the result and write nothing; false by default. The payload then states what "
        "would change, and objects in it are as stored.",
        default=strawberry.UNSET,
    )


def references_field() -> SchemaField:
    """Return the input field of the ids that an item may refer to.

    It has no default, so that the digest of an idempotency key is the same as without the field.
    """
    return strawberry.field(
        description="The ids that the item may refer to. In `registerAssets` the default is that of the call, "
        "elsewhere ANY.",
        default=strawberry.UNSET,
    )


def named_references_field(required: str) -> SchemaField:
    """Return the input field of the names that an input may use; ``required`` says what EXISTING requires."""
    return strawberry.field(
        description="Whether an unknown name is accepted: with ANY, the default, it is. With EXISTING "
        f"{required}; otherwise the error is UNKNOWN_REFERENCE, with similar names if there are any.",
        default=strawberry.UNSET,
    )


def reason_field() -> SchemaField:
    """Return the input field of a reason."""
    return strawberry.field(description="The reason, which the audit records.", default=None)


@strawberry.input(description="An owner and its responsibility.")
class OwnerInput:
    """An owner and its responsibility."""

    owner: strawberry.ID = refers("The id of a team or user.", "Team", "User")
    ownership: OwnershipKind = strawberry.field(
        description="The responsibility of the owner.", default=OwnershipKind.TECHNICAL
    )


@strawberry.input
class AssetFields:
    """Fields of every input that registers an asset."""

    id: strawberry.ID | None = id_part("The URN; alternatively give its parts.")
    source: str | None = id_part("The source system, part of the id, which has it in lower case.")
    namespace: str | None = id_part("The namespace within the source, part of the id; default: `default`.")
    name: str | None = id_part("The name within the namespace, part of the id.")
    display_name: str | None = attribute(
        "The name to display; default: the name, for a version followed by the version, such as `reco v3`."
    )
    description: str | None = attribute("A description of the asset.")
    stage: LifecycleStage | None = attribute("The life-cycle stage; initially ACTIVE.")
    visibility: Visibility | None = attribute(
        "The callers who may discover the asset; initially ORG, for a version that of its parent; null sets ORG."
    )
    sensitivity: Sensitivity | None = attribute("The declared sensitivity; initially INTERNAL.")
    properties: list[PropertyInput] | None = attribute("Keys with text values; the list replaces the stored one.")
    owners: list[OwnerInput] | None = reference(
        OWNED_BY.out(), "The direct owners; the list replaces the stored one, except owners that events gave."
    )
    tags: list[strawberry.ID] | None = reference(
        TAGGED.out(),
        "Ids of the tags to set directly, even if they were blocked before. The list replaces the tags that "
        "registrations and `setTags` set before; other tags, and blocks, remain.",
    )
    domain: strawberry.ID | None = reference(CONTAINS.into("Domain"), "The id of the business area of the asset.")
    source_created_at: Instant | None = attribute(
        "The instant at which the asset was created, according to its source system."
    )
    expected_revision: int | None = revision_field()
    idempotency_key: str | None = key_field()
    references: References | None = references_field()
    dry_run: bool | None = strawberry.field(
        description="Whether to return the outcome and write nothing; false by default.", default=False
    )


@strawberry.input
class CatalogFields:
    """Fields of every input that registers a team, user, domain or tag."""

    id: strawberry.ID | None = id_part("The URN; default: derived from the name.")
    name: str = strawberry.field(
        description="The name, part of the id. A name other than that of a given `id` is ignored."
    )
    properties: list[PropertyInput] | None = attribute("Keys with text values; the list replaces the stored one.")
    idempotency_key: str | None = key_field()
    references: References | None = references_field()
    dry_run: bool | None = strawberry.field(
        description="Whether to return the outcome and write nothing; false by default.", default=False
    )


def optional_input(description: str) -> SchemaField:
    """Return an optional input field; its value is None if the client leaves it out."""
    return strawberry.field(description=description, default=None)
