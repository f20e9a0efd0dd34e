"""Native properties: values that the store itself filters and orders by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NativeProperty:
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
    attached_only: bool = False
    text: bool = False


NATIVE_PROPERTIES: tuple[NativeProperty, ...] = (
    NativeProperty("tenant"),
    NativeProperty("urn", field="id"),
    NativeProperty("kind"),
    NativeProperty("source"),
    NativeProperty("namespace"),
    NativeProperty("name"),
    NativeProperty("titles", many=True, field="displayName"),
    NativeProperty("words", many=True, field="displayName"),
    NativeProperty("prose", text=True, field="description"),
    NativeProperty("ownerTeam"),
    NativeProperty("owners", many=True),
    NativeProperty("tags", many=True),
    NativeProperty("domain"),
    NativeProperty("stage"),
    NativeProperty("visibility"),
    NativeProperty("sensitivity"),
    NativeProperty("hydration"),
    NativeProperty("createdAt", "Long"),
    NativeProperty("updatedAt", "Long"),
    NativeProperty("begins", "Long", field="sourceCreatedAt"),
    NativeProperty("deletedAt", "Long"),
    NativeProperty("usedAt", "Long", field="usage"),
    NativeProperty("servedAt", "Long", field="usage"),
    NativeProperty("subject", attached_only=True),
    NativeProperty("subjectKind", attached_only=True),
    NativeProperty("actor", attached_only=True),
    NativeProperty("action", attached_only=True),
    NativeProperty("state", attached_only=True),
    NativeProperty("revision", "Long", index=False),
    NativeProperty("record", index=False),
)
"""``ownerTeam`` and ``domain`` are "" where there is none, ``owners`` and ``tags`` then hold just "", and ``deletedAt``
is OPEN while it lives: an absent value would fail open under a `not`.

``begins`` says when an asset came to be, as far as anybody told. ``usedAt`` is the last day, as the instant at which it
began, that a team or a user used it, ``servedAt`` that of a service, which may be hidden; 0 is never. These two are no
part of the record: the store keeps them with each recording of usage (:mod:`app.graph.writing.handlers.count_usage`).
What of a record is in ``titles``, ``words`` and ``prose`` says :mod:`graphql_schema.rules.ranking`."""


TIME_FIELDS = ("observedAt", "startedAt", "sourceCreatedAt", "createdAt")
"""What says when something was made, the best first: what by-time relations are ordered by."""


FIELD_OF = {stored.name: stored.field or stored.name for stored in NATIVE_PROPERTIES}
"""The field of the schema that shows a native property."""


NATIVE_EDGE_PROPERTIES: tuple[NativeProperty, ...] = (
    NativeProperty("fromKind", index=False),
    NativeProperty("toKind", index=False),
    NativeProperty("validFrom", "Long", index=False),
    NativeProperty("validTo", "Long", index=False),
    NativeProperty("at", "Long", index=False),
    NativeProperty("declassified", "Boolean", index=False),
    NativeProperty("through", index=False),
    NativeProperty("record", index=False),
)
