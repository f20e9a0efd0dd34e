// The health of the assets on a page, read after the page is shown, a request for all of them.
import { loadHealth } from '../lineage/load.svelte.ts';

/** Return a map from id to health that fills itself for the ids that `ids` returns; undefined while unknown. */
export function healthOf(ids: () => string[], asOf: () => string | null = () => null): { readonly of: Map<string, string> } {
  let found = $state.raw(new Map<string, string>());
  let past: string | null = null;
  $effect(() => {
    const instant = asOf();
    if (instant !== past) found = new Map();
    past = instant;
    const missing = ids().filter((id) => !found.has(id));
    if (!missing.length) return undefined;
    const leaving = new AbortController();
    const add = (more: Map<string, string>): void => {
      found = new Map([...found, ...more]);
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
