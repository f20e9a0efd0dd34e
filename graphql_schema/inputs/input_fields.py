"""How an input declares what it registers: own values, and edges as data that one function reads.

An absent field leaves the stored value alone, an explicit null clears it. A list of ids replaces the edges that the
same field declared before; the inputs and outputs of a run add.
"""

from dataclasses import dataclass
from math import inf
from typing import Any

import strawberry

from graphql_schema.catalog.enums import LifecycleStage, OwnershipKind, Sensitivity, Visibility
from graphql_schema.catalog.relations import CONTAINS, OWNED_BY, TAGGED, Hop
from graphql_schema.fields.scalars import Instant
from graphql_schema.fields.value_types import PropertyInput

EDGE = "edge"
"""The metadata key under which an input field keeps its :class:`EdgeField`."""


VALUE = "value"
"""The metadata key under which an input field keeps its :class:`ValueField`."""


@dataclass(frozen=True, slots=True)
class ValueField:
    """An input field that becomes a property of the record.

    ``stored`` is its key there where that is not the field's own name, ``within`` the smallest and largest number;
    a ``duration`` is one in text.
    """

    stored: str | None = None
    within: tuple[float, float] | None = None
    required: bool = False
    duration: bool = False


@dataclass(frozen=True, slots=True)
class EdgeField:
    """An input field that declares edges from, or to, the asset being registered."""

    hop: Hop
    adds: bool = False
    origin: str = "DECLARED"
    required: bool = False


REFERS = "refers"
"""The metadata key under which a field of a nested input keeps the kinds that its id may be of."""


SHARE = (0.0, 1.0)
"""The bounds of a share or a confidence."""


COUNT = (0.0, inf)
"""The bounds of what can be counted or paid."""


def attribute(
    description: str,
    *,
    stored: str | None = None,
    within: tuple[float, float] | None = None,
    required: bool = False,
    duration: bool = False,
) -> Any:
    """A property of the record; ``required`` when the asset is registered for the first time."""
    return strawberry.field(
        description=description,
        default=strawberry.UNSET,
        metadata={VALUE: ValueField(stored, within, required, duration)},
    )


def id_part(description: str) -> Any:
    """A part of the identity."""
    return strawberry.field(description=description, default=strawberry.UNSET)


def needed(description: str) -> Any:
    """A property of the record that every registration gives."""
    return strawberry.field(description=description, metadata={VALUE: ValueField()})


def refers(description: str, *kinds: str) -> Any:
    """The id of something of one of these kinds, within a nested input."""
    return strawberry.field(description=description, metadata={REFERS: kinds})


def reference(
    hop: Hop, description: str, *, adds: bool = False, origin: str = "DECLARED", required: bool = False
) -> Any:
    """An id, or ids, at the far end of a hop; ``required`` when the asset is registered for the first time."""
    return strawberry.field(
        description=description,
        default=strawberry.UNSET,
        metadata={EDGE: EdgeField(hop, adds, origin, required)},
    )


def key_field() -> Any:
    """The input field of an idempotency key."""
    return strawberry.field(
        description="A key of your own for this call, such as a build number: the same key with the same payload is "
        "done once and answered alike for 24 hours; with another payload it is refused.",
        default=None,
    )


def revision_field() -> Any:
    """The input field of the revision that the caller has read."""
    return strawberry.field(description="Refuse with CONFLICT unless the stored revision is this one.", default=None)


def reason_field() -> Any:
    """The input field of a reason."""
    return strawberry.field(description="Why, in words; it stands in the audit.", default=None)


@strawberry.input(description="An owner and what it is responsible for.")
class OwnerInput:
    """An owner and what it is responsible for."""

    owner: strawberry.ID = refers("The id of a team or user.", "Team", "User")
    ownership: OwnershipKind = strawberry.field(
        description="What the owner is responsible for.", default=OwnershipKind.TECHNICAL
    )


@strawberry.input
class AssetFields:
    """What every registration of an asset may carry; inherited by each kind's input."""

    id: strawberry.ID | None = id_part("The URN; or give its parts.")
    source: str | None = id_part("The source system, part of the id.")
    namespace: str | None = id_part("The namespace within the source, part of the id; `default` when absent.")
    name: str | None = id_part("The name within the namespace, part of the id.")
    display_name: str | None = attribute("The name to show; the name when absent.")
    description: str | None = attribute("What it is, in words.")
    stage: LifecycleStage | None = attribute("Where it is in its life; ACTIVE at first.")
    visibility: Visibility | None = attribute("Who may discover it; ORG at first, for a version that of its asset.")
    sensitivity: Sensitivity | None = attribute("How sensitive it is; INTERNAL at first.")
    properties: list[PropertyInput] | None = attribute("Free keys and values; the list replaces the stored one.")
    owners: list[OwnerInput] | None = reference(OWNED_BY.out(), "Its owners; the list replaces the stored one.")
    tags: list[strawberry.ID] | None = reference(TAGGED.out(), "Ids of its tags; the list replaces the stored one.")
    domain: strawberry.ID | None = reference(CONTAINS.into("Domain"), "The id of its business area.")
    source_created_at: Instant | None = attribute("When the source system says it was made.")
    expected_revision: int | None = revision_field()
    idempotency_key: str | None = key_field()
    dry_run: bool | None = strawberry.field(description="Say what would happen and write nothing.", default=False)


@strawberry.input
class CatalogFields:
    """What every registration of a team, user, domain or tag may carry."""

    id: strawberry.ID | None = id_part("The URN; made of the name when absent.")
    name: str = strawberry.field(description="The name, part of the id.")
    properties: list[PropertyInput] | None = attribute("Free keys and values; the list replaces the stored one.")
    idempotency_key: str | None = key_field()
    dry_run: bool | None = strawberry.field(description="Say what would happen and write nothing.", default=False)


def _given(description: str) -> Any:
    return strawberry.field(description=description, default=None)
