// Which assets count as idle: one question for the board of idle assets and for the list in the own work.
import type { AssetFilter } from '../generated/graphql.ts';
import { filterOf, MINE, type Scope } from './scope.ts';

/** The kinds that someone may retire; a run or an evaluation is a record of the past, and is never idle. */
export const KINDS = ['DATASET', 'FEATURE_SET', 'FEATURE', 'MODEL', 'MODEL_VERSION', 'WORKFLOW', 'SERVICE', 'REPORT'];

/** The days without use after which an asset is idle, unless the reader chooses others. */
export const DAYS = 90;

/** The days of which the cost of idle assets is summed: as many as the API sums. */
export const COST_DAYS = 400;

/** Return the condition for idle assets; with `unread`, recorded reads and calls alone count as use. */
export function idleFilter(scope: Scope, teams: readonly string[], days: number, unread: boolean): AssetFilter {
  return { ...filterOf(scope, teams, KINDS), unusedForDays: days, ...(unread ? { unread } : {}) };
}

/** Return the condition for the idle assets of the own teams, as the board begins with them. */
export const ownIdle = (teams: readonly string[]): AssetFilter => idleFilter({ team: MINE, kind: null }, teams, DAYS, false);
