"""Calls of resolvers for many sources: the arguments of a field are converted once, not for each source."""

from collections.abc import Mapping

from graphql import GraphQLField, GraphQLResolveInfo
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from graphql_schema.fields.context import Context, Info
from graphql_schema.fields.field import FOR_ALL, Resolved
from graphql_schema.ports.record import JsonObject


class ResolverCall:
    """The resolver of one field, without the call path of Strawberry, which prepares each call anew.

    ``for_all``, a flag: it takes the list of all sources, and returns a value for each.
    """

    __slots__ = ("_declared", "_info", "_resolver", "_source", "for_all", "is_async")

    def __init__(self, declared: StrawberryField, resolver: StrawberryResolver[Resolved]) -> None:
        self._declared = declared
        self._resolver = resolver
        self._source = [each.name for each in (resolver.parent_parameter, resolver.root_parameter) if each]
        self._info = resolver.info_parameter.name if resolver.info_parameter else None
        self.is_async = declared.is_async
        self.for_all = bool(declared.metadata.get(FOR_ALL))

    def info_of(self, info: GraphQLResolveInfo[Context]) -> Info:
        """Return the info that resolvers receive."""
        return Info(_raw_info=info, _field=self._declared)

    def arguments_of(self, info: Info, given: Mapping[str, object]) -> JsonObject:
        """Return the arguments by the names of the parameters; ``given`` has them by the names in the document."""
        converter = info.schema.schema_converter
        return convert_arguments(
            dict(given), self._declared.arguments, converter.scalar_registry, converter.config, info
        )

    def __call__(self, source: Resolved, info: Info, arguments: JsonObject) -> Resolved:
        """Return the value of the field for a source, or for all if ``for_all``, or an awaitable of it.

        Raises what the resolver raises.
        """
        own = dict.fromkeys(self._source, source)
        if self._info is not None:
            own[self._info] = info
        return self._resolver(**own, **arguments)


def resolver_call(field: GraphQLField) -> ResolverCall | None:
    """Return the call of a field's resolver; None for a field of graphql-core, or one that only Strawberry can call."""
    declared = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(declared, StrawberryField) or declared.base_resolver is None or declared.extensions:
        return None
    resolver = declared.base_resolver
    return None if resolver.self_parameter else ResolverCall(declared, resolver)
