"""All items of a list, page by page."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

ItemT_co = TypeVar("ItemT_co", covariant=True)


class PageInfo(Protocol):
    """Whether a page follows, and the cursor after which it begins."""

    @property
    def has_next_page(self) -> bool:
        """Whether a page follows."""

    @property
    def end_cursor(self) -> str | None:
        """The cursor after which the next page begins: that of the last item, or behind it if the page ended early."""


class Page(Protocol[ItemT_co]):
    """A page of a generated operation whose list selects `nodes` and `pageInfo`."""

    @property
    def nodes(self) -> Sequence[ItemT_co]:
        """The items."""

    @property
    def page_info(self) -> PageInfo:
        """The place of the page in the list."""


async def all_items(fetch: Callable[[str | None], Awaitable[Page[ItemT_co] | None]]) -> AsyncIterator[ItemT_co]:
    """Yield the items of all pages; `fetch` returns the page after a cursor, and the first page for None.

    A page is fetched when its first item is needed. A list that is hidden from the caller, None, has no items.
    """
    cursor: str | None = None
    while True:
        page = await fetch(cursor)
        if page is None:
            return
        for item in page.nodes:
            yield item
        if not page.page_info.has_next_page:
            return
        cursor = page.page_info.end_cursor
