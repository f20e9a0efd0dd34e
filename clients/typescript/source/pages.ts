// All items of a list, page by page.

/** A page of an operation whose list selects `nodes` and `pageInfo`. */
export interface Page<Item> {
  nodes: readonly Item[];
  pageInfo: { hasNextPage: boolean; endCursor?: string | null };
}

/**
 * Yield the items of all pages; `fetchPage` returns the page after a cursor, and the first page for null.
 *
 * A page is fetched when its first item is needed. A list that is hidden from the caller, null, has no items.
 */
export async function* allItems<Item>(
  fetchPage: (after: string | null) => Promise<Page<Item> | null | undefined>,
): AsyncGenerator<Item, void, undefined> {
  let cursor: string | null = null;
  for (;;) {
    const page: Page<Item> | null | undefined = await fetchPage(cursor);
    if (page == null) return;
    yield* page.nodes;
    if (!page.pageInfo.hasNextPage) return;
    cursor = page.pageInfo.endCursor ?? null;
  }
}
