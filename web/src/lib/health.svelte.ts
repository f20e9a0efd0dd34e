// The health of the assets on a page, read after the page is shown, a request for all of them.
import { untrack } from 'svelte';
import { loadHealth } from '../lineage/load.svelte.ts';

/** Return a map from id to health that fills itself for the ids that `ids` returns; undefined while unknown. */
export function healthOf(ids: () => string[], asOf: () => string | null = () => null, version: () => number = () => 0): { readonly of: Map<string, string> } {
  let found = $state.raw(new Map<string, string>());
  let before = '';
  let known = new Set<string>(); // read for the present state
  $effect(() => {
    const instant = asOf();
    const state = `${instant} ${version()}`;
    // The marks of the state before stay until the new ones arrive, unless they are of another instant.
    if (state !== before) known = new Set();
    if (!state.startsWith(`${before.split(' ')[0]} `)) found = new Map();
    before = state;
    const missing = ids().filter((id) => !known.has(id));
    if (!missing.length) return undefined;
    const leaving = new AbortController();
    const add = (more: Map<string, string>): void => {
      found = new Map([...untrack(() => found), ...more]);
      for (const id of more.keys()) known.add(id);
    };
    loadHealth(missing, instant, add, leaving.signal).catch(() => undefined); // the marks stay unknown
    return () => leaving.abort();
  });
  return {
    get of() {
      return found;
    },
  };
}
