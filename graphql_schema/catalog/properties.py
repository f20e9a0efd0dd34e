"""Native properties: values that the store itself filters and orders by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stored:
    """A native vertex property: the store filters, orders or polices by it. Everything else lives in ``record``.

    ``java`` is the store's class; ``index`` whether the mixed index holds it; ``many`` whether it is a set. ``field``
    is the field of the schema that shows it, whose policy a filter or an order on it follows; the name when empty.
    ``fact`` says that facts alone have it, ``text`` that the index finds it by its words and not as a whole.
    """

    name: str
    java: str = "String"
    index: bool = True
    many: bool = False
    field: str = ""
    fact: bool = False
    text: bool = False


STORED: tuple[Stored, ...] = (
    Stored("tenant"),
    Stored("urn", field="id"),
    Stored("kind"),
    Stored("source"),
    Stored("namespace"),
    Stored("name"),
    Stored("titles", many=True, field="displayName"),
    Stored("words", many=True, field="displayName"),
    Stored("prose", text=True, field="description"),
    Stored("ownerTeam"),
    Stored("owners", many=True),
    Stored("tags", many=True),
    Stored("domain"),
    Stored("stage"),
    Stored("visibility"),
    Stored("sensitivity"),
    Stored("hydration"),
    Stored("createdAt", "Long"),
    Stored("updatedAt", "Long"),
    Stored("begins", "Long", field="sourceCreatedAt"),
    Stored("deletedAt", "Long"),
    Stored("usedAt", "Long", field="usage"),
    Stored("servedAt", "Long", field="usage"),
    Stored("subject", fact=True),
    Stored("subjectKind", fact=True),
    Stored("actor", fact=True),
    Stored("action", fact=True),
    Stored("state", fact=True),
    Stored("revision", "Long", index=False),
    Stored("record", index=False),
)
"""``ownerTeam`` and ``domain`` are "" where there is none, ``owners`` and ``tags`` then hold just "", and ``deletedAt``
is OPEN while it lives: an absent value would fail open under a `not`.

``begins`` says when an asset came to be, as far as anybody told. ``usedAt`` is the last day, as the instant at which it
began, that a team or a user used it, ``servedAt`` that of a service, which may be hidden; 0 is never. These two are no
part of the record: the store keeps them with each recording of usage (:mod:`app.graph.writing.handlers.count_usage`).
What of a record is in ``titles``, ``words`` and ``prose`` says :mod:`graphql_schema.rules.ranking`."""


TIME_FIELDS = ("observedAt", "startedAt", "sourceCreatedAt", "createdAt")
"""What says when something was made, the best first: what by-time relations are ordered by."""


FIELD_OF = {stored.name: stored.field or stored.name for stored in STORED}
"""The field of the schema that shows a native property."""


STORED_ON_EDGES: tuple[Stored, ...] = (
    Stored("fromKind", index=False),
    Stored("toKind", index=False),
    Stored("validFrom", "Long", index=False),
    Stored("validTo", "Long", index=False),
    Stored("at", "Long", index=False),
    Stored("declassified", "Boolean", index=False),
    Stored("through", index=False),
    Stored("record", index=False),
)
