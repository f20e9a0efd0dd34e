// The state of a lineage page and its parameters in the address.
import type { Values } from '../lib/route.svelte.ts';
import type { Side } from './graph.ts';
import type { GroupBy } from './rollup.ts';

export type View = 'picture' | 'table' | 'tree';
export type Direction = 'both' | Side;

export interface LineageState {
  roots: string[];
  direction: Direction;
  depth: number;
  hide: string[];
  asOf: string | null;
  view: View;
  group: GroupBy;
  open: { side: Side; id: string }[];
  groups: string[];
  selected: string | null;
  /** Ids of the assets that are marked for their common blast radius. */
  marked: string[];
  /** The earlier instant to compare with. */
  then: string | null;
  /** The version or run to compare with, in place of the root. */
  before: string | null;
}

export const MAX_DEPTH = 50;
export const MAX_MARKED = 100; // as many starts as one request may have

const one = <Value extends string>(text: string | null, values: readonly Value[], otherwise: Value): Value =>
  values.find((each) => each === text) ?? otherwise;

/** Return the state of parameters; unknown values are the defaults. */
export function stateOf(params: URLSearchParams, small: boolean): LineageState {
  const depth = Math.trunc(Number(params.get('depth')));
  const instant = (name: string): string | null => {
    const text = params.get(name);
    return text && !Number.isNaN(Date.parse(text)) ? text : null;
  };
  return {
    roots: params.getAll('root'),
    direction: one<Direction>(params.get('direction'), ['both', 'up', 'down'], 'both'),
    depth: depth >= 1 ? Math.min(depth, MAX_DEPTH) : 1,
    hide: params.getAll('hide'),
    asOf: instant('asOf'),
    view: one<View>(params.get('view'), ['picture', 'table', 'tree'], small ? 'tree' : 'picture'),
    group: one<GroupBy>(params.get('group'), ['auto', 'kind', 'team', 'domain', 'versions', 'none'], 'auto'),
    open: params.getAll('open').map((each) => ({ side: each.startsWith('up:') ? 'up' : 'down', id: each.slice(each.indexOf(':') + 1) })),
    groups: params.getAll('groups'),
    selected: params.get('selected'),
    marked: [...new Set(params.getAll('marked'))].slice(0, MAX_MARKED),
    then: instant('then'),
    before: params.get('before') || null,
  };
}

/** Return the earlier state that is compared with the one of the page; null if none is. */
export function earlier(state: LineageState): { roots: string[]; asOf: string | null } | null {
  if (!state.then && !state.before) return null;
  return { roots: state.before ? [state.before] : state.roots, asOf: state.then ?? state.asOf };
}

/** Return the parameters of further expansions. */
export function openValues(open: LineageState['open']): Values {
  return { open: open.map(({ side, id }) => `${side}:${id}`) };
}
