"""Keyset connections: pages with sealed cursors, each valid for one query and one caller."""

from collections.abc import Callable
from typing import Annotated, Final, Generic, TypeVar

import strawberry
from graphql import GraphQLResolveInfo

from graphql_schema.fields.context import Context, Info
from graphql_schema.fields.cursors import CursorCodec
from graphql_schema.fields.field import Resolved
from graphql_schema.fields.scalars import Cursor
from graphql_schema.fields.selected_fields import selected_fields
from graphql_schema.ports.record import Json, JsonObject, Position
from graphql_schema.ports.relation_query import MAX_PAGE_SIZE, ItemFilter, PageRequest
from graphql_schema.ports.row import PageItem, RowPage
from policies.errors import LimitError

T = TypeVar("T")

_TOTAL: Final = "totalCount"


FIRST = strawberry.argument(description=f"The maximum number of items of the page, 0 to {MAX_PAGE_SIZE}.")


AFTER = strawberry.argument(
    description="The cursor after which the page begins, from this field of the same object with the same arguments; "
    "only `first` may differ."
)


First = Annotated[int | None, FIRST]


After = Annotated[Cursor | None, AFTER]


@strawberry.type(description="The position of a page in its list.")
class PageInfo:
    """The position of a page in its list."""

    has_next_page: bool = strawberry.field(description="Whether more items follow.")
    has_previous_page: bool = strawberry.field(description="Whether the page began after a cursor.")
    start_cursor: Cursor | None = strawberry.field(
        description="The cursor of the first item; null if the page is empty."
    )
    end_cursor: Cursor | None = strawberry.field(
        description="The cursor of the last item; null if the page is empty. A list of assets of which thousands are "
        "being hidden from you may end a page early, also without items: the next page goes on after this cursor."
    )


@strawberry.type(description="An item of a page with its cursor.")
class Edge(Generic[T]):
    """An item of a page with its cursor."""

    cursor: Cursor = strawberry.field(description="The position of the item, for `after`.")
    node: T = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    """A page of a list."""

    edges: list[Edge[T]] = strawberry.field(description="The items with their cursors.")
    nodes: list[T] = strawberry.field(description="The items.")
    page_info: PageInfo = strawberry.field(description="The position of the page.")
    total_count: int | None = strawberry.field(
        description="The number of visible items on all pages, exact up to 10,000; null if there are more, or if some "
        "were not counted. Counted only if selected."
    )


Shape = Callable[[PageItem], Resolved]
"""Returns the node of an item."""


def row_of(item: PageItem) -> Resolved:
    """Return the row of an item: the node of most connections."""
    return item.row


class ConnectionSource:
    """A page as the source of the fields of a connection; the function ``shape`` returns the node of an item."""

    __slots__ = ("_binding", "_page", "_shape", "_slice")

    def __init__(self, found: RowPage, page: PageRequest, binding: "CursorCodec", shape: Shape = row_of) -> None:
        self._slice = found
        self._page = page
        self._binding = binding
        self._shape = shape

    @property
    def edges(self) -> list[JsonObject]:
        """Return the source of ``edges``."""
        seal = self._binding.seal
        return [{"cursor": seal(item.position), "node": self._shape(item)} for item in self._slice.items]

    @property
    def nodes(self) -> list[Json]:
        """Return the source of ``nodes``."""
        return [self._shape(item) for item in self._slice.items]

    @property
    def page_info(self) -> JsonObject:
        """Return the source of ``pageInfo``."""
        items, seal = self._slice.items, self._binding.seal
        return {
            "hasNextPage": self._slice.has_next,
            "hasPreviousPage": self._page.after is not None,
            "startCursor": seal(items[0].position) if items else None,
            "endCursor": seal(self._slice.last) if self._slice.last else None,
        }

    @property
    def size(self) -> int:
        """Return the number of items of the page."""
        return len(self._slice.items)

    def has(self, position: Position) -> bool:
        """Return whether a position is on this page: after its cursor and not after its end.

        The list must be in ascending order of positions.
        """
        last, after = self._slice.last, tuple(self._page.after or ())
        return last is not None and after < tuple(position) <= tuple(last)

    @property
    def total_count(self) -> int | None:
        """Return the source of ``totalCount``."""
        return self._slice.total


def page_request_of(
    info: Info, first: int | None, after: str | None, *scope: object, keep: ItemFilter | None = None
) -> tuple[PageRequest, CursorCodec]:
    """Return the page request and the cursor codec of a connection field.

    ``first`` None is 20. ``scope`` and ``keep`` are the values that the list depends on besides the field; their repr
    must be the same in every process. The page has no items if only its total is selected. Raises LimitError if
    ``first`` is out of range, InvalidError if ``after`` is no cursor of the list.
    """
    size = 20 if first is None else first
    if not 0 <= size <= MAX_PAGE_SIZE:
        raise LimitError(
            f"`first` is {size}; use 0 to {MAX_PAGE_SIZE}, and `after` for the next page.", limit=MAX_PAGE_SIZE
        )
    raw = info._raw_info  # noqa: SLF001 - Strawberry offers the field's syntax nowhere else
    binding = CursorCodec(info.context, raw.parent_type.name, raw.field_name, keep, *scope)
    position = None if after is None else binding.open(after)
    selected = _selected(info.context, raw)
    total = _TOTAL in selected
    size = 0 if total and selected <= {_TOTAL, "__typename"} else size  # a total needs no item, and no order
    return PageRequest(size, position, total, keep), binding


def _selected(context: Context, raw: GraphQLResolveInfo[object]) -> frozenset[str]:
    """Return the names of the fields selected directly below the field; cached per field of the document.

    A field can be selected at several places, and at further ones for some kinds of objects; all of them are the key.
    """
    nodes = tuple(map(id, raw.field_nodes))
    if nodes not in context.selected:
        context.selected[nodes] = frozenset(
            below.name.value
            for each in raw.field_nodes
            if each.selection_set is not None
            for below in selected_fields(each.selection_set, raw.fragments)
        )
    return context.selected[nodes]
