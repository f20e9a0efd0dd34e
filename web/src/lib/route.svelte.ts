// The address of every state: a page and its parameters behind `#`, which a browser sends to no server.
export type PageName = 'start' | 'search' | 'asset' | 'lineage' | 'impact' | 'boards' | 'plans' | 'plan';

export interface Route {
  page: PageName;
  params: URLSearchParams;
}

const PAGES: readonly PageName[] = ['start', 'search', 'asset', 'lineage', 'impact', 'boards', 'plans', 'plan'];

/** Return the route of an address part such as `#/asset?id=…`; an unknown page is the start page. */
export function parseRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  return { page: PAGES.find((each) => each === path) ?? 'start', params: new URLSearchParams(query) };
}

export type Values = Record<string, string | readonly string[] | undefined>;

/** Return the address part of a page; undefined and empty values are left out. */
export function href(page: PageName, values: Values = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    for (const each of typeof value === 'string' ? [value] : (value ?? [])) if (each) params.append(name, each);
  }
  const query = params.toString();
  return page === 'start' && !query ? '#/' : `#/${page}${query ? `?${query}` : ''}`;
}

export const route = $state<{ current: Route }>({ current: parseRoute(location.hash) });

let shown = location.hash;

// The event comes after the change of the address, and a choice in between must not lose the one before.
function follow(): void {
  if (location.hash === shown) return;
  shown = location.hash;
  route.current = parseRoute(shown);
}

addEventListener('hashchange', follow);

/** Replace parameters of the present page; `step` adds an entry to the history of the browser. */
export function change(values: Values, step = true): void {
  const { page, params } = route.current;
  const all: Values = {};
  for (const name of new Set(params.keys())) all[name] = params.getAll(name);
  const next = href(page, { ...all, ...values });
  if (step) location.hash = next;
  else history.replaceState(null, '', next);
  follow();
}
