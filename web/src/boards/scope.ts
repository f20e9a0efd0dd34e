// Whose assets a board shows, and of which kind, as the address has it.
import type { AssetFilter, AssetKind } from '../generated/graphql.ts';

export const MINE = 'mine';

export interface Scope {
  /** `mine`, `all`, or the id of a team. */
  team: string;
  kind: string | null;
}

/** Return the scope of parameters; a caller with teams begins with the assets of these. */
export function scopeOf(params: URLSearchParams, teams: readonly string[]): Scope {
  return { team: params.get('team') || (teams.length ? MINE : 'all'), kind: params.get('kind') || null };
}

/** Return the condition for a scope; `kinds` are those of the board, of which one may be chosen. */
export function filterOf(scope: Scope, teams: readonly string[], kinds: readonly string[]): AssetFilter {
  const chosen = kinds.includes(scope.kind ?? '') ? [scope.kind ?? ''] : kinds;
  const owners = scope.team === MINE ? [...teams] : scope.team === 'all' ? null : [scope.team];
  return { kinds: chosen as AssetKind[], ...(owners ? { ownerTeams: owners } : {}) };
}
