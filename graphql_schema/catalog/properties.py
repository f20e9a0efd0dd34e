"""The native properties: values that the store itself filters and orders by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NativeProperty:
    """A native property of a vertex or an edge.

    ``record`` is the record as JSON. The store filters or orders by most of the other properties.

    ``java``: the class of the value in the store.
    ``index``: whether the mixed index contains the property.
    ``many``: whether the value is a set.
    ``field``: the field of the schema that shows the value, and whose label governs filters and orders by it; the name
    of the property when empty.
    ``attached_only``: whether only attached records have the property.
    ``text``: whether the index matches single words of the value and not the full value.
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
    NativeProperty("confirmedSensitivity", field="sensitivity"),
    NativeProperty("hydration"),
    NativeProperty("riskTier"),
    NativeProperty("cost", "Long", field="costUsd"),
    NativeProperty("pairs", many=True, field="properties"),
    NativeProperty("codePaths", many=True, field="codeRef"),
    NativeProperty("dataPaths", many=True, field="location"),
    NativeProperty("createdAt", "Long"),
    NativeProperty("updatedAt", "Long"),
    NativeProperty("begins", "Long", field="sourceCreatedAt"),
    NativeProperty("deletedAt", "Long"),
    NativeProperty("usedAt", "Long", field="usage"),
    NativeProperty("servedAt", "Long", field="usage"),
    NativeProperty("lastUsedAt", "Long", field="usage"),
    NativeProperty("subject", attached_only=True),
    NativeProperty("subjectKind", attached_only=True),
    NativeProperty("actor", attached_only=True),
    NativeProperty("action", attached_only=True),
    NativeProperty("state", attached_only=True),
    NativeProperty("revision", "Long", index=False),
    NativeProperty("record", index=False),
)
"""The native properties of vertices.

An absent value meets neither a filter nor its `not`, so every asset has a value of each property that filters use.
``ownerTeam`` and ``domain`` are "" if the asset has none, and ``owners`` and ``tags`` then contain "" alone.
``deletedAt`` is ``FOREVER`` unless the asset is deleted.

``begins`` is the `sourceCreatedAt` of an asset, or its `createdAt` if that is absent. ``usedAt`` is the first instant
of the last day on which a team or a user used the asset, or 0. ``servedAt`` is the same for services, apart because a
service may be hidden. ``lastUsedAt`` is the later of both. None of the three is in the record:
:mod:`app.graph.writing.handlers.count_usage` stores them.

``titles``, ``words`` and ``prose`` are derived from the record by :mod:`graphql_schema.rules.index_terms`, ``pairs``
(of the free properties), ``cost`` (of `costUsd`), ``codePaths`` (of `codeRef`) and ``dataPaths`` (of `location`) by
:mod:`graphql_schema.catalog.index_values`.
"""

TIME_FIELDS = ("observedAt", "startedAt", "sourceCreatedAt", "createdAt")
"""The fields with the time of an asset, best first; the first that has a value orders its edges of by-time relations.

The time of a stub is 0. Edges from attached records have a time of their own.
"""

FIRST_REGISTERED = 1
"""The earliest time of an asset that is registered: the first millisecond of 1970 counts as the second one.

So the store can leave out stubs by this time. An earlier release stored 0 for registered versions of that millisecond.
"""

FIELD_OF = {stored.name: stored.field or stored.name for stored in NATIVE_PROPERTIES}
"""For each native property by its ``name``: its ``field``, or the ``name`` if that is empty."""

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
"""The native properties of edges."""
