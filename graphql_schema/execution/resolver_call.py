"""Calls of resolvers for many sources: the arguments of a field are converted once, not for each source."""

from collections.abc import Mapping

from graphql import GraphQLField, GraphQLResolveInfo
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from graphql_schema.fields.context import Context, Info
from graphql_schema.fields.field import VECTOR, Resolved, VectorResolver
from graphql_schema.ports.record import JsonObject


class ResolverCall:
    """The resolver of one field, without the call path of Strawberry, which prepares each call anew.

    ``vector`` is its form for many sources at once, None if it has none.
    """

    __slots__ = ("_declared", "_info", "_resolver", "_source", "is_async", "vector")

    def __init__(self, declared: StrawberryField, resolver: StrawberryResolver[Resolved]) -> None:
        self._declared = declared
        self._resolver = resolver
        self._source = [each.name for each in (resolver.parent_parameter, resolver.root_parameter) if each]
        self._info = resolver.info_parameter.name if resolver.info_parameter else None
        self.is_async = declared.is_async
        self.vector: VectorResolver | None = declared.metadata.get(VECTOR)

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
        """Return the value of the field for one source, or an awaitable of it; raises what the resolver raises."""
        own = {name: source for name in self._source}
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
