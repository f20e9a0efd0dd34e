// A list that is read in pages: the first at once, and again whenever what it is read from changes; the next on demand.
import { texts } from '../texts.ts';

export interface Page<Item> {
  items: Item[];
  /** Null if there are more than the server counts. */
  total: number | null;
  /** The cursor of the next page; null without one. */
  next: string | null;
  /** Messages on parts that could not be read. */
  problems: string[];
}

/** A list as it is read. */
export interface Paged<Item> {
  /** The items read so far; null before the first page. */
  readonly found: Page<Item> | null;
  /** The last failure; null without one. */
  readonly error: unknown;
  /** Read the list from its begin. */
  again(): void;
  /** Add the next page, unless another list was begun in the meantime. */
  more(): Promise<void>;
}

interface Connection<Item> {
  totalCount: number | null;
  nodes: readonly (Item | null)[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** Return the page of a connection of the API; raises an error with the problems if the connection could not be read. */
export function pageOf<Item>(connection: Connection<Item> | null, problems: string[]): Page<Item> {
  if (!connection) throw new Error(problems.join(' ') || texts.work.unread);
  const { totalCount, nodes, pageInfo } = connection;
  const items = nodes.filter((each): each is Item => each !== null);
  return { items, total: totalCount, next: pageInfo.hasNextPage ? pageInfo.endCursor : null, problems };
}

/** Read pages by `read`, which gets the cursor of a page, null for the first. */
export function paged<Item>(read: (after: string | null, signal?: AbortSignal) => Promise<Page<Item>>): Paged<Item> {
  let found = $state.raw<Page<Item> | null>(null);
  let error = $state.raw<unknown>(null);
  let attempts = $state(0);

  $effect(() => {
    void attempts;
    const leaving = new AbortController();
    found = null;
    error = null;
    read(null, leaving.signal).then(
      (page) => { if (!leaving.signal.aborted) found = page; },
      (reason) => { if (!leaving.signal.aborted) error = reason; },
    );
    return () => leaving.abort();
  });

  return {
    get found() { return found; },
    get error() { return error; },
    again() { attempts += 1; },
    async more() {
      const before = found;
      if (!before?.next) return;
      try {
        const page = await read(before.next);
        if (found === before) found = { ...page, total: before.total, items: [...before.items, ...page.items], problems: [...before.problems, ...page.problems] };
      } catch (reason) {
        if (found === before) error = reason;
      }
    },
  };
}
