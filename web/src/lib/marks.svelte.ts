// Assets that the caller opened last or marked with a star: their ids, on this machine, apart for each caller. Ids contain names,
// so a sign-out removes those opened last.
import { session } from './session.svelte.ts';

type List = 'recent' | 'starred';

const MAX_RECENT = 12;

const lists = $state<{ owner: string } & Record<List, string[]>>({ owner: '', recent: [], starred: [] });

function key(list: List): string {
  return `mlg-${list}:${session.viewer?.subject ?? ''}`;
}

function load(): void {
  const owner = session.viewer?.subject ?? '';
  if (lists.owner === owner) return;
  lists.owner = owner;
  for (const list of ['recent', 'starred'] as const) {
    try {
      const found: unknown = JSON.parse(localStorage.getItem(key(list)) ?? '[]');
      lists[list] = Array.isArray(found) ? found.map(String) : [];
    } catch {
      lists[list] = [];
    }
  }
}

function save(list: List): void {
  localStorage.setItem(key(list), JSON.stringify(lists[list]));
}

/** Read the lists of the present caller from this machine. */
export function marks(): { recent: string[]; starred: string[] } {
  return lists;
}

export function loadMarks(): void {
  load();
}

/** Put an asset first in the list of those opened last. */
export function visited(id: string): void {
  load();
  lists.recent = [id, ...lists.recent.filter((each) => each !== id)].slice(0, MAX_RECENT);
  save('recent');
}

/** Add or remove the star of an asset. */
export function toggleStar(id: string): void {
  load();
  lists.starred = lists.starred.includes(id) ? lists.starred.filter((each) => each !== id) : [id, ...lists.starred];
  save('starred');
}

/** Remove the list of the assets that the present caller opened last from this machine. */
export function forgetRecent(): void {
  load();
  lists.recent = [];
  localStorage.removeItem(key('recent'));
}
