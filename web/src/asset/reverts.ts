// Which changes of an asset a caller may revert, and what that would do.
import type { AccessAction } from '../generated/graphql.ts';
import type { Signals } from './types.ts';

export type Change = NonNullable<NonNullable<Signals['history']>['nodes'][number]>;
type Facts = Pick<Change, 'action' | 'fields'>;

const NEVER = ['incidents', 'changePlans', 'approvals']; // each has mutations of its own
const RIGHTS: Partial<Record<Change['action'], AccessAction | null>> = {
  LINKED: 'LINK', UNLINKED: 'LINK', TAGGED: 'TAG', REGISTERED: 'RETIRE', MERGED: null, RAISED: null,
};

/** Return the right that a revert of a change needs at least; null if the API reverts no such change. */
export function rightOf({ action, fields }: Facts): AccessAction | null {
  const names = (fields ?? []).map((each) => each.field);
  if (fields?.some((each) => each.alias !== null)) return 'PROMOTE';
  if (!names.length || names.every((each) => NEVER.includes(each))) return null;
  if (names.includes('deletedAt')) return 'RETIRE';
  const right = RIGHTS[action];
  return right === undefined ? 'UPDATE' : right;
}

/** What a revert of a change does with the asset: it deletes, restores or changes it. */
export function effectOf({ action, fields }: Facts): 'deletes' | 'restores' | 'changes' {
  const deleted = fields?.find((each) => each.field === 'deletedAt');
  if (deleted) return deleted.after === null ? 'deletes' : 'restores';
  return action === 'REGISTERED' ? 'deletes' : 'changes';
}
